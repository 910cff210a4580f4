"""What happens during `fit`: progress, TensorBoard, checkpoints, a clean stop; validation is in `held_out`.

All of them count training steps from the beginning of the run, whatever was resumed: `fit` runs as one epoch, and
each callback acts at its own interval.
"""

import signal
import sys
import threading

import keras
from tqdm import tqdm

from tf_wavenet.files import atomic_path
from training.runs.clock import Budget, Clock
from training.runs.finite import Finite
from training.runs.run_folder import RunFolder
from training.runs.state import bring_back
from training.runs.summaries import Summaries


class StepCallback(keras.callbacks.Callback):
    """Calls `on_step` every so many steps, at the last step and when training is asked to stop.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run, here and below; None where time ends it.

    Attributes:
        reads_state: Whether `on_step` reads variables of the model or the optimizer.
    """

    reads_state = True

    def __init__(self, every: int, start: int, steps: int | None) -> None:
        super().__init__()
        self.every = every
        self.start = start
        self.steps = steps

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step."""
        step = self.start + batch + 1
        if step % self.every == 0 or step == self.steps or self.model.stop_training:
            self._act(step, logs)

    def _act(self, step, logs):
        if self.reads_state:
            bring_back(self.model)
        self.on_step(step, logs or {})

    def on_step(self, step: int, logs: dict) -> None:
        """Acts after a step.

        Args:
            step: Steps of the whole run so far.
            logs: Metrics of the training batches since they were last reset.
        """
        raise NotImplementedError


class StopOnInterrupt(keras.callbacks.Callback):
    """Lets Ctrl-C end training after the current step, validated and checkpointed; a second Ctrl-C ends it at once.

    Must be the first callback.
    """

    requested = False
    _before = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes over the signal."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        self.requested = True
        print("\nstopping after this step; Ctrl-C again to stop at once", file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops training if asked to."""
        if self.requested:
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Gives the signal back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


class Progress(StepCallback):
    """Shows the steps, the time left, and a metric of training and held-out audio.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run.
        metric: Name of the training metric to show.
        budget: The time there is, to be shown instead of the steps to come.
    """

    held_out: float | None = None
    reads_state = False
    _bar = None

    def __init__(
        self,
        every: int,
        start: int,
        steps: int | None,
        metric: str = "bits_per_sample",
        budget: Budget | None = None,
    ) -> None:
        super().__init__(every, start, steps)
        self._metric = metric
        self._budget = budget

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Opens the bar."""
        self._bar = tqdm(total=self.steps, initial=self.start, unit="step", desc="train", dynamic_ncols=True)

    def on_step(self, step: int, logs: dict) -> None:
        """Moves the bar; the figures are fetched from the device only when it is drawn."""
        last = step == self.steps or self.model.stop_training
        if self._bar.update(step - self._bar.n) or last:
            figures = {self._metric.replace("_per_", "/"): f"{float(logs[self._metric]):.3f}"}
            if self.held_out is not None:
                figures["held-out"] = f"{self.held_out:.3f}"
            if self._budget is not None:
                figures["minutes"] = f"{self._budget.clock.seconds / 60:.1f}/{self._budget.minutes:g}"
            self._bar.set_postfix(figures, refresh=last)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        if self._bar is not None:
            self._bar.close()


class Scalars(StepCallback):
    """Writes the training metrics (means since the last time) and the learning rate to TensorBoard."""

    def __init__(self, every: int, start: int, steps: int | None, summaries: Summaries) -> None:
        super().__init__(every, start, steps)
        self._summaries = summaries

    def on_step(self, step: int, logs: dict) -> None:
        """Writes the scalars and begins new means."""
        figures = {**logs, "learning_rate": float(self.model.optimizer.learning_rate)}
        self._summaries.scalars(step, {f"train/{name}": value for name, value in figures.items()})
        self.model.reset_metrics()


class Checkpoints(StepCallback):
    """Writes weights, optimizer state and averages, and the time beside them; keeps the newest two.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run.
        run: Where the checkpoints go.
        clock: Counts the time.
        seconds: Time after which there is a checkpoint besides.
        finite: Refuses weights that are not finite; None writes any.
    """

    def __init__(
        self,
        every: int,
        start: int,
        steps: int | None,
        run: RunFolder,
        clock: Clock,
        seconds: float = 300.0,
        finite: Finite | None = None,
    ) -> None:
        super().__init__(every, start, steps)
        self._finite = finite
        self._seconds = seconds
        self._run = run
        self._clock = clock
        self._step = start
        self._written = clock.seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step and the time."""
        self._step = self.start + batch + 1
        super().on_train_batch_end(batch, logs)
        if self._clock.seconds - self._written >= self._seconds:
            self.write()

    def write(self) -> None:
        """Writes a checkpoint of this `fit`'s last step, unless there is one."""
        if self._step > self.start and not self._run.checkpoint(self._step).exists():
            self._act(self._step, {})

    def on_step(self, step: int, logs: dict) -> None:
        """Writes one checkpoint, the time first: a checkpoint never lacks it."""
        if self._finite is not None:
            self._finite.require()
        self._clock.save(self._run.time(step))
        with atomic_path(self._run.checkpoint(step)) as partial:
            self.model.save_weights(partial)
        self._written = self._clock.seconds
        for old, path in self._run.checkpoints()[:-2]:
            path.unlink()
            self._run.time(old).unlink(missing_ok=True)
