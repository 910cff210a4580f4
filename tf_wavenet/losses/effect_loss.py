"""The loss of models that turn one waveform into another, such as `NamWaveNet`."""

from typing import Any

from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number
from tf_wavenet.losses._weighted_mean import WeightedMean


@registered
class EffectLoss(WeightedMean):
    """Mean squared error of waveforms, plus that of the pre-emphasised ones: `e[t] - coefficient * e[t - 1]`.

    Pre-emphasis weighs high frequencies, which carry little energy and much of the sound. The first sample of a row has
    none before it and counts in the first term only.

    Args:
        pre_emphasis_weight: Float >= 0, factor on the second term; 0 is the plain mean squared error.
        pre_emphasis: Float, the coefficient.
        reduction: As in `keras.losses.Loss`; by default samples of weight 0 do not count, neither above nor below
            the line.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> loss = EffectLoss(pre_emphasis_weight=1.0)
    >>> round(float(loss(keras.ops.zeros((1, 4)), keras.ops.array([[0.0, 1.0, 0.0, 0.0]]))), 3)
    0.681

    References:
        Wright et al., Real-Time Guitar Amplifier Emulation with Deep Learning (2020), section 3.3.
    """

    def __init__(
        self,
        pre_emphasis_weight=0.0,
        pre_emphasis=0.85,
        reduction="mean_with_sample_weight",
        name="effect_loss",
        dtype=None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.pre_emphasis_weight = check_number("pre_emphasis_weight", pre_emphasis_weight)
        self.pre_emphasis = check_number("pre_emphasis", pre_emphasis)
        if not self.pre_emphasis_weight >= 0:
            raise ValueError(f"Expected pre_emphasis_weight >= 0. Received: pre_emphasis_weight={pre_emphasis_weight}")

    def call(self, y_true, y_pred) -> Tensor:
        """Returns `[batch, time]` for waveforms `[batch, time]`."""
        error = y_pred - y_true
        if not self.pre_emphasis_weight:
            return ops.square(error)
        emphasised = ops.pad(error[:, 1:] - self.pre_emphasis * error[:, :-1], ((0, 0), (1, 0)))
        return ops.square(error) + self.pre_emphasis_weight * ops.square(emphasised)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "pre_emphasis_weight": self.pre_emphasis_weight,
            "pre_emphasis": self.pre_emphasis,
        }
