"""The Gaussian distribution."""

from typing import Any

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet.distributions.mixture_of_gaussians import LOG_SCALE_MIN, MixtureOfGaussians


@registered
class Gaussian(MixtureOfGaussians):
    """Normal density of the amplitude; the parameters of a sample are its mean and log scale.

    The log scale is the natural logarithm of the standard deviation. `log_prob` is a log density: its unit is the
    amplitude in [-1, 1], it may be positive, and bits per sample made of it are differential. Add `bits - 1` to
    compare them with bits per sample at a resolution of `2**-(bits - 1)`, 15 for 16-bit audio.

    Args:
        log_scale_min: Number in [-35, 0]; smaller log scales count as this one. The default is that of
            `MixtureOfGaussians`.

    Raises:
        ValueError: If `log_scale_min` is outside its range.

    Example:
    >>> distribution = Gaussian()
    >>> distribution.parameter_size
    2
    >>> nats = distribution.log_prob([[0.5, -3.0]], [0.5])
    >>> round(float(nats[0]), 3)  # 3 - ln(2 pi) / 2
    2.081
    >>> float(distribution.sample([[0.5, -3.0]], keras.ops.full((1, 2), 0.5))[0])  # the median
    0.5

    References:
        Ping et al., ClariNet (2018), section 3.1.
    """

    def __init__(self, log_scale_min=LOG_SCALE_MIN) -> None:
        super().__init__(1, log_scale_min)

    @property
    def parameter_size(self) -> int:
        """Int, the parameters of one sample."""
        return 2

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"log_scale_min": self.log_scale_min}

    def _split(self, params):
        means, log_scales = ops.split(ops.cast(params, "float32"), 2, axis=-1)
        return ops.zeros_like(means), means, log_scales
