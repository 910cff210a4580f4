"""Configuration: flags, checks, JSON."""

import dataclasses
from pathlib import Path

import pytest

from training.cli.command_line import parse
from training.runs.config import TrainConfig


def test_flags_are_the_fields():
    config = parse(TrainConfig, ["--data", "a", "--preset", "small", "--dilations", "1", "2", "--no-jit-compile"])
    assert config == TrainConfig(data=Path("a"), preset="small", dilations=(1, 2), jit_compile=False)
    assert config.overrides == {"dilations": (1, 2)}
    assert TrainConfig().overrides == {}


def test_a_run_ends_by_steps_or_by_minutes():
    assert (TrainConfig().steps, TrainConfig().minutes) == (20000, None)
    timed = parse(TrainConfig, ["--minutes", "5"])
    assert (timed.steps, timed.minutes) == (None, 5.0)
    assert parse(TrainConfig, ["--minutes", "7.5"], timed) == dataclasses.replace(timed, minutes=7.5)


def test_flags_change_the_given_default():
    saved = TrainConfig(steps=7, ema=0.5)
    assert parse(TrainConfig, ["--steps", "9"], saved) == TrainConfig(steps=9, ema=0.5)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--preset", "nope"], ["preset", "'tiny', 'small', 'paper'", "'nope'"]),
        (["--steps", "0"], ["steps to be positive", "steps=0"]),
        (["--steps", "many"], ["--steps", "'many'"]),
        (["--batch-size", "-1"], ["batch_size=-1"]),
        (["--steps", "9", "--minutes", "5"], ["steps or minutes, not both", "steps=9, minutes=5.0"]),
        (["--minutes", "0"], ["minutes to be positive", "minutes=0.0"]),
        (["--minutes", "5", "--model", "parallel_wavegan"], ["discriminator_start with --minutes"]),
        (["--learning-rate", "nan"], ["learning_rate=nan"]),
        (["--sample-rate", "7"], ["sample_rate to be 1000 to 384000 Hz", "sample_rate=7"]),
        (["--validation-fraction", "1"], ["validation_fraction=1.0"]),
        (["--ema", "1"], ["ema=1.0"]),
        (["--seed", "-1"], ["seed=-1"]),
        (["--nope"], ["--nope"]),
    ],
)
def test_wrong_flags_are_refused_in_one_line(args, named):
    with pytest.raises(ValueError) as caught:
        parse(TrainConfig, args)
    message = str(caught.value)
    assert "\n" not in message
    assert not set(message) & set("│╭╰─")
    for text in named:
        assert text in message


def test_help_names_every_field(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(TrainConfig, ["--help"])
    assert not caught.value.code
    text = capsys.readouterr().out
    for field in dataclasses.fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')}" in text


def test_json_round_trip(tmp_path):
    for config in (
        TrainConfig(),
        TrainConfig(dilations=(1, 2), data=Path("x y"), precision="mixed_float16"),
        TrainConfig(minutes=2.5),
    ):
        config.save(tmp_path / "config.json")
        assert TrainConfig.load(tmp_path / "config.json") == dataclasses.replace(config, run=tmp_path)


def test_auto_is_stored_as_what_it_meant_where_the_run_began(tmp_path, monkeypatch):
    monkeypatch.setattr("training.runs.config.detect", lambda: ("mixed_bfloat16", "here"))
    config = TrainConfig(run=tmp_path)
    assert config.precision == "mixed_bfloat16"
    config.save(tmp_path / "config.json")
    monkeypatch.setattr("training.runs.config.detect", lambda: ("float32", "elsewhere"))
    saved = TrainConfig.load(tmp_path / "config.json")
    assert (parse(TrainConfig, [], saved).precision, TrainConfig().precision) == ("mixed_bfloat16", "float32")
    assert parse(TrainConfig, ["--precision", "auto"], saved).precision == "float32"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"data": "a", "dilations": null, "nope": 1}'])
def test_other_json_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match="config.json"):
        TrainConfig.load(tmp_path / "config.json")
