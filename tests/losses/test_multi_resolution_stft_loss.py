import functools

import keras
import numpy as np
import pytest
import scipy.signal

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.gradients import gradient_by_input
from tests.support.pytorch import import_torch
from tf_wavenet import MultiResolutionSTFTLoss
from tf_wavenet.signal.stft import stft_magnitude

RESOLUTIONS = [(1024, 120, 600), (2048, 240, 1200), (512, 50, 240), (64, 16, 64), (64, 7, 33)]


def magnitude(waveform, fft_length, hop_length, win_length):
    """By the definition, frame by frame, in float64."""
    half, left = fft_length // 2, (fft_length - win_length) // 2
    window = np.zeros(fft_length)
    window[left : left + win_length] = scipy.signal.get_window("hann", win_length)
    x = np.pad(numpy_of(waveform, "float64"), ((0, 0), (half, half)), mode="reflect")
    starts = range(0, waveform.shape[1] + 1, hop_length)
    frames = np.stack([np.abs(np.fft.rfft(x[:, s : s + fft_length] * window)) for s in starts], axis=1)
    return np.maximum(frames, np.sqrt(1e-7))


def distance(true, predicted, resolutions):
    losses = []
    for lengths in resolutions:
        t, p = magnitude(true, *lengths), magnitude(predicted, *lengths)
        convergence = np.linalg.norm(t - p) / np.linalg.norm(t)
        losses.append(convergence + np.abs(np.log(t) - np.log(p)).mean(axis=(1, 2)))
    return np.mean(losses, axis=0)


@pytest.mark.parametrize("lengths", RESOLUTIONS)
def test_magnitudes_are_those_of_numpy(rng, lengths):
    waveform = rng.normal(0, 0.1, (2, 2501)).astype("float32")
    expected = magnitude(waveform, *lengths)
    assert_allclose(stft_magnitude(waveform, *lengths), expected, rtol=1e-3, atol=1e-5 * expected.max())


@pytest.mark.parametrize("lengths", RESOLUTIONS)
def test_magnitudes_are_those_of_torch(rng, lengths):
    torch = import_torch()
    waveform = rng.normal(0, 0.1, (2, 2501)).astype("float32")
    window = torch.hann_window(lengths[2])
    theirs = torch.stft(torch.from_numpy(waveform), *lengths, window, return_complex=True).abs().numpy()
    theirs = np.maximum(theirs.transpose(0, 2, 1), np.sqrt(1e-7))
    assert_allclose(stft_magnitude(waveform, *lengths), theirs, rtol=1e-3, atol=1e-5 * theirs.max())


def test_loss_is_that_of_numpy(rng):
    true, predicted = rng.normal(0, 0.1, (2, 3, 2501)).astype("float32")
    loss = MultiResolutionSTFTLoss(reduction=None)
    assert_allclose(loss(true, predicted), distance(true, predicted, RESOLUTIONS[:3]), rtol=1e-4)
    assert_allclose(
        MultiResolutionSTFTLoss()(true, predicted), np.mean(distance(true, predicted, RESOLUTIONS[:3])), rtol=1e-4
    )


def test_a_silent_row_does_not_outweigh_its_batch(rng):
    noise, loss = rng.normal(0, 0.1, (2, 2501)).astype("float32"), MultiResolutionSTFTLoss()
    loud, mixed = noise[:1], np.stack([noise[0], np.zeros(2501, "float32")])
    assert float(loss(mixed, mixed + 0.1 * noise)) < 5.0 + float(loss(loud, loud + 0.1 * noise[:1]))


def test_silence_has_a_gradient(rng):
    loss, silence = MultiResolutionSTFTLoss(), np.zeros((1, 2501), "float32")
    for predicted in (silence, rng.normal(0, 1e-3, (1, 2501)).astype("float32")):
        assert np.isfinite(gradient_by_input(functools.partial(loss, silence), predicted)).all()


def test_saves_its_lengths():
    loss = MultiResolutionSTFTLoss((64,), (16,), (32,))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.win_lengths == (32,)


def test_refuses():
    with pytest.raises(ValueError, match="Expected as many fft_lengths as hop_lengths"):
        MultiResolutionSTFTLoss((64, 32), (16,), (32,))
    with pytest.raises(ValueError, match="Received: win_length=65, fft_length=64"):
        MultiResolutionSTFTLoss((64,), (16,), (65,))
