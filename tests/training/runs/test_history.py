"""The lines of a run's history."""

from training.runs.history import append, forget, read


def test_what_lies_past_the_checkpoint_is_dropped(tmp_path):
    path = tmp_path / "progress.jsonl"
    forget(path, 3)
    assert read(path) == [] and not path.exists()
    rows = [{"step": step, "minutes": step / 3} for step in (2, 4, 6)]
    for row in rows:
        append(path, row)
    assert read(path) == rows
    with path.open("a") as file:
        file.write('{"step": 8, "min')  # the process was killed here
    assert read(path) == rows
    forget(path, 4)
    append(path, {"step": 5})
    assert read(path) == [*rows[:2], {"step": 5}]
    assert [line.name for line in tmp_path.iterdir()] == ["progress.jsonl"]
