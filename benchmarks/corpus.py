"""Prepares and reads a large corpus of noise: `python -m benchmarks.corpus --hours 24`.

Shards are written with several numbers of processes, and their bytes compared. Then one of them is read as training
reads it: the time to the first batch, one epoch, the memory after each tenth of it, and how much faster that is than a
training step of the same batches.
"""

import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import tyro
from tqdm import tqdm

from benchmarks.timing.own_process import measure_alone
from benchmarks.timing.provenance import provenance
from tf_wavenet import WaveNet
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse, run

ROOT = Path(__file__).parent.parent
RATE = 16000
FILE_SECONDS = 10
WINDOW_SAMPLES, BATCH_SIZE = 8000, 4
TRAINING_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class CorpusConfig:
    """Measures preparation and reading of a corpus of so many hours."""

    hours: float = 24.0
    """Length of the corpus."""
    workers: tuple[int, ...] = (1, 2, 4)
    """Numbers of processes to prepare it with."""
    shards: int = 64
    """Number of shards."""
    preset: str = "small"
    """Network whose training step is measured."""
    folder: Path | None = None
    """Where to work, with room for six times the corpus's 115 MB an hour; a temporary folder if not given."""
    out: tyro.conf.Positional[Path] = Path("benchmarks/results/corpus.json")
    """JSON file of results to write."""

    def __post_init__(self) -> None:
        """Checks the numbers."""
        check_numbers(self, "hours", "shards")
        if not self.workers or min(self.workers) < 1:
            raise ValueError(f"Expected workers to be positive. Received: workers={self.workers}")


def make_corpus(folder: Path, hours: float) -> int:
    """Writes recordings of 10 s of noise bursts as 16-bit WAV files; returns how many."""
    count = round(hours * 3600 / FILE_SECONDS)
    noise = np.random.default_rng(0).normal(0.0, 0.1, RATE * FILE_SECONDS * 2).clip(-1, 1)
    for number in tqdm(range(count), desc="recording", unit="file", disable=None):
        begin = number * 7919 % (RATE * FILE_SECONDS)
        path = folder / f"p{number % 10}" / f"{number:06d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise[begin : begin + RATE * FILE_SECONDS] * (0.2 + number % 5 / 5), RATE)
    return count


def digest(folder: Path) -> str:
    """Returns SHA-256 of the names and contents of all files of a folder."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 24):
                total.update(block)
    return total.hexdigest()


def prepare(corpus: Path, out: Path, workers: int, shards: int) -> dict[str, Any]:
    """Prepares a corpus, and measures it."""
    flags = ["--shards", str(shards), "--workers", str(workers), "--sample-rate", str(RATE)]
    command = [sys.executable, "-m", "training.prepare", str(corpus), "--out", str(out), *flags]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"Expected {' '.join(command)} to succeed. Received: {done.stderr[-1000:]}")
    return {"workers": workers, "seconds": time.perf_counter() - begun, "sha256": digest(out)}


def measure(config: CorpusConfig, folder: Path) -> dict[str, Any]:
    """Measures all that the results hold."""
    corpus = folder / "corpus"
    files = make_corpus(corpus, config.hours)
    prepared = []
    for workers in config.workers:
        prepared.append(prepare(corpus, folder / f"shards-{workers}", workers, config.shards))
        print(json.dumps(prepared[-1]), flush=True)
    context = WaveNet.from_preset(config.preset).context_samples
    sizes = {"window_samples": WINDOW_SAMPLES, "context_samples": context, "batch_size": BATCH_SIZE}
    shards = str(folder / f"shards-{config.workers[0]}")
    reading = measure_alone("benchmarks.timing.corpus_pass", {"folder": shards, "sample_rate": RATE, **sizes})
    case = {"preset": config.preset, "precision": "float32", "xla": True, "batch_size": BATCH_SIZE}
    case |= {"window_samples": context + WINDOW_SAMPLES, "rounds": TRAINING_ROUNDS}
    step = measure_alone("benchmarks.timing.train_step", case)
    training = BATCH_SIZE / step["step_seconds"], reading["batches"] * BATCH_SIZE / reading["epoch_seconds"]
    return {
        "hours": config.hours,
        "files": files,
        "prepared": prepared,
        "same_bytes": len({each["sha256"] for each in prepared}) == 1,
        "reading": reading,
        "preset": config.preset,
        "training_windows_per_second": training[0],
        "reading_windows_per_second": training[1],
        "reading_over_training": training[1] / training[0],
    }


def main() -> None:
    """Runs the command."""
    config = parse(CorpusConfig)
    with tempfile.TemporaryDirectory(dir=config.folder) as folder:
        result = measure(config, Path(folder))
    command = f"python -m benchmarks.corpus --hours {config.hours:g} --workers {' '.join(map(str, config.workers))}"
    with atomic_path(config.out) as partial:
        partial.write_text(json.dumps(provenance(command) | result, indent=1) + "\n")
    print(json.dumps({name: value for name, value in result.items() if name != "prepared"}, indent=1))


if __name__ == "__main__":
    run(main)
