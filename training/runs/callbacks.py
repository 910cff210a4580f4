"""What happens during `fit`: progress, TensorBoard, held-out figures, checkpoints, a clean stop.

All of them count training steps from the beginning of the run, whatever was resumed: `fit` runs as one epoch, and
each callback acts at its own interval.
"""

import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_wavenet.files import atomic_path
from training.runs import history
from training.runs.clock import Budget, Clock
from training.runs.run_folder import RunFolder
from training.scoring.pictures import draw, pixels

CHECKPOINT_SECONDS = 300.0  # the most that a killed run loses


class StepCallback(keras.callbacks.Callback):
    """Calls `on_step` every so many steps, at the last step and when training is asked to stop.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run, here and below; None where time ends it.
    """

    def __init__(self, every: int, start: int, steps: int | None) -> None:
        super().__init__()
        self.every = every
        self.start = start
        self.steps = steps

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step."""
        step = self.start + batch + 1
        if step % self.every == 0 or step == self.steps or self.model.stop_training:
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

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Takes over the signal."""
        self._before = None
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
            name = "bits/sample" if self._metric == "bits_per_sample" else self._metric
            figures = {name: f"{float(logs[self._metric]):.3f}"}
            if self.held_out is not None:
                figures["held-out"] = f"{self.held_out:.3f}"
            if self._budget is not None:
                figures["minutes"] = f"{self._budget.clock.seconds / 60:.1f}/{self._budget.minutes:g}"
            self._bar.set_postfix(figures, refresh=last)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        self._bar.close()


class Scalars(StepCallback):
    """Writes the training metrics (means since the last time) and the learning rate to TensorBoard."""

    def __init__(self, every: int, start: int, steps: int, writer: tf.summary.SummaryWriter) -> None:
        super().__init__(every, start, steps)
        self._writer = writer

    def on_step(self, step: int, logs: dict) -> None:
        """Writes the scalars and begins new means."""
        with self._writer.as_default(step):
            for name, value in logs.items():
                tf.summary.scalar(f"train/{name}", value)
            tf.summary.scalar("train/learning_rate", float(self.model.optimizer.learning_rate))
        self.model.reset_metrics()


class HeldOut(StepCallback):
    """Measures held-out audio, bits per sample of a WaveNet, and keeps the best model and the last.

    A twin of the model, in float32, takes the averaged weights (or the weights, where nothing is averaged). It is
    the twin that is evaluated and the twin that is saved, so the figure belongs to the very weights in the file, and
    the weights in training are never touched.

    Args:
        every: Interval in steps.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run.
        run: Where the models go.
        validation: Dataset of (waveform, waveform, sample_weight).
        writer: TensorBoard's.
        sample_rate: In Hz.
        sample_seconds: Audio to generate each time, at most what the conditions describe; 0 for none.
        conditions: Keyword arguments of `WaveNet.generate` that tell what to say.
        progress: Shows the figure.
        clock: Counts the time.
        samples_per_step: Samples that a training step learns from.
    """

    metric = "bits_per_sample"

    def __init__(
        self,
        every: int,
        start: int,
        steps: int,
        *,
        run: RunFolder,
        validation: tf.data.Dataset,
        writer: tf.summary.SummaryWriter,
        sample_rate: int,
        sample_seconds: float,
        progress: Progress,
        clock: Clock,
        samples_per_step: int,
        conditions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(every, start, steps)
        self._run = run
        self._validation = validation
        self._writer = writer
        self._sample_rate = sample_rate
        self._sample_seconds = sample_seconds
        self.conditions = conditions or {}
        self._progress = progress
        self._clock = clock
        self._samples_per_step = samples_per_step

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Makes the twin."""
        self.twin = self.make_twin()
        score = self._run.best_score()
        self._best = np.inf if score is None else score[1]

    def on_step(self, step: int, logs: dict) -> None:
        """Evaluates, saves, and writes to TensorBoard and to the run's history."""
        for target, source in zip(self.twin.trainable_variables, averaged_weights(self.model), strict=True):
            target.assign(source)
        figures = self.twin.evaluate(self._validation, verbose=0, return_dict=True)
        score = figures[self.metric]
        row = {
            "step": step,
            "minutes": round(self._clock.seconds / 60, 4),
            "cpu_minutes": round(self._clock.cpu_seconds / 60, 4),
            "samples": step * self._samples_per_step,
            self.metric: float(score),
            "learning_rate": float(self.model.optimizer.learning_rate),
        }
        history.append(self._run.progress, row)  # first: who finds the model finds what it cost
        self._run.save_last(self.model_to_save(), step)
        if score < self._best:
            self._best = score
            self._run.save_best(self.model_to_save(), step, score, self.metric)
        self._progress.held_out = score
        with self._writer.as_default(step):
            for name, value in figures.items():
                if name != "loss":
                    tf.summary.scalar(f"held_out/{name}", value)
            if self._sample_seconds > 0:
                audio = self.speak(max(1, round(self._sample_seconds * self._sample_rate)))
                tf.summary.audio("generated/audio", audio[None, :, None], self._sample_rate)
                tf.summary.image("generated/picture", pixels(draw(audio, self._sample_rate, f"step {step}"))[None])
        self._writer.flush()

    def make_twin(self) -> keras.Model:
        """Makes a model like the one in training, in float32, to be evaluated."""
        twin = type(self.model).from_config(self.model.get_config() | {"dtype": "float32"})
        twin.compile(jit_compile=self.model.jit_compile)
        return twin

    def model_to_save(self) -> keras.Model:
        """The part of the twin that is saved."""
        return self.twin

    def speak(self, num_samples: int) -> np.ndarray:
        """Generates at most so many samples with the twin, and what the conditions describe."""
        frames = self.conditions.get("local_condition")
        if frames is not None:
            num_samples = min(num_samples, len(frames) * self.twin.local_hop)
        return self.twin.generate(num_samples, **self.conditions)[0]


class Checkpoints(StepCallback):
    """Writes weights, optimizer state and averages, and the time beside them; keeps the newest two.

    Args:
        every: Interval in steps; after five minutes without a checkpoint there is one besides.
        start: Steps of the run before this `fit`.
        steps: Steps of the whole run.
        run: Where the checkpoints go.
        clock: Counts the time.
    """

    def __init__(self, every: int, start: int, steps: int | None, run: RunFolder, clock: Clock) -> None:
        super().__init__(every, start, steps)
        self._run = run
        self._clock = clock
        self._written = clock.seconds

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step and the time."""
        super().on_train_batch_end(batch, logs)
        if self._clock.seconds - self._written >= CHECKPOINT_SECONDS:
            self.on_step(self.start + batch + 1, logs or {})

    def on_step(self, step: int, logs: dict) -> None:
        """Writes one checkpoint, the time first: a checkpoint never lacks it."""
        self._clock.save(self._run.time(step))
        with atomic_path(self._run.checkpoint(step)) as partial:
            self.model.save_weights(partial)
        self._written = self._clock.seconds
        for old, path in self._run.checkpoints()[:-2]:
            path.unlink()
            self._run.time(old).unlink(missing_ok=True)


def averaged_weights(model: keras.Model) -> Sequence[keras.Variable]:
    """The optimizer's moving averages of the variables it trains, or the variables where it keeps none.

    Args:
        model: A compiled model whose optimizer is built.

    Returns:
        Variables, in the order of the `trainable_variables` of the model, or of the generator that it trains.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # inside a LossScaleOptimizer
    if not optimizer.use_ema:
        return getattr(model, "generator", model).trainable_variables
    return optimizer._model_variables_moving_average  # Keras has no public name for them
