import json
import re
import stat
import subprocess
import sys

import pytest

from benchmarks.nam import BenchConfig
from benchmarks.timing.own_process import measure_alone


@pytest.mark.parametrize("name, value", [("block_samples", (64, 0)), ("block_samples", ()), ("rounds", 0)])
def test_refuses_sizes_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: {name}={re.escape(str(value))}"):
        BenchConfig(**{name: value})


def test_refuses_a_core_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="Expected core to be a program. Not found: .*benchmodel"):
        BenchConfig(core=tmp_path / "benchmodel")


@pytest.mark.large
def test_a_failing_case_is_reported():
    with pytest.raises(ValueError, match="Expected a preset"):
        case = {"preset": "nope", "engine": "native", "block_samples": [64], "rounds": 1, "core": None}
        measure_alone("benchmarks.peers.nam_blocks", case)


@pytest.mark.large
@pytest.mark.parametrize("engine", ["native", "xla"])
def test_measures_beside_a_core(tmp_path, engine):
    core = tmp_path / "benchmodel_bufsize"  # says 4 ms for its 2 s if it is given a model
    core.write_text('#!/bin/sh\ntest "$3" = --no-fast-tanh && grep -q WaveNet "$1" && echo "$2,4000.0"\n')
    core.chmod(core.stat().st_mode | stat.S_IXUSR)
    command = [sys.executable, "-m", "benchmarks.nam", "--presets", "nano", "--rounds", "1", "--block-samples", "60"]
    command += ["--engine", engine, "--json", "--core", str(core), "--out", str(tmp_path / "nam.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert json.loads((tmp_path / "nam.json").read_text())["rows"] == [figures]
    assert (figures["preset"], figures["weights"], figures["receptive_field"]) == ("nano", 842, 4093)
    assert figures["core_x_real_time"] == pytest.approx(500)
    assert figures["ratio"] == pytest.approx(figures["x_real_time"] / 500)
    assert figures["x_real_time"] == pytest.approx(60 / 48000 / figures["microseconds_per_block"] * 1e6)
    assert figures["slow_block_microseconds"] >= figures["microseconds_per_block"]
