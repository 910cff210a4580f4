"""What lies in a folder of recordings, before any is decoded."""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tf_wavenet.data.audio import load_audio, trim_silence
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.manifest import AudioFile
from tf_wavenet.data.metadata import CONTAINERS, TABLES, Metadata
from tf_wavenet.data.read_audio import AUDIO_SUFFIXES

_TRIM_MARGIN_SECONDS = 0.05
_LOSSY_SECONDS = 0.25  # by which an encoder may lengthen a recording
_LOSSLESS_SECONDS = 0.01  # by which another sample rate may


@dataclasses.dataclass(frozen=True)
class Recording:
    """A file of a corpus that nobody has decoded yet.

    Attributes:
        path: The file.
        name: Its id in the corpus, as of an `AudioFile`.
        speaker: Name of the speaker, where the corpus tells.
        text: What is said, where the corpus tells.
        named: Whether a table names it with its suffix.
    """

    path: Path
    name: str
    speaker: str | None = None
    text: str | None = None
    named: bool = False

    def decode(self, sample_rate: int, trim_silence_db: float | None = None) -> tuple[AudioFile, np.ndarray]:
        """Decodes the recording.

        Args:
            sample_rate: Rate in Hz to read at.
            trim_silence_db: As for `index_corpus`.

        Returns:
            What a manifest says of it; float32 array [num_samples] in [-1, 1].

        Raises:
            AudioError: As `load_audio` raises, and if all of it is silence that shall be cut off.
        """
        waveform = load_audio(self.path, sample_rate)
        kept = slice(0, len(waveform))
        if trim_silence_db is not None:
            kept = trim_silence(waveform, trim_silence_db, round(_TRIM_MARGIN_SECONDS * sample_rate))
            if kept.stop == 0:
                raise AudioError(self.path, f"expected sound. Received: nothing above {trim_silence_db} dB.")
        file = AudioFile(self.path, kept.stop - kept.start, self.speaker, self.text, kept.start, self.name)
        return file, waveform[kept]


class CorpusListing:
    """The recordings of a folder. The layouts are those that `index_corpus` describes.

    Attributes:
        folder: The corpus.
        recordings: Its recordings, ordered by path.
        rejected: Pairs (path, reason) of rows and tables that name no recording.

    Args:
        folder: The corpus.

    Raises:
        AudioError: If there is no such folder, or it holds no audio file.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = folder = Path(folder)
        if not folder.is_dir():
            raise AudioError(folder, "expected a folder of recordings. Received: " + _what(folder))
        names, tables, others = _walk(folder)
        metadata = Metadata(folder, tables, names)
        self.rejected = list(metadata.rejected)
        if not names and not self.rejected:
            suffixes = " ".join(AUDIO_SUFFIXES)
            received = f"{others} files, none of them audio" if others else "an empty folder"
            raise AudioError(folder, f"expected audio files ({suffixes}). Received: {received}.")
        self.recordings = []
        for name in names:
            text = metadata.texts.get(name) or _read_text(folder, name)
            named = name in metadata.named
            self.recordings.append(Recording(folder / name, _identity(name), _speaker(name), text, named))


def find_twins(files: Iterable[AudioFile], named: set[Path], sample_rate: int) -> dict[Path, Path]:
    """Finds files of one id and length, such as a.flac and a.wav: one recording in two formats.

    Args:
        files: The readable files.
        named: Paths of those that a table names, suffix and all: they are kept.
        sample_rate: In Hz.

    Returns:
        Dict of the path of each file to leave out to that of the one to keep.
    """
    twins, kept = {}, defaultdict(list)
    for file in sorted(files, key=lambda file: (file.path not in named, _lossy(file.path))):
        tolerance = sample_rate * (_LOSSY_SECONDS if _lossy(file.path) else _LOSSLESS_SECONDS)
        same = [other for other in kept[file.name] if abs(other.num_samples - file.num_samples) <= tolerance]
        if same and file.path not in named:
            twins[file.path] = same[0].path
        else:
            kept[file.name].append(file)
    return twins


def _what(path):
    return "a file." if path.exists() else "no such folder."


def _walk(folder):
    """Returns the paths of audio files and tables relative to `folder`, sorted, and the number of other files."""
    names, tables, others, seen = [], [], 0, set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        visible = [name for name in files if not name.startswith(".")]
        audio = [Path(parent, name).relative_to(folder) for name in visible if name.lower().endswith(AUDIO_SUFFIXES)]
        names += audio
        tables += [Path(parent, name).relative_to(folder) for name in visible if name in TABLES]
        others += len(visible) - len(audio)
    twins = {name.with_name(name.name.replace("_mic1.", "_mic2.")) for name in names if "_mic1." in name.name}
    return sorted(set(names) - twins), sorted(tables), others


def _parts(name):
    parts = name.parts
    return parts[1:] if len(parts) > 1 and parts[0] in CONTAINERS else parts


def _identity(name):
    return _readable(Path(*_parts(name)).with_suffix("").as_posix())


def _speaker(name):
    parts = _parts(name)
    return _readable(parts[0]) if len(parts) > 1 else None


def _readable(name):
    """Returns a name as UTF-8 can write it: one of other bytes is read as Latin-1."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name


def _lossy(path):
    return path.suffix.lower() in (".aac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".webm")


def _read_text(folder, name):
    parts = _parts(name)
    stem = parts[-1].removesuffix(name.suffix).removesuffix("_mic1").removesuffix("_mic2")
    path = folder.joinpath("txt", *parts[:-1], f"{stem}.txt")
    return path.read_text(encoding="utf-8", errors="replace").strip() or None if path.is_file() else None


def twin_reason(twin: Path) -> str:
    """Returns why a file is left out whose twin is kept."""
    return f"expected one file a recording. Received: another of {twin}, which is kept."
