"""Whether a state is one that a model can go on from, told before its arithmetic stumbles over it."""

import weakref

import keras

from tf_wavenet._validation import fits

_SHAPES = weakref.WeakKeyDictionary()  # of models, by rows


def check_state(model, state, rows=None) -> None:
    """Refuses what is no state of the model.

    Args:
        model: A `BlockStreamable`.
        state: What should have the form of `model.get_initial_state(rows)`.
        rows: Int, the streams; None where a graph does not know: then only the names are compared.

    Raises:
        ValueError: Naming what is missing, unknown or of another shape.
    """
    by_rows = _SHAPES.setdefault(model, {})
    if rows not in by_rows:
        if len(by_rows) > 100:
            by_rows.clear()
        by_rows[rows] = _shapes(model.get_initial_state(1 if rows is None else rows))
    expected, received = by_rows[rows], _shapes(state)
    wanted = f"Expected a state of {model.name}, as get_initial_state({'' if rows is None else rows}) returns"
    if expected.keys() != received.keys():
        lacking = [f"no {name}" for name in expected if name not in received]
        told = ", ".join([*lacking, *(name for name in received if name not in expected)][:4])
        raise ValueError(f"{wanted}. Received: {told if isinstance(state, dict) else type(state).__name__}")
    for name, shape in expected.items():
        if rows is not None and not fits(received[name], shape):
            raise ValueError(f"{wanted}, {name} of shape {shape}. Received: shape {received[name]}")


def check_rows(model, rows) -> None:
    """Raises a ValueError for rows that `model.unpack_state` cannot read, unless a graph alone knows their shape."""
    shape = tuple(rows.shape)
    if len(shape) != 2 or shape[1] not in (None, model.state_size):
        raise ValueError(f"Expected rows of shape [batch, {model.state_size}]. Received: shape {shape}")


def _shapes(state):
    return {"/".join(map(str, path)): tuple(x.shape) for path, x in keras.tree.flatten_with_path(state) if _is(x)}


def _is(leaf):
    return hasattr(leaf, "shape")
