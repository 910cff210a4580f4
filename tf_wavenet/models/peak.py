"""The peak of what a step has seen."""

from typing import Any

import keras
from keras import ops


class Peak(keras.metrics.Metric):
    """The largest magnitude of the waveforms since the last reset, infinite if one is not finite.

    It is no figure of training, and shows in no log.
    """

    def __init__(self, name="peak", dtype="float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.peak = self.add_variable((), "zeros", aggregation="only_first_replica", name="peak")

    def update_state(self, waveforms, others=()) -> None:
        """Looks at waveforms, and whether other inputs are finite; all of any shape."""
        for waveform in waveforms:
            self._raise_to(ops.abs(ops.cast(waveform, "float32")))
        for other in others:
            self._raise_to(ops.where(ops.isfinite(ops.cast(other, "float32")), 0.0, float("inf")))

    def _raise_to(self, magnitude):
        magnitude = ops.where(ops.isnan(magnitude), float("inf"), magnitude)
        self.peak.assign(ops.maximum(self.peak, ops.max(magnitude, initial=0.0)))

    def result(self) -> dict[str, Any]:
        """Returns no figures."""
        return {}
