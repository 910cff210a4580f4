"""Exports a trained model: `python -m training.export --model runs/first --out saved_models/first`."""

import dataclasses
import shutil
from pathlib import Path

from tf_wavenet import export_saved_model
from training.command_line import parse, run
from training.files import atomic_path
from training.runs import load_model


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """Exports a trained model as a SavedModel."""

    model: Path = Path("runs/wavenet")
    """Run folder, or a .keras file."""
    out: Path = Path("saved_models/wavenet")
    """Folder to write."""
    overwrite: bool = False
    """Replace a SavedModel that is already there."""


def export(config: ExportConfig) -> Path:
    """Writes a SavedModel.

    Args:
        config: What to export, and where to.

    Returns:
        Its folder.

    Raises:
        ValueError: For a model that cannot be loaded, or something in the way. Then nothing was written.
    """
    if config.out.exists():
        if not config.overwrite:
            raise ValueError(f"Expected --out to be a new folder, or --overwrite. Already there: {config.out}")
        if not (config.out / "saved_model.pb").exists():
            raise ValueError(f"Expected --overwrite to replace a SavedModel. Something else is there: {config.out}")
    model = load_model(config.model)
    with atomic_path(config.out) as partial:
        export_saved_model(model, partial)
        if config.out.exists():
            shutil.rmtree(config.out)
    return config.out


def main() -> None:
    """Exports as the command line says."""
    print(export(parse(ExportConfig)))


if __name__ == "__main__":
    run(main)
