"""Drawing one of finitely many by a uniform random number."""

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor


def by_row(setting) -> Tensor:
    """Returns a setting of sampling, one number or one a row, as float32 `[1 or batch, 1]`."""
    return ops.reshape(ops.cast(setting, "float32"), (-1, 1))


def tempered(logits, temperature) -> Tensor:
    """Returns float32 logits, the highest at 0, divided by a temperature >= 0 (by next to nothing where it is 0)."""
    return (logits - ops.max(logits, axis=-1, keepdims=True)) / ops.maximum(temperature, 1e-6)


def draw(logits, uniform, temperature, scores) -> Tensor:
    """Returns int32 `[batch]`, indices drawn from softmax(logits) by inverting the cumulative distribution.

    Args:
        logits: float32 `[batch, size]`, what `tempered` returns; -inf never comes.
        uniform: float32 `[batch]` in (0, 1).
        temperature: float32 `[1 or batch, 1]`; at 0 the index is that of the highest score, whatever `uniform`.
        scores: float32 `[batch, size]`.
    """
    size = logits.shape[-1]
    weights = ops.exp(logits)
    # A matrix product sums faster than a scan. What is impossible is zeroed, so that rounding cannot draw it.
    cumulative = ops.matmul(weights, np.triu(np.ones((size, size), "float32")))
    cumulative = ops.where(weights > 0, cumulative, 0.0)
    reached = cumulative >= ops.expand_dims(uniform, -1) * ops.max(cumulative, axis=-1, keepdims=True)
    return ops.argmax(ops.where(temperature > 0, ops.cast(reached, "float32"), scores), axis=-1)
