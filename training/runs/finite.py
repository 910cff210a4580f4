"""Training ends where its numbers go bad, and says where."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np


class Finite(keras.callbacks.Callback):
    """Ends training by an exception once a loss is NaN or infinite, or a weight that would be written is.

    A loss is read when the next step has been handed to the device, which need not wait. Whatever writes weights calls
    `require` before.

    Must stand before the callbacks that write weights.

    Args:
        start: Steps of the run before this `fit`.
        files: Function of the number of a batch, from 0 on, to the recordings in it; None where that is not known.
        checkpoint: Function that finds the newest checkpoint, or None.
    """

    def __init__(
        self, start: int, files: Callable[[int], Sequence[Path]] | None, checkpoint: Callable[[], Path | None]
    ) -> None:
        super().__init__()
        self._step, self._files, self._checkpoint = start, files, checkpoint
        self._losses = {}

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the losses of the step before; FloatingPointError if one is not finite."""
        self._look()
        self._step += 1
        self._losses = {name: value for name, value in (logs or {}).items() if name.endswith("loss")}

    def on_train_end(self, logs: dict | None = None) -> None:
        """Looks at those of the last step."""
        self._look()

    def require(self) -> None:
        """Makes sure that losses, weights and the optimizers' state are finite.

        Raises:
            FloatingPointError: If they are not: with the step, the recordings in its batch and the newest checkpoint.
        """
        self._look()
        optimizers = (self.model.optimizer, getattr(self.model, "discriminator_optimizer", None))
        variables = [*self.model.variables, *(v for each in optimizers if each is not None for v in each.variables)]
        for variable in variables:
            value = keras.ops.convert_to_numpy(variable)
            if not np.isfinite(value.astype("float32")).all():
                self._fail("finite weights", f"NaN or infinity in {variable.path} after")

    def _look(self):
        for name, value in self._losses.items():
            value = float(value)
            if not math.isfinite(value):
                self._fail("a finite loss", f"{name}={value} at")

    def _fail(self, what, received):
        checkpoint, files = self._checkpoint(), ""
        if self._files is not None:
            files = f", which learned from {', '.join(map(str, self._files(self._step - 1)))}"
        last = "there is no checkpoint" if checkpoint is None else f"the last good checkpoint is {checkpoint}"
        raise FloatingPointError(f"Expected {what}. Received: {received} step {self._step}{files}; {last}")
