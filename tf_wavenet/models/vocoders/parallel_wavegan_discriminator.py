"""The discriminator of Parallel WaveGAN."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers import NonCausalConv1D


@registered
class ParallelWaveGANDiscriminator(keras.layers.Layer):
    """Dilated convolutions with leaky ReLUs (slope 0.2) that score every sample.

    The dilations are 1, 1, 2, 3, ..., and 1 of the last convolution.

    Args:
        num_layers: Int >= 2, convolutions.
        channels: Int >= 1, filters of all but the last.
        kernel_size: Odd int >= 1, taps.

    Input shape:
        `[batch, time]`.

    Output shape:
        List of one list of tensors: the outputs of the convolutions, `[batch, time, channels]`, and the scores,
        `[batch, time, 1]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> [outputs] = ParallelWaveGANDiscriminator(num_layers=4, channels=8)(keras.ops.zeros((2, 100)))
    >>> [tuple(output.shape) for output in outputs]
    [(2, 100, 8), (2, 100, 8), (2, 100, 8), (2, 100, 1)]

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 3.1. The norms of its weights are not kept apart (no weight
        norm).
    """

    def __init__(self, num_layers=10, channels=64, kernel_size=3, **kwargs) -> None:
        super().__init__(**kwargs)
        self.num_layers = check_positive_int("num_layers", num_layers)
        self.channels = check_positive_int("channels", channels)
        self.kernel_size = kernel_size
        if num_layers < 2:
            raise ValueError(f"Expected num_layers to be at least 2. Received: num_layers={num_layers}")
        dilations = (1, *range(1, num_layers - 1))
        options = {"kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        self.convs = [
            NonCausalConv1D(channels, kernel_size, dilation, name=f"conv_{i}", **options)
            for i, dilation in enumerate(dilations)
        ]
        self.post = NonCausalConv1D(1, kernel_size, name="post", **options)

    def build(self, input_shape) -> None:
        """Builds the convolutions."""
        channels = 1
        for conv in (*self.convs, self.post):
            conv.build((None, None, channels))
            channels = conv.filters

    def call(self, inputs) -> list[list[Tensor]]:
        """Returns the outputs of all layers."""
        x, outputs = ops.expand_dims(inputs, -1), []
        for conv in self.convs:
            x = ops.leaky_relu(conv(x), 0.2)
            outputs.append(x)
        return [[*outputs, self.post(x)]]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "channels": self.channels,
            "kernel_size": self.kernel_size,
        }
