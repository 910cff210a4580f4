"""The vocoder without a network: Griffin-Lim from log-mel features."""

import numpy as np

from benchmarks._judges import require
from tf_wavenet import MelSpec

ITERATIONS = 60
ROUNDS = 10  # fewer fit the mels less, and more fit them with ever sharper ripples

_TINY = 1e-12


def griffin_lim(features: np.ndarray, spec: MelSpec, num_samples: int) -> np.ndarray:
    """Finds a waveform that has the given features.

    Magnitudes are those of `invert_mels`; the phases are found by 60 rounds of the fast algorithm with momentum 0.99,
    from random ones, the same at every call.

    Args:
        features: Float array `[frames, num_mels]`, as `log_mel` made them of one waveform.
        spec: Their recipe.
        num_samples: Length of that waveform.

    Returns:
        float32 array `[num_samples]`, aligned with it.

    References:
        Griffin and Lim, Signal estimation from modified short-time Fourier transform (1984); Perraudin, Balazs and
        Sondergaard, A fast Griffin-Lim algorithm (WASPAA 2013).
    """
    librosa = require("librosa")
    logs = np.asarray(features, np.float64)
    if spec.normalization is not None:
        mean, scale = np.asarray(spec.normalization)
        logs = logs * scale + mean
    mel = np.exp(logs) if spec.log_base == "e" else 10.0**logs
    waveform = librosa.griffinlim(
        invert_mels(mel, spec.filterbank()).T,
        n_iter=ITERATIONS,
        momentum=0.99,
        hop_length=spec.hop_length,
        win_length=spec.win_length,
        n_fft=spec.fft_length,
        window=spec.window,
        center=False,
        random_state=0,
    )
    # Frame f is now the transform of samples from f * hop_length on; in the features it begins earlier.
    waveform = waveform[spec.frame_offset :][:num_samples]
    return np.pad(waveform, (0, num_samples - len(waveform))).astype(np.float32)


def invert_mels(mel: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Finds smooth, positive magnitudes that have the given mels, about.

    They begin as the mean magnitudes of the filters, interpolated over frequency in logs; ten rounds of the
    multiplicative rule, which never leaves the positive numbers, bring their mels close to those given (in the sense
    of Kullback and Leibler, so that quiet bands count). Of the many solutions that ends near the smooth beginning,
    where least squares, non-negative or not, has a comb with the spacing of the filters.

    Args:
        mel: Positive float array `[frames, num_mels]`.
        filters: Float array `[bins, num_mels]`, at least 0.

    Returns:
        float64 array `[frames, bins]`; 0 where no filter reaches.

    References:
        Richardson, Bayesian-based iterative method of image restoration (1972); Lee and Seung, Algorithms for
        non-negative matrix factorization (NIPS 2000), theorem 2.
    """
    filters = np.asarray(filters, np.float64)
    bins, area, reach = np.arange(len(filters)), filters.sum(axis=0), filters.sum(axis=1)
    logs = np.log(np.maximum(mel, _TINY) / area)
    magnitude = np.exp([np.interp(bins, bins @ filters / area, frame) for frame in logs])
    for _ in range(ROUNDS):
        magnitude *= mel / (magnitude @ filters) @ filters.T / np.maximum(reach, _TINY)
    return magnitude
