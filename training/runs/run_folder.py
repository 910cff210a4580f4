"""The folder of a training run, and how the other scripts find the model in it."""

import dataclasses
import json
import re
import zipfile
from pathlib import Path

import keras

from tf_wavenet import NamWaveNet, Vocoder, WaveNet
from tf_wavenet.files import atomic_path
from tf_wavenet.importers import read_nam
from tf_wavenet.models import AcousticModel
from training.runs.config import load_config

Model = WaveNet | Vocoder | AcousticModel | NamWaveNet
SPEAKERS = WaveNet, Vocoder  # of waveforms
USUAL_AMPLIFIER_RATE = 48000
"""Rate in Hz of an amplifier that does not say its own, as plug-ins take it."""


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Names of the files of a training run.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The TrainConfig, as JSON; its presence makes the folder a run."""
        return self.path / "config.json"

    @property
    def train(self) -> Path:
        """Manifest of the training files."""
        return self.path / "train.json"

    @property
    def validation(self) -> Path:
        """Manifest of the held-out files."""
        return self.path / "validation.json"

    @property
    def best(self) -> Path:
        """The model with the lowest held-out figure so far, of a WaveNet bits per sample."""
        return self.path / "best.keras"

    @property
    def amplifier(self) -> Path:
        """The best model of training.train_amp."""
        return self.path / "model.keras"

    @property
    def last(self) -> Path:
        """The model at the newest validation: discriminators improve what no held-out figure tells."""
        return self.path / "last.keras"

    @property
    def logs(self) -> Path:
        """TensorBoard's folder."""
        return self.path / "logs"

    @property
    def linguistic_spec(self) -> Path:
        """What the local features mean, of a model that speaks text."""
        return self.path / "spec.json"

    @property
    def progress(self) -> Path:
        """Step, time and figures of every validation, one JSON object a line."""
        return self.path / "progress.jsonl"

    def checkpoint(self, step: int) -> Path:
        """Weights and optimizer state after `step` training steps."""
        return self.path / "checkpoints" / f"step-{step:08d}.weights.h5"

    def time(self, step: int) -> Path:
        """What the clock read when that checkpoint was written."""
        return self.path / "checkpoints" / f"step-{step:08d}.json"

    def checkpoints(self) -> list[tuple[int, Path]]:
        """Steps and files of the checkpoints, oldest first."""
        found = (self.path / "checkpoints").glob("step-*.weights.h5")
        return sorted((int(re.sub(r"\D", "", path.name.split(".")[0])), path) for path in found)

    def is_new(self) -> bool:
        """Whether the folder holds nothing but what a process left that was killed before the run began."""
        return all(path.name.startswith("partial-") for path in self.path.iterdir())

    def tidy(self) -> None:
        """Removes what a killed process had half-written; to be called by the one process that writes to the run."""
        for folder in (self.path, self.path / "checkpoints"):
            for path in folder.glob("partial-*"):
                path.unlink()

    def best_score(self) -> tuple[int, float] | None:
        """Step and held-out figure of `best`, or None before the first validation."""
        path = self.path / "best.json"
        if not (path.exists() and self.best.exists()):
            return None
        try:
            score = json.loads(path.read_bytes())
            step = score.pop("step")
            (figure,) = map(float, score.values())
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            expected = f"Expected {path} to hold a step and a figure"
            raise ValueError(f"{expected}. Received: {type(error).__name__}: {error}") from error
        return step, figure

    def save_best(self, model: keras.Model, step: int, figure: float, metric: str = "bits_per_sample") -> None:
        """Replaces `best`, without optimizer, and its score.

        Killed between the two, a resumed run comes to this step again and writes the same two files.
        """
        _save_bare(model, self.best)
        with atomic_path(self.path / "best.json") as partial:
            partial.write_text(json.dumps({"step": step, metric: figure}) + "\n")

    def save_last(self, model: keras.Model, step: int) -> None:
        """Replaces `last`, without optimizer, and notes its step in last.json."""
        _save_bare(model, self.last)
        with atomic_path(self.path / "last.json") as partial:
            partial.write_text(json.dumps({"step": step}) + "\n")

    def last_step(self) -> int | None:
        """Step of `last`, or None before the first validation, and in runs of earlier versions."""
        path = self.path / "last.json"
        return json.loads(path.read_text())["step"] if path.exists() and self.last.exists() else None


def _save_bare(model: keras.Model, path: Path) -> None:
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    with atomic_path(path) as partial:
        bare.save(partial)


def find_run(model: Path) -> RunFolder | None:
    """The run that a model belongs to.

    Args:
        model: A run folder, or a file in it.

    Returns:
        The run, or None for a model file that lies elsewhere.
    """
    run = RunFolder(model if model.is_dir() else model.parent)
    return run if run.config.exists() else None


def load_model(model: Path, kinds: tuple[type[Model], ...] = (WaveNet,)) -> Model:
    """Loads a trained model.

    Args:
        model: A run folder (its best model is taken), a `.keras` file, or an amplifier's `.nam` file.
        kinds: Classes that it may be of.

    Returns:
        The model.

    Raises:
        ValueError: If there is none, or it is of another kind.
    """
    run = RunFolder(model)
    file = model
    if model.is_dir():
        file = run.amplifier if run.amplifier.exists() and not run.best.exists() else run.best
    if not file.exists():
        raise ValueError(f"Expected a run folder or a .keras file. Not found: {file}")
    if file.suffix == ".keras" and not zipfile.is_zipfile(file):
        received = f"{file.stat().st_size} bytes that are damaged, or the beginning of a longer file"
        raise ValueError(f"Expected {file} to be a model saved by Keras. Received: {received}")
    try:
        loaded = read_nam(file) if file.suffix == ".nam" else keras.models.load_model(file, compile=False)
    except Exception as error:  # of a damaged file: whatever zipfile, JSON, HDF5 and Keras happen to stumble over
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(f"Expected {file} to be a model saved by Keras. Received: {reason}") from error
    if not isinstance(loaded, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"Expected {file} to be of the class {expected}. Received: {type(loaded).__name__}")
    return loaded


def set_voiced_temperature(model: WaveNet | Vocoder, factor: float | None) -> None:
    """Sets the factor on the temperature in voiced frames, of a model with linear prediction.

    Args:
        model: The model.
        factor: Positive; None leaves it as it is.

    Raises:
        ValueError: If it is not positive, or the model has no linear prediction.
    """
    if factor is None:
        return
    predictor = getattr(model, "predictor", None)
    if predictor is None or not factor > 0:
        expected = "Expected --voiced-temperature to be positive, with a model with linear prediction"
        raise ValueError(f"{expected}. Received: {factor}, {type(model).__name__}")
    predictor.voiced_temperature = factor


def stored_sample_rate(path: Path, model: WaveNet | Vocoder | NamWaveNet, given: int | None) -> int:
    """The rate of the audio that a model was trained on.

    Args:
        path: A run folder, or a file in it, or a model file elsewhere.
        model: The model that lies there; if it speaks mels, the rate is theirs, and an amplifier has its own.
        given: Rate in Hz from the command line, which wins over that of the run; or None.

    Returns:
        Rate in Hz.

    Raises:
        ValueError: If none is known, or another is given than that of the model's mels.
    """
    if isinstance(model, NamWaveNet):
        known = round(model.sample_rate or USUAL_AMPLIFIER_RATE)
        if given not in (None, known):
            raise ValueError(f"Expected --sample-rate {known}, the amplifier's. Received: {given}")
        return known
    if model.mel_spec is not None:
        if given not in (None, model.mel_spec.sample_rate):
            raise ValueError(f"Expected --sample-rate {model.mel_spec.sample_rate}, the mels'. Received: {given}")
        return model.mel_spec.sample_rate
    if given is not None:
        return given
    if model.sample_rate is not None:
        return round(model.sample_rate)
    run = find_run(path)
    if run is None:
        raise ValueError(f"Expected --sample-rate, because no config.json lies beside {path}")
    return load_config(run.config).sample_rate
