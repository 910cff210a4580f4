"""Kills commands (`kill -9`) at random moments, starts them again and compares the result with that of an unbroken run.

`python -m benchmarks.kills` kills the preparation of recordings, the training of a WaveNet, a GAN vocoder and an
amplifier, and generation. All processes compute in one thread, where TensorFlow adds up in one order.
"""

import dataclasses
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks.killing.contents import contents, differences
from benchmarks.killing.kinds import KINDS, Kind
from benchmarks.tables import RESULTS, ROOT, kill_counts
from benchmarks.timing.provenance import provenance, replace_rows
from training.cli.command_line import check_numbers, parse, run

_POLL_SECONDS = 0.02
_SETTINGS = {name: "1" for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")}
_SETTINGS |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclasses.dataclass(frozen=True)
class KillsConfig:
    """Kills commands at random moments, lets them go on, and compares what they make with that of unbroken runs."""

    kinds: tuple[Literal["preparation", "wavenet", "vocoder", "amplifier", "generation"], ...] = tuple(KINDS)
    """What to kill."""
    count: int = 12
    """Kills of each kind."""
    seed: int = 0
    """Of the moments."""
    out: Path = RESULTS / "kills.jsonl"
    """File of results; its rows of the same kinds are replaced."""

    def __post_init__(self) -> None:
        """Checks the count."""
        check_numbers(self, "count")


def start(arguments: Sequence[str], folder: Path) -> subprocess.Popen:
    """Starts a process in a folder; what it says goes to the file `said` beside the folder."""
    environment = os.environ | _SETTINGS | {"PYTHONPATH": str(ROOT)}
    with folder.with_name(f"{folder.name}-said").open("ab") as said:
        return subprocess.Popen(
            arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )


def finish(arguments: Sequence[str], folder: Path, begun: str | None = None) -> tuple[float, float]:
    """Runs a process to its end.

    Args:
        arguments: Of the process.
        folder: Where it runs.
        begun: Pattern of a file that is there once the work has begun; None: it is not waited for.

    Returns:
        Seconds until there was such a file, and from then to the end.

    Raises:
        ValueError: If the process fails; with the end of what it said.
    """
    first = time.monotonic()
    process = start(arguments, folder)
    work = first
    if begun is not None and wait(process, folder, begun):
        work = time.monotonic()
    if process.wait():
        said = folder.with_name(f"{folder.name}-said").read_text(errors="replace")
        raise ValueError(f"Expected the process to end well. Received: code {process.returncode}, {said[-1500:]}")
    return work - first, time.monotonic() - work


def wait(process: subprocess.Popen, folder: Path, pattern: str) -> bool:
    """Waits until a process has made a file; False if it ends before."""
    while not any(folder.glob(pattern)):
        if process.poll() is not None:
            return any(folder.glob(pattern))
        time.sleep(_POLL_SECONDS)
    return True


def kill(kind: Kind, folder: Path, moment: float) -> float | None:
    """Starts a command and kills it so many seconds after its work has begun.

    Args:
        kind: The command.
        folder: An empty folder.
        moment: In seconds.

    Returns:
        None; or, if it ended before, the seconds that it worked.
    """
    process, work = start(kind.command, folder), time.monotonic()
    if wait(process, folder, kind.begun):
        work = time.monotonic()
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
    return None if process.wait() == -signal.SIGKILL else time.monotonic() - work


def kill_all(kind: Kind, work: Path, count: int, seed: int) -> list[dict[str, Any]]:
    """Kills a command several times, each time a run of its own, and compares.

    Args:
        kind: The command.
        work: Folder for the runs.
        count: Kills.
        seed: Of the moments, which are uniform over the work of the fastest unbroken run so far.

    Returns:
        A row for each kill: the kind, the moment and the length of the unbroken run's work in seconds, the files that
        were there, and which of those at the end differ.

    Raises:
        ValueError: If a process that goes on fails, or the unbroken run cannot be repeated to the bit.
    """
    rng = random.Random(f"{kind.name} {seed}")
    whole = work / "whole"
    whole.mkdir()
    _, seconds = finish(kind.command, whole, kind.begun)
    expected = contents(whole / "out")
    rows, runs = [], 0
    while len(rows) < count:
        folder, moment = work / str(runs), rng.uniform(0.0, seconds)
        folder.mkdir()
        runs += 1
        faster = kill(kind, folder, moment)
        if faster is not None:
            seconds = faster
            continue
        there = sorted(path.name for path in (folder / "out").rglob("*") if path.is_file())
        finish(kind.again(folder), folder)
        differing = differences(contents(folder / "out"), expected)
        rows.append({"kind": kind.name, "kill": len(rows) + 1, "moment": round(moment, 2), "work": round(seconds, 2)})
        rows[-1] |= {"files_then": len(there), "files": len(expected), "equal": not differing, "differing": differing}
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    """Kills, compares, writes the results and prints a table; ends with an error if a run was not equal."""
    config = parse(KillsConfig)
    command = f"python -m benchmarks.kills --count {config.count} --seed {config.seed}"
    for name in config.kinds:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            kind = KINDS[name](Path(folder))
            rows = kill_all(kind, Path(folder), config.count, config.seed)
        replace_rows(config.out, [row | provenance(command) for row in rows])
    rows = [json.loads(line) for line in config.out.read_text().splitlines()]
    print(kill_counts(rows))
    unequal = [row for row in rows if not row["equal"]]
    if unequal:
        raise ValueError(f"Expected all runs to be equal to unbroken ones. Received: {len(unequal)} that are not")


if __name__ == "__main__":
    run(main)
