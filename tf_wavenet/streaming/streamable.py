"""The protocol of everything that runs one sample at a time with explicit state."""

from typing import Any, Protocol, runtime_checkable

from tf_wavenet.streaming.block_streamable import BlockStreamable


@runtime_checkable
class Streamable(BlockStreamable, Protocol):
    """A `BlockStreamable` whose steps can also be taken singly, by `step`: one output for each input.

    `step` from the initial state returns what `call` returns, time step by time step; steps and blocks may be mixed.

    Attributes:
        receptive_field: Int, the number of inputs, the present one included, that one output depends on.
    """

    receptive_field: int

    def step(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """Consumes the input of one time step, `[batch, ...]`; returns its output and the next state."""
