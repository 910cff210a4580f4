"""What a folder holds, so that two runs can be compared to the bit."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# Of JSON: when something was made, and how long it took.
_TIMES = {"date", "date_saved", "minutes", "cpu_minutes", "seconds", "cpu_seconds"}
_LOGS = "logs"  # of TensorBoard, whose events hold the time


def contents(folder: Path) -> dict[str, str]:
    """Digests all files of a folder, but TensorBoard's logs.

    Of HDF5, models and JSON it is what they hold that counts, without times; of other files every byte.

    Args:
        folder: The folder.

    Returns:
        Digests by the names of the files, relative to the folder. Leftovers count too: whatever lies there.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder) for path in files]
    return {str(name): digest(path) for name, path in zip(names, files, strict=True) if _LOGS not in name.parts}


def differences(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Names of the files that only one of two folders has, or that differ."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def digest(path: Path) -> str:
    """Digests one file."""
    content = path.read_bytes()
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            config = _without_times(json.loads(archive.read("config.json")))
            parts = [json.dumps(config, sort_keys=True).encode(), _arrays(archive.read("model.weights.h5"))]
    elif path.suffix == ".h5":
        parts = [_arrays(content)]
    elif path.suffix in (".json", ".jsonl", ".nam"):
        rows = content.decode().splitlines() if path.suffix == ".jsonl" else [content.decode()]
        parts = [json.dumps(_without_times(json.loads(row)), sort_keys=True).encode() for row in rows]
    else:
        parts = [content]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def _arrays(content: bytes) -> bytes:
    found = hashlib.sha256()
    with h5py.File(io.BytesIO(content), "r") as file:
        datasets = {}
        file.visititems(lambda name, item: datasets.update({name: item}) if isinstance(item, h5py.Dataset) else None)
        for name, dataset in sorted(datasets.items()):
            values = np.asarray(dataset[()])
            found.update(f"{name} {values.dtype} {values.shape}".encode())
            found.update(values.tobytes())
    return found.digest()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name not in _TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value
