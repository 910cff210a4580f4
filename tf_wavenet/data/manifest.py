"""What a corpus holds: its files, their lengths, speakers and texts."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np

from tf_wavenet.data.audio import load_audio
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.read_audio import check_sample_rate
from tf_wavenet.data.records import is_tfds, load_record
from tf_wavenet.files import atomic_path


@dataclasses.dataclass(frozen=True)
class AudioFile:
    """One recording.

    Args:
        path: The file.
        num_samples: Its length at the manifest's sample rate, after any trimming, at least 1.
        speaker: Name of the speaker, where the corpus tells.
        text: What is said, where the corpus tells.
        start: First sample that counts, at the manifest's sample rate; not 0 only where silence was trimmed.
        name: Its id in the corpus: the path below it or its wavs folder, without suffix, such as "p225/p225_001".
        record: Its position in a shard that `training.prepare --shards` wrote, or in a split of a dataset of TensorFlow
            Datasets, with `name` below whose path `path` is; None for a file of its own.

    Example:
    >>> import tempfile, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.arange(8) / 8, 8000)
    ...     waveform = AudioFile(Path(folder, "clip.wav"), num_samples=3, start=5).load(8000)
    >>> waveform.tolist()
    [0.625, 0.75, 0.875]
    """

    path: Path
    num_samples: int
    speaker: str | None = None
    text: str | None = None
    start: int = 0
    name: str = ""
    record: int | None = None

    @property
    def shard(self) -> Path | None:
        """The shard or "tfds:" dataset that holds the recording; None for a file of its own."""
        return None if self.record is None else self.path.parents[len(Path(self.name).parts) - 1]

    def load(self, sample_rate: int) -> np.ndarray:
        """Reads the recording.

        Args:
            sample_rate: The manifest's rate in Hz.

        Returns:
            float32 array [num_samples] in [-1, 1].

        Raises:
            AudioError: As `load_audio`, and if the file is shorter than it was when it was indexed.
            ImportError: If the recording lies in a shard and array_record is not installed.
        """
        if self.record is not None:
            waveform = load_record(self.shard, self.record, self.name, sample_rate)
        else:
            waveform = load_audio(self.path, sample_rate)[self.start : self.start + self.num_samples]
        if len(waveform) != self.num_samples:
            expected = f"expected {self.num_samples} samples from sample {self.start} on, as indexed"
            raise AudioError(self.path, f"{expected}. Received: {len(waveform)}; index the corpus anew.")
        return waveform


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A corpus whose every file has been decoded once. Made by `index_corpus`.

    Args:
        sample_rate: Rate in Hz that all lengths are given at and all files are read at.
        files: The recordings, ordered by path.
        rejected: Pairs (path, reason) of the files that were left out.

    Example:
    >>> files = tuple(AudioFile(Path(f"{i}.wav"), num_samples=8000) for i in range(10))
    >>> training, validation = Manifest(16000, files).split(0.2)
    >>> training.seconds, validation.seconds
    (4.0, 1.0)
    """

    sample_rate: int
    files: tuple[AudioFile, ...]
    rejected: tuple[tuple[Path, str], ...] = ()

    @property
    def num_samples(self) -> int:
        """Length of all files together in samples at `sample_rate`."""
        return sum(file.num_samples for file in self.files)

    @property
    def seconds(self) -> float:
        """Length of all files together in seconds."""
        return self.num_samples / self.sample_rate

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers that the corpus tells, sorted."""
        return tuple(sorted({file.speaker for file in self.files if file.speaker is not None}))

    def split(self, validation_fraction: float, seed: int = 0) -> tuple["Manifest", "Manifest"]:
        """Divides the files at random into training and validation; no file is in both, neither is empty.

        Args:
            validation_fraction: Share of the files that goes to validation, above 0 and below 1.
            seed: The same seed divides the same files in the same way.

        Returns:
            (training, validation), both without `rejected`.

        Raises:
            AudioError: If there are fewer than 2 files.
            ValueError: If `validation_fraction` is outside (0, 1).
        """
        if not 0.0 < validation_fraction < 1.0:
            message = f"Expected validation_fraction to be above 0 and below 1. Received: {validation_fraction}"
            raise ValueError(message)
        if len(self.files) < 2:
            raise AudioError("corpus", f"expected at least 2 files to split. Received: {len(self.files)}.")
        count = min(max(1, round(validation_fraction * len(self.files))), len(self.files) - 1)
        order = np.random.default_rng(seed).permutation(len(self.files))
        parts = sorted(order[count:]), sorted(order[:count])
        training, validation = (tuple(self.files[i] for i in part) for part in parts)
        return Manifest(self.sample_rate, training), Manifest(self.sample_rate, validation)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the manifest as JSON; files under the JSON's folder are named relative to it, so both can move.

        Args:
            path: The JSON file to write; replaced in one step if it exists.
        """
        path = Path(path)
        content = {
            "sample_rate": self.sample_rate,
            "files": [_as_dict(file) | {"path": _relative(file.path, path)} for file in self.files],
            "rejected": [[_relative(rejected, path), reason] for rejected, reason in self.rejected],
        }
        with atomic_path(path) as partial:
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
            # Names of files that are not UTF-8 become JSON's escapes.
            partial.write_text(text, encoding="utf-8", errors="backslashreplace")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Manifest":
        """Reads a manifest that `save` wrote.

        Args:
            path: The JSON file.

        Returns:
            The manifest. The files themselves are not looked at.

        Raises:
            AudioError: If the file is missing or is not a manifest.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            files = tuple(
                check_file(AudioFile(**file | {"path": _absolute(file["path"], path)})) for file in content["files"]
            )
            rejected = tuple((_absolute(name, path), str(reason)) for name, reason in content["rejected"])
            check_sample_rate(content["sample_rate"], path)
            return cls(content["sample_rate"], files, rejected)
        except OSError as error:
            raise AudioError(path, f"expected a manifest. Received: {error.strerror}.") from None
        except AudioError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise AudioError(path, f"expected a manifest as index_corpus makes. Received: {error!r}.") from None


def check_file(file: AudioFile) -> AudioFile:
    """Returns what was read from JSON, which may hold any type where it is damaged; ValueError if it does."""
    numbers = [file.num_samples, file.start, file.record or 0]
    texts = [file.name, *(text for text in (file.speaker, file.text) if text is not None)]
    if not all(type(number) is int and number >= 0 for number in numbers) or not file.num_samples:
        raise ValueError(f"num_samples={file.num_samples}, start={file.start}, record={file.record}")
    if not all(isinstance(text, str) for text in texts) or (file.record is not None and not file.name):
        raise ValueError(f"name={file.name!r}, speaker={file.speaker!r}, text={file.text!r}, record={file.record!r}")
    return file


def _as_dict(file):
    fields = dataclasses.asdict(file)
    return {name: value for name, value in fields.items() if name != "record" or value is not None}


def _absolute(name, manifest_path):
    return Path(name) if is_tfds(name) else manifest_path.parent / name


def _relative(path, manifest_path):
    if is_tfds(path):
        return Path(path).as_posix()
    path, folder = Path(path).absolute(), manifest_path.parent.absolute()
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
