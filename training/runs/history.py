"""What a run was at each validation: a file of JSON lines, appended to."""

import json
from pathlib import Path

from tf_wavenet.files import atomic_path


def append(path: Path, row: dict) -> None:
    """Adds a line.

    Args:
        path: The file; made if need be.
        row: `step` and what was measured there.
    """
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read(path: Path) -> list[dict]:
    """Reads all lines but one that a killed process left unfinished.

    Args:
        path: The file, which may be missing.

    Returns:
        The rows, oldest first.

    Raises:
        ValueError: If a line is not JSON with a whole number as its `step`.
    """
    rows, lines = [], path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            fine = isinstance(row, dict) and type(row.get("step")) is int
        except (ValueError, RecursionError):
            fine = False
        if not fine:
            raise ValueError(
                f"Expected {path} to hold JSON with a step on each line. Received: line {number}: {line!r:.80}"
            )
        rows.append(row)
    return rows


def forget(path: Path, step: int) -> None:
    """Drops what lies past a step, because the run goes on from there.

    Args:
        path: The file, which may be missing.
        step: The last that is kept.
    """
    if path.exists():
        kept = [row for row in read(path) if row["step"] <= step]
        with atomic_path(path) as partial:
            partial.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
