"""Listens with numbers: `python -m benchmarks.levels FOLDER FOLDER ... [--json]`.

For each folder of recordings, level, spectrum and silence of 32 ms frames: the RMS of all samples in dB of full scale,
the share of frames below -50 dB of full scale, and over the other frames the mean spectral centroid (power-weighted
mean frequency) and the share of the power in four bands. Generated audio should lie where its corpus lies.
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from tf_wavenet.data import index_corpus
from training.command_line import parse
from training.command_line import run as run_command

SILENCE_DB = -50.0
BANDS_HZ = (0, 500, 1000, 4000)


@dataclasses.dataclass(frozen=True)
class LevelsConfig:
    """Compares level, spectrum and silence of folders of recordings."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of recordings, the corpus and what was generated."""
    sample_rate: int = 16000
    """Rate in Hz at which all are read."""
    json: bool = False
    """Print one JSON object a line."""


def describe(waveforms: list[np.ndarray], sample_rate: int) -> dict[str, float]:
    """Measures recordings.

    Args:
        waveforms: Float arrays `[time]` in [-1, 1].
        sample_rate: In Hz.

    Returns:
        `seconds`, `rms_db`, `silence_share`, `centroid_hz`, and `from_N_hz`, the share of the power in each band.
    """
    window = 2 * (sample_rate // 64)
    frames = np.concatenate([w[: len(w) // window * window].reshape(-1, window) for w in waveforms]).astype("float64")
    level = 10 * np.log10(np.maximum((frames**2).mean(axis=1), 1e-12))
    power = np.abs(np.fft.rfft(frames[level >= SILENCE_DB] * np.hanning(window))) ** 2
    frequency = np.fft.rfftfreq(window, 1 / sample_rate)
    centroid = (power * frequency).sum(axis=1) / power.sum(axis=1)
    spectrum = power.sum(axis=0) / power.sum()
    band = np.searchsorted(BANDS_HZ, frequency, side="right") - 1
    return {
        "seconds": sum(map(len, waveforms)) / sample_rate,
        "rms_db": float(10 * np.log10(np.mean(np.concatenate(waveforms).astype("float64") ** 2))),
        "silence_share": float((level < SILENCE_DB).mean()),
        "centroid_hz": float(centroid.mean()),
        **{f"from_{low}_hz": float(spectrum[band == i].sum()) for i, low in enumerate(BANDS_HZ)},
    }


def main() -> None:
    """Prints one line a folder."""
    config = parse(LevelsConfig)
    for folder in config.folders:
        files = index_corpus(folder, config.sample_rate).files
        figures = describe([file.load(config.sample_rate) for file in files], config.sample_rate)
        figures = {"folder": str(folder), **{name: round(value, 3) for name, value in figures.items()}}
        print(json.dumps(figures) if config.json else ", ".join(f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    run_command(main)
