"""Exports a trained model: `python -m training.export --model runs/first --out saved_models/first`."""

import dataclasses
from pathlib import Path
from typing import Literal

from tf_wavenet import NamWaveNet, export_saved_model
from training.cli.command_line import parse, run
from training.runs.config import load_config
from training.runs.run_folder import SPEAKERS, find_run, load_model, stored_sample_rate


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """Exports a trained model as a SavedModel."""

    model: Path = Path("runs/wavenet")
    """Run folder, a .keras file, or an amplifier's .nam file."""
    out: Path = Path("saved_models/wavenet")
    """Folder to write."""
    overwrite: bool = False
    """Replace a SavedModel that is already there."""
    jit_compile: bool = True
    """Whether XLA compiles the generation loop in the process that serves."""
    precision: Literal["float32", "mixed_bfloat16", "bfloat16"] = "float32"
    """Keras dtype policy of the exported model's arithmetic."""
    max_samples: int = 1 << 20
    """Most samples of one request, all rows together."""
    warmup_batch_sizes: tuple[int, ...] = ()
    """Batch sizes that TensorFlow Serving compiles for when it loads the model."""
    chunk_samples: int = 320
    """Samples of a chunk in those warm-up requests."""


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
    model = load_model(config.model, (*SPEAKERS, NamWaveNet))
    if config.precision != "float32":
        exact, model = model, type(model).from_config({**model.get_config(), "dtype": config.precision})
        if isinstance(model, NamWaveNet):  # others are built when made
            model.build()
        model.set_weights(exact.get_weights())
    run, sample_rate = find_run(config.model), None
    if isinstance(model, NamWaveNet):
        sample_rate = stored_sample_rate(config.model, model, None)
    elif run is not None:
        sample_rate = load_config(run.config).sample_rate
    export_saved_model(
        model,
        config.out,
        jit_compile=config.jit_compile,
        max_samples=config.max_samples,
        warmup_batch_sizes=config.warmup_batch_sizes,
        chunk_samples=config.chunk_samples,
        sample_rate=sample_rate,
    )
    return config.out


def main() -> None:
    """Exports as the command line says."""
    print(export(parse(ExportConfig)))


if __name__ == "__main__":
    run(main)
