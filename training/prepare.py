"""Converts a corpus once, so that training reads it fast: `python -m training.prepare FOLDER --out OUT`."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
import tyro
from tqdm import tqdm

from tf_wavenet.data import AudioError, AudioFile, Manifest, index_corpus
from tf_wavenet.data.records import is_tfds
from tf_wavenet.data.tfds_corpus import index_tfds
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse, run

SHOWN_REJECTIONS = 20


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
    """Converts recordings of any kind to 16-bit mono FLAC at one rate, with metadata.csv (LJSpeech) and manifest.json.

    With --shards, to ArrayRecord files instead, for corpora of any size. What is there already is kept, so a broken
    run can be started again.
    """

    folder: tyro.conf.Positional[Path]
    """Corpus to read: any tree of WAV, FLAC, Ogg, MP3 or M4A files, LJSpeech or VCTK; tfds:NAME or tfds:FOLDER for a
    dataset of TensorFlow Datasets."""
    out: Path
    """Folder to write to."""
    sample_rate: int = 16000
    """Rate in Hz."""
    trim_silence: bool = False
    """Cut off silence at both ends of each file, all but 50 ms."""
    silence_db: float = -50.0
    """What counts as silence for --trim-silence, in dB relative to full scale."""
    join_seconds: float = 0.0
    """Join the files of each speaker, in random order, to recordings of at least so many seconds; 0 keeps them apart.
    For an unconditional model of short files, which hears each of them end and none go on, and so falls silent."""
    shards: int = 0
    """Write so many ArrayRecord files, which training and TensorFlow Datasets read, by Apache Beam; 0 writes a FLAC
    file a recording. The bytes are the same whatever the number of workers."""
    workers: int = os.cpu_count() or 1
    """Processes of this machine, with --shards."""
    beam_flags: str = ""
    """Flags of Apache Beam for another runner, with --shards, such as
    --beam-flags "--runner=FlinkRunner --flink_master=host:8081"."""
    limit_seconds: float = 600.0
    """Time after which a recording is given up, with --shards."""

    def __post_init__(self) -> None:
        """Checks the numbers."""
        check_numbers(self, "join_seconds", "shards", least=0)
        check_numbers(self, "workers", "limit_seconds")
        if self.shards and self.join_seconds:
            raise ValueError(f"Expected no --join-seconds with --shards. Received: {self.join_seconds}")
        if is_tfds(self.folder) and (self.shards or self.trim_silence):
            raise ValueError(f"Expected no --shards and no --trim-silence with {self.folder}.")


def native_name(path: Path) -> str | bytes:
    """Returns a path as soundfile takes it, whatever bytes it is of."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def write_flac(path: Path, waveform: np.ndarray, sample_rate: int) -> None:
    """Writes 16-bit FLAC; the file appears whole or not at all.

    Args:
        path: The file; folders are made as needed.
        waveform: float array [time] in [-1, 1]. What was read from 16-bit audio is written without loss.
        sample_rate: Rate in Hz, 1 to 655350.

    Raises:
        OSError: If the file cannot be written, as on a full disk.
    """
    levels = np.clip(np.rint(waveform * 32768.0), -32768, 32767).astype(np.int16)
    try:
        with atomic_path(path) as partial:
            soundfile.write(native_name(partial), levels, sample_rate, subtype="PCM_16", format="FLAC")
            if soundfile.info(native_name(partial)).frames != len(
                levels
            ):  # libsndfile writes a short file's last block unchecked
                raise OSError(f"{path}: expected to write {len(levels)} samples. Is the disk full?")
    except soundfile.LibsndfileError as error:
        raise OSError(f"{path}: expected to write {len(levels)} samples. {error} Is the disk full?") from None


def write_metadata(folder: Path, rows: Iterable[tuple[str, str | None]]) -> None:
    """Writes `metadata.csv` in LJSpeech's form, `id|text|normalised text`, in one step; both texts are the same.

    Args:
        folder: The corpus, whose recordings are `wavs/<id>.flac`.
        rows: Pairs (id, text). "|" and line breaks in texts become spaces.
    """
    lines = []
    for name, text in rows:
        text = " ".join((text or "").replace("|", " ").split())
        lines.append(f"{name}|{text}|{text}\n")
    with atomic_path(folder / "metadata.csv") as partial:
        partial.write_text("".join(lines), encoding="utf-8")


def name_files(files: Iterable[AudioFile]) -> dict[str, AudioFile]:
    """Names the converted files.

    Args:
        files: The recordings.

    Returns:
        Dict of id to file. Of files that differ in the suffix only, all but the first keep it: "clip", "clip-wav". What
        is still no name of its own is numbered: "clip-wav-2".
    """
    names = {}
    for file in files:
        name = file.name.replace("|", "-")
        free, number = name, 0
        while free in names:
            number += 1
            free = f"{name}-{file.path.suffix[1:]}" + (f"-{number}" if number > 1 else "")
        names[free] = file
    return names


def join_files(files: Iterable[AudioFile], min_samples: float) -> dict[str, list[AudioFile]]:
    """Puts the files of each speaker in random order, the same at every call, and joins them.

    Args:
        files: The recordings.
        min_samples: How long the joined recordings shall be at least; the last of a speaker may be shorter.

    Returns:
        Dict of id to files: "0000", "0001", ...; "p1/0000", ... with speakers.
    """
    speakers = {}
    for file in files:
        speakers.setdefault(file.speaker, []).append(file)
    joined = {}
    for speaker, spoken in speakers.items():
        recordings, missing = [], 0
        for number in np.random.default_rng(0).permutation(len(spoken)):
            if missing <= 0:
                recordings.append([])
                missing = min_samples
            recordings[-1].append(spoken[number])
            missing -= spoken[number].num_samples
        folder = f"{speaker.replace('|', '-')}/" if speaker else ""
        joined |= {f"{folder}{i:04d}": recording for i, recording in enumerate(recordings)}
    return joined


def convert(files: list[AudioFile], target: Path, sample_rate: int) -> None:
    """Converts one file, unless `target` is newer than it and of the same rate and length, or several files to one.

    Args:
        files: The recordings, to be joined.
        target: FLAC file to write.
        sample_rate: Rate in Hz of the manifest and the result.
    """
    if len(files) == 1 and target.is_file() and (files[0].record is not None or _is_newer(target, files[0].path)):
        info = soundfile.info(native_name(target))
        if (info.samplerate, info.frames) == (sample_rate, files[0].num_samples):
            return
    write_flac(target, np.concatenate([file.load(sample_rate) for file in files]), sample_rate)


def _is_newer(target, source):
    return target.stat().st_mtime >= source.stat().st_mtime


def describe(manifest: Manifest) -> str:
    """Draws up a table of speakers and a list of rejected files.

    Args:
        manifest: The corpus.

    Returns:
        Lines of text.
    """
    lines = [f"{'speaker':<24}{'files':>8}{'minutes':>10}"]
    for speaker in sorted({file.speaker or "" for file in manifest.files}):
        files = [file for file in manifest.files if (file.speaker or "") == speaker]
        minutes = sum(file.num_samples for file in files) / manifest.sample_rate / 60
        lines.append(f"{speaker or '-':<24}{len(files):>8}{minutes:>10.1f}")
    lines.append(f"{'accepted':<24}{len(manifest.files):>8}{manifest.seconds / 60:>10.1f}")
    lines.append(f"{'rejected':<24}{len(manifest.rejected):>8}")
    lines += [f"  {path}: {reason}" for path, reason in manifest.rejected[:SHOWN_REJECTIONS]]
    if len(manifest.rejected) > SHOWN_REJECTIONS:
        lines.append(f"  and {len(manifest.rejected) - SHOWN_REJECTIONS} more, all listed beside the recordings")
    return "\n".join(lines)


def main() -> None:
    """Runs the command."""
    config = parse(PrepareConfig)
    if config.out.resolve().is_relative_to(config.folder.resolve()):
        raise AudioError(config.out, f"expected a folder outside {config.folder}.")
    threshold = config.silence_db if config.trim_silence else None
    if config.shards:
        from training.sharding.pipeline import ShardOptions, prepare_shards

        settings = config.shards, config.sample_rate, threshold, config.workers, config.beam_flags
        manifest = prepare_shards(config.folder, config.out, ShardOptions(*settings, config.limit_seconds))
        print(describe(manifest))
        print(f"wrote {len(manifest.files)} recordings to shards in {config.out}")
        return
    with tqdm(desc="reading", unit="file") as bar:

        def progress(done, total):
            bar.total = total
            bar.update(done - bar.n)

        if is_tfds(config.folder):
            manifest = index_tfds(config.folder, config.sample_rate, progress=progress)
        else:
            manifest = index_corpus(config.folder, config.sample_rate, trim_silence_db=threshold, progress=progress)
    if config.join_seconds:
        recordings = join_files(manifest.files, config.join_seconds * config.sample_rate)
    else:
        recordings = {name: [file] for name, file in name_files(manifest.files).items()}
    files = []
    for name, parts in tqdm(recordings.items(), desc="writing", unit="file"):
        target = config.out / "wavs" / f"{name}.flac"
        convert(parts, target, config.sample_rate)
        length, text = sum(part.num_samples for part in parts), " ".join(part.text or "" for part in parts).strip()
        files.append(AudioFile(target, length, parts[0].speaker, text or None, name=name))
    write_metadata(config.out, [(file.name, file.text) for file in files])
    Manifest(config.sample_rate, tuple(files), manifest.rejected).save(config.out / "manifest.json")
    print(describe(manifest))
    print(f"wrote {len(files)} recordings to {config.out}")


if __name__ == "__main__":
    run(main)
