"""From log-mel features back to the magnitudes of the Fourier transform that they were made of."""

import functools
import math

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_spec import MelSpec

_LEAST = 1e-12  # keeps quotients finite; far below any floor


def mel_to_magnitude(features, spec: MelSpec, rounds: int = 3, floor: float = 1e-4) -> Tensor:
    """Estimates smooth magnitude spectra that have the given log-mels, about.

    The mean magnitudes of the filters are interpolated over frequency, in logarithms; each round of the multiplicative
    rule then brings the mels of the spectrum closer to those given. Least squares, by the pseudo-inverse or not
    negative, find spectra with a comb of the filters' spacing instead, which is heard. Differentiable, eagerly or in a
    graph, with or without XLA.

    Args:
        features: Float `[..., num_mels]`, as `log_mel` makes them.
        spec: Their recipe.
        rounds: Int >= 0, of the multiplicative rule.
        floor: Lowest magnitude, positive.

    Returns:
        float32 `[..., fft_length // 2 + 1]`, at least `floor`: magnitudes of the windowed transform that `log_mel`
        takes, for waveforms in [-1, 1]. Where no filter reaches, the nearest filter's.

    Example:
    >>> spec = MelSpec.from_preset("speech_16k")
    >>> tuple(mel_to_magnitude(np.full((2, 5, 80), -5.0, "float32"), spec).shape)
    (2, 5, 513)

    References:
        Richardson, Bayesian-based iterative method of image restoration (1972); Lee and Seung, Algorithms for
        non-negative matrix factorization (2000), theorem 2. As a vocoder's prior, by the pseudo-inverse: Lv et al.,
        FreeV (2024), section 2.2.
    """
    filters, shares, between, log_area, mean, scale = map(ops.convert_to_tensor, _constants(spec))
    logs = ops.cast(ops.convert_to_tensor(features), "float32")
    if spec.normalization is not None:
        logs = logs * scale + mean
    if spec.log_base == "10":
        logs = logs * math.log(10.0)
    magnitude = ops.exp(ops.matmul(logs - log_area, between))
    mel = ops.exp(logs)
    for _ in range(rounds):
        wanted = mel / ops.maximum(ops.matmul(magnitude, filters), _LEAST)
        magnitude = magnitude * (ops.matmul(wanted, shares[:-1]) + shares[-1])
    return ops.maximum(magnitude, floor)


def mel_gain(wanted, features, spec: MelSpec, most: float = 10.0) -> Tensor:
    """Computes the factors on magnitude spectra that change their log-mels to others, about, and smoothly.

    Args:
        wanted: Float `[..., num_mels]`, log-mels as `log_mel` makes them.
        features: Those that the spectra have.
        spec: Their recipe.
        most: Number > 1, the largest factor and the inverse of the smallest.

    Returns:
        float32 `[..., fft_length // 2 + 1]`: the mels' quotients, interpolated over frequency in logarithms.

    Example:
    >>> spec = MelSpec.from_preset("speech_16k")
    >>> gain = mel_gain(np.full((1, 80), -5.0, "float32"), np.full((1, 80), -5.5, "float32"), spec)
    >>> round(float(gain[0, 0]), 3)  # e ** 0.5
    1.649
    """
    between, _, _, scale = map(ops.convert_to_tensor, _constants(spec)[2:])
    logs = (ops.cast(wanted, "float32") - ops.cast(features, "float32")) * scale
    if spec.log_base == "10":
        logs = logs * math.log(10.0)
    most = math.log(most)
    return ops.exp(ops.clip(ops.matmul(logs, between), -most, most))


@functools.lru_cache
def _constants(spec):
    filters = spec.filterbank()
    bins, area, reach = np.arange(len(filters)), filters.sum(axis=0), filters.sum(axis=1)
    centres = bins @ filters / area
    # Interpolation as a matrix: what becomes of each filter's own 1.
    between = np.stack([np.interp(bins, centres, one) for one in np.eye(len(area))])
    # Each bin's shares in the filters; the last row keeps the bins that no filter reaches as they are.
    shares = np.concatenate([filters.T / np.maximum(reach, _LEAST), [reach == 0.0]])
    mean, scale = spec.normalization or (0.0, 1.0)
    return tuple(np.asarray(value, np.float32) for value in (filters, shares, between, np.log(area), mean, scale))
