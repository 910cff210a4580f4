"""Argument checks shared by the layers."""


def check_positive_int(name, value):
    """Returns `value` if it is an int >= 1, else raises a ValueError that names it."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"Expected {name} to be a positive int. Received: {name}={value!r}")
    return value


def check_dilations(dilations):
    """Returns `dilations` as a tuple if it is a non-empty sequence of positive ints, else raises a ValueError."""
    values = tuple(dilations) if isinstance(dilations, (list, tuple)) else ()
    if not values or not all(isinstance(d, int) and not isinstance(d, bool) and d >= 1 for d in values):
        raise ValueError(f"Expected dilations to be positive ints. Received: dilations={dilations!r}")
    return values
