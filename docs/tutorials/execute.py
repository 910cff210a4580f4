"""Runs tutorials and stores their outputs in them: `make tutorials`.

The notebooks are the source; only outputs are replaced. They run in a copy of this folder that is thrown away, so that
what they write (models, sounds) stays out of the checkout.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def shown(outputs: list) -> list:
    """The outputs of a cell that readers see: messages of TensorFlow and XLA are left out, the rest is one piece.

    Args:
        outputs: As the kernel sent them.

    Returns:
        The outputs.
    """
    kept = []
    for output in outputs:
        if output.output_type == "stream":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not line.startswith("INFO:tensorflow:"))
            if output.name == "stderr" or not output.text:
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        kept.append(output)
    return kept


def execute(path: Path) -> None:
    """Runs a notebook and writes it anew.

    Args:
        path: The notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "docs", "tutorials")
        place.mkdir(parents=True)
        Path(folder, "training").symlink_to(ROOT / "training")
        NotebookClient(notebook, timeout=900, record_timing=False, resources={"metadata": {"path": place}}).execute()
    notebook.metadata = METADATA
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        if cell.cell_type == "code":
            cell.outputs = shown(cell.outputs)
    nbformat.write(notebook, path)


def main() -> None:
    """Runs the notebooks that the command line names."""
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for path in map(Path, sys.argv[1:]):
        start = time.perf_counter()
        execute(path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
