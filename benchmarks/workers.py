"""Trains on two processes, and kills one of them: `python -m benchmarks.workers`.

Of each kind of model there are three runs of the same steps: one process; two, with half of each batch each; and two
of which one is killed with SIGKILL at a random moment, whereupon both are started again with --resume. The held-out
figures of the first two are compared, and the weights of the last two.
"""

import dataclasses
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import soundfile

from benchmarks.killing.contents import contents, differences
from benchmarks.tables import RESULTS, ROOT
from benchmarks.timing.provenance import provenance
from tf_wavenet.files import atomic_path
from training.cli.command_line import parse, run

RATE = 8000
LIMIT_SECONDS = 1200.0
POLL_SECONDS = 0.05
COMMON = (
    "--sample-rate 8000 --batch-size 4 --validation-fraction 0.3 --warmup-steps 2 --ema 0.5 --checkpoint-every 5 "
    "--validate-every 5 --log-every 5 --sample-seconds 0 --precision float32 --no-jit-compile --steps 40"
).split()
KINDS = {
    "wavenet": "--dilations 1 2 4 8 --residual-channels 4 --skip-channels 8 --window-samples 400 --learning-rate 0.01",
    "hifi_gan": "--model hifi_gan_v3 --generator-channels 16 --discriminator-channels 16 --discriminator-start 12 "
    "--window-samples 2048 --learning-rate 0.001",
}


@dataclasses.dataclass(frozen=True)
class WorkersConfig:
    """Trains on one process, on two, and on two of which one is killed."""

    kinds: tuple[Literal["wavenet", "hifi_gan"], ...] = tuple(KINDS)
    """Models to train."""
    seed: int = 0
    """Of the moments of the kills."""
    out: Path = RESULTS / "workers.json"
    """JSON file of results to write."""


def make_corpus(folder: Path) -> None:
    """Writes nine short recordings of noisy tones."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(9):
        seconds = np.arange(6000 + 900 * number) / RATE
        tone = 0.5 * np.sin(2 * np.pi * (200 + 50 * number) * seconds)
        soundfile.write(folder / f"{number}.wav", tone + rng.normal(0, 0.02, len(seconds)), RATE)


def start(flags: list[str], workers: int, log: Path) -> list[subprocess.Popen]:
    """Starts the processes of a run, each in one thread: equal bits need the same order of sums."""
    settings = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    settings.pop("TF_CONFIG", None)
    command = [sys.executable, "-m", "training.train", *flags]
    if workers == 1:
        cases = [settings]
    else:
        command += ["--strategy", "multi_worker"]
        places = [f"localhost:{free_port()}" for _ in range(workers)]
        tasks = [{"cluster": {"worker": places}, "task": {"type": "worker", "index": i}} for i in range(workers)]
        cases = [settings | {"TF_CONFIG": json.dumps(task)} for task in tasks]
    with log.open("ab") as said:
        return [subprocess.Popen(command, cwd=ROOT, env=case, stdout=said, stderr=said) for case in cases]


def free_port() -> int:
    """Returns a port that nobody uses."""
    with socket.socket() as place:
        place.bind(("localhost", 0))
        return place.getsockname()[1]


def finish(processes: list[subprocess.Popen], log: Path) -> float:
    """Waits for all to end well; returns how long that took."""
    begun = time.perf_counter()
    codes = [process.wait(LIMIT_SECONDS) for process in processes]
    if any(codes):
        raise ValueError(f"Expected training to succeed. Received: exit codes {codes}: {log.read_text()[-2000:]}")
    return time.perf_counter() - begun


def curve(folder: Path) -> list[float]:
    """Returns the held-out figures of a run."""
    rows = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    name = "bits_per_sample" if "bits_per_sample" in rows[0] else "stft_loss"
    return [row[name] for row in rows]


def kill_one(flags: list[str], folder: Path, log: Path, wait: float) -> dict[str, Any]:
    """Kills the second of two workers so many seconds after the first checkpoint.

    Returns:
        How the other ended: its exit code, how long it took, and its last line.
    """
    processes = start(flags, 2, log)
    while not any((folder / "checkpoints").glob("*.weights.h5")):
        time.sleep(POLL_SECONDS)
    time.sleep(wait)
    processes[1].send_signal(signal.SIGKILL)
    begun = time.perf_counter()
    code = processes[0].wait(LIMIT_SECONDS)
    processes[1].wait()
    last = next(line for line in reversed(log.read_text(errors="replace").splitlines()) if line.startswith("error:"))
    steps = sorted(int(path.name.split("-")[1].split(".")[0]) for path in folder.glob("checkpoints/*.weights.h5"))
    return {"code": code, "seconds_to_stop": time.perf_counter() - begun, "error": last, "checkpoint": steps[-1]}


def measure(kind: str, work: Path, moment: random.Random) -> dict[str, Any]:
    """Makes the three runs of a kind."""
    flags = ["--data", str(work / "corpus"), *COMMON, *KINDS[kind].split()]
    folders = {name: work / f"{kind}-{name}" for name in ("single", "pair", "killed")}
    log = work / "log"
    finish(start([*flags, "--run", str(folders["single"])], 1, log), log)
    finish(start([*flags, "--run", str(folders["pair"])], 2, log), log)
    lost = kill_one([*flags, "--run", str(folders["killed"])], folders["killed"], log, moment.uniform(0.0, 1.0))
    finish(start(["--run", str(folders["killed"]), "--resume"], 2, log), log)
    single, pair = (np.array(curve(folders[name])) for name in ("single", "pair"))
    return {
        "kind": kind,
        "single": single.tolist(),
        "pair": pair.tolist(),
        "largest_relative_difference": float(np.max(np.abs(pair - single) / np.abs(single))),
        "lost": lost,
        "killed_equals_pair": not differences(contents(folders["killed"]), contents(folders["pair"])),
    }


def main() -> None:
    """Runs the command; ends with an error if a killed run is not equal to an undisturbed one."""
    config = parse(WorkersConfig)
    moment, rows = random.Random(config.seed), []
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        make_corpus(Path(folder, "corpus"))
        for kind in config.kinds:
            rows.append(measure(kind, Path(folder), moment))
            print(json.dumps(rows[-1]), flush=True)
    backend = keras.backend.backend()
    command = "" if backend == "tensorflow" else f"KERAS_BACKEND={backend} "
    command += "python -m benchmarks.workers --kinds " + " ".join(config.kinds)
    with atomic_path(config.out) as partial:
        partial.write_text(json.dumps(provenance(command) | {"rows": rows}, indent=1) + "\n")
    if not all(row["killed_equals_pair"] for row in rows):
        raise ValueError("Expected killed runs to equal undisturbed ones. Received: differences")


if __name__ == "__main__":
    run(main)
