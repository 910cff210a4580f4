"""The notebooks of docs/tutorials are well-formed, tell nothing of the machine they ran on, and their cells run."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

from tests.test_docs import PAGES, ROOT, UNWANTED, anchors

FOLDER = ROOT / "docs" / "tutorials"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
# What only a notebook has: without IPython, sounds are made and not shown; pictures are not shown.
RUN = """
import json, os, sys, types
os.environ.setdefault("MPLBACKEND", "agg")
try:
    import IPython.display
except ImportError:
    display = types.ModuleType("IPython.display")
    display.Audio, display.display = lambda data, rate: None, print
    sys.modules["IPython.display"] = display  # without its package: matplotlib asks a loaded IPython for its version
names = {"__name__": "__main__"}
for number, code in enumerate(json.load(sys.stdin)):
    exec(compile(code, f"cell {number}", "exec"), names)
print("done")
"""


def cells(name, kind):
    """The sources of a notebook's cells of a kind."""
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_well_formed(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert notebook["cells"][0]["cell_type"] == "markdown" and "".join(notebook["cells"][0]["source"]).startswith("# ")
    assert not re.search(r"/(work|root|home|tmp|opt|usr|mnt)/", text), "names a path of a machine"
    assert len(text) < 250_000
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert re.match(r"# %pip install .*tf_wavenet", "".join(code[0]["source"]))
    counts = [cell["execution_count"] for cell in code]
    assert counts == list(range(1, len(code) + 1)), "was not run from top to bottom: make tutorials"
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs and all(output["output_type"] != "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)
    # Cells print whether two things are equal.
    assert not [line for output in outputs for line in output.get("text", ()) if line.strip().endswith("False")]


def test_notebooks_are_small_and_in_the_menu():
    assert len(NOTEBOOKS) == 6
    assert sum((FOLDER / name).stat().st_size for name in NOTEBOOKS) < 1_000_000
    menu = (ROOT / "mkdocs.yml").read_text()
    for name in NOTEBOOKS:
        assert f"- tutorials/{name}\n" in menu and f"]({name})" in PAGES["docs/tutorials/README.md"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_english_is_plain_and_links_lead_somewhere(name):
    for text in cells(name, "markdown"):
        for target, anchor in re.findall(r"\]\(([^)#\s]+)#?([^)\s]*)\)", text):
            page = os.path.relpath(FOLDER / target, ROOT)
            assert page in PAGES and (not anchor or anchor in anchors(PAGES[page])), f"{name} links {target}#{anchor}"
        prose = re.sub(r"`[^`]*`", "CODE", re.sub(r"\]\([^)]*\)", "]", re.sub(r"^    .*$", "", text, flags=re.M)))
        for sentence in re.split(r"(?<=[.:?!])\s|\n\n|\n- |\n#+ ", prose):
            assert not re.search(UNWANTED, sentence, re.I | re.X), f"{name}: {sentence}"
            assert len(sentence.split()) <= 40, f"{name}: {sentence}"


def on_jax(name):
    return name.endswith("_on_jax.ipynb")


def parameters(name):
    """A notebook as the parameter of a test; `make test-jax` runs no large cases, so that for JAX is none there."""
    quick = on_jax(name) and importlib.util.find_spec("jax") is not None
    return pytest.param(name, marks=[] if quick else [pytest.mark.large])


@pytest.mark.parametrize("name", [parameters(name) for name in NOTEBOOKS])
def test_cells_run(tmp_path, name):
    backend = "jax" if on_jax(name) else "tensorflow"
    for module in (backend, *(["matplotlib"] if backend == "tensorflow" else [])):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    # Beside a link to the corpus, as in a checkout, so that what a notebook writes goes to the test's folder.
    folder = tmp_path / "docs" / "tutorials"
    folder.mkdir(parents=True)
    (tmp_path / "training").symlink_to(ROOT / "training")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        # One epoch of many: the cells run, and `make tutorials` makes the sound and the figures.
        input=json.dumps([re.sub(r"^EPOCHS = \d+", "EPOCHS = 1", cell, flags=re.M) for cell in cells(name, "code")]),
        capture_output=True,
        text=True,
        timeout=1200,
        env=environment,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr[-3000:]
    assert not [line for line in done.stdout.splitlines() if line.endswith("False")], done.stdout
