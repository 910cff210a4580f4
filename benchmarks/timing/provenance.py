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

_UNITS = {"AVX2": "avx2", "AVX-512": "avx512f", "AVX512-BF16": "avx512_bf16", "AMX": "amx_bf16"}


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
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def processor() -> str:
    """Returns the processor's name and what it multiplies vectors by, as Linux tells them."""
    path = Path("/proc/cpuinfo")
    lines = (line.partition(":") for line in (path.read_text().splitlines() if path.exists() else ()))
    told = {}
    for name, _, value in lines:
        told.setdefault(name.strip(), value.strip())
    flags = told.get("flags", "").split()
    units = [unit for unit, flag in _UNITS.items() if flag in flags]
    number = f", family {told['cpu family']} model {told['model']}" if "cpu family" in told else ""
    return f"{told.get('model name', platform.processor())}{number} ({', '.join(units)})"


def replace_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Replaces the rows of the same `kind` in a .jsonl file of results."""
    kinds = {row["kind"] for row in rows}
    before = path.read_text().splitlines() if path.exists() else []
    kept = [line for line in before if json.loads(line)["kind"] not in kinds]
    with atomic_path(path) as partial:
        partial.write_text("".join(f"{line}\n" for line in (*kept, *map(json.dumps, rows))))
