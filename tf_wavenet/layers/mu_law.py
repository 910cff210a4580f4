"""Mu-law companding as layers."""

from typing import Any

import keras

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mu_law import check_mu, mu_law_decode, mu_law_encode


@registered
class MuLawEncode(keras.layers.Layer):
    """Compands a waveform to integer mu-law levels; `tf_wavenet.mu_law_encode` as a layer.

    Args:
        mu: Positive int, the highest level; 255 gives 8 bits.

    Input shape:
        Any; floating point, full scale [-1, 1], clipped.

    Output shape:
        The input's; int32 levels in [0, mu].

    Raises:
        ValueError: If `mu` is not a positive int.

    Example:
    >>> int(MuLawEncode()(keras.ops.zeros((1, 1)))[0, 0])
    128

    References:
        van den Oord et al., WaveNet (2016), section 2.2.
    """

    def __init__(self, mu=255, **kwargs) -> None:
        # Samples and levels keep their own dtypes: half precision would merge neighbouring levels.
        super().__init__(**{"autocast": False, **kwargs})
        self.mu = check_mu(mu)

    def call(self, inputs) -> Tensor:
        """Encodes."""
        return mu_law_encode(inputs, self.mu)

    def compute_output_spec(self, inputs) -> keras.KerasTensor:
        """Returns an int32 tensor of the input's shape."""
        return keras.KerasTensor(inputs.shape, "int32")

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mu": self.mu}


@registered
class MuLawDecode(keras.layers.Layer):
    """Expands mu-law levels to a waveform; `tf_wavenet.mu_law_decode` as a layer.

    Args:
        mu: Positive int, the highest level.

    Input shape:
        Any; integer levels in [0, mu].

    Output shape:
        The input's; float32 waveform in [-1, 1].

    Raises:
        ValueError: If `mu` is not a positive int.

    Example:
    >>> float(MuLawDecode()(keras.ops.array([[255]]))[0, 0])
    1.0

    References:
        van den Oord et al., WaveNet (2016), section 2.2.
    """

    def __init__(self, mu=255, **kwargs) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        self.mu = check_mu(mu)

    def call(self, inputs) -> Tensor:
        """Decodes."""
        return mu_law_decode(inputs, self.mu)

    def compute_output_spec(self, inputs) -> keras.KerasTensor:
        """Returns a float32 tensor of the input's shape."""
        return keras.KerasTensor(inputs.shape, "float32")

    def compute_output_shape(self, input_shape) -> tuple[int | None, ...]:
        """Returns `input_shape`."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "mu": self.mu}
