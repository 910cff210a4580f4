"""Dilated causal convolution, over whole sequences and one sample at a time."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class CausalConv1D(StreamingLayer):
    """1-D convolution whose output at time t depends on inputs t, t - d, t - 2d, ... only, d the dilation rate.

    The past before the sequence is zero. Unlike `keras.layers.Conv1D(padding="causal")` it also streams: `step` and
    `prime` continue from an explicit state and give what `call` gives.

    Args:
        filters: Int >= 1, output channels.
        kernel_size: Int >= 1, number of taps.
        dilation_rate: Int >= 1, distance between taps in samples.
        activation: Activation function or its Keras name; None is linear.
        use_bias: Whether a bias is added.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: As in `keras.layers.Conv1D`.
        groups: Int >= 1; inputs and filters are split into as many groups, and each sees its own inputs only.

    Input shape:
        `[batch, time, channels]`; `[batch, channels]` in `step`.

    Output shape:
        `[batch, time, filters]`; `[batch, filters]` in `step`.

    Raises:
        ValueError: If a size is not a positive int, or `groups` does not divide both the channels and the filters.

    Example:
    >>> layer = CausalConv1D(filters=4, kernel_size=2, dilation_rate=8)
    >>> tuple(layer(keras.ops.ones((1, 100, 3))).shape)
    (1, 100, 4)
    >>> layer.receptive_field
    9
    >>> y, state = layer.step(keras.ops.ones((1, 3)), layer.get_initial_state(batch_size=1))
    >>> tuple(y.shape)
    (1, 4)

    References:
        van den Oord et al., WaveNet (2016), section 2.1.
    """

    causal = True

    def __init__(
        self,
        filters,
        kernel_size,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        groups=1,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_positive_int("filters", filters)
        self.kernel_size = check_positive_int("kernel_size", kernel_size)
        self.dilation_rate = check_positive_int("dilation_rate", dilation_rate)
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.groups = check_positive_int("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"Expected groups to divide filters={filters}. Received: groups={groups}")
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape) -> None:
        """Creates the kernel, `[kernel_size, channels / groups, filters]`, oldest tap first, and the bias."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(f"Expected the last axis (channels) to be known. Received: input_shape={input_shape}")
        if channels % self.groups:
            raise ValueError(f"Expected groups to divide {channels} channels. Received: groups={self.groups}")
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: channels})
        in_group, out_group = channels // self.groups, self.filters // self.groups
        if self.groups > 1:
            self._same_group = np.kron(np.eye(self.groups), np.ones((in_group, out_group))).astype("float32")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, in_group, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def call(self, inputs) -> Tensor:
        """Convolves the whole sequence, with zeros before its start."""
        return self.convolve(ops.pad(inputs, ((0, 0), (self.receptive_field - 1, 0), (0, 0))))

    def compute(self, x, convolve) -> Tensor:
        """The convolution itself; see `StreamingLayer`."""
        return convolve(self, x)

    def convolve(self, x) -> Tensor:
        """Returns the outputs that have all their taps inside `x`: `receptive_field - 1` fewer time steps than `x`."""
        time = ops.shape(x)[1] - self.receptive_field + 1
        return self.apply_taps([x[:, j * self.dilation_rate :][:, :time] for j in range(self.kernel_size)])

    def apply_taps(self, taps) -> Tensor:
        """Returns the output for `kernel_size` taps, oldest first, each `[..., channels]`: one matrix product."""
        x = ops.concatenate(taps, axis=-1) if len(taps) > 1 else taps[0]
        kernel = self.kernel
        if self.groups > 1:  # zeros between groups: still one matrix product
            kernel = ops.multiply(ops.tile(kernel, (1, self.groups, 1)), self._same_group)
        y = ops.matmul(x, ops.cast(ops.reshape(kernel, (-1, self.filters)), x.dtype))
        if self.use_bias:
            y = ops.add(y, ops.cast(self.bias, y.dtype))
        return self.activation(y)

    def convolutions(self) -> list["CausalConv1D"]:
        """This layer alone."""
        return [self]

    @property
    def input_channels(self) -> int:
        """Int, the channels that the layer was built for."""
        return self.kernel.shape[1] * self.groups

    @property
    def receptive_field(self) -> int:
        """Int, `(kernel_size - 1) * dilation_rate + 1`."""
        return (self.kernel_size - 1) * self.dilation_rate + 1

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape` with `filters` channels."""
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "groups": self.groups,
        }
