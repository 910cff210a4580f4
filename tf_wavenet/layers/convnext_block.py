"""The ConvNeXt block over a sequence."""

from typing import Any

import keras

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, check_positive_int
from tf_wavenet.layers._dense import Dense
from tf_wavenet.layers.depthwise_conv1d import DepthwiseConv1D
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class ConvNeXtBlock(StreamingLayer):
    """Depthwise convolution, layer normalisation, two projections with a GELU between; scaled and added to the input.

    Args:
        hidden_units: Int >= 1, channels between the projections.
        kernel_size: Int >= 1, taps of the depthwise convolution; odd if not causal.
        causal: Whether outputs depend on no later input; only then the layer streams.
        layer_scale: Float, the initial factor, one a channel, on what is added; in a network of n blocks usually 1 / n.

    Input shape:
        `[batch, time, channels]`; `[batch, channels]` in `step`. Zeros beyond both ends.

    Output shape:
        As the input's.

    Raises:
        ValueError: If a size is not a positive int, or `kernel_size` is even and the block not causal.

    Example:
    >>> block = ConvNeXtBlock(hidden_units=16)
    >>> tuple(block(keras.ops.zeros((2, 50, 8))).shape), block.receptive_field
    ((2, 50, 8), 7)

    References:
        Liu et al., A ConvNet for the 2020s (2022), figure 4; over time as in Siuzdak, Vocos (2023), section 3.2.
    """

    def __init__(self, hidden_units, kernel_size=7, causal=True, layer_scale=0.125, **kwargs) -> None:
        super().__init__(**kwargs)
        self.hidden_units = check_positive_int("hidden_units", hidden_units)
        self.kernel_size = kernel_size
        self.causal = bool(causal)
        self.layer_scale = check_number("layer_scale", layer_scale)
        policy = self.dtype_policy
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        self.conv = DepthwiseConv1D(kernel_size, self.causal, dtype=policy, name="conv")
        self.norm = keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name="norm")
        self.expand = Dense(self.hidden_units, kernel_initializer=small, dtype=policy, name="expand")

    def build(self, input_shape) -> None:
        """Builds the children and creates the factors."""
        channels = input_shape[-1]
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        self.reduce = Dense(channels, kernel_initializer=small, dtype=self.dtype_policy, name="reduce")
        self.conv.build(input_shape)
        self.norm.build(input_shape)
        self.expand.build(input_shape)
        self.reduce.build((*input_shape[:-1], self.hidden_units))
        initial = keras.initializers.Constant(self.layer_scale)
        self.scale = self.add_weight(name="scale", shape=(channels,), initializer=initial)

    def compute(self, x, convolve) -> Tensor:
        """The arithmetic; see `StreamingLayer`."""
        return x + self.branch(convolve(self.conv, x))

    def branch(self, convolved) -> Tensor:
        """Returns what is added to the input, given the depthwise convolution of it."""
        y = self.reduce(keras.activations.gelu(self.expand(self.norm(convolved)), approximate=True))
        return y * keras.ops.cast(self.scale, y.dtype)

    def convolutions(self) -> list[DepthwiseConv1D]:
        """The depthwise convolution."""
        return [self.conv]

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "kernel_size": self.kernel_size,
            "causal": self.causal,
            "layer_scale": self.layer_scale,
        }
