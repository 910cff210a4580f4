"""One residual block of a WaveNet."""

from typing import Any

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, check_positive_int
from tf_wavenet.layers._dense import Dense
from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.gated_activation import GatedActivation
from tf_wavenet.layers.non_causal_conv1d import NonCausalConv1D
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class ResidualBlock(StreamingLayer):
    """Dilated causal convolution, gated activation, and 1x1 projections to the residual and the skip path.

    Args:
        residual_channels: Int >= 1, channels of the residual path; the input must have as many.
        skip_channels: Int >= 1, channels of the skip output.
        kernel_size: Int >= 1, taps of the dilated convolution.
        dilation_rate: Int >= 1, in samples.
        gate_channels: Even int, output channels of the dilated convolution, half of them filters and half gates;
            None means `2 * residual_channels`.
        use_bias: Whether the convolution and the projections have biases.
        use_residual: Whether there is a residual projection. A stack's last block needs none: its residual output
            is then its input, unchanged.
        residual_scale: Float, factor on the residual output (input + projection); some successors use sqrt(1/2).
        causal: Whether outputs depend on no later input; only then the layer streams. Successors that see all of
            their input at once need not.

    Input shape:
        `[batch, time, residual_channels]`; `[batch, residual_channels]` in `step`. Optionally `condition`, which is
        added before the gate (`V * y` of the paper, projected already, see `Conditioning`): `[batch, vectors,
        gate_channels]`, where the number of vectors divides the number of time steps, if both are known, and each holds
        for as many; `[batch, gate_channels]` in `step`.

    Output shape:
        A pair: residual, of the input's shape, and skip, with `skip_channels` channels.

    Raises:
        ValueError: If a size is not a positive int, `gate_channels` is odd, or the input has other channels.

    Example:
    >>> block = ResidualBlock(residual_channels=32, skip_channels=128, dilation_rate=4)
    >>> residual, skip = block(keras.ops.zeros((2, 50, 32)))
    >>> tuple(residual.shape), tuple(skip.shape)
    ((2, 50, 32), (2, 50, 128))

    References:
        van den Oord et al., WaveNet (2016), sections 2.3 to 2.5, figure 4.
    """

    def __init__(
        self,
        residual_channels,
        skip_channels,
        kernel_size=2,
        dilation_rate=1,
        gate_channels=None,
        use_bias=True,
        use_residual=True,
        residual_scale=1.0,
        causal=True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.residual_channels = check_positive_int("residual_channels", residual_channels)
        self.skip_channels = check_positive_int("skip_channels", skip_channels)
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.gate_channels = gate_channels
        self.use_bias = use_bias
        self.use_residual = use_residual
        self.residual_scale = check_number("residual_scale", residual_scale)
        self.causal = bool(causal)

        filters = 2 * residual_channels if gate_channels is None else check_positive_int("gate_channels", gate_channels)
        if filters % 2:
            raise ValueError(f"Expected gate_channels to be even. Received: gate_channels={gate_channels}")
        policy = self.dtype_policy
        convolution = CausalConv1D if causal else NonCausalConv1D
        self.conv = convolution(filters, kernel_size, dilation_rate, use_bias=use_bias, dtype=policy, name="conv")
        self.gate = GatedActivation(dtype=policy, name="gate")
        self.residual = None
        if use_residual:
            self.residual = Dense(residual_channels, use_bias=use_bias, dtype=policy, name="residual")
        self.skip = Dense(skip_channels, use_bias=use_bias, dtype=policy, name="skip")

    def build(self, inputs_shape, condition_shape=None) -> None:
        """Builds the children; none is built by `step`."""
        if inputs_shape[-1] != self.residual_channels:
            raise ValueError(
                f"Expected an input with residual_channels={self.residual_channels} channels. "
                f"Received: inputs_shape={tuple(inputs_shape)}"
            )
        self.conv.build(inputs_shape)
        convolved = self.conv.compute_output_shape(inputs_shape)
        self.gate.build(convolved)
        gated = self.gate.compute_output_shape(convolved)
        self.skip.build(gated)
        if self.use_residual:
            self.residual.build(gated)

    def call(self, inputs, condition=None) -> tuple[Tensor, Tensor]:
        """Runs the whole sequence from a past of zeros."""
        return super().call(inputs, condition)

    def compute(self, x, convolve, condition=None) -> tuple[Tensor, Tensor]:
        """The arithmetic of figure 4; see `StreamingLayer`."""
        z = convolve(self.conv, x)
        gated = self.gate(z if condition is None else _added(z, condition))
        skip = self.skip(gated)
        if not self.use_residual:
            return x, skip
        residual = x + self.residual(gated)
        return (residual if self.residual_scale == 1.0 else residual * self.residual_scale), skip

    def convolutions(self) -> list[CausalConv1D]:
        """The dilated convolution."""
        return [self.conv]

    def compute_output_shape(
        self, inputs_shape, condition_shape=None
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """Returns the shapes of the residual and the skip output."""
        return tuple(inputs_shape), (*inputs_shape[:-1], self.skip_channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "residual_channels": self.residual_channels,
            "skip_channels": self.skip_channels,
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "gate_channels": self.gate_channels,
            "use_bias": self.use_bias,
            "use_residual": self.use_residual,
            "residual_scale": self.residual_scale,
            "causal": self.causal,
        }


def _added(z, condition):
    """Returns the sum; a vector of the condition may hold for several time steps."""
    vectors, time = (None, None) if len(z.shape) == 2 else (condition.shape[1], z.shape[1])
    if vectors in (1, None) or time in (vectors, None):
        return z + condition
    held = ops.reshape(z, (-1, vectors, time // vectors, z.shape[-1])) + ops.expand_dims(condition, 2)
    return ops.reshape(held, (-1, time, z.shape[-1]))
