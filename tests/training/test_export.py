"""Export: a whole SavedModel or none."""

import numpy as np
import pytest
import tensorflow as tf

from training import export as script
from training.export import ExportConfig, export
from training.runs.run_folder import load_model


@pytest.mark.large
def test_exported_model_computes_what_the_trained_one_does(trained, tmp_path):
    out = export(ExportConfig(model=trained.path, out=tmp_path / "models" / "first"))
    assert [path.name for path in out.parent.iterdir()] == ["first"]
    waveform = np.random.default_rng(0).uniform(-1, 1, (2, 50)).astype(np.float32)
    served = tf.saved_model.load(str(out)).signatures["serving_default"](waveform=tf.constant(waveform))
    (parameters,) = served.values()
    np.testing.assert_allclose(parameters, load_model(trained.path)(waveform), atol=1e-5)


@pytest.mark.large
def test_what_is_there_stays(trained, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").touch()
    with pytest.raises(ValueError, match="--out to be a new folder, or --overwrite"):
        export(ExportConfig(model=trained.path, out=out))
    with pytest.raises(ValueError, match="Something else is there"):
        export(ExportConfig(model=trained.path, out=out, overwrite=True))
    (out / "saved_model.pb").touch()

    def fail(model, path, **_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(script, "export_saved_model", fail)
        with pytest.raises(OSError, match="No space left"):
            export(ExportConfig(model=trained.path, out=out, overwrite=True))
    assert (out / "letter.txt").exists()
    export(ExportConfig(model=trained.path, out=out, overwrite=True))
    assert not (out / "letter.txt").exists()
    assert list(tmp_path.iterdir()) == [out]
