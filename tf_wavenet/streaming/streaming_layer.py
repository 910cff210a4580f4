"""What all layers over causal convolutions share: three schedules of one arithmetic."""

from collections.abc import Sequence

import keras
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.streaming.conv_queue import ConvQueue
from tf_wavenet.streaming.rematerialized import Rematerialized


class StreamingLayer(Rematerialized, keras.layers.Layer):
    """Base of the layers whose only memory is the past inputs of causal convolutions with equal input channels.

    A subclass writes its arithmetic once, in `compute(x, convolve)`, where `convolve(convolution, x)` applies one of
    `self.convolutions()` in their order. The schedules differ in `convolve` only: over the whole sequence (`call`), one
    step from the queues (`step`), or a block that continues the queues (`prime`). See `tf_wavenet.Streamable`.

    A subclass that is conditioned takes the condition as one more argument of `compute`, and all schedules pass it on.

    Args:
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Example:
    >>> from tf_wavenet.layers import CausalConv1D
    >>> class Echo(StreamingLayer):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.conv = CausalConv1D(filters=3, kernel_size=2, dilation_rate=4)
    ...     def build(self, input_shape):
    ...         self.conv.build(input_shape)
    ...     def convolutions(self):
    ...         return [self.conv]
    ...     def compute(self, x, convolve):
    ...         return x + convolve(self.conv, x)
    >>> layer, inputs = Echo(), keras.random.normal((1, 10, 3))
    >>> whole, state = layer(inputs), layer.get_initial_state(batch_size=1)
    >>> head, state = layer.prime(inputs[:, :9], state)
    >>> last, state = layer.step(inputs[:, 9], state)
    >>> bool(ops.max(ops.abs(last - whole[:, 9])) < 1e-5)
    True
    """

    def convolutions(self) -> Sequence[keras.layers.Layer]:
        """The `CausalConv1D`s that `compute` applies, in order."""
        raise NotImplementedError

    def compute(self, x, convolve, *condition) -> Tensor | tuple[Tensor, ...]:
        """The arithmetic of the layer, pointwise in time but for `convolve(convolution, x)`."""
        raise NotImplementedError

    def call(self, inputs, *condition) -> Tensor | tuple[Tensor, ...]:
        """Runs the whole sequence `[batch, time, channels]` from a past of zeros."""
        return self.compute(inputs, lambda convolution, x: convolution(x), *condition)

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first step, a past of zeros.

        Args:
            batch_size: Int or scalar integer tensor.

        Returns:
            Dict of tensors in the compute dtype, described in `ConvQueue`.

        Raises:
            ValueError: If the layer was not built, so that its input channels are unknown; if it is not causal.
        """
        return self._queue.initial(batch_size, self._queue_channels, self.compute_dtype)

    def step(self, inputs, state, *condition) -> tuple[Tensor | tuple[Tensor, ...], dict[str, Tensor]]:
        """Runs one time step.

        Args:
            inputs: `[batch, channels]`, the input at this time step.
            state: The state of `get_initial_state` or of the step before.
            *condition: What `call` takes after its inputs, at this time step.

        Returns:
            `(outputs, state)`: what `call` returns at this time step, without the time axis, and the next state.
        """
        queue, channels, written = self._queue, self._queue_channels, []

        def convolve(convolution, x):
            past = queue.taps(state, len(written), channels)
            written.append(x)
            return convolution.apply_taps([*past, x])

        outputs = self.compute(self._cast(inputs), convolve, *map(self._cast, condition))
        return outputs, queue.push(state, written)

    def prime(self, inputs, state, *condition) -> tuple[Tensor | tuple[Tensor, ...], dict[str, Tensor]]:
        """Runs a block of time steps in parallel, as many `step`s would.

        Args:
            inputs: `[batch, time, channels]`, time >= 1.
            state: The state of `get_initial_state` or of an earlier `step` or `prime`.
            *condition: What `call` takes after its inputs, at these time steps.

        Returns:
            `(outputs, state)`: outputs `[batch, time, ...]` and the state after the block.
        """
        queue, joined = self._queue, []
        histories = queue.histories(state, self._queue_channels)

        def convolve(convolution, x):
            joined.append(ops.concatenate([histories[len(joined)], x], axis=1))
            return convolution.convolve(joined[-1])

        outputs = self.compute(self._cast(inputs), convolve, *map(self._cast, condition))
        return outputs, queue.from_histories(joined)

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, each stream's queues in order of time; see `tf_wavenet.Streamable`."""
        histories = self._queue.histories(state, self._queue_channels)
        return ops.concatenate([ops.reshape(x, (ops.shape(x)[0], x.shape[1] * x.shape[2])) for x in histories], axis=-1)

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        queue, channels, rows = self._queue, self._queue_channels, self._cast(rows)
        return queue.from_histories(
            [
                ops.reshape(rows[:, first * channels :][:, : n * channels], (ops.shape(rows)[0], int(n), channels))
                for first, n in zip(queue.offsets, queue.lengths, strict=True)
            ]
        )

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return self._queue.slots * self._queue_channels

    @property
    def receptive_field(self) -> int:
        """Int, the number of inputs, the present one included, that one output depends on."""
        return 1 + sum(c.receptive_field - 1 for c in self.convolutions())

    @property
    def _queue(self):
        convolutions = self.convolutions()
        if not all(c.causal for c in convolutions):
            raise ValueError(f"Expected causal=True to stream. Received: {self.name}, which looks ahead.")
        return ConvQueue(convolutions[0].kernel_size, [c.dilation_rate for c in convolutions])

    @property
    def _queue_channels(self):
        if not self.built:
            raise ValueError(f"Expected {self.name} to be built before it streams: call it, or build(input_shape).")
        return self.convolutions()[0].input_channels

    def _cast(self, inputs):
        return None if inputs is None else ops.cast(ops.convert_to_tensor(inputs), self.compute_dtype)
