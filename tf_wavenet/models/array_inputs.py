"""Lists of numbers as inputs, which Keras takes for several inputs of a model."""

from typing import Any

import keras
import numpy as np

from tf_wavenet._validation import as_array


class ArrayInputs:
    """Mixin of models of one input, or of inputs by name: `fit` and its like take lists of numbers for arrays.

    What cannot be an array, and arrays that differ in their rows, are refused in one line.
    """

    def fit(self, x=None, y=None, *args, **kwargs) -> keras.callbacks.History:
        """Trains as `keras.Model.fit`."""
        return super().fit(*_arrays_of_rows(x, y), *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs) -> Any:
        """Measures as `keras.Model.evaluate`."""
        return super().evaluate(*_arrays_of_rows(x, y), *args, **kwargs)

    def predict(self, x, *args, **kwargs) -> Any:
        """Runs `call` batch by batch as `keras.Model.predict`."""
        return super().predict(_arrays_of_rows(x)[0], *args, **kwargs)

    def train_on_batch(self, x, y=None, *args, **kwargs) -> Any:
        """Takes one step as `keras.Model.train_on_batch`."""
        return super().train_on_batch(*_arrays_of_rows(x, y), *args, **kwargs)

    def test_on_batch(self, x, y=None, *args, **kwargs) -> Any:
        """Measures one batch as `keras.Model.test_on_batch`."""
        return super().test_on_batch(*_arrays_of_rows(x, y), *args, **kwargs)

    def predict_on_batch(self, x) -> Any:
        """Runs `call` on one batch as `keras.Model.predict_on_batch`."""
        return super().predict_on_batch(_arrays_of_rows(x)[0])


def arrays_of(inputs, name) -> Any:
    """Returns one input, or a dict of inputs by name, lists made into arrays."""
    if isinstance(inputs, dict):
        return {key: as_array(key, value) for key, value in inputs.items()}
    return as_array(name, inputs)


def _arrays_of_rows(x, y=None):
    """What Keras takes: lists, which it would take for several inputs, made into arrays; all else as it is."""
    given = {"x": x, "y": y}
    given = {
        name: arrays_of(value, name) if isinstance(value, (list, tuple, dict)) else value
        for name, value in given.items()
    }
    rows = [len(value) for value in keras.tree.flatten(given) if isinstance(value, np.ndarray) and value.ndim]
    if len(set(rows)) > 1:
        raise ValueError(f"Expected as many rows in all of x and y. Received: {', '.join(map(str, rows))}")
    return given["x"], given["y"]
