import itertools
import json
import subprocess
import sys

import pytest

from benchmarks.timing.own_process import measure_alone
from benchmarks.train import BenchConfig, cases


def test_each_preset_and_precision_is_measured_with_xla_and_without():
    found = cases(BenchConfig(presets=("small", "paper"), batch_size=3, window_samples=70, rounds=4, threads=1))
    expected = itertools.product(("small", "paper"), ("float32", "mixed_bfloat16"), (True, False))
    assert [(case["preset"], case["precision"], case["xla"]) for case in found] == list(expected)
    for case in found:
        sizes = {name: case[name] for name in ("batch_size", "window_samples", "rounds", "threads")}
        assert sizes == {"batch_size": 3, "window_samples": 70, "rounds": 4, "threads": 1}


@pytest.mark.parametrize("name, value", [("batch_size", 0), ("window_samples", -1), ("rounds", 0), ("threads", -1)])
def test_refuses_sizes_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: {name}={value}"):
        BenchConfig(**{name: value})


def test_refuses_other_peers():
    with pytest.raises(ValueError, match="Expected peer to be r9y9=CHECKOUT. Received: peer='ibab=x'"):
        BenchConfig(peer="ibab=x")


@pytest.mark.large
def test_a_failing_case_is_reported():
    case = {
        "preset": "nope",
        "precision": "float32",
        "xla": False,
        "batch_size": 1,
        "window_samples": 8,
        "rounds": 1,
        "threads": 0,
    }
    with pytest.raises(ValueError, match="Expected a preset"):
        measure_alone("benchmarks.timing.train_step", case)


@pytest.mark.large
def test_quick_run_prints_one_object_a_line():
    command = [sys.executable, "-m", "benchmarks.train", "--quick", "--json"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [json.loads(line)["xla"] for line in lines] == [True, False]
    for figures in map(json.loads, lines):
        assert figures["preset"] == "tiny"
        assert figures["samples_per_second"] > 0
        assert figures["ratio"] == pytest.approx(figures["samples_per_second"] / figures["bound_samples_per_second"])
        assert figures["peak_memory_mib"] >= figures["idle_memory_mib"] > 0
