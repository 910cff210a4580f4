"""Measures of single recordings against what was put into them."""

import itertools

import numpy as np
import pytest
import soundfile
import soxr

from tf_wavenet.data import AudioError, AudioFile
from training.corpora.measures import band_limit, clipped_share, frame_levels, measure_file, power_spectrum


def sine(seconds=1.0, rate=16000, frequency=1000.0, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def measure(path, waveform, rate=16000, **kwargs):
    soundfile.write(path, waveform, rate, **kwargs)
    return measure_file(AudioFile(path, len(waveform)), 16000)[0]


def test_clipped_samples_are_counted_in_runs(rng):
    for peak in (1.0, 0.3):
        channels = np.clip(rng.normal(0, 1, (3000, 2)), -1, 1) * peak
        expected = 0
        for channel in channels.T:
            for value, run in itertools.groupby(channel):
                length = len(list(run))
                expected += length if length >= 3 and abs(value) == peak else 0
        assert expected > 20
        assert clipped_share(channels) == expected / channels.size
    for innocent in (np.zeros((100, 1)), sine(frequency=440, amplitude=1.0)[:, None], np.ones((2, 1)), np.ones((1, 1))):
        assert clipped_share(innocent) == 0.0
    assert clipped_share(np.ones((3, 1))) == 1.0


def test_levels_of_frames():
    waveform = np.concatenate([sine(0.1), np.zeros(1600), np.full(1600, 1.0), np.zeros(100)])
    levels = frame_levels(waveform, 16000)
    np.testing.assert_allclose(levels, [20 * np.log10(0.5) - 3.0103] * 5 + [-120] * 5 + [0] * 5, atol=1e-3)
    np.testing.assert_allclose(frame_levels(np.full(7, 0.1), 16000), [-20])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_spectrum_has_the_sine_at_its_bin(rate):
    power = power_spectrum(sine(rate=rate, frequency=1000.0, amplitude=1.0), rate)
    assert power.argmax() == 32  # 1000 Hz / 31.25 Hz
    frames = 2 * 31.25 - 1
    assert power.max() == pytest.approx(frames, rel=0.03)
    assert power_spectrum(np.zeros(3), rate).max() == 0


@pytest.mark.parametrize(
    ("inner", "rate"), [(8000, 16000), (16000, 22050), (22050, 48000), (44100, 48000), (8000, 44100)]
)
def test_upsampled_noise_ends_at_its_old_limit(rng, inner, rate):
    noise = soxr.resample(rng.normal(0, 0.1, 4 * inner), inner, rate)
    noise = np.rint(noise * 32768) / 32768
    limit = band_limit(power_spectrum(noise, rate), rate)
    assert 0.85 * inner / 2 <= limit <= inner / 2


def test_sound_that_fills_its_band_has_no_limit(rng):
    white = rng.normal(0, 0.1, 32000)
    falling = np.convolve(white, 0.9 ** np.arange(60))[:32000]  # as speech falls
    for waveform in (white, falling, falling + sine(2.0)):
        assert band_limit(power_spectrum(waveform, 16000), 16000) is None


def test_measures_of_a_file(tmp_path, rng):
    waveform = np.concatenate([np.zeros(8000), sine(1.0), np.zeros(4000)])
    waveform += rng.normal(0, 1e-4, len(waveform))
    measures = measure(tmp_path / "a.wav", waveform + 0.01, subtype="FLOAT")
    assert (measures.name, measures.sample_rate, measures.num_samples) == ("a", 16000, 28000)
    assert measures.seconds == 1.75
    assert measures.dc == pytest.approx(0.01, abs=1e-4)
    assert measures.loud == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.05)
    assert measures.level == pytest.approx(measures.loud, abs=0.05)
    assert measures.noise == pytest.approx(-80, abs=1)
    assert measures.leading == pytest.approx(0.5) and measures.trailing == pytest.approx(0.24)
    assert measures.silence == pytest.approx(0.75 / 1.75, abs=0.02)


def test_nothing_but_silence(tmp_path):
    measures = measure(tmp_path / "a.wav", np.zeros(16000))
    assert measures.level is None and measures.band_limit is None
    assert measures.silence == 1.0
    assert measures.leading == measures.trailing == pytest.approx(1.0)
    assert measure(tmp_path / "b.wav", np.zeros(1)).silence == 1.0


def test_digests_tell_equal_audio_in_other_files(tmp_path, rng):
    levels = rng.integers(-9000, 9000, 5000).astype("int16")
    original = measure(tmp_path / "a.wav", levels)
    assert measure(tmp_path / "b.flac", levels, subtype="PCM_24").digest == original.digest
    assert measure(tmp_path / "c.wav", np.stack([levels, levels], 1)).digest == original.digest
    levels[77] += 2
    assert measure(tmp_path / "d.wav", levels).digest != original.digest


def test_a_file_that_went_away_is_named(tmp_path):
    with pytest.raises(AudioError, match="gone.wav: expected an audio file"):
        measure_file(AudioFile(tmp_path / "gone.wav", 100), 16000)
