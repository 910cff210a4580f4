"""The gated activation unit."""

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor


@registered
class GatedActivation(keras.layers.Layer):
    """Gated activation unit, `tanh(filter) * sigmoid(gate)`.

    The first half of the channels is the filter, the second half the gate. Pointwise in time: the same call serves
    sequences and single steps.

    Args:
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`.

    Input shape:
        `[..., 2 * channels]`.

    Output shape:
        `[..., channels]`, in (-1, 1).

    Raises:
        ValueError: If the last axis is not even.

    Example:
    >>> tuple(GatedActivation()(keras.ops.zeros((2, 10, 64))).shape)
    (2, 10, 32)

    References:
        van den Oord et al., WaveNet (2016), section 2.3, equation 2.
    """

    def build(self, input_shape) -> None:
        """Checks that the channels can be halved; there are no weights."""
        self.compute_output_shape(input_shape)

    def call(self, inputs) -> Tensor:
        """Applies the gate."""
        filter_, gate = ops.split(inputs, 2, axis=-1)
        return ops.tanh(filter_) * ops.sigmoid(gate)

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape` with half the channels."""
        if input_shape[-1] is None or input_shape[-1] % 2:
            raise ValueError(f"Expected an even number of channels. Received: input_shape={tuple(input_shape)}")
        return (*input_shape[:-1], input_shape[-1] // 2)
