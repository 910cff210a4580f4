"""The benchmark of the vocoders: its flags, and a line of figures from a small one."""

import json
from pathlib import Path

import pytest

from benchmarks import quality
from benchmarks.vocoders import VocodersConfig, main, measure
from tests.support.flat import wavenet
from tf_wavenet import HiFiGAN, ISTFTVocoder, MelSpec

SMALL = {"dilations": (1, 2), "residual_channels": 4, "skip_channels": 4}
MAKERS = {
    "istft_vocoder": lambda: ISTFTVocoder.from_preset(channels=16, num_blocks=2),
    "hifi_gan": lambda: HiFiGAN.from_preset("hifi_gan_v3", upsample_initial_channel=16),
    "wavenet": lambda: wavenet(mel_spec=MelSpec.from_preset("speech_16k").standardized(), **SMALL),
}


@pytest.mark.large
@pytest.mark.parametrize(("kind", "duration"), [(kind, 0.06) for kind in MAKERS])  # 5 frames of 256, 200 samples
def test_figures_of_a_model(kind, duration):
    figures = measure(MAKERS[kind](), VocodersConfig(frames=5, repeats=1))
    assert figures["audio_s"] == duration and figures["x_real_time"] > 0 and "ratio" not in figures


@pytest.mark.large
def test_trained_models_are_compared(monkeypatch, capsys):
    monkeypatch.setattr(quality, "load_model", lambda path, vocoders: MAKERS[path.name]())
    scores = [{"system": "recordings"}, {"system": "hifi_gan"}]
    evaluated = []
    monkeypatch.setattr(quality, "evaluate", lambda config: evaluated.append(config) or scores)
    command = ["vocoders", "--runs", "runs/hifi_gan", "--minutes", "2", "--frames", "5", "--repeats", "1", "--json"]
    monkeypatch.setattr("sys.argv", command)
    main()
    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["model"] == "hifi_gan" and line["x_real_time"] > 0
    [config] = evaluated
    assert config.model == (Path("runs/hifi_gan"),) and config.minutes == 2 and config.json


def test_refuses_rates_that_differ(monkeypatch):
    monkeypatch.setattr(quality, "load_model", lambda path, vocoders: MAKERS[path.name]())
    with pytest.raises(ValueError, match="Expected models of one sample rate. Received: 16000, 22050 Hz"):
        quality.load((Path("hifi_gan"), Path("wavenet")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "frames to be at least 1"),
        ({"hifi_gan": Path("/no/such")}, "hifi_gan to be a checkout"),
        ({"models": ("tacotron",)}, "Expected models out of"),
    ],
)
def test_flags_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        VocodersConfig(**changes)
