"""Imports go one way, and TensorFlow stays out of what runs on every Keras backend."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What each room may import of the others, `_validation` besides; the order of the list is the direction.
ALLOWED = {
    "_registered": set(),
    "_tensor": set(),
    "_validation": set(),
    "backend": set(),
    "files": set(),
    "signal": set(),
    "streaming": set(),
    "distributions": {"signal"},
    "losses": {"signal", "backend"},
    "metrics": {"losses"},
    "optimizers": set(),
    "layers": {"signal", "streaming"},
    "decoding": set(),
    "models": {"backend", "signal", "streaming", "distributions", "losses", "metrics", "layers", "decoding"},
    "data": {"files", "signal"},
    "importers": {"signal", "distributions", "layers", "models"},
    "serving": {"files", "signal", "streaming", "decoding", "models"},
    "__init__": {
        "signal",
        "streaming",
        "distributions",
        "losses",
        "metrics",
        "optimizers",
        "layers",
        "models",
        "serving",
    },
}
# The same of training's rooms.
TRAINING = {
    "amp": {"cli"},
    "cli": set(),
    "corpora": set(),
    "generation": {"cli", "scoring"},
    "recipes": {"runs", "scoring", "text"},
    "runs": {"cli", "scoring"},
    "scoring": set(),
    "sharding": set(),
    "text": {"cli"},
}
TENSORFLOW = {"decoding", "serving", "importers"}
# Of `data`, whose windows are NumPy's; the first imports it for the two others, on first use.
TENSORFLOW_FILES = {f"data/{name}.py" for name in ("_tensorflow", "dataset", "decode_audio")}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(path):
    relative = path.relative_to(ROOT / "tf_wavenet")
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted((ROOT / "tf_wavenet").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_library_imports_go_one_way(path):
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "tf_wavenet":
            room, own = rest.partition(".")[0], part(path)
            assert room in (own, "_validation", "_registered", "_tensor", "_file_error") or room in ALLOWED[own], (
                f"{path} imports {name}"
            )
        if top in ("tensorflow", "tensorflow_io"):
            of_data = path.relative_to(ROOT / "tf_wavenet").as_posix() in TENSORFLOW_FILES
            assert part(path) in TENSORFLOW or path.name == "tensorflow.py" or of_data, f"{path} imports {name}"
        if top in ("jax", "torch"):
            assert path == ROOT / f"tf_wavenet/backend/{top}.py", f"{path} imports {name}"
        assert top not in ("training", "benchmarks", "tests"), f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "training").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_training_sees_public_names_only(path):
    for name in imports(path):
        if name.startswith("tf_wavenet."):
            rooms = ("files", "layers", "models", "data", "importers", "decoding")
            assert name.count(".") == 1 or name.split(".")[1] in rooms, f"{path} imports {name}"
            assert not any(p.startswith("_") for p in name.split(".")), f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "training").glob("*/*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_trainings_rooms_import_rooms_and_no_commands(path):
    room = path.parent.name
    for name in imports(path):
        if name.startswith("training."):
            assert name.split(".")[1] in TRAINING[room] | {room}, f"{path} imports {name}"


@pytest.mark.parametrize("top", ["tf_wavenet", "training"])
def test_rooms_say_what_they_may_import(top):
    for room, allowed in (ALLOWED if top == "tf_wavenet" else TRAINING).items():
        path = ROOT / top / room / "__init__.py"
        if path.exists():
            [said] = re.findall(r"May import ([^.:]*)", ast.get_docstring(ast.parse(path.read_text())))
            names = set() if said.startswith("no") else set(re.findall(r"[a-z]+", said)) - {"and"}
            assert names == allowed, path
