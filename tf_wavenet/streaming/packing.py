"""The packed state of a model: that of its layers, one after the other."""

from typing import Any

from keras import ops

from tf_wavenet._tensor import Tensor


def packed_size(layers) -> int:
    """Returns the numbers of one stream's state in all `layers`, a dict of `BlockStreamable`s by name."""
    return sum(layer.state_size for layer in layers.values())


def pack_states(layers, state) -> Tensor:
    """Returns `[batch, packed_size(layers)]`, one row of numbers for each stream.

    Args:
        layers: Dict of `BlockStreamable`s by name.
        state: Dict of their states by the same names.
    """
    return ops.concatenate([layer.pack_state(state[name]) for name, layer in layers.items()], axis=-1)


def unpack_states(layers, rows, time) -> dict[str, Any]:
    """Returns the state of `pack_states`' rows, a dict by the layers' names; `time` is as in `unpack_state`."""
    state, first = {}, 0
    for name, layer in layers.items():
        state[name] = layer.unpack_state(rows[:, first:][:, : layer.state_size], time)
        first += layer.state_size
    return state
