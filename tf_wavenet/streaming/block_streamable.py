"""The protocol of everything that runs block by block with explicit state."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class BlockStreamable(Protocol):
    """A causal layer or model that `call` runs over a whole sequence and `prime` one block of time steps at a time.

    State is a (nested) dict of tensors that comes in as an argument and leaves as a result. Nothing is kept in the
    object, so one object serves any number of streams and batch sizes at once. For every split of a sequence, `prime`
    from the initial state returns what `call` returns, and nothing of the future is looked at. A step may make several
    outputs, as a vocoder makes all samples of a frame. `Streamable` adds single steps.

    Attributes:
        state_size: Int, the numbers that `pack_state` makes of one stream's state.

    Example:
    >>> from tf_wavenet import HiFiGAN
    >>> model = HiFiGAN((4, 2), (8, 4), 8, 1, (3,), ((1,),), num_mels=4, causal=True)
    >>> isinstance(model, BlockStreamable)
    True
    >>> features, state = keras.random.normal((1, 6, 4)), model.get_initial_state(batch_size=1)
    >>> first, state = model.prime(features[:, :2], state)
    >>> rest, state = model.prime(features[:, 2:], state)
    >>> first.shape[1], rest.shape[1]  # 8 samples for each frame
    (16, 32)
    >>> whole = model(features)
    >>> bool(keras.ops.max(keras.ops.abs(keras.ops.concatenate([first, rest], axis=1) - whole)) < 1e-5)
    True
    """

    state_size: int

    def get_initial_state(self, batch_size: int) -> Any:
        """Returns the state before the first input: a past of zeros, or whatever stands before the first input."""

    def prime(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """Consumes a block of time steps, `[batch, time, ...]`, in parallel; returns the outputs and the next state."""

    def pack_state(self, state: Any) -> Any:
        """Returns a state as one row of numbers for each stream, `[batch, state_size]`, to store or to send.

        Rows of streams that are at different times may be set side by side: `unpack_state` makes one state of them.
        """

    def unpack_state(self, rows: Any, time: Any) -> Any:
        """Returns the state of `pack_state`'s rows; `time`, an int, is how many steps they have taken.

        Where a layer computes at some steps only (`ContextStack`), the rows' times must agree modulo its period.
        """
