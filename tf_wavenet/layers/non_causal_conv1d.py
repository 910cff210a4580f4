"""Dilated convolution whose taps lie around each output."""

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.layers.causal_conv1d import CausalConv1D


@registered
class NonCausalConv1D(CausalConv1D):
    """`CausalConv1D` with half of its taps in the future; beyond both ends of the sequence there are zeros.

    It has the same weights, and `receptive_field` inputs around each output matter. It does not stream.

    Args:
        filters: Int >= 1, output channels.
        kernel_size: Odd int >= 1, number of taps.
        dilation_rate: Int >= 1, distance between taps in samples.
        **kwargs: As in `CausalConv1D`.

    Input shape:
        `[batch, time, channels]`.

    Output shape:
        `[batch, time, filters]`.

    Raises:
        ValueError: If a size is not a positive int, `kernel_size` is even, or the layer is asked to stream.

    Example:
    >>> layer = NonCausalConv1D(filters=4, kernel_size=3, dilation_rate=8)
    >>> tuple(layer(keras.ops.ones((1, 100, 3))).shape), layer.receptive_field
    ((1, 100, 4), 17)

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 2.2: non-causal convolutions replace WaveNet's causal ones.
    """

    causal = False

    def __init__(self, filters, kernel_size, dilation_rate=1, **kwargs) -> None:
        super().__init__(filters, kernel_size, dilation_rate, **kwargs)
        if self.kernel_size % 2 == 0:
            raise ValueError(f"Expected kernel_size to be odd. Received: kernel_size={kernel_size}")

    def call(self, inputs) -> Tensor:
        """Convolves the whole sequence, with zeros before its start and after its end."""
        side = (self.receptive_field - 1) // 2
        return self.convolve(ops.pad(inputs, ((0, 0), (side, side), (0, 0))))

    def convolve(self, x) -> Tensor:
        """As in `CausalConv1D`, by the convolution of the Keras backend, which is faster for many taps."""
        y = ops.conv(x, ops.cast(self.kernel, x.dtype), padding="valid", dilation_rate=self.dilation_rate)
        return self.activation(y + ops.cast(self.bias, y.dtype) if self.use_bias else y)
