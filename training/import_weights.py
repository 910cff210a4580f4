"""Imports a checkpoint of another project: `python -m training.import_weights FILE -o model.keras`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from tf_wavenet.files import atomic_path
from tf_wavenet.importers import import_weights
from training.cli.command_line import parse, run


@dataclasses.dataclass(frozen=True)
class ImportConfig:
    """Imports a checkpoint of another project as a model of ours; the project is found by the file's content.

    r9y9/wavenet_vocoder, ibab/tensorflow-wavenet, kan-bayashi/ParallelWaveGAN (Parallel WaveGAN, HiFi-GAN) and
    jik876/hifi-gan. PyTorch is not needed, and what a file holds is not run.
    """

    checkpoint: tyro.conf.Positional[Path]
    """PyTorch or safetensors file, or prefix of a TensorFlow 1 checkpoint."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("model.keras")
    """.keras file to write."""
    config: Path | None = None
    """The project's configuration; if not given, the one beside the checkpoint."""
    statistics: Path | None = None
    """Mean and scale of the features, stats.h5 or stats.npy; if not given, those beside the checkpoint, if any."""

    def __post_init__(self) -> None:
        """Checks what is not checked elsewhere."""
        if self.out.suffix != ".keras":
            raise ValueError(f"Expected --out to end in .keras. Received: {self.out}")


def main() -> None:
    """Imports as the command line says."""
    config = parse(ImportConfig)
    model = import_weights(config.checkpoint, config.config, config.statistics)
    with atomic_path(config.out) as partial:
        model.save(partial)
    spec = model.mel_spec
    features = "no mel_spec" if spec is None else f"{spec.num_mels} mels at {spec.sample_rate} Hz"
    print(f"{config.out}: {type(model).__name__}, {model.count_params():,} weights, {features}")


if __name__ == "__main__":
    run(main)
