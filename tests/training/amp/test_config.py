import json
import math
from pathlib import Path

import pytest

from training.amp.config import AmpConfig
from training.cli.command_line import parse


def test_flags():
    config = parse(AmpConfig, ["--input", "a.wav", "--output", "b.wav", "--model", "nam_nano", "--latency", "-3"])
    assert (config.input, config.output, config.preset, config.latency) == (Path("a.wav"), Path("b.wav"), "nano", -3)
    with pytest.raises(ValueError, match="--output"):
        parse(AmpConfig, ["--input", "a.wav"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("epochs", 0), ("batch_size", -1), ("window_samples", 0), ("learning_rate", 0.0), ("validation_seconds", 0)],
        *[("input_channel", 0), ("output_channel", -1), ("input_level_dbu", math.inf), ("output_level_dbu", math.nan)],
        *[("latency_margin", -1), ("preemphasis_weight", -0.1), ("seed", -1), ("learning_rate_decay", 1.0)],
    ],
)
def test_refuses_values_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} to be .* Received: {name}={value}"):
        AmpConfig(Path("a.wav"), Path("b.wav"), **{name: value})


def test_saves_itself(tmp_path):
    AmpConfig(Path("a.wav"), Path("b.wav"), run=tmp_path).save(tmp_path / "config.json")
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["input"] == "a.wav" and saved["latency"] is None and "run" not in saved


def test_metadata_is_what_was_given():
    config = AmpConfig(Path("a.wav"), Path("b.wav"), gear_make="Acme", tone_type="fuzz", output_level_dbu=0.0)
    assert config.metadata == {"gear_make": "Acme", "tone_type": "fuzz", "output_level_dbu": 0.0}
    with pytest.raises(ValueError, match="tone-type"):
        parse(AmpConfig, ["--input", "a.wav", "--output", "b.wav", "--tone-type", "loud"])
