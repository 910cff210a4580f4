"""What distributions of means and scales share."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, is_number
from tf_wavenet.distributions._draw import by_row, draw, tempered

_LOG_SCALE_MAX = 60.0  # Where samples would overflow float32; all are clipped to [-1, 1] long before.


class LocationScaleMixture:
    """Base of mixtures whose components are one density, moved by a mean and stretched by a scale.

    A subclass is registered with Keras and implements `quantize`, `_component_log_prob` and `_standard_quantile`.
    """

    has_levels = False

    def __init__(self, num_mixtures, log_scale_min) -> None:
        self.num_mixtures = check_positive_int("num_mixtures", num_mixtures)
        self.log_scale_min = _check_log_scale_min(log_scale_min)

    @property
    def parameter_size(self) -> int:
        """Int, the parameters of one sample."""
        return 3 * self.num_mixtures

    def log_prob(self, params, x) -> Tensor:
        """Returns the log probability or, where x is continuous, the log density of samples, in nats.

        Args:
            params: `[..., parameter_size]`, of any floating point dtype; arithmetic is float32.
            x: `[...]` waveform in [-1, 1].

        Returns:
            float32 `[...]`.

        Raises:
            ValueError: If `x` holds integers (PCM that was not scaled).
        """
        logits, means, log_scales = self._split(params)
        x = ops.convert_to_tensor(x)
        if "int" in keras.backend.standardize_dtype(x.dtype):
            raise ValueError(f"Expected a floating point waveform in [-1, 1]. Received: dtype={x.dtype}")
        x = ops.expand_dims(ops.cast(x, "float32"), -1)
        log_prob = self._component_log_prob(x, means, self._floored(log_scales, ops.abs(x - means)))
        return ops.logsumexp(ops.log_softmax(logits, axis=-1) + log_prob, axis=-1)

    def sample(self, params, uniform, temperature=1.0, top_k=None, top_p=None) -> Tensor:
        """Draws samples by inverting cumulative distributions: that of the components, then that of the one drawn.

        Args:
            params: `[batch, parameter_size]`.
            uniform: float32 `[batch, 2]` random numbers in (0, 1): column 0 draws the component, column 1 the value;
                equal numbers give equal samples.
            temperature: Float >= 0, or one a row, that divides the logits and multiplies the scales; 0 gives the mode.
            top_k: None. There are no ranked levels to keep the most probable of.
            top_p: None, likewise.

        Returns:
            float32 `[batch]` waveform in [-1, 1]: what falls outside is clipped.

        Raises:
            ValueError: If `top_k` or `top_p` is given.
        """
        if top_k is not None or top_p is not None:
            name = type(self).__name__
            raise ValueError(
                f"Expected top_k=None and top_p=None, since {name} has no ranked levels. "
                f"Received: top_k={top_k!r}, top_p={top_p!r}"
            )
        logits, means, log_scales = self._split(params)
        log_scales = ops.clip(log_scales, self.log_scale_min, _LOG_SCALE_MAX)
        temperature = by_row(temperature)
        component = draw(tempered(logits, temperature), uniform[..., 0], temperature, logits - log_scales)
        scale = temperature[:, 0] * ops.exp(_pick(log_scales, component))
        return self.quantize(_pick(means, component) + scale * self._standard_quantile(uniform[..., 1]))

    def mode(self, params) -> Tensor:
        """Returns the mean of the component with the highest peak, moved to the nearest value of the support.

        A peak is the component's density at its mean times its weight: that components overlap does not count, and
        their mixture may be denser elsewhere.

        Args:
            params: `[..., parameter_size]`.

        Returns:
            float32 `[...]` in [-1, 1].
        """
        logits, means, log_scales = self._split(params)
        peaks = logits - ops.maximum(log_scales, self.log_scale_min)
        return self.quantize(_pick(means, ops.argmax(peaks, axis=-1)))

    def quantize(self, x) -> Tensor:
        """Returns the values nearest to `x` that a sample can have, float32 in [-1, 1]."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"num_mixtures": self.num_mixtures, "log_scale_min": self.log_scale_min}

    @classmethod
    def from_config(cls, config) -> "LocationScaleMixture":
        """Returns the distribution of `get_config`."""
        return cls(**config)

    def _split(self, params):
        """Returns float32 `(logits, means, log_scales)`, each `[..., num_mixtures]`."""
        return ops.split(ops.cast(params, "float32"), 3, axis=-1)

    def _component_log_prob(self, x, means, log_scales):
        """Returns `[..., num_mixtures]` nats for x `[..., 1]`."""
        raise NotImplementedError

    def _standard_quantile(self, uniform):
        """Returns the values below which a component of mean 0 and scale 1 lies with the given probabilities."""
        raise NotImplementedError

    def _floored(self, log_scales, distances):
        # A plain maximum has no gradient below the minimum: a scale that once fell there would never come back. Here
        # it feels the samples that are far from the mean, which pull it up, and not the near, which push it down.
        pull = log_scales - ops.stop_gradient(log_scales)
        pull = ops.where(distances > 2.0 * math.exp(self.log_scale_min), pull, 0.0)
        return ops.where(log_scales < self.log_scale_min, self.log_scale_min + pull, log_scales)


def _check_log_scale_min(value):
    # Below -35 squared distances overflow float32.
    if not is_number(value) or not -35 <= value <= 0:
        raise ValueError(f"Expected log_scale_min to be a number in [-35, 0]. Received: log_scale_min={value!r}")
    return float(value)


def _pick(values, index):
    chosen = ops.equal(ops.expand_dims(index, -1), np.arange(values.shape[-1], dtype="int32"))
    return ops.sum(ops.where(chosen, values, 0.0), axis=-1)
