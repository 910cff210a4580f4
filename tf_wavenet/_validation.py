"""Argument checks shared by the whole library."""

import logging
import operator
import random
import reprlib
from typing import Any

import numpy as np


def is_int(value) -> bool:
    """Tells whether `value` is one integer, of Python, NumPy or a tensor library; a bool is not."""
    if isinstance(value, (bool, np.bool_)):
        return False
    try:
        operator.index(value)
    except (TypeError, AttributeError):  # the second is what TensorFlow's floating point tensors raise
        return False
    return True


def is_number(value) -> bool:
    """Tells whether `value` is one real number, of Python, NumPy or a tensor library; a bool or text is not."""
    return hasattr(value, "__float__") and np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf"


def check_positive_int(name, value) -> int:
    """Returns `value` as an int if it is an integer >= 1, else raises a ValueError that names it."""
    if not is_int(value) or value < 1:
        raise ValueError(f"Expected {name} to be a positive int. Received: {name}={value!r}")
    return operator.index(value)


def check_batch_size(batch_size) -> None:
    """Raises a ValueError for what is neither an int >= 0 nor a tensor."""
    if not hasattr(batch_size, "dtype") and not (is_int(batch_size) and batch_size >= 0):
        raise ValueError(f"Expected batch_size to be an int >= 0 or a tensor. Received: batch_size={batch_size!r}")


def check_number(name, value) -> float:
    """Returns `value` as a float if it is a real number, else raises a ValueError that names it."""
    if not is_number(value):
        raise ValueError(f"Expected {name} to be a number. Received: {name}={value!r}")
    return float(value)


def check_sample_rate(value) -> float | None:
    """Returns a rate in Hz as a float, or None for None; raises a ValueError unless it is positive and finite."""
    if value is None:
        return None
    rate = check_number("sample_rate", value)
    if not 0 < rate < float("inf"):
        raise ValueError(f"Expected sample_rate to be positive. Received: sample_rate={value!r}")
    return rate


def check_positive_ints(name, values) -> tuple[int, ...]:
    """Returns `values` as a tuple of ints if it is a non-empty sequence of positive ones, else raises."""
    try:
        checked = tuple(check_positive_int(name, value) for value in values)
    except (TypeError, ValueError):
        checked = ()
    if not checked:
        raise ValueError(f"Expected {name} to be positive ints. Received: {name}={values!r}")
    return checked


def check_dilations(dilations) -> tuple[int, ...]:
    """Returns `dilations` as a tuple of ints if it is a non-empty sequence of positive ones, else raises."""
    return check_positive_ints("dilations", dilations)


def as_array(name, value) -> Any:
    """Returns an array or tensor as it is, and (nested) lists of numbers or arrays as an array; else raises.

    Floating point numbers become float32.
    """
    if hasattr(value, "dtype") and not isinstance(value, np.ndarray):
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # of rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        expected = f"Expected {name} to be an array of numbers, all rows of one length"
        raise ValueError(f"{expected}. Received: {reprlib.repr(value)}")
    if isinstance(value, np.ndarray):
        return value
    return array.astype("float32") if array.dtype.kind == "f" else array


def check_seed(seed) -> int:
    """Returns `seed` if it is an int in [0, 2**63), a new one for None, which is logged; else raises a ValueError."""
    if seed is None:
        seed = random.randrange(2**63)  # keras.utils.set_random_seed seeds this generator
        logging.getLogger("tf_wavenet").info("seed=%d", seed)
    if not is_int(seed) or not 0 <= seed < 2**63:
        raise ValueError(f"Expected seed to be None or an int in [0, 2**63). Received: seed={seed!r}")
    return operator.index(seed)


def shape_of(tensor) -> tuple[int | None, ...] | None:
    """Returns a tensor's shape; None in a function that TensorFlow traced for several numbers of dimensions."""
    return None if getattr(tensor.shape, "rank", 0) is None else tuple(tensor.shape)


def fits(shape, expected) -> bool:
    """Tells whether a shape can be the expected one; None in either is any length."""
    if shape is None:
        return False
    return len(shape) == len(expected) and all(None in n or n[0] == n[1] for n in zip(shape, expected, strict=True))
