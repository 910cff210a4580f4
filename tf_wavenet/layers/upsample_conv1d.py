"""Transposed convolution that makes exactly `strides` outputs of each input."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.streaming.held_past import HeldPast


@registered
class UpsampleConv1D(keras.layers.Layer):
    """Transposed convolution, cut so that input f makes the outputs `f * strides ... (f + 1) * strides - 1`.

    Not causal, kernels are centred on the outputs of their input, with zeros beyond both ends. Causal, an output
    depends on its own input and those before it; before the first stands the first itself.

    Args:
        filters: Int >= 1, output channels.
        kernel_size: Int >= `strides`, taps of the kernel.
        strides: Int >= 1, outputs made of each input.
        causal: Whether outputs depend on no later input.
        kernel_initializer: As in `keras.layers.Conv1DTranspose`.

    Input shape:
        `[batch, time, channels]`.

    Output shape:
        `[batch, time * strides, filters]`.

    Raises:
        ValueError: If a size is not a positive int, or `kernel_size` is below `strides`.

    Example:
    >>> layer = UpsampleConv1D(filters=2, kernel_size=16, strides=8)
    >>> tuple(layer(keras.ops.ones((1, 10, 4))).shape)
    (1, 80, 2)

    References:
        Kong et al., HiFi-GAN (2020), section 2.2. Causal: kan-bayashi/ParallelWaveGAN, `CausalConvTranspose1d`.
    """

    def __init__(
        self, filters, kernel_size, strides, causal=False, kernel_initializer="glorot_uniform", **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_positive_int("filters", filters)
        self.kernel_size = check_positive_int("kernel_size", kernel_size)
        self.strides = check_positive_int("strides", strides)
        self.causal = bool(causal)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        if kernel_size < strides:
            raise ValueError(f"Expected kernel_size to be at least strides={strides}. Received: {kernel_size=}")
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape) -> None:
        """Creates the kernel, `[kernel_size, filters, channels]` as in `keras.layers.Conv1DTranspose`, and the bias."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"Expected the last axis (channels) to be known. Received: input_shape={input_shape}")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs) -> Tensor:
        """Upsamples the whole sequence."""
        if self.causal:
            return self._transpose(ops.concatenate([self._held.before(inputs), inputs], axis=1))
        first, time = (self.kernel_size - self.strides + 1) // 2, ops.shape(inputs)[1] * self.strides
        return self._transpose(ops.pad(inputs, ((0, 0), (self.past, self.past), (0, 0))))[:, first:][:, :time]

    def get_initial_state(self, batch_size) -> dict[str, Tensor]:
        """Returns the state before the first input, as `HeldPast` describes it."""
        return self._held.initial(batch_size)

    def prime(self, inputs, state) -> tuple[Tensor, dict[str, Tensor]]:
        """Upsamples a block of inputs that continues the state.

        Args:
            inputs: `[batch, time, channels]`, time >= 1.
            state: The state of `get_initial_state` or of an earlier `prime`.

        Returns:
            `(outputs, state)`: `[batch, time * strides, filters]`, as in `call`, and the state after the block.

        Raises:
            ValueError: If the layer is not causal.
        """
        if not self.causal:
            raise ValueError(f"Expected causal=True to stream. Received: {self.name}, which looks ahead.")
        x, state = self._held.join(inputs, state)
        return self._transpose(x), state

    def pack_state(self, state) -> Tensor:
        """Returns `[batch, state_size]`, one row of numbers for each stream; see `tf_wavenet.BlockStreamable`."""
        return self._held.pack(state)

    def unpack_state(self, rows, time=None) -> dict[str, Tensor]:
        """Returns the state of `pack_state`'s rows, whatever the time."""
        return self._held.unpack(rows)

    @property
    def state_size(self) -> int:
        """Int, the numbers of one stream's state."""
        return self._held.size

    @property
    def past(self) -> int:
        """Int, inputs before its own that an output depends on."""
        return -(-self.kernel_size // self.strides) - 1

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `[batch, time * strides, filters]`."""
        return (input_shape[0], input_shape[1] and input_shape[1] * self.strides, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "causal": self.causal,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @property
    def _held(self):
        return HeldPast(self.past, self.kernel.shape[-1], self.compute_dtype)

    def _transpose(self, x):
        """The outputs that have all their taps inside `x`: `past` inputs fewer, each with all its `strides`.

        One matrix product: the kernel, in pieces of `strides` taps, the last piece filled up with zeros.
        """
        taps, time = self.past + 1, ops.shape(x)[1] - self.past
        filled = ops.pad(self.kernel, ((0, taps * self.strides - self.kernel_size), (0, 0), (0, 0)))
        pieces = ops.reshape(filled, (taps, self.strides * self.filters, x.shape[-1]))
        pieces = ops.reshape(ops.transpose(pieces, (0, 2, 1)), (-1, self.strides * self.filters))
        x = ops.concatenate([x[:, self.past - j :][:, :time] for j in range(taps)], axis=-1)
        y = ops.reshape(ops.matmul(x, ops.cast(pieces, x.dtype)), (-1, time * self.strides, self.filters))
        return y + ops.cast(self.bias, y.dtype)
