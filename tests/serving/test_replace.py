"""An export over an older one: all of the new one, or all of the old."""

import pytest
import tensorflow as tf

from tests.serving.test_vocoder_signatures import MAKERS
from tf_wavenet import WaveNet, export_saved_model
from tf_wavenet.serving import export, replace_folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def older(tmp_path):
    """The export of a vocoder with warm-up requests, and something that somebody put beside."""
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    path = tmp_path / "models" / "1"
    export_saved_model(MAKERS["istft_vocoder"](False), path, jit_compile=False, warmup_batch_sizes=(1,))
    (path / "assets.extra" / "note.txt").write_text("of the old one")
    names = {"assets.extra/mel_spec.json", "assets.extra/tf_serving_warmup_requests", "signatures.json", "README.md"}
    assert names <= set(files(path))
    return path


@pytest.mark.large
def test_nothing_of_the_older_export_stays(older):
    model = WaveNet((1,), residual_channels=2, skip_channels=2)
    export_saved_model(model, older, jit_compile=False)
    extra = {path.name for path in (older / "assets.extra").iterdir()}
    assert extra == {"version.json"}
    assert (older / "README.md").read_text().startswith("# WaveNet, exported")
    assert "step" in tf.saved_model.load(str(older)).signatures
    assert [path.name for path in older.parent.iterdir()] == ["1"]


@pytest.mark.large
@pytest.mark.parametrize("failing", ["write_documents", "write_warmup"])
def test_a_failure_leaves_the_older_export(older, failing, monkeypatch):
    before = files(older)

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(export, failing, fail)
    model = WaveNet((1,), residual_channels=2, skip_channels=2)
    with pytest.raises(OSError, match="No space left"):
        export_saved_model(model, older, jit_compile=False, warmup_batch_sizes=(1,))
    assert files(older) == before and [path.name for path in older.parent.iterdir()] == ["1"]


def test_what_is_no_savedmodel_is_not_replaced(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").touch()
    (tmp_path / "file").touch()
    for name in ("letters", "file"):
        with pytest.raises(ValueError, match="Expected a new or empty folder, or one with saved_model.pb to replace"):
            export_saved_model(MAKERS["istft_vocoder"](False), tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "letter.txt", "letters"]


def test_folders_are_swapped_whole(tmp_path):
    path = tmp_path / "a" / "b"

    def write(text):
        with replace_folder(path, "key") as partial:
            (partial / "key").write_text(text)
            assert text == "first" or (path / "key").read_text() == "first"

    write("first")
    (path / "more").touch()
    (tmp_path / "a" / "partial-b").mkdir()  # of a killed process
    write("second")
    assert files(tmp_path) == {"a/b/key": b"second"} and not (tmp_path / "a" / "partial-b").exists()
    (tmp_path / "link").symlink_to(path)
    path = tmp_path / "link"
    with replace_folder(path, "key") as partial:
        (partial / "key").write_text("third")
    assert path.is_symlink() and (tmp_path / "a" / "b" / "key").read_text() == "third"


def test_if_the_last_rename_fails_the_old_folder_is_back(tmp_path, monkeypatch):
    path = tmp_path / "b"
    path.mkdir()
    (path / "key").write_text("old")
    replace = type(path).replace

    def once(self, target):
        if self.name == "partial-b":
            raise OSError("no")
        return replace(self, target)

    monkeypatch.setattr(type(path), "replace", once)
    with pytest.raises(OSError, match="no"), replace_folder(path, "key") as partial:
        (partial / "key").write_text("new")
    assert files(tmp_path) == {"b/key": b"old"}
