"""From log-mel features back to the magnitudes of the Fourier transform that they were made of."""

import functools
import math

import numpy as np
from keras import ops

from tf_wavenet.mel_spec import MelSpec


def mel_to_magnitude(features, spec: MelSpec, floor: float = 1e-4):
    """Estimates magnitude spectra from log-mel features, by the pseudo-inverse of the mel filters.

    Of all spectra with these mels it is the one of least energy; what is below the floor, negative values among them,
    is raised to it. Differentiable, eagerly or in a graph, with or without XLA.

    Args:
        features: Float `[..., num_mels]`, as `log_mel` makes them.
        spec: Their recipe.
        floor: Lowest magnitude, positive.

    Returns:
        float32 `[..., fft_length // 2 + 1]`, at least `floor`: magnitudes of the windowed transform that `log_mel`
        takes, for waveforms in [-1, 1].

    Example:
    >>> spec = MelSpec.from_preset("speech_16k")
    >>> tuple(mel_to_magnitude(np.full((2, 5, 80), -5.0, "float32"), spec).shape)
    (2, 5, 513)

    References:
        Lv et al., FreeV: Free Lunch For Vocoders Through Pseudo Inversed Mel Filter (2024), section 2.2.
    """
    inverse, mean, scale = _constants(spec)
    logs = ops.cast(ops.convert_to_tensor(features), "float32")
    if spec.normalization is not None:
        logs = logs * scale + mean
    if spec.log_base == "10":
        logs = logs * math.log(10.0)
    return ops.maximum(ops.matmul(ops.exp(logs), inverse), floor)


@functools.lru_cache
def _constants(spec):
    mean, scale = spec.normalization or (0.0, 1.0)
    return tuple(np.asarray(value, np.float32) for value in (np.linalg.pinv(spec.filterbank()), mean, scale))
