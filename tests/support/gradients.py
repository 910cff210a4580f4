"""Gradients of a loss, by the means of each backend."""

import keras


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
    return keras.tree.map_structure(keras.ops.convert_to_numpy, (value, list(found)))
