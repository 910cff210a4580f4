import keras
import numpy as np
import pytest
import scipy.signal

from tests.support.arrays import assert_allclose
from tests.support.gradients import gradient_by_input
from tf_wavenet.losses import LoudnessLoss

RATE, FRAME = 16000, 512


def loudness_and_powers(waveform):
    """By the definition, band by band, in float64: loudness and power `[frames, bands]`."""
    window = scipy.signal.get_window("hann", FRAME)
    x = np.pad(np.asarray(waveform, np.float64), FRAME // 2, mode="reflect")
    starts = range(0, len(waveform) + 1, FRAME // 2)
    spectrum = np.stack([np.abs(np.fft.rfft(x[s : s + FRAME] * window)) ** 2 for s in starts])
    spectrum *= 2 / (FRAME * (window**2).sum()) * 10**9.5  # a mean square of 1 is 95 dB
    edges, bark = [], 0.5
    while 26.81 * 8000 / (1960 + 8000) - 0.53 >= bark:
        edges.append(1960 * (bark + 0.53) / (26.28 - bark))
        bark += 0.5
    powers, loudness = [], []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        power = np.zeros(len(spectrum))
        for k in range(FRAME // 2 + 1):
            below, above = (k - 0.5) * RATE / FRAME, (k + 0.5) * RATE / FRAME
            share = max(0.0, min(above, high) - max(below, low)) / (above - below)
            power += share * spectrum[:, k]
        f = (low + high) / 2000
        threshold = 10 ** ((3.64 * f**-0.8 - 6.5 * np.exp(-0.6 * (f - 3.3) ** 2) + 1e-3 * f**4) / 10)
        heard = 0.1866 * (threshold / 0.5) ** 0.23 * ((0.5 + 0.5 * power / threshold) ** 0.23 - 1)
        powers.append(power)
        loudness.append(np.maximum(heard, 0.0))
    return np.stack(loudness, axis=1), np.stack(powers, axis=1)


def distance(true, predicted):
    (loudness, powers), (made, made_powers) = loudness_and_powers(true), loudness_and_powers(predicted)
    heard = np.maximum(np.abs(made - loudness) - 0.25 * np.minimum(made, loudness), 0)
    ratio = ((made_powers + 50) / (powers + 50)) ** 1.2
    ratio = np.where(ratio < 3, 0, np.minimum(ratio, 12))
    every, added = np.sqrt((heard**2).mean(axis=1)), (heard * ratio).mean(axis=1)
    return 0.5 * loudness.shape[1] * np.sqrt(((0.1 * every + 0.0309 * added) ** 2).mean())


def test_loss_is_that_of_numpy(rng):
    shape = np.geomspace(0.02, 1.0, 3000)
    true = (shape * rng.normal(0, 0.1, (3, 3000))).astype("float32")
    predicted = (true + rng.normal(0, 0.02, (3, 3000))).astype("float32")
    expected = [distance(t, p) for t, p in zip(true, predicted, strict=True)]
    assert min(expected) > 0.1
    assert_allclose(LoudnessLoss(RATE, reduction=None)(true, predicted), expected, rtol=1e-3)
    assert_allclose(LoudnessLoss(RATE)(true, predicted), np.mean(expected), rtol=1e-3)


def test_what_is_added_counts_more_than_what_is_missing_and_what_no_ear_hears_not_at_all(rng):
    loss, time = LoudnessLoss(RATE), np.arange(8000) / RATE
    speech = 0.1 * np.sin(2 * np.pi * 500 * time)[None].astype("float32")
    tone = 0.03 * np.sin(2 * np.pi * 2000 * time)[None].astype("float32")
    added, missing = float(loss(speech, speech + tone)), float(loss(speech + tone, speech))
    assert added > 1.5 * missing > 0.05
    low = 0.03 * np.sin(2 * np.pi * 15 * time)[None].astype("float32")  # below all bands
    assert float(loss(speech, speech + low)) < 0.05 * added
    assert float(loss(speech, 1.1 * speech)) < 0.02 * added  # within the margin
    assert float(loss(speech, -speech)) < 1e-3


def test_gradients_are_finite_of_silence_and_of_what_is_the_same(rng):
    loss, noise = LoudnessLoss(RATE), rng.normal(0, 0.1, (1, 2000)).astype("float32")
    for true, predicted in ((noise, noise), (noise, 0 * noise), (0 * noise, noise), (0 * noise, 0 * noise)):
        gradient = gradient_by_input(lambda x, true=true: loss(true, x), predicted)
        assert np.isfinite(gradient).all()
    gradient = gradient_by_input(lambda x: loss(noise, x), 2 * noise)
    assert np.abs(gradient).max() > 0


def test_config(rng):
    loss = LoudnessLoss(8000, reduction=None, name="ear")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is LoudnessLoss and again.get_config() == loss.get_config()
    waveforms = rng.normal(0, 0.1, (2, 1, 1000)).astype("float32")
    assert_allclose(again(*waveforms), loss(*waveforms))


@pytest.mark.parametrize("rate", [0, 999, 16000.5, None])
def test_rates_that_are_none(rate):
    with pytest.raises(ValueError, match="Expected sample_rate"):
        LoudnessLoss(rate)
