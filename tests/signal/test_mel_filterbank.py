"""Filters and windows against librosa and SciPy."""

import numpy as np
import pytest
import scipy.signal

from tf_wavenet.signal.mel_filterbank import analysis_window, hz_to_mel, mel_filterbank, mel_to_hz

librosa = pytest.importorskip("librosa")


@pytest.mark.parametrize(
    ("sample_rate", "fft_length", "num_mels", "fmin", "fmax"),
    [
        (22050, 1024, 80, 125, 7600),
        (16000, 1024, 80, 0, 8000),
        (48000, 2048, 128, 20, 24000),
        (8000, 512, 13, 100, 900),
    ],
)
def test_filters_are_librosas(sample_rate, fft_length, num_mels, fmin, fmax):
    expected = librosa.filters.mel(
        sr=sample_rate, n_fft=fft_length, n_mels=num_mels, fmin=fmin, fmax=fmax, dtype=np.float64
    )
    filters = mel_filterbank(sample_rate, fft_length, num_mels, fmin, fmax)
    assert filters.dtype == np.float64
    np.testing.assert_allclose(filters, expected.T, rtol=0, atol=1e-12)


def test_scale_is_librosas_and_inverts():
    frequencies = np.array([0.0, 60.0, 999.9, 1000.0, 1000.1, 6400.0, 24000.0])
    mels = hz_to_mel(frequencies)
    np.testing.assert_allclose(mels, librosa.hz_to_mel(frequencies), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(mels), frequencies, rtol=1e-12)


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize(("win_length", "fft_length"), [(1024, 1024), (800, 1024), (601, 1024), (5, 8)])
def test_windows_are_scipys(name, win_length, fft_length):
    expected = librosa.util.pad_center(scipy.signal.get_window(name, win_length), size=fft_length)
    np.testing.assert_allclose(analysis_window(name, win_length, fft_length), expected, rtol=0, atol=1e-14)
