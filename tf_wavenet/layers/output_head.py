"""From the summed skip connections to the parameters of the output distribution."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.layers._dense import Dense


@registered
class OutputHead(keras.layers.Layer):
    """ReLU, 1x1, ReLU, 1x1. Pointwise in time: the same call serves sequences and single steps.

    Args:
        units: Int >= 1, output channels: the parameters of the distribution of one sample.
        hidden_units: Int >= 1, channels between the two projections; None means the input's.
        use_bias: Whether the projections have biases.

    Input shape:
        `[..., channels]`.

    Output shape:
        `[..., units]`.

    Raises:
        ValueError: If a size is not a positive int.

    Example:
    >>> tuple(OutputHead(units=256)(keras.ops.zeros((2, 10, 128))).shape)
    (2, 10, 256)

    References:
        van den Oord et al., WaveNet (2016), section 2.4, figure 4.
    """

    def __init__(self, units, hidden_units=None, use_bias=True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.units = check_positive_int("units", units)
        self.hidden_units = hidden_units if hidden_units is None else check_positive_int("hidden_units", hidden_units)
        self.use_bias = use_bias

    def build(self, input_shape) -> None:
        """Builds the two projections."""
        policy, hidden_units = self.dtype_policy, self.hidden_units or input_shape[-1]
        self.hidden = Dense(hidden_units, use_bias=self.use_bias, dtype=policy, name="hidden")
        self.out = Dense(self.units, use_bias=self.use_bias, dtype=policy, name="out")
        self.hidden.build(input_shape)
        self.out.build((*input_shape[:-1], hidden_units))

    def call(self, inputs) -> Tensor:
        """Projects to the parameters."""
        return self.out(ops.relu(self.hidden(ops.relu(inputs))))

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape` with `units` channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": self.hidden_units,
            "use_bias": self.use_bias,
        }
