"""Says what a result was measured with, and keeps results by kind."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from tf_wavenet.files import atomic_path


def provenance(command: str) -> dict[str, Any]:
    """Returns what a file of results says of its command, commit, date, versions and machine.

    Args:
        command: What anyone runs to have the figures again.
    """
    import keras

    backend = keras.backend.backend()
    here = Path(__file__).parent
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True)
    return {
        "command": command,
        "commit": commit.stdout.strip(),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        backend: importlib.metadata.version(backend),
        "keras": keras.__version__,
        "cores": os.cpu_count(),
    }


def replace_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replaces the rows of the same `kind` in a .jsonl file of results."""
    kinds = {row["kind"] for row in rows}
    before = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in before if json.loads(line)["kind"] not in kinds]
    with atomic_path(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in (*kept, *map(json.dumps, rows))))
