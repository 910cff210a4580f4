"""Writes the best model of a training."""

from pathlib import Path

import keras

from tf_wavenet.files import atomic_path
from tf_wavenet.importers import nam_loudness, write_nam


class KeepBest(keras.callbacks.Callback):
    """Writes the model after every epoch that has the lowest held-out error-to-signal ratio so far, if below 1.

    Of an epoch that Ctrl-C broke off, only the first model: a run that is resumed goes through the epoch again.

    Args:
        run: Folder, for `model.nam` and `model.keras`.
        metadata: Of the `.nam` file; the ratio is added to its "training", and loudness and gain.

    Attributes:
        best: The lowest ratio that was written, or None.
        last: The ratio of the last epoch.
    """

    def __init__(self, run: Path, metadata: dict) -> None:
        super().__init__()
        self.best: float | None = None
        self.last = float("nan")
        self._run, self._metadata = run, metadata

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compares and writes."""
        self.last = ratio = float(logs["val_esr"])
        if not ratio < (1.0 if self.best is None else self.best):  # what silence gets, or NaN, is no model
            return
        if self.best is not None and getattr(self.model, "stop_training", False):
            return
        training = {**self._metadata["training"], "validation_esr": ratio}
        self.model.metadata = {**self._metadata, **nam_loudness(self.model), "training": training}
        with atomic_path(self._run / "model.nam") as partial:
            write_nam(self.model, partial)
        with atomic_path(self._run / "model.keras") as partial:
            self.model.save(partial)
        self.best = ratio
