"""The discretised mixture of logistics."""

import math
import operator
from typing import Any

import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import is_int
from tf_wavenet.distributions._location_scale import LocationScaleMixture


@registered
class MixtureOfLogistics(LocationScaleMixture):
    """Mixture of logistic distributions, discretised to `2**bits` evenly spaced levels from -1 to 1.

    The parameters of a sample are `num_mixtures` logits, then as many means, then as many log scales (natural
    logarithms of amplitudes). The probability of level `k * 2 / (2**bits - 1) - 1` is the mixture's mass within half
    a step of it; the lowest and the highest level take the tails, so that all probabilities sum to one.

    Args:
        num_mixtures: Positive int, the components.
        bits: Int in [1, 16]; 16 gives 65536 levels.
        log_scale_min: Number in [-35, 0]; smaller log scales count as this one. The default is two below that of half
            a step of 16 bits (-11.1): a mean on a level then gives it probability 0.998, so nothing is lost, while
            gradients, which grow as exp(-log_scale), stay below 1e6.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> distribution = MixtureOfLogistics(num_mixtures=2, bits=8)
    >>> distribution.parameter_size
    6
    >>> params = [[0.0, -9.0, 0.5, 0.0, -4.0, -4.0]]  # logits, means, log scales
    >>> round(float(distribution.log_prob(params, [0.5])[0]), 3)  # nats, of one level of 256
    -2.241
    >>> round(float(distribution.mode(params)[0]), 4)  # the level nearest to 0.5
    0.498

    References:
        Salimans et al., PixelCNN++ (2017), section 2.1, equations 1 and 2; van den Oord et al., Parallel WaveNet
        (2017), section 2.1.
    """

    def __init__(self, num_mixtures=10, bits=16, log_scale_min=-13.0) -> None:
        super().__init__(num_mixtures, log_scale_min)
        self.bits = _check_bits(bits)

    def quantize(self, x) -> Tensor:
        """Returns the nearest levels.

        Args:
            x: Waveform of any shape; values outside [-1, 1] are clipped.

        Returns:
            float32 of `x`'s shape; 0.0, halfway between two levels, moves up.
        """
        # A product with a constant has the same bits eagerly, in graphs and under XLA; a quotient would not.
        return self._odd_level(x) * np.float32(1.0 / self._steps)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "bits": self.bits}

    @property
    def _steps(self):
        return 2.0**self.bits - 1.0

    def _odd_level(self, x):
        """Returns levels in half steps from 0.0: odd float32 integers in [-_steps, _steps]."""
        x = ops.clip(ops.cast(x, "float32"), -1.0, 1.0)
        return ops.clip(2.0 * ops.floor(x * (self._steps / 2.0)) + 1.0, -self._steps, self._steps)

    def _component_log_prob(self, x, means, log_scales):
        level = self._odd_level(x)
        # In half steps the edges between levels are even integers and the first product is exact: however close the
        # mean is to an edge, their distance loses nothing to rounding.
        scaled = means * 2.0**self.bits
        upper, lower = ((level + 1.0) - scaled) + means, ((level - 1.0) - scaled) + means
        half_step = ops.exp(-log_scales) / self._steps
        # With a and b the upper and lower edge in scales: sigma(a) - sigma(b) = sigma(a) sigma(-b) (1 - exp(b - a)).
        below_upper = -ops.softplus(-upper * half_step)
        above_lower = -ops.softplus(lower * half_step)
        # a - b, of which the logarithm is known where the number itself is too small.
        width = ops.maximum(2.0 * half_step, 1e-6)
        within = math.log(2.0 / self._steps) - log_scales + ops.log(-ops.expm1(-width) / width)
        log_prob = ops.where(level < self._steps, below_upper, 0.0) + ops.where(level > -self._steps, above_lower, 0.0)
        return log_prob + ops.where(ops.abs(level) < self._steps, within, 0.0)

    def _standard_quantile(self, uniform):
        return ops.log(uniform) - ops.log1p(-uniform)


def _check_bits(bits):
    if not is_int(bits) or not 1 <= bits <= 16:
        raise ValueError(f"Expected bits to be an int in [1, 16]. Received: bits={bits!r}")
    return operator.index(bits)
