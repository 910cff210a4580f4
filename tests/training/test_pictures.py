"""Spectrograms are checked against known sines, pictures against their own pixels."""

import matplotlib.image
import numpy as np
import pytest

from training.pictures import draw, pixels, save_picture, spectrogram


def test_full_scale_sine_reaches_0_db_at_its_frequency():
    sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    levels = spectrogram(sine, 512, 128)
    assert levels.shape == ((16000 - 512) // 128 + 1, 257)
    assert levels.argmax(1).tolist() == [32] * len(levels)  # 1000 Hz / (16000 Hz / 512)
    np.testing.assert_allclose(levels.max(1), 0, atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 100, 3000])
def test_silence_and_short_sounds_can_be_drawn(samples):
    assert spectrogram(np.zeros(samples), 512, 128).max() == -100
    assert pixels(draw(np.zeros(samples), 16000)).shape == (500, 1000, 3)


def test_axes_carry_units_and_the_sound_reaches_the_picture():
    noise = np.random.default_rng(0).uniform(-1, 1, 8000)
    figure = draw(noise, 16000, "noise")
    top, bottom, bar = figure.axes
    assert (top.get_ylabel(), top.get_title()) == ("amplitude (FS)", "noise")
    assert (bottom.get_xlabel(), bottom.get_ylabel()) == ("time (s)", "frequency (kHz)")
    assert bar.get_ylabel() == "level (dB re full-scale sine)"
    assert bottom.get_xlim() == (0, 0.5)
    assert bottom.get_ylim() == (0, 8)
    assert not np.array_equal(pixels(figure), pixels(draw(np.zeros(8000), 16000, "noise")))


def test_save_picture_writes_png(tmp_path):
    save_picture(tmp_path / "picture", np.zeros(4000), 8000)
    assert matplotlib.image.imread(tmp_path / "picture", format="png").shape[:2] == (500, 1000)
