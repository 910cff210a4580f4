"""A stack of residual blocks."""

from typing import Any

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_dilations, check_number
from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.residual_block import ResidualBlock
from tf_wavenet.streaming.streaming_layer import StreamingLayer


@registered
class ResidualStack(StreamingLayer):
    """Residual blocks in series; the output is the sum of their skip outputs.

    All past inputs live in one flat ring buffer (`ConvQueue`), so that a compiled loop over `step` copies nothing.

    Args:
        dilations: Sequence of positive ints, one a block, e.g. `(1, 2, 4, ..., 512) * 3`.
        residual_channels: Int >= 1, channels of the residual path; the input must have as many.
        skip_channels: Int >= 1, channels of the output.
        kernel_size: Int >= 1, taps of every dilated convolution.
        gate_channels: Even int or None, as in `ResidualBlock`.
        use_bias: Whether convolutions and projections have biases.
        residual_scale: Float, factor on every block's residual output.
        skip_scale: Float, factor on the summed skip output; some successors use sqrt(1 / blocks).
        causal: Whether outputs depend on no later input, as in `ResidualBlock`.

    Input shape:
        `[batch, time, residual_channels]`; `[batch, residual_channels]` in `step`. Optionally `condition`, those of
        all blocks side by side, as `ResidualBlock` takes them: `[batch, vectors, condition_units]`; `[batch,
        condition_units]` in `step`.

    Output shape:
        `[batch, time, skip_channels]`; `[batch, skip_channels]` in `step`.

    Raises:
        ValueError: If `dilations` are not positive ints, or as `ResidualBlock` raises.

    Example:
    >>> stack = ResidualStack(dilations=(1, 2, 4, 8), residual_channels=16, skip_channels=32)
    >>> tuple(stack(keras.ops.zeros((1, 20, 16))).shape)
    (1, 20, 32)
    >>> stack.receptive_field
    16

    References:
        van den Oord et al., WaveNet (2016), sections 2.4 and 2.5, figure 4.
    """

    def __init__(
        self,
        dilations,
        residual_channels,
        skip_channels,
        kernel_size=2,
        gate_channels=None,
        use_bias=True,
        residual_scale=1.0,
        skip_scale=1.0,
        causal=True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.dilations = check_dilations(dilations)
        self.residual_channels = residual_channels
        self.skip_channels = skip_channels
        self.kernel_size = kernel_size
        self.gate_channels = gate_channels
        self.use_bias = use_bias
        self.residual_scale = residual_scale
        self.skip_scale = check_number("skip_scale", skip_scale)
        self.causal = bool(causal)
        self.blocks = [
            ResidualBlock(
                residual_channels,
                skip_channels,
                kernel_size,
                dilation,
                gate_channels=gate_channels,
                use_bias=use_bias,
                use_residual=i < len(self.dilations) - 1,
                residual_scale=residual_scale,
                causal=causal,
                dtype=self.dtype_policy,
                name=f"block_{i}",
            )
            for i, dilation in enumerate(self.dilations)
        ]

    def build(self, inputs_shape, condition_shape=None) -> None:
        """Builds the blocks."""
        for block in self.blocks:
            block.build(inputs_shape)

    def call(self, inputs, condition=None) -> Tensor:
        """Runs the whole sequence from a past of zeros."""
        return super().call(inputs, condition)

    def compute(self, x, convolve, condition=None) -> Tensor:
        """Runs the blocks; see `StreamingLayer`."""
        conditions = [None] * len(self.blocks)
        if condition is not None:
            conditions = ops.split(condition, len(self.blocks), axis=-1)
        total = None
        for block, condition in zip(self.blocks, conditions, strict=True):
            x, skip = block.compute(x, convolve, condition)
            total = skip if total is None else total + skip
        return total if self.skip_scale == 1.0 else total * self.skip_scale

    def convolutions(self) -> list[CausalConv1D]:
        """The dilated convolution of every block."""
        return [block.conv for block in self.blocks]

    @property
    def condition_units(self) -> int:
        """Int, channels of `condition`: the gate channels of all blocks."""
        return sum(block.conv.filters for block in self.blocks)

    def compute_output_shape(self, inputs_shape, condition_shape=None) -> tuple[int | None, ...]:
        """Returns `inputs_shape` with `skip_channels` channels."""
        return (*inputs_shape[:-1], self.skip_channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "dilations": list(self.dilations),
            "residual_channels": self.residual_channels,
            "skip_channels": self.skip_channels,
            "kernel_size": self.kernel_size,
            "gate_channels": self.gate_channels,
            "use_bias": self.use_bias,
            "residual_scale": self.residual_scale,
            "skip_scale": self.skip_scale,
            "causal": self.causal,
        }
