"""What a training of an amplifier is resumed from."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from tf_wavenet.files import atomic_path
from training.amp.keep_best import KeepBest


class Checkpoints(keras.callbacks.Callback):
    """Writes weights and optimizer state after every whole epoch, and what the best model was; keeps the newest two.

    Must stand behind `best`.

    Args:
        run: The run folder; `checkpoints` is made in it.
        best: Keeps the best model.
        about: What does not change in a run, JSON.
        require: Raises an exception if the weights should not be written.
    """

    def __init__(self, run: Path, best: KeepBest, about: dict[str, Any], require: Callable[[], None]) -> None:
        super().__init__()
        self._run, self._best, self._about, self._require = run, best, about, require

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes, unless Ctrl-C broke the epoch off: it is begun again."""
        if self.model.stop_training:
            return
        self._require()
        path = self._run / "checkpoints" / f"epoch-{epoch + 1:06d}.weights.h5"
        with atomic_path(_beside(path)) as partial:  # first: weights never lack it
            partial.write_text(json.dumps({"best": self._best.best, "last": self._best.last, **self._about}) + "\n")
        with atomic_path(path) as partial:
            self.model.save_weights(partial)
        for _, old in find(self._run)[:-2]:
            old.unlink()
            _beside(old).unlink(missing_ok=True)


def find(run: Path) -> list[tuple[int, Path]]:
    """Epochs that are done, and files of the checkpoints of a run, oldest first."""
    found = (run / "checkpoints").glob("epoch-*.weights.h5")
    return sorted((int(re.sub(r"\D", "", path.name.split(".")[0])), path) for path in found)


def remove(run: Path) -> None:
    """Removes what a run without a model has written: its configuration, its checkpoints and, if empty, its folder."""
    (run / "config.json").unlink()
    shutil.rmtree(run / "checkpoints", ignore_errors=True)
    with contextlib.suppress(OSError):
        run.rmdir()


def restore(model: keras.Model, run: Path) -> tuple[int, dict[str, Any]]:
    """Loads the newest checkpoint.

    Args:
        model: The compiled model of the run, its optimizer built.
        run: The run folder.

    Returns:
        The epochs that are done, and what was written beside the weights; 0 and nothing without a checkpoint.

    Raises:
        ValueError: If the checkpoint does not fit the model.
    """
    found = find(run)
    if not found:
        return 0, {}
    epoch, path = found[-1]
    try:
        model.load_weights(path)
        return epoch, json.loads(_beside(path).read_text())
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).split(". ")[0]
        raise ValueError(f"Expected {path} to be a checkpoint of this model: {reason}") from error


def _beside(path: Path) -> Path:
    return path.with_name(path.name.replace(".weights.h5", ".json"))
