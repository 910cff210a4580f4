"""How many bits a sample costs."""

import math

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet.losses._of_distribution import OfDistribution, weight_of_each_sample


@registered
class BitsPerSample(OfDistribution, keras.metrics.Mean):
    """Mean negative log2-likelihood: how many bits a sample costs when coded with the model.

    8.0 is what 256 equally probable levels cost; lower is better. Of densities (`Gaussian`, `MixtureOfGaussians`) the
    bits are differential: add `bits - 1` to compare them with bits per sample at a resolution of `2**-(bits - 1)`.

    Args:
        distribution: What the predicted parameters mean, e.g. `MuLawCategorical()`.
        name: Name of the metric.
        dtype: Dtype of the mean; None: Keras's `floatx`.

    Example:
    >>> from tf_wavenet import MuLawCategorical
    >>> metric = BitsPerSample(MuLawCategorical())
    >>> metric.update_state(keras.ops.zeros((2, 5)), keras.ops.zeros((2, 5, 256)))
    >>> round(float(metric.result()), 4)
    8.0
    """

    def __init__(self, distribution, name="bits_per_sample", dtype=None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.distribution = distribution
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds samples.

        Args:
            y_true: `[batch, time]` waveform.
            y_pred: `[batch, time, parameter_size]`.
            sample_weight: None, `[batch]`, `[batch, 1]` or `[batch, time]`.
        """
        bits = -self.distribution.log_prob(y_pred, y_true) / math.log(2.0)
        weight = ops.ones_like(bits) if sample_weight is None else weight_of_each_sample(sample_weight, bits)
        # Flat, because Keras would average within a row first, so that short rows counted as much as long ones.
        super().update_state(ops.reshape(bits, (-1,)), ops.reshape(weight, (-1,)))
