"""The past of layers before whose first input that input itself stands, not zeros."""

from keras import ops

from tf_wavenet._tensor import Tensor


class HeldPast:
    """The last inputs of a stream; before the first input, the first input as often as needed.

    The object holds sizes only; the state, a dict of `past`, `[batch, length, channels]`, and bool `started`, `[batch]`
    (whether there were any inputs), is passed in and returned. Rows may be at different times.

    Args:
        length: Int >= 0, inputs to keep.
        channels: Int >= 1, their channels.
        dtype: Name of their dtype, such as "float32".

    Example:
    >>> held = HeldPast(length=2, channels=1, dtype="float32")
    >>> joined, state = held.join(ops.array([[[5.0], [6.0]]]), held.initial(batch_size=1))
    >>> ops.convert_to_numpy(joined[0, :, 0]).tolist()
    [5.0, 5.0, 5.0, 6.0]
    >>> joined, state = held.join(ops.array([[[7.0]]]), state)
    >>> ops.convert_to_numpy(joined[0, :, 0]).tolist()
    [5.0, 6.0, 7.0]
    """

    def __init__(self, length, channels, dtype) -> None:
        self.length, self.channels, self.dtype = length, channels, dtype

    def initial(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first input."""
        past = ops.zeros((batch_size, self.length, self.channels), self.dtype)
        return {"past": past, "started": ops.zeros((batch_size,), "bool")}

    def before(self, inputs) -> Tensor:
        """Returns what stands before the first of `inputs`, `[batch, length, channels]`."""
        return ops.repeat(inputs[:, :1], self.length, axis=1)

    def join(self, inputs, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns the past and `inputs`, `[batch, length + time, channels]`, and the state after them."""
        inputs = ops.cast(inputs, self.dtype)
        started = ops.reshape(state["started"], (-1, 1, 1))
        joined = ops.concatenate([ops.where(started, state["past"], self.before(inputs)), inputs], axis=1)
        past = joined[:, ops.shape(joined)[1] - self.length :]
        return joined, {"past": past, "started": ops.ones_like(state["started"])}

    def pack(self, state) -> Tensor:
        """Returns `[batch, size]`: `started` as 0 or 1, then the past."""
        started = ops.expand_dims(ops.cast(state["started"], self.dtype), -1)
        past = ops.reshape(state["past"], (ops.shape(started)[0], self.length * self.channels))
        return ops.concatenate([started, past], axis=-1)

    def unpack(self, rows) -> dict[str, Tensor]:
        """Returns the state of `pack`'s rows."""
        rows = ops.cast(ops.convert_to_tensor(rows), self.dtype)
        past = ops.reshape(rows[:, 1:], (ops.shape(rows)[0], self.length, self.channels))
        return {"past": past, "started": ops.not_equal(rows[:, 0], 0)}

    @property
    def size(self) -> int:
        """Int, the numbers of one stream's state."""
        return 1 + self.length * self.channels
