import numpy as np
import pytest
import scipy.signal

from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet.signal import overlap_add, steady_envelope, synthesis_frames, window_envelope


@pytest.mark.parametrize(("fft_length", "win_length"), [(16, 16), (16, 10), (64, 2), (1024, 800)])
@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_frames_are_windowed_inverse_transforms(rng, fft_length, win_length, window):
    shape = 2, 3, fft_length // 2 + 1
    real, imaginary = rng.normal(size=shape), rng.normal(size=shape)  # NumPy, too, ignores the imaginary ends
    first = (fft_length - win_length) // 2
    expected = np.fft.irfft(real + 1j * imaginary, fft_length)[..., first : first + win_length]
    expected = expected * scipy.signal.get_window(window, win_length)
    frames = synthesis_frames(np.concatenate([real, imaginary], axis=-1), fft_length, win_length, window)
    assert_allclose(frames, expected, atol=1e-6)


@pytest.mark.parametrize(("length", "hop"), [(8, 2), (7, 3), (4, 4), (3, 5)])
def test_overlapping_frames_are_added(rng, length, hop):
    frames = rng.normal(size=(2, 5, length)).astype("float32")
    hops = -(-length // hop)
    expected = np.zeros((2, (5 + hops - 1) * hop))
    for f in range(5):
        expected[:, f * hop : f * hop + length] += frames[:, f]
    assert_allclose(overlap_add(frames, hop), expected, atol=1e-6)


@pytest.mark.parametrize(("length", "hop"), [(8, 2), (10, 3), (800, 200), (400, 200)])
@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_envelopes_are_sums_of_squared_windows(length, hop, window):
    squares = scipy.signal.get_window(window, length) ** 2
    expected = np.zeros(100 * hop + length)
    for f in range(100):
        expected[f * hop : f * hop + length] += squares
    middle = expected[50 * hop : 51 * hop]
    assert_allclose(steady_envelope(length, hop, window), middle, rtol=1e-6)
    envelope = numpy_of(window_envelope(100, length, hop, window))
    assert envelope.shape == (1, (99 + -(-length // hop)) * hop)
    envelope = envelope[0][: len(expected)]
    floor = 0.01 * middle.max()
    assert_allclose(envelope[:-hop], np.maximum(expected, floor)[: len(envelope) - hop], rtol=1e-5)


def test_refuses_hops_that_leave_samples_out():
    with pytest.raises(ValueError, match="Expected hop_length so short.*Received: hop_length=8"):
        steady_envelope(8, 8)
