"""Mu-law companding as pure functions of tensors."""

import functools
import math

import keras
import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import as_array, check_positive_int
from tf_wavenet.signal.full_scale import at_hand


def mu_law_encode(x, mu=255) -> Tensor:
    """Compands a waveform to integer mu-law levels.

    Computes `floor((F(x) + 1) / 2 * mu + 0.5)` with `F(x) = sgn(x) ln(1 + mu |x|) / ln(1 + mu)`.

    Args:
        x: Floating point tensor or array of any shape: the waveform, full scale [-1, 1]. Values outside are clipped.
            Arithmetic is float32 whatever the dtype. NaN has no level: what it gives is unspecified.
        mu: Positive int, the highest level; 255 gives 256 levels (8 bits).

    Returns:
        int32 tensor of `x`'s shape, in [0, mu]. Silence (0.0) is level `(mu + 1) // 2`, 128 for mu = 255.

    Raises:
        ValueError: If `mu` is not a positive int, or `x` holds integers (PCM that was not scaled).

    Example:
    >>> levels = mu_law_encode([-1.0, 0.0, 1.0])
    >>> [int(level) for level in levels]
    [0, 128, 255]

    References:
        van den Oord et al., WaveNet (2016), section 2.2; ITU-T G.711 for the curve.
    """
    check_mu(mu)
    x = ops.convert_to_tensor(as_array("x", x))
    dtype = keras.backend.standardize_dtype(x.dtype)
    if "int" in dtype:
        expected = "Expected a floating point waveform in [-1, 1]: divide 16-bit samples by 32768"
        raise ValueError(f"{expected}. Received: dtype={dtype}")
    return ops.cast(ops.floor((mu_law_compand(x, mu) + 1.0) / 2.0 * mu + 0.5), "int32")


def mu_law_compand(x, mu=255) -> Tensor:
    """Returns `F(x) = sgn(x) ln(1 + mu |x|) / ln(1 + mu)`, not rounded to a level.

    Args:
        x: Floating point waveform of any shape; values outside [-1, 1] are clipped.
        mu: Positive number.

    Returns:
        float32 of `x`'s shape, in [-1, 1].
    """
    x = ops.clip(ops.cast(x, "float32"), -1.0, 1.0)
    # log(1 + y), not log1p(y): ONNX has no such operation, and the levels near 0 are far wider than what it would gain.
    return ops.sign(x) * ops.log(1.0 + mu * ops.abs(x)) / math.log1p(mu)


def mu_law_expand(companded, mu=255) -> Tensor:
    """Returns the inverse of `mu_law_compand`, float32 in [-1, 1]; values outside [-1, 1] are clipped."""
    y = ops.clip(ops.cast(companded, "float32"), -1.0, 1.0)
    return ops.sign(y) * ops.expm1(ops.abs(y) * math.log1p(mu)) / mu


def mu_law_decode(levels, mu=255) -> Tensor:
    """Expands mu-law levels to the waveform at the centre of each level; the inverse of `mu_law_encode` on levels.

    Args:
        levels: Integer tensor or array of any shape, in [0, mu]. A graph, which knows no values, clips others.
        mu: Positive int, the highest level.

    Returns:
        float32 tensor of `levels`' shape, in [-1, 1].

    Raises:
        ValueError: If `mu` is not a positive int, or a level that is at hand is none of 0 ... mu.

    Example:
    >>> waveform = mu_law_decode([0, 255])
    >>> [float(x) for x in waveform]
    [-1.0, 1.0]

    References:
        van den Oord et al., WaveNet (2016), section 2.2.
    """
    check_mu(mu)
    levels = as_array("levels", levels)
    values = at_hand(levels)
    if values is not None and not np.all((values >= 0) & (values <= mu) & (values == np.floor(values))):
        expected = f"Expected mu-law levels to be ints in [0, {mu}]"
        raise ValueError(f"{expected}. Received: {values.dtype} in [{values.min():g}, {values.max():g}]")
    return mu_law_decode_known(levels, mu)


def mu_law_decode_known(levels, mu) -> Tensor:
    """Returns what `mu_law_decode` does for levels that are known to be some; values are not looked at."""
    levels = ops.clip(ops.cast(ops.convert_to_tensor(levels), "int32"), 0, mu)
    return ops.take(_centres(mu), levels, axis=0)


@functools.lru_cache
def _centres(mu):
    # A table gives the same bits eagerly, in graphs and under XLA; a formula would not.
    companded = 2.0 * np.arange(mu + 1) / mu - 1.0
    return (np.sign(companded) * np.expm1(np.abs(companded) * math.log1p(mu)) / mu).clip(-1.0, 1.0).astype("float32")


def check_mu(mu) -> int:
    """Returns `mu` if it is a positive int, else raises a ValueError."""
    return check_positive_int("mu", mu)
