"""The command; tests/importers has the weights."""

import json

import keras
import numpy as np
import pytest

from tests.importers.torch_files import call, write_zip
from tests.importers.vocoder_reference import JIK876, jik876_shapes, random_state
from tf_wavenet.importers import import_weights
from training import import_weights as script
from training.cli.command_line import run


@pytest.fixture
def checkpoint(tmp_path, rng):
    (tmp_path / "config.json").write_text(json.dumps(JIK876))
    return write_zip(tmp_path / "g_00000007", {"generator": random_state(jik876_shapes(JIK876), rng)})


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command; returns its exit code, what it said and what it complained about."""

    def command(*flags):
        monkeypatch.setattr("sys.argv", ["import_weights", *map(str, flags)])
        code = 0
        try:
            run(script.main)
        except SystemExit as exit_:
            code = exit_.code
        return code, *capsys.readouterr()

    return command


def test_writes_a_model_that_keras_loads(checkpoint, command, tmp_path):
    out = tmp_path / "models" / "model.keras"
    code, said, _ = command(checkpoint, "-o", out)
    assert (code, list(out.parent.iterdir())) == (0, [out])
    expected, model = import_weights(checkpoint), keras.models.load_model(out)
    weights = f"{model.count_params():,}"
    assert said == f"{out}: HiFiGAN, {weights} weights, 80 mels at 22050 Hz\n"
    assert model.mel_spec == expected.mel_spec
    features = np.random.default_rng(0).normal(size=(1, 3, 80)).astype("float32")
    np.testing.assert_array_equal(model(features), expected(features))


def test_what_goes_wrong_is_one_line_and_leaves_what_was_there(checkpoint, command, tmp_path):
    out = tmp_path / "model.keras"
    out.write_text("old")
    canary = tmp_path / "canary"
    hostile = write_zip(tmp_path / "hostile", {"generator": {"conv_pre.bias": call("posix system", f"touch {canary}")}})
    nan = random_state(jik876_shapes(JIK876), np.random.default_rng(0))
    nan["ups.1.bias"][1] = np.nan
    before = set(tmp_path.iterdir()) | {tmp_path / "nan"}
    cases = {
        "wants the global posix.system, which is not admitted; nothing was run": [hostile, "-o", out],
        "expected finite numbers in ups.1.bias": [write_zip(tmp_path / "nan", {"generator": nan}), "-o", out],
        "No such file or directory": [tmp_path / "nothing", "-o", out],
        "expected the configuration": [checkpoint, "-o", out, "--config", tmp_path / "nothing.json"],
        "expected no statistics": [checkpoint, "-o", out, "--statistics", checkpoint],
        "Expected --out to end in .keras": [checkpoint, "-o", tmp_path / "model.h5"],
    }
    for message, flags in cases.items():
        code, said, complaint = command(*flags)
        assert (code, said) == (2, "")
        assert complaint.startswith("error: ") and message in complaint and complaint.count("\n") == 1
    assert out.read_text() == "old" and set(tmp_path.iterdir()) == before and not canary.exists()
