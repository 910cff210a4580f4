"""The convolutions after the layers of a Neural Amp Modeler WaveNet."""

import keras

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers import CausalConv1D
from tf_wavenet.models.nam.activations import nam_activation
from tf_wavenet.models.nam.layer import fan_in


class NamHead(keras.layers.Layer):
    """Activation and causal convolution, as often as there are kernel sizes.

    Args:
        input_channels: Int >= 1, channels of the input.
        channels: Int >= 1, channels between convolutions.
        out_channels: Int >= 1, channels of the output.
        kernel_sizes: Sequence of positive ints, the taps of each convolution.
        activation: As in `NamLayerArray`, before each convolution.

    Raises:
        ValueError: If an argument is outside its range.
    """

    def __init__(self, input_channels, channels, out_channels, kernel_sizes, activation="Tanh", **kwargs) -> None:
        super().__init__(**kwargs)
        if not isinstance(kernel_sizes, (list, tuple)) or not kernel_sizes:
            raise ValueError(f"Expected kernel_sizes, at least 1. Received: kernel_sizes={kernel_sizes!r}")
        self.out_channels = check_positive_int("out_channels", out_channels)
        widths = [input_channels] + [check_positive_int("channels", channels)] * (len(kernel_sizes) - 1)
        self.activation = activation
        self.activations = [nam_activation(activation, width) for width in widths]
        self.convs = [
            CausalConv1D(filters, kernel_size, kernel_initializer=fan_in(), dtype=self.dtype_policy, name=f"conv_{i}")
            for i, (filters, kernel_size) in enumerate(zip([*widths[1:], out_channels], kernel_sizes, strict=True))
        ]
        self._widths = widths

    def build(self, input_shape=None) -> None:
        """Builds the convolutions, whose input channels are all known."""
        for layer, input_channels in self.convolutions():
            layer.build((None, None, input_channels))
        self.built = True

    def compute(self, x, convolve) -> Tensor:
        """Returns `[batch, time, out_channels]` for `[batch, time, input_channels]`."""
        for activation, conv in zip(self.activations, self.convs, strict=True):
            x = convolve(conv, activation(x))
        return x

    def convolutions(self) -> list[tuple[CausalConv1D, int]]:
        """List of `(CausalConv1D, its input channels)`, in the order of a `.nam` file."""
        return list(zip(self.convs, self._widths, strict=True))
