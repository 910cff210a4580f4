"""Listens with numbers: `python -m benchmarks.levels FOLDER FOLDER ... [--json]`.

For each folder of recordings: the RMS in dB of full scale, the share of 32 ms frames below -50 dB of full scale, the
spectral centroid (mean frequency, weighted by power) and the share of the power in four bands, of the other frames.
Beside the figures of all files together stand those of single files, for RMS and centroid: lowest, 5th percentile,
median, 95th percentile, highest. Generated audio should lie where its corpus lies.
"""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from tf_wavenet.data import index_corpus
from training.cli.command_line import parse
from training.cli.command_line import run as run_command

SILENCE_DB = -50.0
BANDS_HZ = (0, 500, 1000, 4000)
PERCENTILES = (0, 5, 50, 95, 100)


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
    power = (np.abs(np.fft.rfft(frames[level >= SILENCE_DB] * np.hanning(window))) ** 2).sum(axis=0)
    spectrum = power / max(power.sum(), 1e-12)
    frequency = np.fft.rfftfreq(window, 1 / sample_rate)
    band = np.searchsorted(BANDS_HZ, frequency, side="right") - 1
    mean_square = np.mean(np.concatenate(waveforms).astype("float64") ** 2)
    return {
        "seconds": sum(map(len, waveforms)) / sample_rate,
        "rms_db": float(10 * np.log10(max(mean_square, 1e-12))),
        "silence_share": float((level < SILENCE_DB).mean()),
        "centroid_hz": float(spectrum @ frequency),
        **{f"from_{low}_hz": float(spectrum[band == i].sum()) for i, low in enumerate(BANDS_HZ)},
    }


def spread(waveforms: list[np.ndarray], sample_rate: int) -> dict[str, list[float]]:
    """Measures recordings one by one.

    Args:
        waveforms: Float arrays `[time]` in [-1, 1].
        sample_rate: In Hz.

    Returns:
        Percentiles 0, 5, 50, 95, 100 of `rms_db` and of `centroid_hz` over the files that are not all silence.
    """
    files = [describe([w], sample_rate) for w in waveforms if len(w) >= sample_rate // 16]
    audible = [figures for figures in files if figures["silence_share"] < 1]
    names = ("rms_db", "centroid_hz")
    return {f"{name}_of_files": np.percentile([f[name] for f in audible], PERCENTILES).tolist() for name in names}


def main() -> None:
    """Prints one line a folder."""
    config = parse(LevelsConfig)
    for folder in config.folders:
        files = index_corpus(folder, config.sample_rate).files
        waveforms = [file.load(config.sample_rate) for file in files]
        figures = {**describe(waveforms, config.sample_rate), **spread(waveforms, config.sample_rate)}
        figures = {"folder": str(folder), **{name: np.round(value, 3).tolist() for name, value in figures.items()}}
        print(json.dumps(figures) if config.json else ", ".join(f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    run_command(main)
