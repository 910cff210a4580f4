"""Classes that Keras saves by name, and whose arguments may be NumPy's numbers."""

import functools
import inspect
from collections.abc import Callable

import keras
import numpy as np


def registered(cls) -> type:
    """Registers a class with Keras under "tf_wavenet>Name"; NumPy's scalars become Python's in its constructor.

    Keras refuses `numpy.int64(8)` in many arguments, and JSON in all.
    """
    return _register(cls.__name__, cls)


def registered_as(name) -> Callable[[type], type]:
    """Does what `registered` does, under another name than the class has: the one that saved files hold."""
    return functools.partial(_register, name)


def _register(name, cls):
    if "__init__" in vars(cls):
        original = cls.__init__

        @functools.wraps(original)
        def __init__(self, *args, **kwargs):
            original(self, *_plain(args), **_plain(kwargs))

        __init__.__signature__ = inspect.signature(original)  # Keras reads the names of the arguments
        cls.__init__ = __init__
    return keras.saving.register_keras_serializable(package="tf_wavenet", name=name)(cls)


def _plain(value):
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value
