"""The categorical distribution over mu-law levels."""

import math
from typing import Any

import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.distributions._draw import by_row, draw, tempered
from tf_wavenet.signal.mu_law import check_mu, mu_law_decode_known, mu_law_encode


@registered
class MuLawCategorical:
    """Categorical distribution over the mu-law levels of a sample; the parameters are `mu + 1` logits.

    Args:
        mu: Positive int, the highest level; 255 gives 256 classes.

    Raises:
        ValueError: If `mu` is not a positive int.

    Example:
    >>> distribution = MuLawCategorical()
    >>> distribution.parameter_size
    256
    >>> nats = distribution.log_prob(keras.ops.zeros((1, 256)), keras.ops.zeros((1,)))
    >>> round(float(nats[0]), 4)  # uniform: -ln 256
    -5.5452

    References:
        van den Oord et al., WaveNet (2016), section 2.2.
    """

    has_levels = True

    def __init__(self, mu=255) -> None:
        self.mu = check_mu(mu)

    @property
    def parameter_size(self) -> int:
        """Int, the logits of one sample."""
        return self.mu + 1

    def log_prob(self, params, x) -> Tensor:
        """Returns the log probability of samples, in nats.

        Args:
            params: `[..., parameter_size]` logits.
            x: `[...]` waveform in [-1, 1], quantised here to its mu-law level.

        Returns:
            float32 `[...]`, <= 0; NaN for NaN, which has no level.
        """
        params, x = ops.cast(params, "float32"), ops.convert_to_tensor(x)
        levels, missing = mu_law_encode(x, self.mu), ops.isnan(ops.cast(x, "float32"))
        nats = ops.sparse_categorical_crossentropy(ops.where(missing, 0, levels), params, from_logits=True)
        return ops.where(missing, float("nan"), -nats)

    def sample(self, params, uniform, temperature=1.0, top_k=None, top_p=None) -> Tensor:
        """Draws samples by inverting the cumulative distribution.

        Args:
            params: `[batch, parameter_size]` logits.
            uniform: float32 `[batch, 2]` random numbers in (0, 1), of which column 0 draws the level; equal numbers
                give equal samples.
            temperature: Float >= 0, or one a row, that divides the logits; 0 gives the mode.
            top_k: None, or int in [1, parameter_size], or one a row: only the k most probable levels (and those as
                probable as the k-th) can be drawn. Applied before `top_p`.
            top_p: None, or float in (0, 1], or one a row: only the smallest set of most probable levels whose
                probability reaches p can be drawn (nucleus sampling; Holtzman et al. 2020, section 3.1).

        Returns:
            float32 `[batch]` waveform in [-1, 1], at the centre of a mu-law level.
        """
        logits = ops.cast(params, "float32")
        temperature = by_row(temperature)
        scaled = tempered(logits, temperature)
        if top_k is not None or top_p is not None:
            scaled = self._keep_probable(scaled, top_k, top_p)
        return mu_law_decode_known(draw(scaled, uniform[..., 0], temperature, logits), self.mu)

    def mode(self, params) -> Tensor:
        """Returns the most probable samples, float32 `[...]`, for logits `[..., parameter_size]`."""
        return mu_law_decode_known(ops.argmax(params, axis=-1), self.mu)

    def quantize(self, x) -> Tensor:
        """Returns `x`, a waveform of any shape, at the centres of its mu-law levels: float32 in [-1, 1]."""
        return mu_law_decode_known(mu_law_encode(x, self.mu), self.mu)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"mu": self.mu}

    @classmethod
    def from_config(cls, config) -> "MuLawCategorical":
        """Returns the distribution of `get_config`."""
        return cls(**config)

    @staticmethod
    def _keep_probable(logits, top_k, top_p):
        ordered = ops.flip(ops.sort(logits, axis=-1), axis=-1)
        if top_k is not None:
            first = ops.less(np.arange(logits.shape[-1], dtype="float32"), by_row(top_k))
            kth = ops.min(ops.where(first, ordered, math.inf), axis=-1, keepdims=True)
            logits = ops.where(logits >= kth, logits, -math.inf)
            ordered = ops.where(ordered >= kth, ordered, -math.inf)
        if top_p is not None:
            probability = ops.softmax(ordered)
            kept = ops.cumsum(probability, axis=-1) - probability < by_row(top_p)
            lowest = ops.min(ops.where(kept, ordered, math.inf), axis=-1, keepdims=True)
            logits = ops.where(logits >= lowest, logits, -math.inf)
        return logits
