"""Gradients and compilation on every backend."""

import keras
import numpy as np
import pytest

from tests.support.gradients import gradient_by_input


def gradient(function, x):
    """Of the sum of `function(x)`, as NumPy."""
    return gradient_by_input(compiled(function) if keras.backend.backend() == "jax" else function, np.float32(x))


def compiled(function):
    """As XLA compiles it."""
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA")
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)
