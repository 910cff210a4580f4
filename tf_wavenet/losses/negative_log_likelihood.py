"""The training loss of models that predict distributions."""

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.losses._of_distribution import OfDistribution, weight_of_each_sample
from tf_wavenet.losses._weighted_mean import WeightedMean


@registered
class NegativeLogLikelihood(OfDistribution, WeightedMean):
    """Mean negative log-likelihood of the waveform under the predicted distributions, in nats a sample.

    Args:
        distribution: What the predicted parameters mean, e.g. `MuLawCategorical()`.
        reduction: As in `keras.losses.Loss`; by default samples of weight 0 do not count, neither above nor below
            the line.
        name: Name of the loss.
        dtype: Dtype that the loss is computed in, as in `keras.losses.Loss`; None: Keras's `floatx`.

    Example:
    >>> from tf_wavenet import MuLawCategorical
    >>> loss = NegativeLogLikelihood(MuLawCategorical())
    >>> round(float(loss(keras.ops.zeros((2, 5)), keras.ops.zeros((2, 5, 256)))), 3)
    5.545

    References:
        van den Oord et al., WaveNet (2016), section 2, equation 1.
    """

    def __init__(
        self, distribution, reduction="mean_with_sample_weight", name="negative_log_likelihood", dtype=None
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.distribution = distribution

    def __call__(self, y_true, y_pred, sample_weight=None) -> Tensor:
        """Returns the mean over samples; `sample_weight` is None, `[batch]`, `[batch, 1]` or `[batch, time]`."""
        if sample_weight is not None:
            sample_weight = weight_of_each_sample(sample_weight, y_true)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred) -> Tensor:
        """Returns nats `[batch, time]` for waveforms `[batch, time]` and parameters `[batch, time, size]`."""
        return -self.distribution.log_prob(y_pred, y_true)
