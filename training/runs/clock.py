"""The time that a run has been trained for, over all its sessions, and training that ends with it."""

import json
import math
import time
from pathlib import Path

import keras

from tf_wavenet.files import atomic_path
from training.runs.state import bring_back

LONGEST_GAP = 60.0  # in seconds, from step to step


class Clock(keras.callbacks.Callback):
    """Counts the time a run has been trained for, and the processor's.

    What counts is the time between the ends of two training steps, a minute at most: of any pause, validation or
    compilation no more than that. The first step of a session counts from the beginning of `fit`. The processor's time
    is all that this process used since the clock was made.

    Must stand before the callbacks that read it.

    Args:
        step: Steps of the run before this `fit`.
        seconds: Time of the run before this `fit`.
        cpu_seconds: The processor's, likewise.
    """

    def __init__(self, step: int, seconds: float = 0.0, cpu_seconds: float = 0.0) -> None:
        super().__init__()
        self.step = step
        self.seconds = seconds
        self._cpu_before = cpu_seconds - self.read_cpu()
        self._start = step

    @classmethod
    def load(cls, path: Path, step: int) -> "Clock":
        """Makes a clock that goes on where one stopped.

        Args:
            path: What `save` wrote; if there is nothing (in the beginning, and in runs of earlier versions), no time
                has passed.
            step: Steps of the run so far.

        Returns:
            The clock.
        """
        return cls(step, **json.loads(path.read_text())) if path.exists() else cls(step)

    def save(self, path: Path) -> None:
        """Writes the time, exactly."""
        with atomic_path(path) as partial:
            partial.write_text(json.dumps({"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}) + "\n")

    @property
    def cpu_seconds(self) -> float:
        """Time of the processor, all cores together."""
        return self._cpu_before + self.read_cpu()

    def read(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def read_cpu(self) -> float:
        """Seconds that this process has used."""
        return time.process_time()

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Begins to count."""
        self._last = self.read()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the time of a step."""
        self.step = self._start + batch + 1
        now = self.read()
        self.seconds += min(now - self._last, LONGEST_GAP)
        self._last = now


class Budget(keras.callbacks.Callback):
    """Ends training when the time is used up, and lets learning rates follow the time.

    Must stand between the clock and the callbacks that act at the last step.

    Args:
        minutes: Time of the whole run.
        clock: Counts it.
        optimizers: Optimizers made with a number as learning rate, each with that number and the step of the run that
            is its first.
        warmup_steps: Of each optimizer.
        schedule: "cosine" or "constant".
    """

    def __init__(
        self,
        minutes: float,
        clock: Clock,
        optimizers: list[tuple[keras.optimizers.Optimizer, float, int]],
        warmup_steps: int,
        schedule: str,
    ) -> None:
        super().__init__()
        self.minutes = minutes
        self.clock = clock
        self._optimizers = optimizers
        self._warmup_steps = warmup_steps
        self._schedule = schedule

    @property
    def used(self) -> float:
        """Share of the time that is used up, at most 1."""
        return min(self.clock.seconds / (60 * self.minutes), 1.0)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Sets the learning rates of the first step."""
        self._set_rates()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Sets the learning rates of the next step, or stops."""
        bring_back(self.model)
        self._set_rates()
        if self.used == 1.0:
            self.model.stop_training = True

    def _set_rates(self) -> None:
        for optimizer, rate, first in self._optimizers:
            step = max(self.clock.step - first, 0)
            optimizer.learning_rate = rate * factor(step, self._warmup_steps, self.used, self._schedule)


def factor(step: int, warmup_steps: int, used: float, schedule: str) -> float:
    """The learning rate of a step, as a factor: a straight line up over the warm-up, times half a cosine over the time.

    Args:
        step: Steps before it.
        warmup_steps: Steps in which the line rises from 0 to 1.
        used: Share of the time that is used up.
        schedule: "cosine", or "constant" for the line alone.

    Returns:
        Number from 0 to 1.
    """
    risen = min(step / warmup_steps, 1.0) if warmup_steps else 1.0
    return risen if schedule == "constant" else risen * (1.0 + math.cos(math.pi * used)) / 2.0
