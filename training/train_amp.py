"""Trains a model of an amplifier: `python -m training.train_amp --input in.wav --output out.wav --run runs/amp`.

The model is a `.nam` file, which NAM's plug-ins play.
"""

import datetime
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_wavenet import EffectLoss, ErrorToSignalRatio, NamWaveNet
from training.amp.config import AmpConfig
from training.amp.held_out import held_out_part
from training.amp.keep_best import KeepBest
from training.amp.latency import measure_latency
from training.amp.pair import AmpPair, read_pair
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.runs.callbacks import StopOnInterrupt

POOR_RATIO = 0.3
"""Error-to-signal ratio above which a model is worth a warning."""


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
        ValueError: For recordings or a run folder that cannot be used, or if no epoch is better than silence, whose
            ratio is 1. Then nothing was written.
    """
    if config.run.exists() and (not config.run.is_dir() or any(config.run.iterdir())):
        raise ValueError(f"Expected --run to be a new folder. Already there: {config.run}")
    pair = read_pair(config.input, config.output, config.input_channel, config.output_channel)
    for note in pair.notes:
        print(f"note: {note}")
    latency, about = _latency(config, pair)
    pair = pair.shifted(latency)

    keras.utils.set_random_seed(config.seed)
    model = NamWaveNet.from_preset(config.preset, sample_rate=pair.sample_rate)
    model.build()
    context = model.receptive_field - 1
    held_out = max(round(config.validation_seconds * pair.sample_rate), 1)
    if len(pair.input) - held_out < context:
        least = (context + held_out) / pair.sample_rate
        raise ValueError(f"Expected more than {least:.1f} s. Received: {len(pair.input) / pair.sample_rate:.1f} s")
    part = held_out_part(pair, held_out, context)
    border, rest = part.start, len(pair.input) - part.stop
    if rest:
        print(f"note: the last {rest / pair.sample_rate:.1f} s are quiet; they are left out")
    training = windows(pair.part(0, border), context, config)
    tail = pair.part(border - context, part.stop)
    weight = _weight(context, held_out)
    validation = tf.data.Dataset.from_tensors((tail.input[None], tail.output[None], weight[None]))

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
    best = KeepBest(config.run, {"date": date, **config.metadata, "training": about})
    model.fit(
        training,
        epochs=config.epochs,
        validation_data=validation,
        callbacks=[StopOnInterrupt(), best],
        shuffle=False,  # the dataset does it
        verbose=2,
    )
    if best.best is None:
        (config.run / "config.json").unlink()
        config.run.rmdir()
        raise ValueError(
            f"Expected the training to converge; try a learning rate below {config.learning_rate}, or give --latency. "
            f"Received: a held-out error-to-signal ratio of {best.last:.3g}, where silence gets 1"
        )
    return config.run / "model.nam", best.best


def _latency(config, pair):
    """The shift, and what the `.nam` file says of it, in the form of NAM's trainer where it has one."""
    measured = None
    latency = config.latency
    if latency is None:
        measured = measure_latency(pair)
        measured.check()
        latency = measured.samples - config.latency_margin
        milliseconds = 1000 * measured.samples / pair.sample_rate
        print(
            f"output is {measured.samples} samples ({milliseconds:.1f} ms) late; shifted by {latency} "
            f"(confidence {measured.confidence:.0%})"
        )
    calibration = {
        "delays": [] if measured is None else list(measured.parts),
        "safety_factor": config.latency_margin,
        "recommended": None if measured is None else latency,
    }
    about = {"latency": {"manual": config.latency, "calibration": calibration}}
    return latency, {"latency_samples": latency, "data": about}


def _weight(context: int, samples: int) -> np.ndarray:
    return np.r_[np.zeros(context, "float32"), np.ones(samples, "float32")]


def main() -> None:
    """Trains as the command line says."""
    path, ratio = train(parse(AmpConfig))
    print(f"best model: {path} (held-out error-to-signal ratio {ratio:.4f})")
    if ratio > POOR_RATIO:
        print(f"note: above {POOR_RATIO} a model sounds unlike its amplifier; train longer, or check the latency")


if __name__ == "__main__":
    run_command(main)
