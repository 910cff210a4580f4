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
        preemphasis_weight: Float >= 0, factor on the second term; 0 is the plain mean squared error.
        preemphasis: Float, the coefficient.
        reduction: As in `keras.losses.Loss`; by default samples of weight 0 do not count, neither above nor below
            the line.
        name: Name of the loss.
        dtype: Dtype that the loss is computed in, as in `keras.losses.Loss`; None: Keras's `floatx`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> loss = EffectLoss(preemphasis_weight=1.0)
    >>> round(float(loss(keras.ops.zeros((1, 4)), keras.ops.array([[0.0, 1.0, 0.0, 0.0]]))), 3)
    0.681

    References:
        Wright et al., Real-Time Guitar Amplifier Emulation with Deep Learning (2020), section 3.3.
    """

    def __init__(
        self,
        preemphasis_weight=0.0,
        preemphasis=0.85,
        reduction="mean_with_sample_weight",
        name="effect_loss",
        dtype=None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.preemphasis_weight = check_number("preemphasis_weight", preemphasis_weight)
        self.preemphasis = check_number("preemphasis", preemphasis)
        if not self.preemphasis_weight >= 0:
            raise ValueError(f"Expected preemphasis_weight >= 0. Received: preemphasis_weight={preemphasis_weight}")

    def call(self, y_true, y_pred) -> Tensor:
        """Returns `[batch, time]` for waveforms `[batch, time]`."""
        error = y_pred - y_true
        if not self.preemphasis_weight:
            return ops.square(error)
        emphasised = ops.pad(error[:, 1:] - self.preemphasis * error[:, :-1], ((0, 0), (1, 0)))
        return ops.square(error) + self.preemphasis_weight * ops.square(emphasised)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "preemphasis_weight": self.preemphasis_weight,
            "preemphasis": self.preemphasis,
        }

    @classmethod
    def from_config(cls, config) -> "EffectLoss":
        """Returns the loss of `get_config`, or of one from before `preemphasis` was spelt as in `MelSpec`."""
        return cls(**{name.replace("pre_emphasis", "preemphasis"): value for name, value in config.items()})
