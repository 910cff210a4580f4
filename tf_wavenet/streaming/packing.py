"""The packed state of a model: that of its layers, one after the other."""

from typing import Any

from keras import ops

from tf_wavenet._tensor import Tensor


def packed_size(layers) -> int:
    """Returns how many numbers one stream's state has in all layers together.

    Args:
        layers: Dict of `BlockStreamable`s by name, built.

    Returns:
        Int >= 0.

    Example:
    >>> from tf_wavenet.layers import CausalConv1D
    >>> layers = {"near": CausalConv1D(3, 2), "far": CausalConv1D(3, 2, dilation_rate=4)}
    >>> for layer in layers.values():
    ...     layer.build((None, None, 3))
    >>> packed_size(layers)  # 3 channels of 1 and of 4 past inputs
    15
    """
    return sum(layer.state_size for layer in layers.values())


def pack_states(layers, state) -> Tensor:
    """Returns `[batch, packed_size(layers)]`, one row of numbers for each stream.

    Args:
        layers: Dict of `BlockStreamable`s by name, built.
        state: Dict of their states by the same names.

    Returns:
        Tensor `[batch, packed_size(layers)]`, the layers in the order of the dict.

    Example:
    >>> from tf_wavenet.layers import CausalConv1D
    >>> layers = {"near": CausalConv1D(3, 2), "far": CausalConv1D(3, 2, dilation_rate=4)}
    >>> for layer in layers.values():
    ...     layer.build((None, None, 3))
    >>> state = {name: layer.get_initial_state(batch_size=2) for name, layer in layers.items()}
    >>> tuple(pack_states(layers, state).shape)
    (2, 15)
    """
    return ops.concatenate([layer.pack_state(state[name]) for name, layer in layers.items()], axis=-1)


def unpack_states(layers, rows, time) -> dict[str, Any]:
    """Returns the state of `pack_states`' rows.

    Args:
        layers: Dict of `BlockStreamable`s by name, the one that `pack_states` was given.
        rows: Tensor `[batch, packed_size(layers)]`.
        time: Int or scalar integer tensor, how many steps the rows have taken, as in `BlockStreamable.unpack_state`.

    Returns:
        Dict of the layers' states by name.

    Example:
    >>> from tf_wavenet.layers import CausalConv1D
    >>> layers, rows = {"near": CausalConv1D(3, 2), "far": CausalConv1D(3, 2)}, ops.array([[1.0, 2.0, 3.0, 4.0]])
    >>> for layer in layers.values():
    ...     layer.build((None, None, 2))
    >>> state = unpack_states(layers, rows, time=8)
    >>> ops.convert_to_numpy(layers["far"].pack_state(state["far"])).tolist()
    [[3.0, 4.0]]
    """
    state, first = {}, 0
    for name, layer in layers.items():
        state[name] = layer.unpack_state(rows[:, first:][:, : layer.state_size], time)
        first += layer.state_size
    return state
