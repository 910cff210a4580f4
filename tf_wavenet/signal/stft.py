"""The short-time Fourier transform."""

from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_filterbank import analysis_window

_LEAST_POWER = 1e-7  # below it, magnitudes are not told apart


def stft_magnitude(waveform, fft_length, hop_length, win_length) -> Tensor:
    """Returns the magnitudes of a short-time Fourier transform, at least `sqrt(1e-7)`.

    Args:
        waveform: float32 `[batch, time]`, time more than `fft_length // 2`: it is mirrored at its ends.
        fft_length: Length of the Fourier transform; frame f is centred on sample `f * hop_length`.
        hop_length: Samples from frame to frame.
        win_length: Samples of the Hann window, at most `fft_length`.

    Returns:
        float32 `[batch, frames, fft_length // 2 + 1]`, frames `1 + time // hop_length`.

    Example:
    >>> import numpy as np
    >>> waveform = np.cos(2 * np.pi * 4 / 64 * np.arange(640))[None].astype("float32")  # 4 periods in 64 samples
    >>> magnitude = stft_magnitude(waveform, fft_length=64, hop_length=16, win_length=64)
    >>> tuple(magnitude.shape)
    (1, 41, 33)
    >>> int(ops.argmax(magnitude[0, 20])), round(float(magnitude[0, 20, 4]), 2)  # half of the window's sum
    (4, 16.0)
    """
    window = analysis_window("hann", win_length, fft_length).astype("float32")
    return ops.sqrt(ops.maximum(power_spectrum(waveform, fft_length, hop_length, window), _LEAST_POWER))


def power_spectrum(waveform, fft_length, hop_length, window, center=True) -> Tensor:
    """Returns the squared magnitudes of a short-time Fourier transform.

    Args:
        waveform: float32 `[batch, time]`.
        fft_length: Length of the Fourier transform.
        hop_length: Samples from frame to frame.
        window: float32 `[fft_length]`.
        center: Whether frame f is centred on sample `f * hop_length`, the waveform mirrored at its ends; else it begins
            there.

    Returns:
        float32 `[batch, frames, fft_length // 2 + 1]`.
    """
    real, imaginary = ops.stft(waveform, fft_length, hop_length, fft_length, window, center=center)
    return ops.square(real) + ops.square(imaginary)
