"""Argument checks shared by the whole library."""

import operator


def check_positive_int(name, value):
    """Returns `value` as an int if it is an integer >= 1, else raises a ValueError that names it."""
    if not hasattr(value, "__index__") or isinstance(value, bool) or operator.index(value) < 1:
        raise ValueError(f"Expected {name} to be a positive int. Received: {name}={value!r}")
    return operator.index(value)


def check_number(name, value):
    """Returns `value` if it is a real number, else raises a ValueError that names it."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"Expected {name} to be a number. Received: {name}={value!r}")
    return value


def check_dilations(dilations):
    """Returns `dilations` as a tuple of ints if it is a non-empty sequence of positive ones, else raises."""
    try:
        values = tuple(check_positive_int("dilation", d) for d in dilations)
    except (TypeError, ValueError):
        values = ()
    if not values:
        raise ValueError(f"Expected dilations to be positive ints. Received: dilations={dilations!r}")
    return values
