"""Damages files and requests by the thousand, and lets commands and exports take them in: `python -m benchmarks.fuzz`.

Each case must end well or be refused in one line: no traceback, no crash, no hang, memory bounded, nothing
half-written. A process of its own takes the cases of a kind in; after a crash or a hang another one goes on with the
next.
"""

import dataclasses
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from benchmarks.fuzzing.kinds import KINDS
from benchmarks.tables import RESULTS, ROOT
from benchmarks.timing.provenance import provenance, replace_rows
from training.cli.command_line import check_numbers, parse, run

START_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class FuzzConfig:
    """Damages files and lets the commands take them in."""

    kinds: tuple[
        Literal[
            "audio",
            "metadata",
            "features",
            "shards",
            "state",
            "nam",
            "keras",
            "checkpoint",
            "run",
            "manifest",
            "requests",
        ],
        ...,
    ] = tuple(KINDS)
    """What to damage."""
    files: int = 1000
    """Damaged files, or requests, of each kind."""
    seed: int = 0
    """Of the damages."""
    limit_seconds: float = 60.0
    """Time that a case may take."""
    out: Path = RESULTS / "fuzz.jsonl"
    """File of results; its rows of the same kinds are replaced."""

    def __post_init__(self) -> None:
        """Checks the numbers."""
        check_numbers(self, "files", "limit_seconds")


class Watched:
    """A process that takes cases in, and what it says of them."""

    def __init__(self, kind: str, seed: int, first: int, count: int) -> None:
        command = [sys.executable, "-m", "benchmarks.fuzzing.worker", kind, *map(str, (seed, first, count))]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._rest = b""

    def line(self, seconds: float) -> dict[str, Any] | None:
        """Returns the next line; None at the end; TimeoutError where there is none in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            read = os.read(self._process.stdout.fileno(), 1 << 16)
            if not read:
                return None
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def end(self) -> int:
        """Ends the process; returns its exit code."""
        self._process.kill()
        self._process.stdout.close()
        return self._process.wait()

    def wait(self) -> int:
        """Waits for it to end by itself; returns its exit code."""
        return self._process.wait()


def fuzz(kind: str, config: FuzzConfig) -> dict[str, Any]:
    """Takes in all cases of a kind.

    Returns:
        Counts of cases by how they ended, and the numbers of those that did not end well.
    """
    cases = -(-config.files // KINDS[kind].files)
    row = {"kind": kind, "files": cases * KINDS[kind].files, "cases": cases, "taken": 0, "refused": 0}
    bad, memory, slowest, first = [], 0, 0.0, 0
    with tqdm(total=cases, desc=kind, unit="case", disable=None) as bar:
        while first < cases:
            watched, number, begun = Watched(kind, config.seed, first, cases - first), None, time.monotonic()
            try:
                while (line := watched.line(START_SECONDS if number is None else config.limit_seconds)) is not None:
                    if "taken" not in line and "traceback" not in line:
                        number, begun = line["case"], time.monotonic()
                        continue
                    memory, slowest = max(memory, line["memory_mib"]), max(slowest, time.monotonic() - begun)
                    if "traceback" in line:
                        bad.append({"case": number, "how": line["traceback"]})
                    else:
                        row["taken" if line["taken"] else "refused"] += 1
                    bar.update()
                    first = number + 1
            except TimeoutError:
                watched.end()
                how = f"took more than {config.limit_seconds:g} s"
            else:
                how = f"exit code {watched.wait()}"
            if number is None:
                raise ValueError(f"Expected cases of {kind}. Received: none; {how}")
            if first <= number:
                bad.append({"case": number, "how": how})
                bar.update()
                first = number + 1
    return row | {"bad": bad, "memory_mib": memory, "slowest_seconds": round(slowest, 2)}


def main() -> None:
    """Runs the command; ends with an error if a case did not end well."""
    config = parse(FuzzConfig)
    for kind in config.kinds:
        row = fuzz(kind, config)
        print(json.dumps(row), flush=True)
        command = f"python -m benchmarks.fuzz --kinds {kind} --files {config.files} --seed {config.seed}"
        replace_rows(config.out, [row | provenance(command)])
        if row["bad"]:
            raise ValueError(f"Expected cases to be taken or refused. Received: {len(row['bad'])}: {row['bad'][:3]}")


if __name__ == "__main__":
    run(main)
