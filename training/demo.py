"""Hear the trained models that come with the package: `python -m training.demo`."""

import dataclasses
import time
from pathlib import Path

from tf_wavenet import shipped
from training.cli.command_line import parse, run
from training.generate import GenerateConfig, generate

MODELS = Path(__file__).parent.parent / "saved_models"
# What suits a model better than the defaults of training.generate; the figures in saved_models/README.md are of these.
SETTINGS = {"lpc_vocoder_16k": {"temperature": 0.7, "voiced_temperature": 0.6}}


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """Speaks a recording again with each trained model that comes with the package: a WAV and a PNG a model.

    A model hears log-mel features of the recording, 80 numbers every 12.5 ms, and nothing else of it.
    """

    recording: Path = MODELS / "prompt.flac"
    """Recording to speak; the default is a prompt of the models' voice that they were not trained on."""
    out: Path = Path("runs/demo")
    """Folder to write to."""


def demo(config: DemoConfig) -> list[Path]:
    """Speaks the recording with each model, the fastest first.

    Args:
        config: What to speak, and where to write.

    Returns:
        The files written.
    """
    began, written = time.monotonic(), []
    for name in shipped():
        wav, picture = generate(
            GenerateConfig(
                model=MODELS / f"{name}.keras",
                copy_synthesis=config.recording,
                out=config.out / f"{name}.wav",
                **SETTINGS.get(name, {}),
            )
        )
        print(f"after {time.monotonic() - began:.0f} s: listen to {wav}, look at {picture}", flush=True)
        written += [wav, picture]
    print(f"the recording itself: {config.recording}\nnext: make demo-train trains a model of its own in minutes")
    return written


def main() -> None:
    """Speaks as the command line says."""
    demo(parse(DemoConfig))


if __name__ == "__main__":
    run(main)
