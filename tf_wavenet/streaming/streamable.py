"""The protocol of everything that runs one sample at a time with explicit state."""

from typing import Any, Protocol, runtime_checkable

from tf_wavenet.streaming.block_streamable import BlockStreamable


@runtime_checkable
class Streamable(BlockStreamable, Protocol):
    """A `BlockStreamable` whose steps can also be taken singly, by `step`: one output for each input.

    `step` from the initial state returns what `call` returns, time step by time step; steps and blocks may be mixed.

    Attributes:
        receptive_field: Int, the number of inputs, the present one included, that one output depends on.

    Example:
    >>> from tf_wavenet.layers import CausalConv1D
    >>> layer, inputs = CausalConv1D(filters=2, kernel_size=2, dilation_rate=4), keras.random.normal((1, 10, 3))
    >>> whole = layer(inputs)
    >>> isinstance(layer, Streamable), layer.receptive_field
    (True, 5)
    >>> state, outputs = layer.get_initial_state(batch_size=1), []
    >>> for t in range(10):
    ...     output, state = layer.step(inputs[:, t], state)
    ...     outputs.append(output)
    >>> bool(keras.ops.max(keras.ops.abs(keras.ops.stack(outputs, axis=1) - whole)) < 1e-5)
    True
    """

    receptive_field: int

    def step(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """Consumes the input of one time step, `[batch, ...]`; returns its output and the next state."""
