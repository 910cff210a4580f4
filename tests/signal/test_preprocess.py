"""Loudness and pre-emphasis, against their formulas and SciPy's filter, and their inverse."""

import dataclasses

import numpy as np
import pytest
import scipy.signal

from tf_wavenet import MelSpec
from tf_wavenet.signal import preprocess, restore

PLAIN = MelSpec.from_preset("speech_16k")


def spec(**fields):
    return dataclasses.replace(PLAIN, **fields)


def speechlike(random, *shape):
    envelope = np.sin(np.linspace(0, 9, shape[-1])) ** 2
    return (0.3 * envelope * scipy.signal.lfilter([1], [1, -0.9], random.normal(0, 0.3, shape))).clip(-1, 1)


def test_neither_leaves_the_waveform_as_it_is(rng):
    waveform = rng.uniform(-1, 1, (2, 50)).astype("float32")
    result, gain = preprocess(waveform, PLAIN)
    np.testing.assert_array_equal(result, waveform)
    np.testing.assert_array_equal(gain, [1, 1])
    np.testing.assert_array_equal(restore(result, PLAIN, gain), waveform)
    assert result.dtype == gain.dtype == np.float32


def test_loudness_is_the_rms_of_each_utterance(rng):
    waveform = speechlike(rng, 3, 4000) * [[0.02], [0.3], [1.0]]
    result, gain = preprocess(waveform, spec(loudness=-26.0))
    np.testing.assert_allclose(20 * np.log10(np.sqrt(np.mean(result**2, -1))), -26.0, atol=1e-4)
    np.testing.assert_allclose(result, gain[:, None] * waveform, rtol=0, atol=1e-6)
    for row in range(3):
        alone, gain_alone = preprocess(waveform[row], spec(loudness=-26.0))
        np.testing.assert_array_equal(alone, result[row])
        assert gain_alone == gain[row]


def test_preemphasis_is_the_filter(rng):
    waveform = 0.2 * speechlike(rng, 2, 4000)
    result, gain = preprocess(waveform, spec(preemphasis=0.97))
    np.testing.assert_allclose(result, scipy.signal.lfilter([1, -0.97], [1], waveform), rtol=0, atol=1e-7)
    np.testing.assert_array_equal(gain, [1, 1])
    expected = scipy.signal.lfilter([1], [1, -0.97], result)
    np.testing.assert_allclose(restore(result, spec(preemphasis=0.97)), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("preemphasis", [0.0, 0.85, 0.97, 0.999])
@pytest.mark.parametrize("loudness", [None, -30.0, -12.0])
@pytest.mark.parametrize("samples", [1, 2, 3, 40000])
def test_restore_is_the_inverse_whole_and_in_chunks(rng, preemphasis, loudness, samples):
    recipe = spec(preemphasis=preemphasis, loudness=loudness)
    waveform = speechlike(rng, 2, samples)
    result, gain = preprocess(waveform, recipe)
    assert np.max(np.abs(result)) <= 1.0
    np.testing.assert_allclose(restore(result, recipe, gain), waveform, rtol=0, atol=1e-5)
    chunks, previous = [], 0.0
    for start in range(0, samples, 7001):
        chunks.append(restore(result[:, start : start + 7001], recipe, gain, previous))
        previous = chunks[-1][:, -1]
    np.testing.assert_allclose(np.concatenate(chunks, 1), waveform, rtol=0, atol=1e-5)


def test_gain_is_lowered_before_anything_clips():
    waveform = np.where(np.arange(1000) % 2, 0.9, -0.9)  # alternating: pre-emphasis doubles it
    result, gain = preprocess(waveform, spec(preemphasis=0.9, loudness=0.0))
    assert np.abs(result).max() == pytest.approx(1.0)
    assert gain == pytest.approx(1 / (0.9 * 1.9))
    np.testing.assert_allclose(restore(result, spec(preemphasis=0.9), gain), waveform, atol=1e-5)


def test_silence_stays_silence():
    for waveform, expected in ((np.zeros(100), 1.0), (np.full(100, 1e-7), 100.0)):
        result, gain = preprocess(waveform, spec(loudness=-20.0, preemphasis=0.9))
        assert gain == expected
        assert np.abs(result).max() <= 1e-5
    assert restore(np.zeros((2, 0)), spec(preemphasis=0.9)).shape == (2, 0)


@pytest.mark.parametrize(
    ("waveform", "received"),
    [
        (np.zeros((1, 2, 3)), "shape=(1, 2, 3)"),
        (np.zeros((2, 0)), "shape=(2, 0)"),
        (np.zeros(()), "shape=()"),
        (np.array([0.0, np.nan]), "shape=(2,), not finite"),
    ],
)
def test_what_is_no_waveform_is_refused(waveform, received):
    with pytest.raises(ValueError, match="Expected a finite waveform") as caught:
        preprocess(waveform, PLAIN)
    assert str(caught.value).endswith(f"Received: {received}")
