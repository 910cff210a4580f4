"""Gradients of a loss, by the means of each backend."""

import keras
from keras import ops

from tests.support.arrays import numpy_of


def gradients(loss, variables):
    """Returns `loss()` and its gradients by the variables, as NumPy arrays."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, variables)
    elif backend == "jax":
        import jax

        def of_values(values):
            with keras.StatelessScope(list(zip(variables, values, strict=True))):
                return loss()

        value, found = jax.value_and_grad(of_values)([variable.value for variable in variables])
    else:
        import torch

        value = loss()
        found = torch.autograd.grad(value, [variable.value for variable in variables])
    return keras.tree.map_structure(numpy_of, (value, list(found)))


def gradient_by_input(function, x):
    """Returns the gradient of the sum of `function(x)` by x, as a NumPy array; x is given to it as a tensor."""
    backend, x = keras.backend.backend(), ops.convert_to_tensor(x)
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(function(x))
        found = tape.gradient(total, x)
    elif backend == "jax":
        import jax

        found = jax.grad(lambda x: ops.sum(function(x)))(x)
    else:
        import torch

        x = x.detach().clone().requires_grad_()
        [found] = torch.autograd.grad(ops.sum(function(x)), x)
    return numpy_of(found)
