"""Flags: each model has its own; a run that goes on keeps what is not given."""

import dataclasses
from pathlib import Path

import pytest

from training.runs.config import VocoderConfig, WaveNetConfig
from training.train import parse_config


def test_flags_are_the_fields():
    config = parse_config(
        ["--data", "a", "--preset", "small", "--dilations", "1", "2", "--past-noise=0", "--no-jit-compile"]
    )
    assert config == WaveNetConfig(data=Path("a"), preset="small", dilations=(1, 2), past_noise=0.0, jit_compile=False)
    assert config.overrides == {"dilations": (1, 2), "past_noise": 0.0}
    assert WaveNetConfig().overrides == {}
    for model in (["--model", "hifi_gan_v2"], ["--model=hifi_gan_v2"]):
        assert parse_config([*model, "--causal"]) == VocoderConfig(model="hifi_gan_v2", causal=True)


@pytest.mark.parametrize(
    ("flags", "value"),
    [
        ([], True),
        (["--jit-compile"], True),
        (["--jit-compile", "--steps", "9"], True),
        (["--no-jit-compile"], False),
        (["--jit-compile", "False"], False),
        (["--jit-compile", "auto"], "auto"),
    ],
)
def test_compilation_is_a_flag_or_a_choice(flags, value):
    assert parse_config(flags).jit_compile == value


def test_a_run_ends_by_steps_or_by_minutes():
    assert (parse_config([]).steps, parse_config([]).minutes) == (20000, None)
    timed = parse_config(["--minutes", "5"])
    assert (timed.steps, timed.minutes) == (None, 5.0)


def test_flags_change_the_run_that_is_resumed(tmp_path):
    flags = ["--resume", f"--run={tmp_path}"]
    assert parse_config(flags) == WaveNetConfig(run=tmp_path, resume=True)  # which `train` refuses
    WaveNetConfig(minutes=5.0, ema=0.5).save(tmp_path / "config.json")
    expected = WaveNetConfig(run=tmp_path, resume=True, minutes=7.5, ema=0.5)
    assert parse_config([*flags, "--minutes", "7.5"]) == expected
    assert parse_config([*flags, "--minutes", "7.5", "--model", "wavenet"]) == expected
    other = parse_config([*flags, "--model", "istft_vocoder"])
    assert other == VocoderConfig(run=tmp_path, resume=True, model="istft_vocoder")
    with pytest.raises(ValueError, match="Expected --causal with --model hifi_gan_v1, .* only. Received: wavenet"):
        parse_config([*flags, "--causal"])


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["--preset", "nope"], ["preset", "'tiny', 'small', 'paper'", "'nope'"]),
        (["--steps", "0"], ["steps to be positive", "steps=0"]),
        (["--jit-compile", "maybe"], ["--jit-compile", "True", "auto", "'maybe'"]),
        (["--jit-compile", "auto", "--strategy", "mirrored"], ["True or False with strategy=mirrored", "auto"]),
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
        (["--model", "nope"], ["--model", "'wavenet', 'hifi_gan_v1'", "'nope'"]),
        (["--model"], ["--model"]),
        (["--causal"], ["--causal with --model hifi_gan_v1, hifi_gan_v2", "only. Received: wavenet"]),
        (["--discriminator_start=3"], ["--discriminator_start with --model hifi_gan_v1"]),
        (["--model", "hifi_gan_v1", "--dilations", "1"], ["--dilations with --model wavenet only", "hifi_gan_v1"]),
        (["--model=hifi_gan_v1", "--no-speakers"], ["--no-speakers with --model wavenet only"]),
    ],
)
def test_wrong_flags_are_refused_in_one_line(args, named):
    with pytest.raises(ValueError) as caught:
        parse_config(args)
    message = str(caught.value)
    assert "\n" not in message
    assert not set(message) & set("│╭╰─")
    for text in named:
        assert text in message


@pytest.mark.parametrize("config_class", [WaveNetConfig, VocoderConfig])
def test_help_names_and_explains_every_field(config_class, capsys):
    with pytest.raises(SystemExit) as caught:
        parse_config(["--model", config_class.models[0], "--help"])
    assert not caught.value.code
    text = capsys.readouterr().out
    for field in dataclasses.fields(config_class):
        assert f"--{field.name.replace('_', '-')}" in text
    for model in (*WaveNetConfig.models, *VocoderConfig.models):
        assert model in text
    assert "Windows in a training step" in text


def test_auto_is_stored_as_what_it_meant_where_the_run_began(tmp_path, monkeypatch):
    monkeypatch.setattr("training.runs.train_config.detect", lambda: ("mixed_bfloat16", "here"))
    config = WaveNetConfig(run=tmp_path)
    assert config.precision == "mixed_bfloat16"
    config.save(tmp_path / "config.json")
    monkeypatch.setattr("training.runs.train_config.detect", lambda: ("float32", "elsewhere"))
    flags = ["--resume", f"--run={tmp_path}"]
    assert (parse_config(flags).precision, WaveNetConfig().precision) == ("mixed_bfloat16", "float32")
    assert parse_config([*flags, "--precision", "auto"]).precision == "float32"
