"""Finds the recordings of a folder and decodes each once."""

import os
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tf_wavenet.data.audio import load_audio, trim_silence
from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.manifest import AudioFile, Manifest
from tf_wavenet.data.metadata import CONTAINERS, TABLES, Metadata
from tf_wavenet.data.read_audio import AUDIO_SUFFIXES, check_sample_rate

_TRIM_MARGIN_SECONDS = 0.05
_LOSSY_SECONDS = 0.25  # by which an encoder may lengthen a recording
_LOSSLESS_SECONDS = 0.01  # by which another sample rate may


def index_corpus(
    folder: str | os.PathLike,
    sample_rate: int = 16000,
    *,
    trim_silence_db: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Indexes a folder of recordings. Every file is decoded once; bad ones are listed with their reason and left out.

    Three layouts are read, and may be mixed:
    - any folder, with or without subfolders: all files of a kind that `load_audio` reads, such as .wav, .flac or .mp3;
    - LJSpeech: `metadata.csv` with lines `id|text` or `id|text|normalised text` (the last is taken) and the recordings
      as `wavs/<id>.wav` or `<id>.wav`, of any of the suffixes; ids may be file names as well, `a.wav` or `wavs/a.wav`;
    - Hugging Face's audiofolder: `metadata.csv` with a header such as `file_name,transcription`, or `metadata.jsonl`;
      they may lie in any folder, and files are looked for from there;
    - VCTK: `wav48_silence_trimmed/<speaker>/<id>_mic1.flac`, `wav48/<speaker>/<id>.wav` or `<speaker>/<id>.wav`, texts
      in `txt/<speaker>/<id>.txt`. Of two microphones' takes of one utterance only the first is taken.

    The first folder below the corpus or its wavs folder names the speaker (so does an LJSpeech id `speaker/number`).
    Hidden files and folders are passed over; linked folders are followed once. Of one recording in two formats, such as
    `a.flac` beside `a.wav` of the same length, one is taken, lossless if possible.

    Args:
        folder: The corpus.
        sample_rate: Rate in Hz, 1000 to 384000, that the corpus will be read at.
        trim_silence_db: If given, a level in dB relative to full scale, such as -50: leading and trailing samples below
            it are cut off, all but 50 ms.
        progress: Called with (files decoded, files in all) after each file.

    Returns:
        The manifest, files ordered by path.

    Raises:
        AudioError: If there is no such folder, if it holds no audio file, or none that can be read.

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(8000), 16000)
    ...     _ = Path(folder, "broken.wav").write_text("not audio")
    ...     manifest = index_corpus(folder)
    >>> manifest.seconds, [path.name for path, reason in manifest.rejected]
    (0.5, ['broken.wav'])

    References:
        Ito and Johnson, The LJ Speech Dataset (2017); Yamagishi et al., CSTR VCTK Corpus (2019).
    """
    check_sample_rate(sample_rate, "sample_rate")
    folder = Path(folder)
    if not folder.is_dir():
        raise AudioError(folder, "expected a folder of recordings. Received: " + _what(folder))
    names, tables, others = _walk(folder)
    metadata = Metadata(folder, tables, names)
    rejected = list(metadata.rejected)
    if not names and not rejected:
        suffixes = " ".join(AUDIO_SUFFIXES)
        received = f"{others} files, none of them audio" if others else "an empty folder"
        raise AudioError(folder, f"expected audio files ({suffixes}). Received: {received}.")

    def examine(name):
        try:
            waveform = load_audio(folder / name, sample_rate)
        except AudioError as error:
            return folder / name, error.reason
        kept = slice(0, len(waveform))
        if trim_silence_db is not None:
            kept = trim_silence(waveform, trim_silence_db, round(_TRIM_MARGIN_SECONDS * sample_rate))
            if kept.stop == 0:
                return folder / name, f"expected sound. Received: nothing above {trim_silence_db} dB."
        identity = _identity(name)
        text = metadata.texts.get(name) or _read_text(folder, name)
        return AudioFile(folder / name, kept.stop - kept.start, _speaker(name), text, kept.start, identity)

    files = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(examine, names), start=1):
            (files if isinstance(result, AudioFile) else rejected).append(result)
            if progress is not None:
                progress(done, len(names))
    twins = _twins(files, {folder / name for name in metadata.named}, sample_rate)
    for path, twin in twins.items():
        received = f"another of {twin.relative_to(folder)}, which is kept"
        rejected.append((path, f"expected one file a recording. Received: {received}."))
    files = [file for file in files if file.path not in twins]
    if not files:
        path, reason = rejected[0]
        received = f"{len(rejected)} files, all rejected, first {path.name}: {reason}"
        raise AudioError(folder, f"expected at least one readable audio file. Received: {received}")
    return Manifest(sample_rate, tuple(files), tuple(rejected))


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


def _twins(files, named, sample_rate):
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


def _lossy(path):
    return path.suffix.lower() in (".aac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".webm")


def _read_text(folder, name):
    parts = _parts(name)
    stem = parts[-1].removesuffix(name.suffix).removesuffix("_mic1").removesuffix("_mic2")
    path = folder.joinpath("txt", *parts[:-1], f"{stem}.txt")
    return path.read_text(encoding="utf-8", errors="replace").strip() or None if path.is_file() else None
