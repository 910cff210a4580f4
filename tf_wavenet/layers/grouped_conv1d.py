"""Grouped convolution that is fast on a CPU."""

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor


@registered
class GroupedConv1D(keras.layers.Conv1D):
    """`keras.layers.Conv1D` whose groups are computed by one batched matrix product.

    The same weights give the same outputs, many times faster than the grouped convolutions of TensorFlow and XLA on a
    CPU, and with `kernel_size / strides` times the memory of the input.

    Args:
        filters: Int >= 1, output channels, a multiple of `groups`.
        kernel_size: Int >= 1, number of taps.
        strides: Int >= 1, inputs from output to output.
        groups: Int >= 1, groups of channels that are convolved apart.
        **kwargs: As in `keras.layers.Conv1D`, but neither padding nor dilation nor channels first.

    Input shape:
        `[batch, time, channels]`, channels a multiple of `groups`, time >= `kernel_size`.

    Output shape:
        `[batch, (time - kernel_size) // strides + 1, filters]`.

    Raises:
        ValueError: As `keras.layers.Conv1D`, or for padding, dilation or channels first.

    Example:
    >>> tuple(GroupedConv1D(filters=8, kernel_size=5, strides=2, groups=4)(keras.ops.zeros((2, 21, 4))).shape)
    (2, 9, 8)
    """

    def __init__(self, filters, kernel_size, strides=1, groups=1, **kwargs) -> None:
        super().__init__(filters, kernel_size, strides, groups=groups, **kwargs)
        if (self.padding, self.dilation_rate, self.data_format) != ("valid", (1,), "channels_last"):
            received = f"padding={self.padding!r}, dilation_rate={self.dilation_rate}, data_format={self.data_format!r}"
            raise ValueError(f"Expected no padding, no dilation and channels last. Received: {received}")

    def call(self, inputs) -> Tensor:
        """Convolves."""
        if self.groups == 1:
            return super().call(inputs)
        (taps,), (stride,), groups = self.kernel_size, self.strides, self.groups
        time, channels = (ops.shape(inputs)[1] - taps) // stride + 1, self.kernel.shape[1]
        # The inputs of each output side by side, put together from pieces of `stride` inputs.
        pieces = -(-taps // stride)
        x = ops.pad(inputs, ((0, 0), (0, pieces * stride - taps), (0, 0)))[:, : (time + pieces - 1) * stride]
        x = ops.reshape(x, (-1, time + pieces - 1, stride, inputs.shape[-1]))
        x = ops.concatenate([x[:, j:][:, :time] for j in range(pieces)], axis=2)[:, :, :taps]
        # Both to [groups, ..., taps * channels of the group].
        x = ops.transpose(ops.reshape(x, (-1, taps, groups, channels)), (2, 0, 1, 3))
        w = ops.transpose(ops.reshape(self.kernel, (taps, channels, groups, -1)), (2, 0, 1, 3))
        x, w = ops.reshape(x, (groups, -1, taps * channels)), ops.reshape(w, (groups, taps * channels, -1))
        y = ops.reshape(ops.transpose(ops.matmul(x, w), (1, 0, 2)), (-1, time, self.filters))
        return self.activation(ops.add(y, self.bias) if self.use_bias else y)
