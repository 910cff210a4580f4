"""Spectrograms are checked against known sines, pictures against their own pixels."""

import matplotlib.image
import numpy as np
import pytest

from training.scoring.pictures import draw, draw_corpus, pixels, save_picture, spectrogram


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


@pytest.mark.parametrize("seconds", [[1.0], [2.0, 2.0], [0.1, 3.0, 60.0]])
def test_corpus_of_few_files_can_be_drawn(seconds):
    levels = np.array([-20.0, -30.0, -25.0][: len(seconds)])
    spectrum = np.geomspace(1, 1e-5, 257)
    mel = np.linspace(-4, -9, 80)
    figure = draw_corpus("3 files", levels, np.array(seconds), spectrum, 31.25, 16000, mel, np.ones(80), -11.5)
    level, length, frequency, bands = figure.axes
    assert level.get_xlabel() == "level (dB re full scale)"
    assert length.get_xscale() == ("log" if len(seconds) == 3 else "linear")
    assert sum(bar.get_height() for bar in length.patches) == len(seconds)
    x, y = frequency.lines[0].get_data()
    assert (x[-1], y[0]) == (8.0, 0.0) and y[-1] == pytest.approx(-50)
    np.testing.assert_array_equal(bands.lines[0].get_ydata(), mel)
    assert pixels(figure).shape == (800, 1200, 3)


def test_corpus_of_silence_can_be_drawn():
    figure = draw_corpus("", np.array([]), np.ones(2), np.zeros(257), 31.25, 16000, np.zeros(8), np.zeros(8), -11.5)
    assert pixels(figure).shape == (800, 1200, 3)
