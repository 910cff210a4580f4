"""One residual block of a HiFi-GAN generator."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_dilations, check_positive_int
from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.non_causal_conv1d import NonCausalConv1D
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class HiFiGANResidualBlock(StreamingLayer):
    """Dilated convolutions one after the other, each after a leaky ReLU (slope 0.1) and with a residual connection.

    Args:
        channels: Int >= 1; the input must have as many.
        kernel_size: Odd int >= 1, taps of every convolution; any int >= 1 if causal.
        dilations: Sequence of positive ints, one residual connection each.
        use_additional_convs: Whether each dilated convolution is followed by one of dilation 1, inside the same
            residual connection: ResBlock1 of the paper's code with, ResBlock2 without.
        causal: Whether outputs depend on no later input; only then the layer streams.
        kernel_initializer: As in `keras.layers.Conv1D`, for every convolution.

    Input shape:
        `[batch, time, channels]`; `[batch, channels]` in `step`.

    Output shape:
        The input's.

    Raises:
        ValueError: If a size is not a positive int, or the input has other channels.

    Example:
    >>> block = HiFiGANResidualBlock(channels=8, kernel_size=3, dilations=(1, 3, 5))
    >>> tuple(block(keras.ops.zeros((2, 50, 8))).shape), block.receptive_field
    ((2, 50, 8), 25)

    References:
        Kong et al., HiFi-GAN (2020), section 2.2 (multi-receptive field fusion), appendix A.1.
    """

    def __init__(
        self,
        channels,
        kernel_size=3,
        dilations=(1, 3, 5),
        use_additional_convs=True,
        causal=False,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = check_positive_int("channels", channels)
        self.kernel_size = kernel_size
        self.dilations = check_dilations(dilations)
        self.use_additional_convs = bool(use_additional_convs)
        self.causal = bool(causal)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

        convolution = CausalConv1D if causal else NonCausalConv1D
        # From its configuration, so that each convolution has an initializer, and with it weights, of its own.
        initializer = keras.initializers.serialize(self.kernel_initializer)
        options = {"kernel_initializer": initializer, "dtype": self.dtype_policy}
        self.convs1 = [
            convolution(channels, kernel_size, dilation, name=f"conv1_{i}", **options)
            for i, dilation in enumerate(self.dilations)
        ]
        self.convs2 = []
        if use_additional_convs:
            self.convs2 = [
                convolution(channels, kernel_size, name=f"conv2_{i}", **options) for i in range(len(self.dilations))
            ]

    def build(self, input_shape) -> None:
        """Builds the convolutions."""
        if input_shape[-1] != self.channels:
            raise ValueError(
                f"Expected an input with channels={self.channels}. Received: input_shape={tuple(input_shape)}"
            )
        for convolution in self.convolutions():
            convolution.build(input_shape)

    def compute(self, x, convolve) -> Tensor:
        """The arithmetic; see `StreamingLayer`."""
        for i, dilated in enumerate(self.convs1):
            y = convolve(dilated, ops.leaky_relu(x, 0.1))
            if self.use_additional_convs:
                y = convolve(self.convs2[i], ops.leaky_relu(y, 0.1))
            x = x + y
        return x

    def convolutions(self) -> list[CausalConv1D]:
        """All convolutions in the order in which they are applied."""
        if not self.use_additional_convs:
            return list(self.convs1)
        return [convolution for pair in zip(self.convs1, self.convs2, strict=True) for convolution in pair]

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "dilations": list(self.dilations),
            "use_additional_convs": self.use_additional_convs,
            "causal": self.causal,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
