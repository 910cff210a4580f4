"""Trains a model of an amplifier: `python -m training.train_amp --input in.wav --output out.wav --run runs/amp`.

The model is a `.nam` file, which NAM's plug-ins play.
"""

import datetime
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_wavenet import EffectLoss, ErrorToSignalRatio, NamWaveNet
from tf_wavenet.files import atomic_path
from tf_wavenet.importers import write_nam
from training.amp.config import AmpConfig
from training.amp.pair import AmpPair, measure_latency, read_pair
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.runs.callbacks import StopOnInterrupt


class KeepBest(keras.callbacks.Callback):
    """Writes the model after every epoch that has the lowest held-out error-to-signal ratio so far.

    Args:
        run: Folder, for `model.nam` and `model.keras`.
        metadata: Of the `.nam` file; the ratio is added to its "training".
    """

    def __init__(self, run: Path, metadata: dict) -> None:
        super().__init__()
        self.best = float("inf")
        self._run, self._metadata = run, metadata

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compares and writes."""
        ratio = float(logs["val_esr"])
        if not ratio < self.best:
            return
        self.best = ratio
        training = {**self._metadata["training"], "validation_esr": ratio}
        self.model.metadata = {**self._metadata, "training": training}
        with atomic_path(self._run / "model.nam") as partial:
            write_nam(self.model, partial)
        with atomic_path(self._run / "model.keras") as partial:
            self.model.save(partial)


def windows(pair: AmpPair, context: int, config: AmpConfig) -> tf.data.Dataset:
    """Cuts a pair into windows, in another order every epoch.

    Args:
        pair: Recordings.
        context: Samples of past in front of a window; they have no weight.
        config: Sizes and seed.

    Returns:
        Batches of (input, output, weight), `[batch, context + window_samples]` each.

    Raises:
        ValueError: If the recordings are shorter than one batch.
    """
    count = (len(pair.input) - context) // config.window_samples
    if count < config.batch_size:
        least = (context + config.batch_size * config.window_samples) / pair.sample_rate
        received = len(pair.input) / pair.sample_rate
        raise ValueError(f"Expected {least:.1f} s to train on, or smaller batches. Received: {received:.1f} s")
    x, y = tf.constant(pair.input), tf.constant(pair.output)
    weight = _weight(context, config.window_samples)

    def cut(number):
        begin = number * config.window_samples
        span = slice(begin, begin + context + config.window_samples)
        return tf.ensure_shape(x[span], weight.shape), tf.ensure_shape(y[span], weight.shape), weight

    numbers = tf.data.Dataset.range(count).shuffle(count, seed=config.seed)
    return numbers.map(cut).batch(config.batch_size, drop_remainder=True).prefetch(2)


def train(config: AmpConfig) -> tuple[Path, float]:
    """Trains a model.

    Args:
        config: The configuration.

    Returns:
        The `.nam` file of the best epoch, and its held-out error-to-signal ratio.

    Raises:
        ValueError: For recordings or a run folder that cannot be used, or if the training diverges. Then nothing was
            written.
    """
    if config.run.exists() and (not config.run.is_dir() or any(config.run.iterdir())):
        raise ValueError(f"Expected --run to be a new folder. Already there: {config.run}")
    pair = read_pair(config.input, config.output)
    latency = config.latency
    if latency is None:
        peak = measure_latency(pair)
        latency = peak - config.latency_margin
        print(f"output is {peak} samples ({1000 * peak / pair.sample_rate:.1f} ms) late; shifted by {latency}")
    pair = pair.shifted(latency)

    keras.utils.set_random_seed(config.seed)
    model = NamWaveNet.from_preset(config.preset, sample_rate=pair.sample_rate)
    model.build()
    context = model.receptive_field - 1
    held_out = max(round(config.validation_seconds * pair.sample_rate), 1)
    border = len(pair.input) - held_out
    if border < context:
        least = (context + held_out) / pair.sample_rate
        raise ValueError(f"Expected more than {least:.1f} s. Received: {len(pair.input) / pair.sample_rate:.1f} s")
    training = windows(AmpPair(pair.input[:border], pair.output[:border], pair.sample_rate), context, config)
    tail = [array[None, border - context :] for array in (pair.input, pair.output)]
    validation = tf.data.Dataset.from_tensors((*tail, _weight(context, held_out)[None]))

    steps = int(training.cardinality())
    rate = keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate, steps, 1.0 - config.learning_rate_decay, staircase=True
    )
    model.compile(
        keras.optimizers.Adam(rate),
        EffectLoss(config.preemphasis_weight),
        weighted_metrics=[ErrorToSignalRatio()],
        jit_compile=config.jit_compile,
    )
    print(
        f"{border / pair.sample_rate:.1f} s to train on, {steps} steps an epoch; "
        f"{held_out / pair.sample_rate:.1f} s held out\n"
        f"{config.model}: {model.count_params() + 1:,} weights, receptive field {model.receptive_field} samples"
    )
    config.save(config.run / "config.json")
    now = datetime.datetime.now()
    date = {part: getattr(now, part) for part in ("year", "month", "day", "hour", "minute", "second")}
    metadata = {"date": date, "training": {"latency_samples": latency}}
    best = KeepBest(config.run, metadata | ({"name": config.name} if config.name else {}))
    model.fit(
        training,
        epochs=config.epochs,
        validation_data=validation,
        callbacks=[StopOnInterrupt(), best],
        shuffle=False,  # the dataset does it
        verbose=2,
    )
    if best.best == float("inf"):
        (config.run / "config.json").unlink()
        config.run.rmdir()
        raise ValueError(f"Expected the training to converge; try a learning rate below {config.learning_rate}")
    return config.run / "model.nam", best.best


def _weight(context: int, samples: int) -> np.ndarray:
    return np.r_[np.zeros(context, "float32"), np.ones(samples, "float32")]


def main() -> None:
    """Trains as the command line says."""
    path, ratio = train(parse(AmpConfig))
    print(f"best model: {path} (held-out error-to-signal ratio {ratio:.4f})")


if __name__ == "__main__":
    run_command(main)
