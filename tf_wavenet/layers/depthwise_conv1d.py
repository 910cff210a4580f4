"""Convolution over time of each channel by itself."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class DepthwiseConv1D(StreamingLayer):
    """Depthwise convolution: every channel has a kernel of its own and sees no other channel.

    A sum of shifted products, which compilers fuse, instead of the grouped convolutions of the backends. Beyond the
    ends of the sequence there are zeros.

    Args:
        kernel_size: Int >= 1, number of taps; odd if not causal.
        causal: Whether outputs depend on no later input; only then the layer streams. Else the taps lie around each
            output.
        dilation_rate: Int >= 1, distance between taps in time steps.
        use_bias: Whether a bias is added.
        kernel_initializer: As in `keras.layers.Conv1D`.

    Input shape:
        `[batch, time, channels]`; `[batch, channels]` in `step`.

    Output shape:
        As the input's.

    Raises:
        ValueError: If a size is not a positive int, or `kernel_size` is even and the layer not causal.

    Example:
    >>> layer = DepthwiseConv1D(kernel_size=7)
    >>> tuple(layer(keras.ops.ones((1, 100, 3))).shape), layer.receptive_field
    ((1, 100, 3), 7)

    References:
        Liu et al., A ConvNet for the 2020s (2022), section 2.3: depthwise convolutions mix in time only.
    """

    def __init__(
        self,
        kernel_size,
        causal=True,
        dilation_rate=1,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = check_positive_int("kernel_size", kernel_size)
        self.causal = bool(causal)
        self.dilation_rate = check_positive_int("dilation_rate", dilation_rate)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        if not self.causal and self.kernel_size % 2 == 0:
            raise ValueError(f"Expected kernel_size to be odd unless causal=True. Received: kernel_size={kernel_size}")

    def build(self, input_shape) -> None:
        """Creates the kernel, `[kernel_size, channels]`, oldest tap first, and the bias."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"Expected the last axis (channels) to be known. Received: input_shape={input_shape}")
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: channels})
        shape = (self.kernel_size, channels)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros") if self.use_bias else None

    def call(self, inputs) -> Tensor:
        """Convolves the whole sequence."""
        before = self.receptive_field - 1 if self.causal else (self.receptive_field - 1) // 2
        return self.convolve(ops.pad(inputs, ((0, 0), (before, self.receptive_field - 1 - before), (0, 0))))

    def compute(self, x, convolve) -> Tensor:
        """The convolution itself; see `StreamingLayer`."""
        return convolve(self, x)

    def convolve(self, x) -> Tensor:
        """Returns the outputs that have all their taps inside `x`: `receptive_field - 1` fewer time steps than `x`."""
        time = ops.shape(x)[1] - self.receptive_field + 1
        return self.apply_taps([x[:, j * self.dilation_rate :][:, :time] for j in range(self.kernel_size)])

    def apply_taps(self, taps) -> Tensor:
        """Returns the output for `kernel_size` taps, oldest first, each `[..., channels]`."""
        kernel = ops.cast(self.kernel, taps[0].dtype)
        y = sum(tap * kernel[i] for i, tap in enumerate(taps))
        return y if self.bias is None else y + ops.cast(self.bias, y.dtype)

    def convolutions(self) -> list["DepthwiseConv1D"]:
        """This layer alone."""
        return [self]

    @property
    def receptive_field(self) -> int:
        """Int, `(kernel_size - 1) * dilation_rate + 1`."""
        return (self.kernel_size - 1) * self.dilation_rate + 1

    @property
    def input_channels(self) -> int:
        """Int, the channels that the layer was built for."""
        return self.kernel.shape[1]

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "causal": self.causal,
            "dilation_rate": self.dilation_rate,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
