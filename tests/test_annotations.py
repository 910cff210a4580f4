"""Every public function, method and property says what it returns."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def functions(node):
    """Those of a module and its classes, not what is inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
        else:
            yield from functions(child)


def is_public(name):
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


@pytest.mark.parametrize("path", sorted((ROOT / "tf_wavenet").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_public_functions_have_a_return_annotation(path):
    found = functions(ast.parse(path.read_text()))
    missing = [f"{f.name} (line {f.lineno})" for f in found if is_public(f.name) and f.returns is None]
    assert not missing, f"{path}: expected return annotations of {', '.join(missing)}"
