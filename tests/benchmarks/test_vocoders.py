"""The benchmark of the vocoders: its flags, and a line of figures from a small one."""

from pathlib import Path

import pytest

from benchmarks import vocoders
from benchmarks.vocoders import VocodersConfig, measure
from tf_wavenet import HiFiGAN


class Small(HiFiGAN):
    """HiFi-GAN with few channels."""

    @classmethod
    def from_preset(cls, name, **overrides):
        return super().from_preset(name, upsample_initial_channel=16, **overrides)


def test_figures_of_a_generator(monkeypatch):
    monkeypatch.setitem(vocoders.PRESETS, "hifi_gan_v3", Small)
    figures = measure("hifi_gan_v3", VocodersConfig(frames=5, repeats=1))
    assert figures["preset"] == "hifi_gan_v3" and figures["audio_s"] == 0.06  # 1,280 samples at 22,050 Hz
    assert figures["x_real_time"] > 0 and "ratio" not in figures


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"frames": 0}, "frames to be at least 1"), ({"hifi_gan": Path("/no/such")}, "hifi_gan to be a checkout")],
)
def test_flags_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        VocodersConfig(**changes)
