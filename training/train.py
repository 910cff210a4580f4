"""Trains a model: `python -m training.train --data FOLDER --preset tiny --run runs/first`."""

import argparse
import contextlib
import dataclasses
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras

from tf_wavenet.data import AudioError, Manifest, StoredFeatures
from tf_wavenet.models import AcousticModel
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.corpora.read_corpus import read_corpus
from training.recipes import recipe_of
from training.recipes.compilation import faster_with_xla
from training.recipes.held_out import HeldOut, KeepModels, Show
from training.runs import callbacks, history
from training.runs.clock import Budget, Clock
from training.runs.conditions import check_meaning
from training.runs.config import family, fields_of_others, load_config
from training.runs.distribution import Distribution, distribute
from training.runs.failures import in_one_line
from training.runs.finite import Finite
from training.runs.precision import describe
from training.runs.run_folder import SPEAKERS, Model, RunFolder, load_model
from training.runs.summaries import Summaries
from training.runs.train_config import TrainConfig


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
        if run.path.exists() and not (run.path.is_dir() and run.is_new()):
            raise ValueError(f"Expected --run to be a new folder, or --resume. Already there: {run.path}")
        return run
    if not run.config.exists():
        raise ValueError(f"Expected --run to be the folder of a run to resume. Not found: {run.config}")
    saved = load_config(run.config)
    for name in ("model", "optimizer", "mel", "loudness", *config.architecture):
        ours, theirs = getattr(config, name), getattr(saved, name)
        if ours != theirs:
            raise ValueError(f"Expected the architecture of {run.path}, {name}={theirs!r}. Received: {name}={ours!r}")
    if (config.minutes is None) != (saved.minutes is None):
        began = "--steps" if saved.minutes is None else "--minutes"
        raise ValueError(f"Expected {run.path} to go on by {began}, as it began. Received: {_span(config)}")
    if config.features is not None:
        check_meaning(StoredFeatures(config.features), run)
    return run


def _span(config: TrainConfig) -> str:
    return f"steps={config.steps}" if config.minutes is None else f"minutes={config.minutes}"


def restore(model: keras.Model, run: RunFolder) -> int:
    """Loads the newest checkpoint, weights and optimizer state alike.

    Args:
        model: A compiled model.
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


def start_from(network: Model, path: Path) -> None:
    """Gives a network the weights of a trained one.

    Args:
        network: The network.
        path: A .keras file, or a run folder, whose best model is taken.

    Raises:
        ValueError: If there is no model, or one of another architecture or other features.
    """
    trained = load_model(path, (*SPEAKERS, AcousticModel))
    for name, ours, theirs in (
        ("class", type(network).__name__, type(trained).__name__),
        ("log-mels", network.mel_spec, trained.mel_spec),
        ("shapes of weights", *([w.shape for w in each.weights] for each in (network, trained))),
    ):
        if ours != theirs:
            raise ValueError(f"Expected --initial-model to have the {name} of the model to train. Received: {path}")
    network.set_weights(trained.get_weights())


def read_files(config: TrainConfig) -> tuple[Manifest, Manifest, Manifest]:
    """Indexes the recordings of a configuration and holds some out.

    Args:
        config: The configuration.

    Returns:
        (all files, those to learn from, those held out).

    Raises:
        ValueError: If a folder holds no recordings, or the extra ones are among the others.
    """
    corpus = read_corpus(config.data, config.sample_rate)
    training, validation = corpus.split(config.validation_fraction, config.seed)
    if config.extra_data is None:
        return corpus, training, validation
    extra = read_corpus(config.extra_data, config.sample_rate).files
    there = {file.path.resolve() for file in corpus.files}
    for file in extra:
        if file.path.resolve() in there:
            raise ValueError(f"Expected --extra-data to hold no file of --data. Received in both: {file.path}")
    corpus, training = (Manifest(corpus.sample_rate, each.files + extra) for each in (corpus, training))
    return corpus, training, validation


def train(config: TrainConfig) -> RunFolder:
    """Trains a model, from the beginning or from the newest checkpoint.

    Args:
        config: The configuration.

    Returns:
        The run folder; its `best` is the model.

    Raises:
        ValueError: For data or a run folder that cannot be used. Then nothing was written.
        OSError: If a worker of a distributed run is lost.
        AudioError: If a recording can no longer be read; there is a checkpoint of the step before.
        MemoryError: If a batch does not fit into memory.
        FloatingPointError: If a loss or a weight is no longer finite: with the step, the recordings in its batch and
            the newest checkpoint.
    """
    run = prepare_run(config)
    distribution = distribute(config.strategy, config.batch_size)  # before TensorFlow computes anything
    with contextlib.ExitStack() as stack:
        if not distribution.is_chief:  # it measures and writes all that the chief does, so that neither waits
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="worker-")))
            return _train(config, run, RunFolder(folder / "run"), distribution)
        return _train(config, run, run, distribution)


def _train(config: TrainConfig, begun: RunFolder, run: RunFolder, distribution: Distribution) -> RunFolder:
    """Trains: from the checkpoints of the run that has begun, into the folder of this process."""
    corpus, training, validation = read_files(config)
    if config.jit_compile == "auto":
        has_choice = keras.backend.backend() == "tensorflow"
        xla = faster_with_xla(config, corpus, training, validation) if has_choice else True
        config = dataclasses.replace(config, jit_compile=xla)
    recipe = recipe_of(config)
    with distribution.scope():
        model = recipe.build(corpus)
    network = recipe.network(model)
    # Before `restore`, which brings the learning rates of a later step.
    rates = [(optimizer, float(optimizer.learning_rate), first) for optimizer, first in recipe.optimizers(model)]
    start = restore(model, begun) if config.resume else 0
    if start == 0 and config.initial_model is not None:
        start_from(network, config.initial_model)
    clock, budget = Clock.load(begun.time(start), start), None
    if config.minutes is not None:
        budget = Budget(config.minutes, clock, rates, config.warmup_steps, config.schedule)

    data = recipe.data(network, training, validation, start, distribution)
    print(
        f"{len(training.files)} files, {training.seconds / 60:.1f} min to train on; "
        f"{len(validation.files)} files, {validation.seconds / 60:.1f} min held out\n"
        f"{recipe.describe(network)}" + (f"; from step {start}" if start else "") + "\n"
        f"{describe(config.precision)}"
    )
    # All that can be wrong with the data has been found by here; nothing has been written yet.
    run.path.mkdir(parents=True, exist_ok=True)
    run.tidy()
    config.save(run.config)
    history.forget(run.progress, start)
    training.save(run.train)
    validation.save(run.validation)
    if config.features is not None:
        shutil.copyfile(config.features / "spec.json", run.linguistic_spec)
    if start >= config.steps if budget is None else budget.used == 1.0:
        return run

    span = {"start": start, "steps": config.steps}
    summaries = Summaries(run.logs)
    stop = callbacks.StopOnInterrupt()
    progress = callbacks.Progress(1, **span, metric=recipe.shown, budget=budget)
    finite = Finite(start, data.files, lambda: next((path for _, path in reversed(run.checkpoints())), None))
    then = [KeepModels(run), Show(recipe, data.heard, progress, summaries)]
    held_out = HeldOut(
        config.validate_every,
        **span,
        recipe=recipe,
        run=run,
        validation=data.held_out,
        clock=clock,
        then=then,
        finite=finite,
    )
    seconds = 60 * config.checkpoint_minutes
    checkpoints = callbacks.Checkpoints(
        config.checkpoint_every, **span, run=run, clock=clock, seconds=seconds, finite=finite
    )
    scalars = callbacks.Scalars(config.log_every, **span, summaries=summaries)
    before = [stop, clock, *([] if budget is None else [budget]), finite]
    try:
        with distribution.lost_workers(), in_one_line():
            model.fit(
                data.training,
                steps_per_epoch=None if config.steps is None else config.steps - start,
                callbacks=[*before, progress, scalars, held_out, checkpoints],
                shuffle=False,  # the data are shuffled
                verbose=0,
            )
    except (FloatingPointError, OSError, AudioError, MemoryError) as error:
        stop.on_train_end()
        progress.on_train_end()
        if isinstance(error, AudioError):  # the model is as good as before
            checkpoints.write()
        raise
    finally:
        summaries.close()
    if stop.requested:
        print(f"stopped at step {run.checkpoints()[-1][0]}; go on with --run {run.path} --resume")
    return run


def parse_config(args: Sequence[str] | None = None) -> TrainConfig:
    """Reads the flags of `training.train`: which there are depends on the model, and what they change on the run.

    Args:
        args: Flags; those of the process if None.

    Returns:
        The configuration, of the class of its model.

    Raises:
        ValueError: In one line, for an unknown flag, one of another model, or a value that is refused.
    """
    args = _with_values(sys.argv[1:] if args is None else args)
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--resume", action="store_true")
    first.add_argument("--run", type=Path, nargs="?")
    first.add_argument("--model", nargs="?")
    given, _ = first.parse_known_args(args)
    path = RunFolder(given.run or TrainConfig.run).config
    saved = load_config(path) if given.resume and path.exists() else None  # if it is missing, that is said later
    model = given.model or ("wavenet" if saved is None else saved.model)
    config_class = family(model)
    others = fields_of_others(config_class)
    for flag in (arg.split("=")[0] for arg in args if arg.startswith("--")):
        name = flag.removeprefix("--").removeprefix("no-").replace("-", "_")
        if name in others:
            raise ValueError(f"Expected {flag} with --model {', '.join(others[name].models)} only. Received: {model}")
    return parse(config_class, args, saved if isinstance(saved, config_class) else None)


def _with_values(args):
    """Flags with `--jit-compile` and `--no-jit-compile` written as one flag and its value."""
    followed = zip(args, [*args, ""][1:], strict=True)
    bare = [arg == "--jit-compile" and following[:1] in ("", "-") for arg, following in followed]
    full = {"--no-jit-compile": "--jit-compile=False"}
    return ["--jit-compile=True" if alone else full.get(arg, arg) for arg, alone in zip(args, bare, strict=True)]


def main() -> None:
    """Trains as the command line says."""
    config = parse_config()
    run = train(config)
    score = run.best_score()
    if score is not None and math.isfinite(score[1]):
        print(f"best model: {run.best} ({score[1]:.3f} held-out {recipe_of(config).unit} at step {score[0]})")


if __name__ == "__main__":
    run_command(main)
