"""A distribution around a prediction."""

from typing import Any

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, is_int


@registered
class Residual:
    """Distribution of a sample whose prediction is known: another distribution describes what the prediction misses.

    The parameters of a sample are those of `distribution`, the prediction, and a factor on the temperature of sampling.
    The other distribution is that of `gain * (sample - prediction)`: residuals are small, and levels are used better
    where they are raised.

    Args:
        distribution: One of `tf_wavenet.distributions`, of the residual.
        gain: Positive number.

    Raises:
        ValueError: If `distribution` is none, or `gain` not positive.

    Example:
    >>> from tf_wavenet.distributions import Gaussian
    >>> distribution = Residual(Gaussian(), gain=1.0)
    >>> distribution.parameter_size
    4
    >>> params = keras.ops.array([[0.25, -3.0, 0.5, 1.0]])  # mean and log scale of the residual, prediction, factor
    >>> float(distribution.sample(params, keras.ops.full((1, 2), 0.5))[0])  # the median
    0.75

    References:
        Valin and Skoglund, LPCNet (2019), section 2; Hwang et al., LP-WaveNet (2018), equations 6 to 8.
    """

    def __init__(self, distribution, gain=2.0) -> None:
        if not is_int(getattr(distribution, "parameter_size", None)):
            one = "one of tf_wavenet.distributions, such as Gaussian()"
            raise ValueError(f"Expected distribution to be {one}. Received: distribution={distribution!r}")
        self.distribution = distribution
        self.gain = check_number("gain", gain)
        if self.gain <= 0:
            raise ValueError(f"Expected gain to be positive. Received: gain={gain}")

    @property
    def parameter_size(self) -> int:
        """Int, the parameters of one sample."""
        return self.distribution.parameter_size + 2

    @property
    def has_levels(self) -> bool:
        """Whether there are levels to choose among (`top_k`, `top_p`), those of the residual."""
        return self.distribution.has_levels

    def log_prob(self, params, x) -> Tensor:
        """Returns the log probability of samples, in nats: of their residual, as `distribution` counts it.

        Args:
            params: `[..., parameter_size]`.
            x: `[...]` waveform in [-1, 1].

        Returns:
            float32 `[...]`.
        """
        x = ops.convert_to_tensor(x)
        if "int" in keras.backend.standardize_dtype(x.dtype):
            raise ValueError(f"Expected a floating point waveform in [-1, 1]. Received: dtype={x.dtype}")
        residual = self.gain * (ops.cast(x, "float32") - self._prediction(params))
        return self.distribution.log_prob(params[..., :-2], residual)

    def sample(self, params, uniform, temperature=1.0, top_k=None, top_p=None) -> Tensor:
        """Draws samples.

        Args:
            params: `[batch, parameter_size]`.
            uniform: float32 `[batch, 2]` random numbers in (0, 1).
            temperature: As `distribution` takes it; multiplied by each sample's factor.
            top_k: As `distribution` takes it.
            top_p: As `distribution` takes it.

        Returns:
            float32 `[batch]` waveform in [-1, 1].
        """
        temperature = ops.cast(temperature, "float32") * ops.cast(params[..., -1], "float32")
        residual = self.distribution.sample(params[..., :-2], uniform, temperature, top_k, top_p)
        return self._around(params, residual)

    def mode(self, params) -> Tensor:
        """Returns the most probable samples, float32 `[...]`."""
        return self._around(params, self.distribution.mode(params[..., :-2]))

    def quantize(self, x) -> Tensor:
        """Returns `x` as float32 in [-1, 1]: levels lie around the prediction, wherever that is."""
        return ops.clip(ops.cast(x, "float32"), -1.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"distribution": keras.saving.serialize_keras_object(self.distribution), "gain": self.gain}

    @classmethod
    def from_config(cls, config) -> "Residual":
        """Returns the distribution of `get_config`."""
        return cls(**{**config, "distribution": keras.saving.deserialize_keras_object(config["distribution"])})

    def _prediction(self, params):
        return ops.cast(params[..., -2], "float32")

    def _around(self, params, residual):
        return ops.clip(self._prediction(params) + residual / self.gain, -1.0, 1.0)
