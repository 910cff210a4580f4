"""The past inputs of dilated convolutions in one flat ring buffer: pure functions of an explicit state."""

import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor


class ConvQueue:
    """Static layout of the queues of one or several dilated causal convolutions with equal channels.

    The object holds sizes only; the state is passed in and returned. A layer with dilation `d` owns
    `(kernel_size - 1) * d` consecutive slots of the ring and overwrites the oldest at every step. The taps that the
    *next* step needs are read right after this step's writes and carried in the state: a step that reads a buffer
    before writing it would make XLA copy the whole ring for every sample.

    State, a dict of tensors:
        ring: `[slots, batch * channels]`, the past inputs.
        taps: `[layers * (kernel_size - 1), batch * channels]`, what the next step reads, oldest tap first.
        position: int32 `[layers]`, the slot (counted from the layer's own first) that the next step overwrites.

    Args:
        kernel_size: Int >= 1.
        dilations: Sequence of positive ints, one a layer.

    Example:
    >>> queue = ConvQueue(kernel_size=2, dilations=(1, 3))
    >>> queue.slots
    4
    >>> state = queue.initial(batch_size=1, channels=1, dtype="float32")
    >>> for t in (1.0, 2.0, 3.0, 4.0):
    ...     state = queue.push(state, [ops.array([[t]]), ops.array([[10 * t]])])
    >>> [float(queue.taps(state, layer, channels=1)[0][0, 0]) for layer in (0, 1)]  # 1 and 3 steps before the fifth
    [4.0, 20.0]

    References:
        Paine et al., Fast Wavenet Generation Algorithm (2016): the idea of caching a queue for each convolution.
    """

    def __init__(self, kernel_size, dilations) -> None:
        self.kernel_size = kernel_size
        self.lengths = np.array([(kernel_size - 1) * d for d in dilations], "int32")
        self.offsets = np.cumsum(self.lengths, dtype="int32") - self.lengths
        self.slots = int(self.lengths.sum())
        # Slots, relative to the one that is overwritten next, of the taps that the next step reads.
        self._tap_steps = np.array([[j * d for j in range(kernel_size - 1)] for d in dilations], "int32")

    def initial(self, batch_size, channels, dtype) -> dict[str, Tensor]:
        """Returns the state of silence: all zeros."""
        layers, past_taps = self._tap_steps.shape
        return {
            "ring": ops.zeros((self.slots, batch_size * channels), dtype),
            "taps": ops.zeros((layers * past_taps, batch_size * channels), dtype),
            "position": ops.zeros((layers,), "int32"),
        }

    def taps(self, state, layer, channels) -> list[Tensor]:
        """Returns the `kernel_size - 1` past taps of one layer, oldest first, each `[batch, channels]`."""
        first = layer * (self.kernel_size - 1)
        rows = state["taps"][first : first + self.kernel_size - 1]
        return [ops.reshape(rows[i], (-1, channels)) for i in range(self.kernel_size - 1)]

    def push(self, state, inputs) -> dict[str, Tensor]:
        """Writes this step's input of every layer (a list of `[batch, channels]`) and reads the next step's taps."""
        if not self.slots:
            return state
        ring, slots = state["ring"], state["position"] + ops.convert_to_tensor(self.offsets)
        for layer, x in enumerate(inputs):
            ring = ops.slice_update(ring, (slots[layer], 0), ops.reshape(x, (1, -1)))
        position = (state["position"] + 1) % ops.convert_to_tensor(self.lengths)
        return {"ring": ring, "taps": self._read(ring, position), "position": position}

    def histories(self, state, channels) -> list[Tensor]:
        """Returns, for every layer, its queue in order of time: `[batch, (kernel_size - 1) * dilation, channels]`."""
        batch_size, result = ops.shape(state["ring"])[1] // channels, []
        for layer, (offset, length) in enumerate(zip(self.offsets, self.lengths, strict=True)):
            slots = (ops.arange(length, dtype="int32") + state["position"][layer]) % max(int(length), 1)
            rows = ops.take(state["ring"], int(offset) + slots, axis=0)
            result.append(ops.transpose(ops.reshape(rows, (int(length), batch_size, channels)), (1, 0, 2)))
        return result

    def from_histories(self, histories) -> dict[str, Tensor]:
        """Returns the state whose queues hold the last inputs of `histories`, each `[batch, time, channels]`.

        The inverse of `histories`; `time` may be longer than the queue, not shorter.
        """
        rows = []
        for x, length in zip(histories, self.lengths, strict=True):
            last = x[:, ops.shape(x)[1] - length :]
            rows.append(ops.reshape(ops.transpose(last, (1, 0, 2)), (length, x.shape[-1] * ops.shape(x)[0])))
        ring = ops.concatenate(rows, axis=0)
        position = ops.zeros((len(histories),), "int32")
        return {"ring": ring, "taps": self._read(ring, position), "position": position}

    def _read(self, ring, position):
        if not self.slots:
            return ring
        columns = self._tap_steps, self.lengths[:, None], self.offsets[:, None]
        steps, lengths, offsets = map(ops.convert_to_tensor, columns)
        slots = (ops.expand_dims(position, -1) + steps) % lengths + offsets
        return ops.take(ring, ops.reshape(slots, (-1,)), axis=0)
