"""Tensors of every Keras backend as NumPy arrays: those of PyTorch convert by themselves only without a gradient."""

import keras
import numpy as np


def numpy_of(value, dtype=None):
    """Returns a tensor, a variable, or what NumPy takes, lists of tensors too, as an array."""
    if isinstance(value, (list, tuple)):
        value = [numpy_of(item) for item in value]
    elif keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
        value = keras.ops.convert_to_numpy(value)
    return np.array(value, dtype)  # a copy, for PyTorch changes variables in place


def assert_allclose(actual, desired, **tolerances):
    """As NumPy's, of tensors too."""
    np.testing.assert_allclose(numpy_of(actual), numpy_of(desired), **tolerances)


def assert_array_equal(actual, desired):
    """As NumPy's, of tensors too."""
    np.testing.assert_array_equal(numpy_of(actual), numpy_of(desired))
