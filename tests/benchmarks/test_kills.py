"""The judge of the kills must see every difference that counts, and no other."""

import dataclasses
import json
import sys
import time

import keras
import numpy as np
import pytest

from benchmarks.killing.contents import contents, differences
from benchmarks.killing.kinds import Kind
from benchmarks.kills import kill_all
from benchmarks.tables import kill_counts
from benchmarks.timing.provenance import replace_rows

# Counts to 20 in a file; goes on from it with --again, or does not where it is told to be wrong.
COUNTER = """
import pathlib, sys, time
file = pathlib.Path("out/count.txt")
file.parent.mkdir(exist_ok=True)
begin = len(file.read_text()) if "--again" in sys.argv and file.exists() else 0
with file.open("a" if begin or "--wrong" in sys.argv else "w") as out:
    for number in range(begin, 20):
        out.write("x")
        out.flush()
        time.sleep(0.01)
"""


def counter(*flags):
    return Kind("counter", (sys.executable, "-c", COUNTER, *flags), "out/count.txt", ("--again",), whole_flags=True)


def test_what_goes_on_is_equal(tmp_path):
    rows = kill_all(counter(), tmp_path, count=2, seed=1)
    assert [row["kill"] for row in rows] == [1, 2] and all(row["equal"] for row in rows)
    assert all(0 <= row["moment"] <= row["work"] for row in rows) and len({row["moment"] for row in rows}) == 2


def test_what_begins_wrongly_is_not_equal(tmp_path):
    kind = dataclasses.replace(counter("--wrong"), resume=())  # appends 20 to what is there
    (row,) = kill_all(kind, tmp_path, count=1, seed=1)
    assert not row["equal"] and row["differing"] == ["count.txt"]


def test_a_process_that_fails_is_told(tmp_path):
    kind = Kind("broken", (sys.executable, "-c", "raise SystemExit('what is wrong')"), "out")
    with pytest.raises(ValueError, match="Expected the process to end well. Received: code 1, what is wrong"):
        kill_all(kind, tmp_path, count=1, seed=1)


def test_a_kind_goes_on_once_there_is_something_to_resume(tmp_path):
    kind = Kind(
        "run", ("python", "-m", "it", "--a=1", "--run=out"), "out/x", ("--resume",), resumable="out/config.json"
    )
    assert kind.again(tmp_path) == kind.command
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").touch()
    assert kind.again(tmp_path) == ("python", "-m", "it", "--run=out", "--resume")


def folder(path, value=1.0, date="today"):
    path.mkdir()
    (path / "logs").mkdir()
    (path / "logs" / "events").write_text(date)
    (path / "a.json").write_text(json.dumps({"date": date, "kept": [{"minutes": date, "value": value}]}))
    (path / "a.jsonl").write_text(json.dumps({"step": 1, "cpu_minutes": date}) + "\n")
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(value), name="dense")
    model = keras.Sequential([keras.Input((1,), name="in"), layer], name="model")
    model.save(path / "a.keras")
    model.save_weights(path / "a.weights.h5")
    (path / "a.wav").write_bytes(np.float32(value).tobytes())
    return contents(path)


def test_times_do_not_count_and_values_do(tmp_path):
    first = folder(tmp_path / "1")
    assert sorted(first) == ["a.json", "a.jsonl", "a.keras", "a.wav", "a.weights.h5"]
    now = time.gmtime(time.time() + 4)  # ZIP tells times to 2 s
    assert differences(first, folder(tmp_path / "2", date=time.strftime("%S", now))) == []
    other = folder(tmp_path / "3", value=np.nextafter(np.float32(1.0), np.float32(2.0)).item())
    assert differences(first, other) == ["a.json", "a.keras", "a.wav", "a.weights.h5"]
    (tmp_path / "2" / "partial-a.wav").touch()
    assert differences(first, contents(tmp_path / "2")) == ["partial-a.wav"]


def test_results_of_a_kind_are_replaced_and_counted(tmp_path):
    path = tmp_path / "kills.jsonl"
    row = {"kind": "a", "moment": 1.0, "work": 4.0, "equal": True}
    replace_rows(path, [row, row | {"moment": 3.0}])
    replace_rows(path, [row | {"kind": "b", "equal": False}])
    replace_rows(path, [row | {"moment": 2.0}])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["kind"], each["moment"]) for each in rows] == [("b", 1.0), ("a", 2.0)]
    table = kill_counts(rows).splitlines()
    assert table[2:] == [
        "| b | 1 | 0 | 1.0 to 1.0 of 4.0 |",
        "| a | 1 | 1 | 2.0 to 2.0 of 4.0 |",
        "| together | 2 | 1 |  |",
    ]
