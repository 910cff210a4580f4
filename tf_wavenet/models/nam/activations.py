"""The activation functions of `.nam` files."""

import functools
from collections.abc import Callable

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number


def nam_activation(activation, channels) -> Callable[[Tensor], Tensor]:
    """Returns the function that an activation in a `.nam` file names.

    Args:
        activation: A name, or a dict of "type", the name, and the function's parameters.
        channels: Int, size of the last axis that it will see; as many slopes a PReLU has, if not one.

    Returns:
        A function of a tensor `[..., channels]`.

    Raises:
        ValueError: If the name is unknown, or a parameter is unknown or not a finite number.

    Example:
    >>> leaky = nam_activation({"type": "LeakyReLU", "negative_slope": 0.5}, channels=2)
    >>> [float(y) for y in leaky(np.array([-1.0, 1.0], "float32"))]
    [-0.5, 1.0]
    """
    parameters = dict(activation) if isinstance(activation, dict) else {"type": activation}
    name = parameters.pop("type", None)
    if not isinstance(name, str) or name not in _FUNCTIONS:
        raise ValueError(f"Expected activation to be one of {sorted(_FUNCTIONS)}. Received: activation={activation!r}")
    function, known = _FUNCTIONS[name]
    if not set(parameters) <= set(known):
        raise ValueError(f"Expected {name} to have the parameters {sorted(known)}. Received: activation={activation!r}")
    values = {key: _checked(key, value, channels) for key, value in parameters.items()}
    return functools.partial(function, **values)


def _checked(key, value, channels):
    if key != "negative_slopes":
        values = value = check_number(key, value)
    else:
        if not isinstance(value, (list, tuple)) or len(value) != channels:
            raise ValueError(f"Expected {channels} {key}, one a channel. Received: {key}={value!r}")
        values = value = np.array([check_number(key, v) for v in value], "float32")
    if not np.isfinite(values).all():
        raise ValueError(f"Expected {key} to be finite. Received: {key}={value!r}")
    return value


def _hardtanh(x, min_val=-1.0, max_val=1.0):
    return ops.clip(x, min_val, max_val)


def _leaky_relu(x, negative_slope=0.01, negative_slopes=None):
    slope = negative_slope if negative_slopes is None else ops.cast(negative_slopes, x.dtype)
    return ops.maximum(x, 0.0) + slope * ops.minimum(x, 0.0)


def _leaky_hardtanh(x, min_val=-1.0, max_val=1.0, min_slope=0.01, max_slope=0.01):
    below, above = ops.minimum(x - min_val, 0.0), ops.maximum(x - max_val, 0.0)
    return ops.clip(x, min_val, max_val) + min_slope * below + max_slope * above


_OF_LEAKY_HARDTANH = ("min_val", "max_val", "min_slope", "max_slope")
_FUNCTIONS = {
    "Tanh": (ops.tanh, ()),
    "Hardtanh": (_hardtanh, ("min_val", "max_val")),
    "LeakyHardtanh": (_leaky_hardtanh, _OF_LEAKY_HARDTANH),
    "LeakyHardTanh": (_leaky_hardtanh, _OF_LEAKY_HARDTANH),
    "ReLU": (ops.relu, ()),
    "LeakyReLU": (_leaky_relu, ("negative_slope",)),
    "PReLU": (_leaky_relu, ("negative_slope", "negative_slopes")),
    "Sigmoid": (ops.sigmoid, ()),
    "SiLU": (ops.silu, ()),
    "Hardswish": (ops.hard_silu, ()),
    "Softsign": (ops.softsign, ()),
}
