"""The training loss and its metric."""

import math

import keras
from keras import ops


class _OfDistribution:
    """Saves the constructor argument `distribution` and brings it back."""

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "distribution": keras.saving.serialize_keras_object(self.distribution)}

    @classmethod
    def from_config(cls, config):
        """Returns the object of `get_config`."""
        return cls(**{**config, "distribution": keras.saving.deserialize_keras_object(config["distribution"])})


@keras.saving.register_keras_serializable(package="tf_wavenet")
class NegativeLogLikelihood(_OfDistribution, keras.losses.Loss):
    """Mean negative log-likelihood of the waveform under the predicted distributions, in nats a sample.

    Args:
        distribution: What the predicted parameters mean, e.g. `MuLawCategorical()`.
        reduction: As in `keras.losses.Loss`; by default samples of weight 0 do not count, neither above nor below
            the line.

    Example:
    >>> from tf_wavenet import MuLawCategorical
    >>> loss = NegativeLogLikelihood(MuLawCategorical())
    >>> round(float(loss(keras.ops.zeros((2, 5)), keras.ops.zeros((2, 5, 256)))), 3)
    5.545

    References:
        van den Oord et al., WaveNet (2016), section 2, equation 1.
    """

    def __init__(self, distribution, reduction="mean_with_sample_weight", name="negative_log_likelihood", dtype=None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.distribution = distribution

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Returns the mean over samples; `sample_weight` is None, `[batch]`, `[batch, 1]` or `[batch, time]`."""
        if sample_weight is not None:
            sample_weight = _weight_of_each_sample(sample_weight, y_true)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        """Returns nats `[batch, time]` for waveforms `[batch, time]` and parameters `[batch, time, size]`."""
        return -self.distribution.log_prob(y_pred, y_true)


@keras.saving.register_keras_serializable(package="tf_wavenet")
class BitsPerSample(_OfDistribution, keras.metrics.Mean):
    """Mean negative log2-likelihood: how many bits a sample costs when coded with the model.

    8.0 is what 256 equally probable levels cost; lower is better. Of densities (`Gaussian`, `MixtureOfGaussians`) the
    bits are differential: add `bits - 1` to compare them with bits per sample at a resolution of `2**-(bits - 1)`.

    Args:
        distribution: What the predicted parameters mean, e.g. `MuLawCategorical()`.

    Example:
    >>> from tf_wavenet import MuLawCategorical
    >>> metric = BitsPerSample(MuLawCategorical())
    >>> metric.update_state(keras.ops.zeros((2, 5)), keras.ops.zeros((2, 5, 256)))
    >>> round(float(metric.result()), 4)
    8.0
    """

    def __init__(self, distribution, name="bits_per_sample", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.distribution = distribution
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds samples.

        Args:
            y_true: `[batch, time]` waveform.
            y_pred: `[batch, time, parameter_size]`.
            sample_weight: None, `[batch]`, `[batch, 1]` or `[batch, time]`.
        """
        bits = -self.distribution.log_prob(y_pred, y_true) / math.log(2.0)
        weight = ops.ones_like(bits) if sample_weight is None else _weight_of_each_sample(sample_weight, bits)
        # Flat, because Keras would average within a row first, so that short rows counted as much as long ones.
        super().update_state(ops.reshape(bits, (-1,)), ops.reshape(weight, (-1,)))


def _weight_of_each_sample(sample_weight, samples):
    weight = ops.convert_to_tensor(sample_weight)
    if len(weight.shape) == 1:
        weight = ops.expand_dims(weight, -1)
    return ops.broadcast_to(weight, ops.shape(samples))
