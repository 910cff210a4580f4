"""The demo, on the tests' own tiny run."""

import dataclasses

import pytest
import soundfile
import tensorflow as tf

from training.demo_train import CONFIG, demo
from training.runs.config import WaveNetConfig


@pytest.mark.large
def test_demo_leaves_all_it_names_and_can_be_run_again(tiny_config, tmp_path, capsys):
    config = dataclasses.replace(tiny_config, run=tmp_path / "run", steps=4, jit_compile=False, sample_seconds=0.0)
    for _ in range(2):
        demo(config, tmp_path / "model")
        output = capsys.readouterr().out
    assert soundfile.info(tmp_path / "run" / "generated.wav").frames == 3 * 8000
    for name in ("generated.wav", "generated.png", "best.keras", "logs"):
        assert str(tmp_path / "run" / name) in output
        assert (tmp_path / "run" / name).exists()
    assert "generate" in tf.saved_model.load(str(tmp_path / "model")).signatures
    assert "held-out bits per sample: " in output


def test_the_demo_trains_the_tiny_preset_on_the_sample_corpus():
    assert CONFIG.preset == "tiny"
    assert CONFIG.overrides == {}
    assert CONFIG.data == WaveNetConfig().data
    assert (CONFIG.data / "metadata.csv").exists()
