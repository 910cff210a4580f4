"""A file is whole or absent."""

import pytest

from tf_wavenet.files import atomic_path


def test_success_replaces_in_one_step(tmp_path):
    path = tmp_path / "new folder" / "a.weights.h5"
    for text in ("first", "second"):
        with atomic_path(path) as partial:
            assert partial.name.endswith(".weights.h5")
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert [entry.name for entry in path.parent.iterdir()] == ["a.weights.h5"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_failure_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as partial:
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_too(tmp_path):
    (tmp_path / "partial-model").mkdir()
    (tmp_path / "partial-model" / "left by a killed process").touch()
    with atomic_path(tmp_path / "model") as partial:
        partial.mkdir()
        (partial / "file").touch()
    assert [entry.name for entry in (tmp_path / "model").iterdir()] == ["file"]
    with pytest.raises(ValueError), atomic_path(tmp_path / "other") as partial:
        partial.mkdir()
        raise ValueError
    assert not (tmp_path / "other").exists()
