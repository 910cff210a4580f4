"""Looks at a corpus before hours are spent on it: `python -m training.check DATA`."""

import dataclasses
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tyro
from matplotlib.backends.backend_agg import FigureCanvasAgg
from tqdm import tqdm

from tf_wavenet import MelSpec, WaveNet
from tf_wavenet.data import AudioFile, Manifest, log_mel
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse, run
from training.corpora.checks import Check, check_corpus
from training.corpora.measures import SPECTRUM_HZ, FileMeasures, measure_file
from training.corpora.mel_statistics import MelStatistics
from training.corpora.read_corpus import read_corpus
from training.scoring.pictures import draw_corpus

SHOWN_FILES = 5
_FRAMES_AT_ONCE = 4000


@dataclasses.dataclass(frozen=True)
class CheckConfig:
    """Answers "why is it noise?" beforehand: clipping, silence, levels, bandwidth, rates, copies, lengths, noise, mels.

    Prints a table and a suggestion for each finding, and writes a picture. Findings are no error: the exit code is 0.
    """

    data: tyro.conf.Positional[Path]
    """Folder of recordings: any tree of WAV, FLAC, Ogg or MP3 files, LJSpeech or VCTK."""
    sample_rate: int = 16000
    """Rate in Hz at which a model is to be trained."""
    preset: str = "tiny"
    """Architecture whose receptive field the files should fill."""
    receptive_field: int | None = None
    """In samples, instead of the preset's."""
    mel: str = "speech_16k"
    """Recipe of log-mels; at another sample rate than its own, its lengths in seconds are kept."""
    picture: Path = Path("corpus-check.png")
    """PNG file to write."""
    json: bool = False
    """Print one JSON object instead of a table."""

    def __post_init__(self) -> None:
        """Checks what is not checked elsewhere."""
        if not 1000 <= self.sample_rate <= 384000:
            raise ValueError(f"Expected sample_rate to be 1000 to 384000 Hz. Received: sample_rate={self.sample_rate}")
        check_numbers(self, "receptive_field")
        if self.picture.suffix.lower() != ".png":
            raise ValueError(f"Expected picture to end in .png. Received: picture={self.picture}")


@dataclasses.dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes:
        manifest: The corpus.
        measures: Of its files.
        checks: Rows of the table.
        spectrum: Average power, float64 `[bins]`, a bin every 31.25 Hz.
        mel: Statistics of log-mels.
    """

    manifest: Manifest
    measures: list[FileMeasures]
    checks: list[Check]
    spectrum: np.ndarray
    mel: MelStatistics


def find(config: CheckConfig) -> Findings:
    """Reads every file, as many at once as there are processors, and keeps figures only.

    Args:
        config: What to look at.

    Returns:
        What was found.

    Raises:
        ValueError: For a folder without usable recordings, or a setting that does not exist.
    """
    spec = MelSpec.from_preset(config.mel).at_rate(config.sample_rate)
    field = config.receptive_field or WaveNet.from_preset(config.preset).receptive_field
    manifest = read_corpus(config.data, config.sample_rate)
    mel = MelStatistics(floor=float(log_mel(np.zeros(1, "float32"), spec)[0, 0]), num_mels=spec.num_mels)
    measures, floors, spectrum, frames = [], [], np.zeros(0), 0.0

    def examine(file: AudioFile) -> tuple[FileMeasures, np.ndarray, np.ndarray]:
        return *measure_file(file, config.sample_rate), file.load(config.sample_rate)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = _in_order(pool, examine, manifest.files, 2 * os.cpu_count())
        for figures, power, waveform in tqdm(results, "check", len(manifest.files), unit="file", dynamic_ncols=True):
            measures.append(figures)
            spectrum, power = (
                np.pad(a, (0, max(0, len(b) - len(a)))) for a, b in ((spectrum, power), (power, spectrum))
            )
            spectrum, frames = spectrum + power, frames + 2 * figures.seconds * SPECTRUM_HZ
            at_floor, before = mel.at_floor, mel.frames
            for features in _features(waveform, spec):
                mel.add(features)
            floors.append((mel.at_floor - at_floor) / (mel.frames - before) / spec.num_mels)
    rejected = [(path.name, reason) for path, reason in manifest.rejected]
    checks = check_corpus(measures, rejected, floors, mel, config.sample_rate, field)
    return Findings(manifest, measures, checks, spectrum / frames, mel)


def _in_order(pool, function, items, ahead) -> Iterator:
    """Maps in threads, but no more than `ahead` items before the results are taken."""
    waiting = []
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) == ahead:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def _features(waveform, spec):
    step = _FRAMES_AT_ONCE * spec.hop_length
    for start in range(0, len(waveform), step):
        yield np.asarray(log_mel(waveform[start : start + step], spec))


def table(checks: list[Check]) -> str:
    """Lays out checks, and below them what to do about the findings.

    Args:
        checks: Rows.

    Returns:
        Lines of text.
    """
    lines = [f"{'check':<14}{'verdict':<9}measured"]
    lines += [f"{check.name:<14}{check.verdict:<9}{check.measured}" for check in checks]
    for check in checks:
        if check.files:
            more = f" and {len(check.files) - SHOWN_FILES} more" if len(check.files) > SHOWN_FILES else ""
            count = f"{len(check.files)} file{'s' if len(check.files) > 1 else ''}"
            lines += [
                "",
                f"{check.name}, {count}: {', '.join(check.files[:SHOWN_FILES])}{more}",
                f"  {check.suggestion}",
            ]
    return "\n".join(lines)


def save_picture(findings: Findings, path: Path) -> None:
    """Draws what was found.

    Args:
        findings: Of `find`.
        path: PNG file to write.
    """
    manifest, mel = findings.manifest, findings.mel
    figure = draw_corpus(
        title=f"{len(manifest.files)} files, {manifest.seconds / 60:.1f} minutes",
        levels=np.array([m.level for m in findings.measures if m.level is not None]),
        seconds=np.array([m.seconds for m in findings.measures]),
        spectrum=findings.spectrum,
        bin_hz=SPECTRUM_HZ,
        sample_rate=manifest.sample_rate,
        mel_mean=mel.mean,
        mel_deviation=mel.deviation,
        mel_floor=mel.floor,
    )
    with atomic_path(path) as partial:
        FigureCanvasAgg(figure).print_png(partial)


def main() -> None:
    """Runs the command."""
    config = parse(CheckConfig)
    findings = find(config)
    save_picture(findings, config.picture)
    files, seconds = len(findings.manifest.files), findings.manifest.seconds
    if config.json:
        checks = [dataclasses.asdict(check) | {"verdict": check.verdict} for check in findings.checks]
        report = {"data": str(config.data), "files": files, "seconds": seconds, "picture": str(config.picture)}
        print(json.dumps(report | {"checks": checks}))
    else:
        print(f"{files} files, {seconds / 60:.1f} minutes in {config.data}\n\n{table(findings.checks)}")
        print(f"\npicture: {config.picture}")


if __name__ == "__main__":
    run(main)
