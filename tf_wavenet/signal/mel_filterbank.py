"""Mel filters and analysis windows as NumPy arrays."""

import math

import numpy as np

# Slaney's scale: linear below 1 kHz, 15 mels there; logarithmic above, 27 mels from 1 kHz to 6.4 kHz.
_LINEAR_HZ = 1000.0
_LINEAR_MELS = 15.0
_MELS_A_NEPER = 27.0 / math.log(6.4)

WINDOWS = {"hann": 0.5, "hamming": 0.54}  # the constant part of the raised cosine


def hz_to_mel(frequency) -> np.ndarray:
    """Returns mels of Slaney's scale for frequencies in Hz, float64 of any shape."""
    frequency = np.asarray(frequency, np.float64)
    above = _LINEAR_MELS + _MELS_A_NEPER * np.log(np.maximum(frequency, _LINEAR_HZ) / _LINEAR_HZ)
    return np.where(frequency < _LINEAR_HZ, frequency * (_LINEAR_MELS / _LINEAR_HZ), above)


def mel_to_hz(mel) -> np.ndarray:
    """Returns frequencies in Hz for mels of Slaney's scale, float64 of any shape; the inverse of `hz_to_mel`."""
    mel = np.asarray(mel, np.float64)
    above = _LINEAR_HZ * np.exp((np.maximum(mel, _LINEAR_MELS) - _LINEAR_MELS) / _MELS_A_NEPER)
    return np.where(mel < _LINEAR_MELS, mel * (_LINEAR_HZ / _LINEAR_MELS), above)


def mel_filterbank(sample_rate, fft_length, num_mels, fmin, fmax) -> np.ndarray:
    """Builds triangular filters, equally wide and half overlapping on Slaney's mel scale, each of area 1 over Hz.

    Args:
        sample_rate: In Hz.
        fft_length: Samples of the Fourier transform, even.
        num_mels: Number of filters.
        fmin: Lower edge of the first filter in Hz.
        fmax: Upper edge of the last filter in Hz, at most `sample_rate / 2`.

    Returns:
        float64 `[fft_length // 2 + 1, num_mels]`: mel magnitudes are magnitudes of the transform times this. A filter
        narrower than the distance of two bins may be all zero.

    Example:
    >>> mel_filterbank(16000, 1024, 80, 0.0, 8000.0).shape
    (513, 80)

    References:
        Slaney, Auditory Toolbox version 2 (1998), "mfcc"; the default of librosa.filters.mel.
    """
    edges = mel_to_hz(np.linspace(hz_to_mel(fmin), hz_to_mel(fmax), num_mels + 2))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.linspace(0.0, sample_rate / 2.0, fft_length // 2 + 1)[:, None]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.maximum(0.0, triangles) * (2.0 / (high - low))


def analysis_window(name, win_length, fft_length) -> np.ndarray:
    """Builds a periodic window in the middle of a transform's samples.

    Args:
        name: A key of `WINDOWS`.
        win_length: Samples of the window, at most `fft_length`.
        fft_length: Samples of the transform.

    Returns:
        float64 `[fft_length]`, zero outside the window.

    Example:
    >>> analysis_window("hann", 4, 6).round(3).tolist()
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    constant = WINDOWS[name]
    window = constant - (1.0 - constant) * np.cos(2.0 * np.pi * np.arange(win_length) / win_length)
    left = (fft_length - win_length) // 2
    return np.pad(window, (left, fft_length - win_length - left))
