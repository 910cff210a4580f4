"""The metric of models that turn one waveform into another, such as `NamWaveNet`."""

import keras
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor


@registered
class ErrorToSignalRatio(keras.metrics.Metric):
    """Energy of the error over energy of the target, of all samples together; 0 is perfect, 1 is what silence gets.

    A target that is silent altogether has no ratio: the result is NaN.

    Args:
        name: Name of the metric.
        dtype: Dtype of the sums; None: Keras's `floatx`.

    Example:
    >>> metric = ErrorToSignalRatio()
    >>> metric.update_state(keras.ops.array([[2.0, 0.0]]), keras.ops.array([[1.0, 0.0]]))
    >>> float(metric.result())
    0.25

    References:
        Wright et al., Real-Time Guitar Amplifier Emulation with Deep Learning (2020), equation 10.
    """

    def __init__(self, name="esr", dtype=None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._direction = "down"
        self.error = self.add_variable((), "zeros", name="error")
        self.signal = self.add_variable((), "zeros", name="signal")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Adds waveforms `[batch, time]`; `sample_weight` is None or broadcasts to them."""
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        weight = 1.0 if sample_weight is None else ops.cast(sample_weight, self.dtype)
        self.error.assign_add(ops.sum(weight * ops.square(y_pred - y_true)))
        self.signal.assign_add(ops.sum(weight * ops.square(y_true)))

    def result(self) -> Tensor:
        """Returns the ratio; NaN for a silent target, which says nothing, and before the first sample."""
        ratio = ops.divide_no_nan(self.error.value, self.signal.value)
        return ops.where(self.signal.value > 0, ratio, float("nan"))
