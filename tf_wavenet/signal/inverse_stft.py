"""The inverse of the short-time Fourier transform, as products with a stored basis and shifted sums."""

import functools

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_filterbank import WINDOWS, analysis_window

_LEAST = 0.01  # of the largest squared window sum


def synthesis_frames(spectrum, fft_length, win_length, window="hann") -> Tensor:
    """Computes the windowed samples that spectra stand for, whose overlapping sum makes the waveform.

    The inverse Fourier transform is a product with cosines and sines, at half of the cost: about the middle of a
    frame the real parts make an even function, the imaginary parts an odd one. No Fourier transform is called, since
    LiteRT and ONNX have none.

    Args:
        spectrum: `[..., fft_length + 2]`: the real parts of all bins of a windowed transform, then the imaginary parts.
        fft_length: Samples of the transform, even.
        win_length: Samples of the window in its middle, even.
        window: "hann" or "hamming".

    Returns:
        float32 `[..., win_length]`.

    Example:
    >>> spectrum = np.fft.rfft(np.ones(8))
    >>> frames = synthesis_frames(np.concatenate([spectrum.real, spectrum.imag]), 8, 4)
    >>> np.asarray(frames).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]

    References:
        Griffin and Lim, Signal estimation from modified short-time Fourier transform (1984), equation 6.
    """
    cosines, sines = _basis(fft_length, win_length, window)
    real, imaginary = ops.split(ops.cast(spectrum, "float32"), 2, axis=-1)
    half = win_length // 2
    even, odd = ops.matmul(real, cosines), ops.matmul(imaginary, sines)
    before, after = even - odd, even + odd  # the samples at the distances 0, 1, ... half from the middle
    return ops.concatenate([ops.flip(before[..., 1:], axis=-1), after[..., :half]], axis=-1)


def overlap_add(frames, hop_length) -> Tensor:
    """Adds frames up where they overlap.

    Args:
        frames: `[batch, frames, length]`, each `hop_length` samples after the one before.
        hop_length: Samples from frame to frame.

    Returns:
        `[batch, (frames + n - 1) * hop_length]` for the n hops that a frame is long, the last one filled up with zeros.

    Example:
    >>> np.asarray(overlap_add(np.ones((1, 3, 4), "float32"), 2)).tolist()
    [[1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]]
    """
    hops = -(-frames.shape[-1] // hop_length)
    missing = hops * hop_length - frames.shape[-1]
    frames = ops.pad(frames, ((0, 0), (0, 0), (0, missing))) if missing else frames
    blocks = (frames[:, :, i * hop_length : (i + 1) * hop_length] for i in range(hops))
    total = sum(ops.pad(block, ((0, 0), (i, hops - 1 - i), (0, 0))) for i, block in enumerate(blocks))
    return ops.reshape(total, (-1, ops.shape(total)[1] * hop_length))


def window_envelope(num_frames, win_length, hop_length, window="hann") -> Tensor:
    """Computes the sum of the squared windows of frames, by which the sum of `synthesis_frames` is divided.

    Args:
        num_frames: Int or scalar integer tensor.
        win_length: Samples of the window, even.
        hop_length: Samples from frame to frame.
        window: "hann" or "hamming".

    Returns:
        float32 `[1, time]`, as long as their `overlap_add`; at both ends at least a hundredth of what it is between, so
        that there samples fade instead of being amplified.

    Example:
    >>> np.asarray(window_envelope(5, 4, 1), "float64").round(2).tolist()
    [[0.01, 0.25, 1.25, 1.5, 1.5, 1.5, 1.25, 0.25]]
    """
    squares = np.square(analysis_window(window, win_length, win_length)).astype(np.float32)
    total = overlap_add(ops.multiply(ops.ones((1, num_frames, 1)), squares), hop_length)
    return ops.maximum(total, _LEAST * float(steady_envelope(win_length, hop_length, window).max()))


def steady_envelope(win_length, hop_length, window="hann") -> np.ndarray:
    """Returns the sum of squared windows, as if there were no ends, at the `hop_length` samples of a frame.

    Args:
        win_length: Samples of the window, even.
        hop_length: Samples from frame to frame.
        window: "hann" or "hamming".

    Returns:
        float32 NumPy array `[hop_length]`.

    Raises:
        ValueError: If there is no such window, or the sum is next to zero somewhere, so that the transform cannot be
            inverted there.

    Example:
    >>> steady_envelope(8, 2).round(3).tolist()
    [1.5, 1.5]
    """
    if window not in WINDOWS:
        raise ValueError(f"Expected window to be one of {sorted(WINDOWS)}. Received: window={window!r}")
    squares = np.square(analysis_window(window, win_length, win_length))
    squares = np.pad(squares, (0, -win_length % hop_length)).reshape(-1, hop_length).sum(axis=0)
    if squares.min() < _LEAST * squares.max():
        expected = f"Expected hop_length so short that windows of {win_length} samples leave none out"
        raise ValueError(f"{expected}. Received: hop_length={hop_length}")
    return squares.astype(np.float32)


@functools.lru_cache
def _basis(fft_length, win_length, window):
    """Cosines and sines `[fft_length // 2 + 1, win_length // 2 + 1]` of the distance from the middle, windowed."""
    half = win_length // 2
    bins, distance = np.arange(fft_length // 2 + 1)[:, None], np.arange(half + 1)
    # Twice, as the negative frequencies have half; the middle of the frame is half a transform from its first sample.
    scale = np.where(bins % (fft_length // 2) == 0, 1.0, 2.0) * np.where(bins % 2, -1.0, 1.0) / fft_length
    scale = scale * analysis_window(window, win_length, win_length)[half::-1]
    angle = 2.0 * np.pi * (bins * distance % fft_length) / fft_length
    return (np.cos(angle) * scale).astype(np.float32), (-np.sin(angle) * scale).astype(np.float32)
