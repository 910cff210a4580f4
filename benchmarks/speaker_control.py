"""Speaker control, scored: `python -m benchmarks.speaker_control CORPUS [--clips FOLDER] [--json]`.

A clip is measured by its F0 and its long-term spectral envelope over voiced frames, in standard deviations of the
corpus's own clips around their speaker's mean, and belongs to the speaker at the least distance. First the measure
itself is tried on the corpus: every real clip is named by the others. Then the clips, in one folder for each speaker
that was asked for, are named; a clip without a voice is nobody's. Needs `pip install -e ".[quality]"`.
"""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from tqdm import tqdm

from benchmarks.judging.packages import SAMPLE_RATE
from benchmarks.judging.speakers import Speakers, leave_one_out, voice
from training.cli.command_line import parse, run
from training.corpora.read_corpus import read_corpus


@dataclasses.dataclass(frozen=True)
class SpeakerControlConfig:
    """Says whether clips are spoken by those who were asked to."""

    corpus: Annotated[Path, tyro.conf.Positional]
    """Recordings of at least two speakers, a folder each, at least three of each."""
    clips: Path | None = None
    """Generated clips, a folder for each speaker, named as in the corpus; only the measure is tried if not given."""
    json: bool = False
    """Print one JSON object a line: the measure on the corpus, then each clip, then all clips."""


def voices(folder: Path, speakers: int = 1, clips: int = 1) -> tuple[list[str], list[str], list[np.ndarray | None]]:
    """Describes the voices of all files under a progress bar.

    Args:
        folder: Recordings, a folder each speaker.
        speakers: How many there must be.
        clips: How many recordings each of them must have.

    Returns:
        Names of the files, their speakers, and what `voice` says of them.

    Raises:
        ValueError: If a file has no speaker, or there are too few speakers or recordings.
    """
    files = read_corpus(folder, SAMPLE_RATE).files
    nameless = [file.path.name for file in files if file.speaker is None]
    if nameless:
        raise ValueError(f"Expected a folder for each speaker in {folder}. Received: {nameless[0]} in none")
    found = Counter(file.speaker for file in files)
    if len(found) < speakers or min(found.values()) < clips:
        expected = f"Expected at least {speakers} speakers of at least {clips} recordings each in {folder}"
        raise ValueError(f"{expected}. Received: {dict(found)}")
    bar = tqdm(files, desc=f"voices of {folder.name}", unit="file", dynamic_ncols=True)
    return [f.name for f in files], [f.speaker for f in files], [voice(f.load(SAMPLE_RATE)) for f in bar]


def score_clips(speakers: Speakers, names: list[str], asked: list[str], clips: list[np.ndarray | None]) -> list[dict]:
    """Compares clips with the speaker asked for and with the nearest other.

    Args:
        speakers: The corpus's.
        names: Of the clips.
        asked: Speaker of each clip.
        clips: What `voice` says of each.

    Returns:
        A dict a clip: `clip`, `asked`, `heard` (a speaker or None), and the distances `pitch` and `envelope` to the
        speaker asked for and `other_pitch` and `other_envelope` to the nearest other, None without a voice.

    Raises:
        ValueError: If a speaker is not in the corpus.
    """
    unknown = sorted(set(asked) - set(speakers.names))
    if unknown:
        raise ValueError(
            f"Expected clips of the corpus's speakers, {', '.join(speakers.names)}. Received: {unknown[0]}"
        )
    rows = []
    for name, right, clip in zip(names, asked, clips, strict=True):
        row = {"clip": name, "asked": right, "heard": speakers.nearest(clip)}
        row |= dict.fromkeys(("pitch", "envelope", "other_pitch", "other_envelope"))
        if clip is not None:
            distances = speakers.distances(clip)
            own = distances.pop(right)
            other = min(distances.values(), key=lambda distance: distance.total)
            row |= {"pitch": own.pitch, "envelope": own.envelope}
            row |= {"other_pitch": other.pitch, "other_envelope": other.envelope}
        rows.append(row)
    return rows


def summarise(rows: list[dict]) -> dict:
    """Counts the clips whose speaker is right, and takes medians of the distances of those that have a voice."""
    summary = {"clips": len(rows), "right": sum(row["asked"] == row["heard"] for row in rows)}
    summary["voiced"] = sum(row["heard"] is not None for row in rows)
    for column in ("pitch", "envelope", "other_pitch", "other_envelope"):
        found = [row[column] for row in rows if row[column] is not None]
        summary[column] = float(np.median(found)) if found else None
    return summary


def evaluate(config: SpeakerControlConfig) -> tuple[dict, list[dict]]:
    """Tries the measure, then scores the clips.

    Args:
        config: Corpus and clips.

    Returns:
        `{"corpus", "clips", "right"}`: how many real clips the measure names rightly; and what `score_clips` returns.

    Raises:
        ValueError: If corpus or clips cannot be used.
    """
    # Three, since a recording is named by the others, and of them each speaker needs two.
    _, names, found = voices(config.corpus, speakers=2, clips=3)
    names = [name for name, clip in zip(names, found, strict=True) if clip is not None]
    real = [clip for clip in found if clip is not None]
    right = sum(heard == name for heard, name in zip(leave_one_out(real, names), names, strict=True))
    trial = {"corpus": str(config.corpus), "clips": len(found), "right": right}
    rows = [] if config.clips is None else score_clips(Speakers(real, names), *voices(config.clips))
    return trial, rows


def main() -> None:
    """Prints the verdicts."""
    config = parse(SpeakerControlConfig)
    trial, rows = evaluate(config)
    if config.json:
        for line in [trial, *rows, *([summarise(rows)] if rows else [])]:
            print(json.dumps(line))
        return
    print(f"measure: {trial['right']} of {trial['clips']} recordings named rightly by the others")
    for row in rows:
        distances = "no voice"
        if row["heard"] is not None:
            distances = (
                "F0 {pitch:.1f}, envelope {envelope:.1f}; other F0 {other_pitch:.1f}, envelope {other_envelope:.1f}"
            ).format(**row)
        print(f"{row['clip']}: asked {row['asked']}, heard {row['heard'] or '-'} ({distances})")
    if rows:
        summary = summarise(rows)
        print(f"{summary['right']} of {summary['clips']} clips right")


if __name__ == "__main__":
    run(main)
