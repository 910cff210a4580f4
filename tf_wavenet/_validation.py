"""Argument checks shared by the whole library."""

import operator

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


def check_number(name, value) -> float:
    """Returns `value` as a float if it is a real number, else raises a ValueError that names it."""
    if not is_number(value):
        raise ValueError(f"Expected {name} to be a number. Received: {name}={value!r}")
    return float(value)


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
