import json
import stat
import subprocess
import sys

import pytest

from benchmarks.nam import BenchConfig
from benchmarks.timing.own_process import measure_alone


@pytest.mark.parametrize("name", ["block_samples", "rounds"])
def test_refuses_sizes_out_of_range(name):
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: {name}=0"):
        BenchConfig(**{name: 0})


def test_refuses_a_core_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="Expected core to be a program. Not found: .*benchmodel"):
        BenchConfig(core=tmp_path / "benchmodel")


@pytest.mark.large
def test_a_failing_case_is_reported():
    with pytest.raises(ValueError, match="Expected a preset"):
        measure_alone("benchmarks.peers.nam_blocks", {"preset": "nope", "block_samples": 64, "rounds": 1, "core": None})


@pytest.mark.large
def test_measures_beside_a_core(tmp_path):
    core = tmp_path / "benchmodel"  # says 4 ms for its 2 s if it is given a model
    core.write_text('#!/bin/sh\ntest "$1" = --no-fast-tanh && grep -q WaveNet "$2" && echo 4ms && echo 4.000ms\n')
    core.chmod(core.stat().st_mode | stat.S_IXUSR)
    command = [sys.executable, "-m", "benchmarks.nam", "--presets", "nano", "--rounds", "1", "--json"]
    done = subprocess.run([*command, "--core", str(core)], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    assert (figures["preset"], figures["weights"], figures["receptive_field"]) == ("nano", 842, 4093)
    assert figures["core_x_real_time"] == pytest.approx(500)
    assert figures["ratio"] == pytest.approx(figures["x_real_time"] / 500)
    assert figures["x_real_time"] == pytest.approx(64 / 48000 / figures["microseconds_per_block"] * 1e6)
