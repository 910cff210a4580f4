"""Gradients and compilation on either backend."""

import keras
import numpy as np
from keras import ops


def gradient(function, x):
    """Of the sum of `function(x)`, as NumPy."""
    x = ops.convert_to_tensor(np.asarray(x, "float32"))
    if keras.backend.backend() == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda x: ops.sum(function(x))))(x))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = ops.sum(function(x))
    return tape.gradient(total, x).numpy()


def compiled(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)
