"""Trains a model: `python -m training.train --data FOLDER --preset tiny --run runs/first`."""

import argparse
import functools
import math
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from tf_wavenet import ConvMuon, GANVocoder, Vocoder, WaveNet
from tf_wavenet.data import Manifest, StoredFeatures, VoiceAugmentation, window_dataset
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.corpora.read_corpus import read_corpus
from training.runs import callbacks, history
from training.runs.clock import Budget, Clock
from training.runs.conditions import check_files, check_meaning, conditions_of_file, model_arguments, window_arguments
from training.runs.config import TrainConfig
from training.runs.precision import describe
from training.runs.run_folder import RunFolder
from training.runs.vocoders import HeldOutVocoder, make_gan, make_optimizers


def build_model(config: TrainConfig, manifest: Manifest | None = None) -> WaveNet | GANVocoder:
    """Makes the model of a configuration, compiled, with its optimizer's variables in place.

    Args:
        config: Names the architecture, the seed of its weights and the optimizer.
        manifest: The corpus, if the model shall know its speakers.

    Returns:
        The model.
    """
    keras.utils.set_random_seed(config.seed)
    if config.model != "wavenet":
        model = make_gan(config)
        optimizer, of_discriminators = make_optimizers(config, functools.partial(_schedule, config))
        model.compile(optimizer, of_discriminators, jit_compile=config.jit_compile)
        return model
    model = WaveNet.from_preset(config.preset, **model_arguments(config, manifest), dtype=config.precision)
    make = ConvMuon if config.optimizer == "muon" else keras.optimizers.Adam
    optimizer = make(
        _schedule(config, config.learning_rate, config.steps),
        global_clipnorm=config.clipnorm or None,
        use_ema=config.ema > 0,
        ema_momentum=config.ema or 0.99,
    )
    model.compile(optimizer, jit_compile=config.jit_compile)
    return model


def _schedule(
    config: TrainConfig, learning_rate: float, steps: int | None
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    if steps is None:  # then `Budget` sets it
        return learning_rate
    warmup_steps = min(config.warmup_steps, steps - 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else learning_rate,
        decay_steps=steps - warmup_steps,
        alpha=1.0 if config.schedule == "constant" else 0.0,
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


def prepare_run(config: TrainConfig) -> RunFolder:
    """Checks that the run folder is new, or that it can be resumed; writes nothing.

    Args:
        config: The configuration.

    Returns:
        The run folder.

    Raises:
        ValueError: If the folder holds something and `resume` is off; if it is on and there is no run, or one of
            another architecture or of other features.
    """
    run = RunFolder(config.run)
    if not config.resume:
        if run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
            raise ValueError(f"Expected --run to be a new folder, or --resume. Already there: {run.path}")
        return run
    if not run.config.exists():
        raise ValueError(f"Expected --run to be the folder of a run to resume. Not found: {run.config}")
    saved = TrainConfig.load(run.config)
    if (config.minutes is None) != (saved.minutes is None):
        began = "--steps" if saved.minutes is None else "--minutes"
        raise ValueError(f"Expected {run.path} to go on by {began}, as it began. Received: {_span(config)}")
    of_model = (
        "model",
        "causal",
        "generator_channels",
        "discriminator_channels",
        "preset",
        "overrides",
        "distribution",
        "linear_prediction",
        "optimizer",
    )
    for name in (*of_model, "speakers", "mel", "preemphasis", "loudness"):
        ours, theirs = getattr(config, name), getattr(saved, name)
        if ours != theirs:
            raise ValueError(f"Expected the architecture of {run.path}, {name}={theirs!r}. Received: {name}={ours!r}")
    if config.features is not None:
        check_meaning(StoredFeatures(config.features), run)
    return run


def _span(config: TrainConfig) -> str:
    return f"steps={config.steps}" if config.minutes is None else f"minutes={config.minutes}"


def restore(model: keras.Model, run: RunFolder) -> int:
    """Loads the newest checkpoint, weights and optimizer state alike.

    Args:
        model: What `build_model` made.
        run: The run folder.

    Returns:
        Training steps done so far; 0 without a checkpoint.

    Raises:
        ValueError: If the checkpoint does not fit the model.
    """
    checkpoints = run.checkpoints()
    if not checkpoints:
        return 0
    step, path = checkpoints[-1]
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        reason = str(error).split(". ")[0]
        raise ValueError(f"Expected {path} to be a checkpoint of this architecture: {reason}") from error
    return step


def train(config: TrainConfig) -> RunFolder:
    """Trains a model, from the beginning or from the newest checkpoint.

    Args:
        config: The configuration.

    Returns:
        The run folder; its `best` is the model.

    Raises:
        ValueError: For data or a run folder that cannot be used. Then nothing was written.
    """
    run = prepare_run(config)
    corpus = read_corpus(config.data, config.sample_rate)
    training, validation = corpus.split(config.validation_fraction, config.seed)
    model = build_model(config, corpus)
    network = model if config.model == "wavenet" else model.generator
    conditions = window_arguments(network, config.features)
    check_files(conditions, corpus)
    optimizers = _optimizers(model, config)  # before `restore`, which brings the learning rates of a later step
    start = restore(model, run) if config.resume else 0
    clock, budget = Clock.load(run.time(start), start), None
    if config.minutes is not None:
        budget = Budget(config.minutes, clock, optimizers, config.warmup_steps, config.schedule)

    def windows(files: Manifest, batch_size: int, **order) -> tf.data.Dataset:
        return window_dataset(files, config.window_samples, network.context_samples, batch_size, **conditions, **order)

    # Batches share the norms of the STFT loss, so small ones would measure pauses.
    measured = config.batch_size if config.model == "wavenet" else max(config.batch_size, 16)
    held_out_windows, heard = windows(validation, measured), conditions_of_file(network, validation, config.features)
    order = {"shuffle": True, "seed": config.seed, "repeat": True, "start_step": start}
    order["move_frames"] = config.model != "wavenet"  # published HiFi-GAN cuts windows, and with them frames, anywhere
    order["augment"] = VoiceAugmentation(config.sample_rate) if config.augment else None
    training_windows = windows(training, config.batch_size, **order)
    print(
        f"{len(training.files)} files, {training.seconds / 60:.1f} min to train on; "
        f"{len(validation.files)} files, {validation.seconds / 60:.1f} min held out\n"
        f"{_describe(network, config)}" + (f"; from step {start}" if start else "") + "\n"
        f"{describe(config.precision)}"
    )
    # All that can be wrong with the data has been found by here; nothing has been written yet.
    run.path.mkdir(parents=True, exist_ok=True)
    config.save(run.config)
    history.forget(run.progress, start)
    training.save(run.train)
    validation.save(run.validation)
    if config.features is not None:
        shutil.copyfile(config.features / "spec.json", run.linguistic_spec)
    if start >= config.steps if budget is None else budget.used == 1.0:
        return run

    span = {"start": start, "steps": config.steps}
    writer = tf.summary.create_file_writer(str(run.logs))
    stop = callbacks.StopOnInterrupt()
    wavenet = config.model == "wavenet"
    held_out_class = callbacks.HeldOut if wavenet else HeldOutVocoder
    progress = callbacks.Progress(1, **span, metric="bits_per_sample" if wavenet else "loss", budget=budget)
    held_out = held_out_class(
        config.validate_every,
        **span,
        run=run,
        validation=held_out_windows,
        writer=writer,
        sample_rate=config.sample_rate,
        sample_seconds=config.sample_seconds,
        conditions=heard,
        progress=progress,
        clock=clock,
        samples_per_step=config.batch_size * config.window_samples,
    )
    model.fit(
        training_windows,
        steps_per_epoch=None if config.steps is None else config.steps - start,
        callbacks=[
            stop,
            clock,
            *([] if budget is None else [budget]),
            progress,
            callbacks.Scalars(config.log_every, **span, writer=writer),
            held_out,
            callbacks.Checkpoints(config.checkpoint_every, **span, run=run, clock=clock),
        ],
        shuffle=False,  # the dataset does it
        verbose=0,
    )
    writer.close()
    if stop.requested:
        print(f"stopped at step {run.checkpoints()[-1][0]}; go on with --run {run.path} --resume")
    return run


def _optimizers(model: keras.Model, config: TrainConfig) -> list[tuple[keras.optimizers.Optimizer, float, int]]:
    found = [(model.optimizer, 0)]
    if getattr(model, "discriminator_optimizer", None) is not None:
        found.append((model.discriminator_optimizer, config.discriminator_start))
    return [(optimizer, float(optimizer.learning_rate), first) for optimizer, first in found]


def _describe(network: WaveNet | Vocoder, config: TrainConfig) -> str:
    if config.model != "wavenet":
        return f"{config.model}: {network.count_params():,} weights in the generator"
    field = network.receptive_field
    milliseconds = 1000 * field / config.sample_rate
    return (
        f"{config.preset}: {network.count_params():,} weights, receptive field {field} samples ({milliseconds:.0f} ms)"
    )


def main() -> None:
    """Trains as the command line says."""
    # What flags mean depends on the configuration that they change, so that comes first.
    flags = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    flags.add_argument("--resume", action="store_true")
    flags.add_argument("--run", type=Path, nargs="?")
    resumed, _ = flags.parse_known_args()
    run = RunFolder(resumed.run or TrainConfig.run)
    known = resumed.resume and run.config.exists()  # if it does not, that is said with other mistakes
    config = parse(TrainConfig, default=TrainConfig.load(run.config) if known else None)
    run = train(config)
    score = run.best_score()
    if score is not None and math.isfinite(score[1]):
        figure = "bits per sample" if config.model == "wavenet" else "STFT loss"
        print(f"best model: {run.best} ({score[1]:.3f} held-out {figure} at step {score[0]})")


if __name__ == "__main__":
    run_command(main)
