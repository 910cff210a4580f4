"""Linear prediction of a waveform from its log-mel features."""

import functools
import math

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_inversion import mel_to_magnitude
from tf_wavenet.signal.mel_spec import MelSpec

LEAST_POWER = 1e-7
"""Added to the power of every frame: below it, about that of the rounding of 16-bit audio, nothing is predicted."""

UNVOICED_VOICED = (0.8, 0.95)
"""First autocorrelations, as shares of the power, of frames that are hardly ever voiced and nearly always voiced."""


def linear_prediction(
    features, spec: MelSpec, order: int = 16, lag_window: float = 40.0, white_noise: float = 1e-4
) -> Tensor:
    """Computes the predictor of each frame: `a[k]` of `x[t] ~ sum(a[k] * x[t - k] for k in 1 ... order)`.

    The mels are inverted to magnitudes (`mel_to_magnitude`), squared, weighted by the response of the spec's
    pre-emphasis and transformed to autocorrelations; these are smoothed by a lag window and a floor of white noise, and
    solved by `levinson`. The predictor is that of the pre-emphasised waveform, and of any multiple of it.

    Args:
        features: Float `[..., num_mels]`, as `log_mel` makes them.
        spec: Their recipe.
        order: Int >= 0, coefficients.
        lag_window: In Hz, at least 0: the deviation of the Gaussian that the spectrum is smoothed with.
        white_noise: At least 0: power of the noise added, as a share of the frame's.

    Returns:
        float32 `[..., order]`, `a[1]` first. Its synthesis filter is stable.

    Example:
    >>> spec = MelSpec.from_preset("speech_16k", preemphasis=0.85)
    >>> tuple(linear_prediction(np.full((2, 5, 80), -5.0, "float32"), spec).shape)
    (2, 5, 16)

    References:
        Valin and Skoglund, LPCNet (2019), section 2.2: coefficients from the features, not sent beside them; section
        3.1 for the lag window and the noise floor.
    """
    if not order:
        return ops.zeros_like(ops.convert_to_tensor(features)[..., :0])
    power = ops.square(mel_to_magnitude(features, spec))
    # The weights hold the pre-emphasis, the inverse transform, the lag window and the noise floor.
    autocorrelation = ops.matmul(power, _weights(spec, order, lag_window, white_noise))
    floor = LEAST_POWER * np.eye(order + 1, dtype="float32")[0]
    return levinson(autocorrelation + ops.convert_to_tensor(floor))


def voicing(features, spec: MelSpec) -> Tensor:
    """Tells voiced frames from unvoiced ones by the tilt of their spectrum.

    It is the first autocorrelation of the frame as a share of its power, 0.8 or less to 0 and 0.95 or more to 1. On the
    prompts of `training.speech_corpus` the frames at 1, three of four, have a median peak of their autocorrelation at
    the pitch of 0.8, those at 0 of 0.2.

    Args:
        features: Float `[..., num_mels]`, as `log_mel` makes them.
        spec: Their recipe.

    Returns:
        float32 `[...]` in [0, 1].

    Example:
    >>> hiss = np.linspace(-8.0, -2.0, 80, dtype="float32")  # louder where the frequency is higher
    >>> [float(v) for v in voicing(np.stack([hiss, hiss[::-1]]), MelSpec.from_preset("speech_16k"))]
    [0.0, 1.0]
    """
    power = ops.square(mel_to_magnitude(features, spec))
    cosines = np.cos(np.linspace(0.0, np.pi, spec.fft_length // 2 + 1)).astype("float32")
    share = ops.sum(ops.multiply(power, cosines), axis=-1) / ops.sum(power, axis=-1)
    low, high = UNVOICED_VOICED
    return ops.clip((share - low) / (high - low), 0.0, 1.0)


def levinson(autocorrelation) -> Tensor:
    """Solves the normal equations of linear prediction, by the recursion of Levinson and Durbin.

    Args:
        autocorrelation: float32 `[..., order + 1]`, lag 0 first, positive definite; order >= 1.

    Returns:
        float32 `[..., order]`, coefficients `a` with `sum(a[j] * r[|i - j|] for j in 1 ... order) = r[i]`. Reflection
        coefficients are kept inside (-1, 1), so that `1 / (1 - sum(a[k] z^-k))` is stable whatever the rounding.

    Example:
    >>> [round(float(a), 6) for a in levinson(np.array([1.0, 0.5, 0.25], "float32"))]
    [0.5, 0.0]

    References:
        Makhoul, Linear prediction: a tutorial review (1975), equations 38 and 39.
    """
    r = ops.cast(ops.convert_to_tensor(autocorrelation), "float32")
    error, a = r[..., :1], None
    for i in range(1, r.shape[-1]):
        unexplained = r[..., i : i + 1]
        if a is not None:
            unexplained = unexplained - ops.sum(a * ops.flip(r[..., 1:i], axis=-1), axis=-1, keepdims=True)
        reflection = ops.clip(unexplained / error, -0.9999, 0.9999)
        a = reflection if a is None else ops.concatenate([a - reflection * ops.flip(a, axis=-1), reflection], axis=-1)
        error = error * (1.0 - ops.square(reflection))
    return a


@functools.lru_cache
def _weights(spec, order, lag_window, white_noise):
    """From power spectra to autocorrelations, float32 `[fft_length // 2 + 1, order + 1]`."""
    length, lags = spec.fft_length, np.arange(order + 1)
    angles = 2.0 * np.pi * np.arange(length // 2 + 1) / length
    emphasis = 1.0 + spec.preemphasis**2 - 2.0 * spec.preemphasis * np.cos(angles)
    twice = np.where((angles == 0.0) | (angles == math.pi), 1.0, 2.0)
    window = np.exp(-0.5 * np.square(2.0 * np.pi * lag_window / spec.sample_rate * lags))
    window[0] += white_noise
    return ((emphasis * twice / length)[:, None] * np.cos(np.outer(angles, lags)) * window).astype("float32")
