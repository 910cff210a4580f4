"""What training looks at once: the shapes of a batch, and whether waveforms are in [-1, 1]."""

import functools

import keras

from tf_wavenet import backend
from tf_wavenet.signal.full_scale import check_peak


class FirstBatch:
    """Mixin of models that learn waveforms: the first batch of each `fit` and `evaluate` must be in [-1, 1].

    Whatever the data come from, and on every backend: the step itself notes the peak, and it is read once.

    A subclass sets `peak = Peak()` in its constructor and updates it in every step.
    """

    def check_batch(self, inputs, targets, sample_weight) -> None:
        """Raises a ValueError if tensors are not of the shapes that a step takes."""
        raise NotImplementedError

    def _check_data(self, data):
        self.check_batch(*keras.utils.unpack_x_y_sample_weight(data))

    def make_train_function(self, force=False) -> None:
        """Makes the training step, of which the first is watched."""
        self._make("train_function", super().make_train_function, force)

    def make_test_function(self, force=False) -> None:
        """Makes the step of `evaluate`, of which the first is watched."""
        self._make("test_function", super().make_test_function, force)

    def watch_first_batch(self) -> None:
        """Lets the next step be looked at."""
        self._first_batch = True

    def _make(self, name, make, force):
        before = getattr(self, name)
        make(force)
        self.watch_first_batch()
        function = getattr(self, name)
        if function is not before:
            setattr(self, name, self._watched(function))

    def _watched(self, function):
        @functools.wraps(function)
        def step(*arguments):
            try:
                if self._first_batch:
                    backend.check_shapes(self._check_data, arguments)
                result = function(*arguments)
            except Exception:
                backend.keep_state(self, arguments=arguments)
                raise
            if self._first_batch:
                self._first_batch = False
                peak = float(backend.metric_after(self, self.peak.peak, result))
                try:
                    _check(peak)
                except ValueError:
                    backend.keep_state(self, result=result)
                    raise
            return result

        return step


def _check(peak):
    if peak == float("inf"):
        raise ValueError("Expected waveforms and conditions to be finite. Received: NaN or infinity in the first batch")
    check_peak("waveforms", peak)
