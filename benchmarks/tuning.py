"""Listens to melodies with numbers: `python -m benchmarks.tuning CORPUS CLIPS ... [--json]` (extra quality).

For each folder: the share of sounding frames; how far the strongest partial from 100 to 1,000 Hz is from the nearest
key of a piano (median, in cents; chance gives 25); the share within 20 cents of a key of `training.melody_corpus`'s
scale (chance gives 0.17); and the onsets a second. Generated clips should lie where their corpus lies.
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import librosa
import numpy as np
import tyro

from tf_wavenet.data import index_corpus
from training.cli.command_line import parse
from training.cli.command_line import run as run_command
from training.melody_corpus import SCALE

SILENCE_DB = -45.0
NEAR_CENTS = 20.0


@dataclasses.dataclass(frozen=True)
class TuningConfig:
    """Compares pitch and rhythm of folders of melodies."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of recordings, the corpus and what was generated."""
    minutes: float = 2.0
    """How much of each folder to listen to."""
    sample_rate: int = 8000
    """Rate in Hz at which all are read."""
    json: bool = False
    """Print one JSON object a line."""


def describe(waveforms: list[np.ndarray], sample_rate: int) -> dict[str, float]:
    """Measures melodies of one voice.

    Args:
        waveforms: Float arrays `[time]` in [-1, 1], each of at least 2,048 samples.
        sample_rate: In Hz.

    Returns:
        `seconds`, `sounding_share`, `cents_off` (median), `in_scale_share` and `onsets_per_second`.
    """
    sounding, keys, onsets = [], [], 0
    for waveform in waveforms:
        level = librosa.feature.rms(y=waveform, frame_length=1024, hop_length=256)[0]
        pitch, height = librosa.piptrack(
            y=waveform, sr=sample_rate, n_fft=2048, hop_length=256, fmin=100.0, fmax=1000.0
        )
        pitch = np.take_along_axis(pitch, height.argmax(axis=0)[np.newaxis], axis=0)[0]
        loud = 20.0 * np.log10(np.maximum(level, 1e-9)) >= SILENCE_DB
        sounding.append(loud)
        keys.append(librosa.hz_to_midi(pitch[loud & (pitch > 0.0)]))
        onsets += len(librosa.onset.onset_detect(y=waveform, sr=sample_rate))
    keys, seconds = np.concatenate(keys), sum(map(len, waveforms)) / sample_rate
    off = 100.0 * np.abs(keys - np.rint(keys))
    in_scale = (off <= NEAR_CENTS) & np.isin(np.rint(keys) % 12, SCALE)
    return {
        "seconds": seconds,
        "sounding_share": float(np.concatenate(sounding).mean()),
        "cents_off": float(np.median(off)) if len(off) else float("nan"),
        "in_scale_share": float(in_scale.mean()) if len(off) else 0.0,
        "onsets_per_second": onsets / seconds,
    }


def main() -> None:
    """Prints one line a folder."""
    config = parse(TuningConfig)
    for folder in config.folders:
        waveforms, left = [], config.minutes * 60.0
        for file in index_corpus(folder, config.sample_rate).files:
            if left > 0.0:
                waveforms.append(file.load(config.sample_rate))
                left -= len(waveforms[-1]) / config.sample_rate
        figures = {name: round(value, 3) for name, value in describe(waveforms, config.sample_rate).items()}
        figures = {"folder": folder.name, **figures}
        print(json.dumps(figures) if config.json else ", ".join(f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    run_command(main)
