"""Other voices of a recording."""

import numpy as np
import pytest

from tf_wavenet.data import VoiceAugmentation

RATE = 16000
TONES = 250.0 * np.arange(1, 31)


def variant(seed, waveform, **settings):
    return VoiceAugmentation(RATE, **settings)(np.random.default_rng(seed), waveform)


def peaks(waveform, frequencies):
    """Amplitudes of the tones nearest to the frequencies."""
    window = np.hanning(len(waveform))
    spectrum = 2 * np.abs(np.fft.rfft(waveform * window)) / window.sum()
    at = np.rint(frequencies * len(waveform) / RATE).astype(int)
    return np.array([spectrum[i - 3 : i + 4].max() for i in at])


@pytest.fixture(scope="module")
def tones():
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (len(TONES), 1))
    return 0.01 * np.sin(2 * np.pi * TONES[:, None] * np.arange(RATE) / RATE + phases).sum(axis=0)


def test_pitch_and_length_follow_the_speed(tones):
    speeds = []
    for seed in range(20):
        varied = variant(seed, tones, speed=0.2, equalizer_db=0, gain_db=0)
        speed = RATE / len(varied)
        speeds.append(speed)
        low = TONES[TONES * max(speed, 1) < 0.9 * RATE / 2]  # what the resampler lets pass
        np.testing.assert_allclose(peaks(varied, low * speed), 0.01, rtol=0.06)
    assert 0.8 <= min(speeds) < 0.88 and 1.12 < max(speeds) <= 1.2


def test_the_equaliser_is_as_strong_as_asked_and_smooth(tones):
    gains = []
    for seed in range(40):
        varied = variant(seed, tones, speed=0, equalizer_db=4, gain_db=0)
        assert len(varied) == RATE
        gains.append(20 * np.log10(peaks(varied, TONES) / 0.01))
    gains = np.array(gains)
    assert 3.3 < gains[:, 3::4].std() < 4.7  # at 1, 2, ... kHz, where the lines meet
    assert abs(gains.mean()) < 0.5
    # Between them, straight lines.
    np.testing.assert_allclose(gains[:, 5], (gains[:, 3] + gains[:, 7]) / 2, atol=0.5)


def test_levels_are_lower_by_so_much_or_higher_by_a_third(tones):
    def level(seed):
        return 10 * np.log10(np.square(variant(seed, tones, speed=0, equalizer_db=0, gain_db=6)).mean())

    levels = np.array([level(seed) for seed in range(60)]) - 10 * np.log10(np.square(tones).mean())
    assert -6.1 < levels.min() < -5 and 1 < levels.max() < 2.1


def test_nothing_clips_and_nothing_rings_round():
    loud = np.sign(np.sin(0.05 * np.arange(8000)))
    assert all(np.abs(variant(seed, loud)).max() <= 0.951 for seed in range(10))
    click = np.zeros(8000)
    click[-1] = 0.5
    assert np.abs(variant(1, click)[:4000]).max() < 1e-4


def test_the_generator_decides(tones):
    np.testing.assert_array_equal(variant(3, tones), variant(3, tones))
    assert len(variant(3, tones)) != len(variant(4, tones))
    assert variant(3, tones).dtype == np.float32
    same = variant(3, tones, speed=0, equalizer_db=0, gain_db=0)
    np.testing.assert_allclose(same, tones, atol=1e-6)
    assert len(variant(3, np.zeros(1))) <= 1


@pytest.mark.parametrize(
    "settings", [{"speed": 1.0}, {"speed": -0.1}, {"equalizer_db": -1}, {"gain_db": -1}, {"gain_db": np.nan}]
)
def test_bad_settings_are_named(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"Expected {name} to be .*Received: {name}="):
        VoiceAugmentation(RATE, **settings)
