"""Trains a model of an amplifier: `python -m training.train_amp --input in.wav --output out.wav --run runs/amp`.

The model is a `.nam` file, which NAM's plug-ins play.
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from tf_wavenet import EffectLoss, ErrorToSignalRatio, NamWaveNet
from training.amp.checkpoints import Checkpoints, find, remove, restore
from training.amp.config import AmpConfig
from training.amp.held_out import held_out_part
from training.amp.keep_best import KeepBest
from training.amp.latency import measure_latency
from training.amp.pair import read_pair
from training.amp.windows import steps_per_epoch, weight_of, windows
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.runs.callbacks import StopOnInterrupt
from training.runs.finite import Finite
from training.runs.run_folder import RunFolder

POOR_RATIO = 0.3
"""Error-to-signal ratio above which a model is worth a warning."""


def train(config: AmpConfig) -> tuple[Path, float]:
    """Trains a model, from the beginning or after the last whole epoch of a run.

    Args:
        config: The configuration.

    Returns:
        The `.nam` file of the best epoch, and its held-out error-to-signal ratio.

    Raises:
        ValueError: For recordings or a run folder that cannot be used, or if no epoch is better than silence, whose
            ratio is 1. Then nothing was written.
        FloatingPointError: If a loss or a weight is no longer finite, with the step and the newest checkpoint.
    """
    if config.resume:
        config.check_resumed()
    elif config.run.exists() and not (config.run.is_dir() and RunFolder(config.run).is_new()):
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
    learned = pair.part(0, border)
    tail = pair.part(border - context, part.stop)
    weight = weight_of(context, held_out)
    validation = tf.data.Dataset.from_tensors((tail.input[None], tail.output[None], weight[None]))

    training, steps = windows(learned, context, config), steps_per_epoch(learned, context, config)
    rate = keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate, steps, 1.0 - config.learning_rate_decay, staircase=True
    )
    model.compile(
        keras.optimizers.Adam(rate),
        EffectLoss(config.preemphasis_weight),
        weighted_metrics=[ErrorToSignalRatio()],
        jit_compile=config.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    done, before = restore(model, config.run) if config.resume else (0, {})
    if done:
        training = windows(learned, context, config, range(done, config.epochs))
        print(f"{done} epochs are done")
    print(
        f"{border / pair.sample_rate:.1f} s to train on, {steps} steps an epoch; "
        f"{held_out / pair.sample_rate:.1f} s held out\n"
        f"{config.model}: {model.count_params() + 1:,} weights, receptive field {model.receptive_field} samples"
    )
    config.save(config.run / "config.json")
    RunFolder(config.run).tidy()
    now = datetime.datetime.now()
    date = {part: getattr(now, part) for part in ("year", "month", "day", "hour", "minute", "second")}
    date = before.get("date", date)  # of the beginning of the run
    best = KeepBest(config.run, {"date": date, **config.metadata, "training": about})
    best.best, best.last = before.get("best"), before.get("last", best.last)
    stop = StopOnInterrupt()
    files = [config.input, config.output]
    finite = Finite(done * steps, lambda number: files, lambda: next((p for _, p in reversed(find(config.run))), None))
    checkpoints = Checkpoints(config.run, best, {"date": date}, finite.require)
    bad = None
    if done < config.epochs:
        try:
            model.fit(
                training,
                epochs=config.epochs,
                initial_epoch=done,
                steps_per_epoch=steps,
                validation_data=validation,
                callbacks=[stop, finite, best, checkpoints],
                shuffle=False,  # the dataset does it
                verbose=2,
            )
        except FloatingPointError as error:
            stop.on_train_end()
            if best.best is not None or find(config.run):  # there is something to go on from
                raise
            bad = str(error).partition("Received: ")[2]
    if best.best is None:
        remove(config.run)
        raise ValueError(
            f"Expected the training to converge; try a learning rate below {config.learning_rate}, or give --latency. "
            f"Received: {bad or f'a held-out error-to-signal ratio of {best.last:.3g}, where silence gets 1'}"
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


def parse_config(args: Sequence[str] | None = None) -> AmpConfig:
    """Reads the flags of `training.train_amp`; with --resume, those that are not given are the run's.

    Args:
        args: Flags; those of the process if None.

    Returns:
        The configuration.

    Raises:
        ValueError: In one line, for an unknown flag or a value that is refused.
    """
    args = sys.argv[1:] if args is None else args
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--resume", action="store_true")
    first.add_argument("--run", type=Path, nargs="?")
    given, _ = first.parse_known_args(args)
    path = (given.run or AmpConfig.run) / "config.json"
    return parse(AmpConfig, args, AmpConfig.load(path) if given.resume and path.exists() else None)


def main() -> None:
    """Trains as the command line says."""
    path, ratio = train(parse_config())
    print(f"best model: {path} (held-out error-to-signal ratio {ratio:.4f})")
    if ratio > POOR_RATIO:
        print(f"note: above {POOR_RATIO} a model sounds unlike its amplifier; train longer, or check the latency")


if __name__ == "__main__":
    run_command(main)
