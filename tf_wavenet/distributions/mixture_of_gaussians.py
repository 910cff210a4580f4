"""The mixture of Gaussians."""

import math

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.distributions._location_scale import LocationScaleMixture

LOG_SCALE_MIN = -9.0


@registered
class MixtureOfGaussians(LocationScaleMixture):
    """Mixture of normal densities of the amplitude.

    The parameters of a sample are `num_mixtures` logits, then as many means, then as many log scales (natural
    logarithms of standard deviations).

    `log_prob` is a log density: its unit is the amplitude in [-1, 1], it may be positive, and bits per sample made of
    it are differential. Add `bits - 1` to compare them with bits per sample at a resolution of `2**-(bits - 1)`, 15
    for 16-bit audio.

    Args:
        num_mixtures: Positive int, the components.
        log_scale_min: Number in [-35, 0]; smaller log scales count as this one. The default is a deviation of four
            steps of 16-bit audio, a noise 78 dB below full scale: narrower densities would describe the steps and
            not the sound, and the likelihood of digital silence would grow without bound.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> distribution = MixtureOfGaussians(num_mixtures=2)
    >>> distribution.parameter_size
    6
    >>> params = [[0.0, 0.0, -0.5, 0.5, -3.0, -4.0]]  # logits, means, log scales
    >>> round(float(distribution.log_prob(params, [0.5])[0]), 3)  # 4 - ln(2 pi) / 2 - ln 2
    2.388
    >>> round(float(distribution.mode(params)[0]), 3)
    0.5

    References:
        Ping et al., ClariNet (2018), section 3.1.
    """

    def __init__(self, num_mixtures=10, log_scale_min=LOG_SCALE_MIN) -> None:
        super().__init__(num_mixtures, log_scale_min)

    def quantize(self, x) -> Tensor:
        """Returns `x` as float32, clipped to [-1, 1]: there are no levels."""
        return ops.clip(ops.cast(x, "float32"), -1.0, 1.0)

    def _component_log_prob(self, x, means, log_scales):
        distance = (x - means) * ops.exp(-log_scales)
        return -0.5 * distance * distance - log_scales - 0.5 * math.log(2.0 * math.pi)

    def _standard_quantile(self, uniform):
        return math.sqrt(2.0) * ops.erfinv(2.0 * uniform - 1.0)
