"""The configuration of the training of an amplifier model; the command line's flags are its fields."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Literal

from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers

_METADATA = ("name", "modeled_by", "gear_type", "gear_make", "gear_model", "tone_type")
_METADATA += ("input_level_dbu", "output_level_dbu")


@dataclasses.dataclass(frozen=True)
class AmpConfig:
    """Trains a model of an amplifier or another effect on what went in and what came out.

    Raises:
        ValueError: For a value out of range, naming the field.
    """

    input: Path
    """Recording of what went into the amplifier."""
    output: Path
    """Recording of what came out: same rate, same length."""
    input_channel: int | None = None
    """Channel of the input to take, from 1, where there are several that differ."""
    output_channel: int | None = None
    """Channel of the output to take, likewise."""
    run: Path = Path("runs/amp")
    """Folder that is made for this run: the model as .nam and .keras, checkpoints, and the configuration."""
    resume: bool = False
    """Go on after the last whole epoch of the run, with its configuration; --epochs may be given anew."""
    model: Literal["nam_standard", "nam_lite", "nam_feather", "nam_nano", "nam_a2", "nam_a2_lite"] = "nam_standard"
    """Architecture."""
    name: str = ""
    """Name of the amplifier, for the .nam file, as all that follows up to the latency."""
    modeled_by: str = ""
    """Who made the model."""
    gear_type: Literal["amp", "pedal", "pedal_amp", "amp_cab", "amp_pedal_cab", "preamp", "studio"] | None = None
    """Kind of gear."""
    gear_make: str = ""
    """Maker of the gear."""
    gear_model: str = ""
    """The maker's name of it."""
    tone_type: Literal["clean", "overdrive", "crunch", "hi_gain", "fuzz"] | None = None
    """Kind of sound."""
    input_level_dbu: float | None = None
    """Level in dBu of a sine that is at full scale in the input; plug-ins with calibration need it."""
    output_level_dbu: float | None = None
    """The same of the output."""

    latency: int | None = None
    """Samples by which the output is late; None measures it, and asks for it where the recordings do not agree."""
    latency_margin: int = 8
    """Samples that a measured latency is cut short by, because a sound's begin comes before its peak."""
    validation_seconds: float = 9.0
    """Part of the recordings that is held out, in seconds: the last one that has sound."""

    epochs: int = 100
    """Times that the recordings are gone through."""
    batch_size: int = 16
    """Windows in a training step."""
    window_samples: int = 8192
    """Length of a window in samples; the receptive field comes on top."""
    learning_rate: float = 0.004
    """Learning rate of the first epoch."""
    learning_rate_decay: float = 0.007
    """Share of the learning rate that each epoch takes away."""
    preemphasis_weight: float = 0.0
    """Weight of the pre-emphasised error in the loss, beside the plain one."""
    seed: int = 0
    """Seed of the initial weights and of the order of windows."""
    jit_compile: bool = True
    """Compile the training step with XLA."""

    def __post_init__(self) -> None:
        """Checks each field."""
        check_numbers(self, "epochs", "batch_size", "window_samples", "learning_rate", "validation_seconds")
        check_numbers(self, "input_channel", "output_channel", least=1)
        check_numbers(self, "latency_margin", "preemphasis_weight", "seed", least=0)
        for name in ("input_level_dbu", "output_level_dbu"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"Expected {name} to be finite. Received: {name}={value}")
        if not 0 <= self.learning_rate_decay < 1:
            raise ValueError(
                "Expected learning_rate_decay to be at least 0 and below 1. "
                f"Received: learning_rate_decay={self.learning_rate_decay}"
            )

    @property
    def preset(self) -> str:
        """Name of the architecture for `NamWaveNet.from_preset`."""
        return self.model.removeprefix("nam_")

    @property
    def metadata(self) -> dict[str, str | float]:
        """What was said of the gear, for the .nam file."""
        given = {name: getattr(self, name) for name in _METADATA}
        return {name: value for name, value in given.items() if value not in ("", None)}

    def save(self, path: Path) -> None:
        """Writes the configuration as JSON, all but `run` and `resume`; `load` reads it.

        Args:
            path: File to write, in the run folder.
        """
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        del values["run"], values["resume"]
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "AmpConfig":
        """Reads what `save` wrote.

        Args:
            path: JSON file, in the run folder.

        Returns:
            The configuration; its `run` is the folder of the file.

        Raises:
            ValueError: If the file is not a configuration.
        """
        try:
            values = json.loads(path.read_text())
            paths = {name: Path(values[name]) for name in ("input", "output")}
            return cls(**values | paths, run=path.parent)
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"Expected {path} to be the configuration of an amplifier's run: {error}") from None

    def check_resumed(self) -> None:
        """Makes sure that a run goes on with the configuration that it began with, but for `epochs` and `jit_compile`.

        Raises:
            ValueError: If there is no run, or something else differs; it names the first field that does.
        """
        path = self.run / "config.json"
        if not path.exists():
            raise ValueError(f"Expected --run to be the folder of a run to resume. Not found: {path}")
        saved = AmpConfig.load(path)
        for field in dataclasses.fields(self):
            ours, theirs = getattr(self, field.name), getattr(saved, field.name)
            if field.name not in ("run", "resume", "epochs", "jit_compile") and ours != theirs:
                began = f"Expected {self.run} to go on with {field.name}={theirs}, as it began"
                raise ValueError(f"{began}. Received: {field.name}={ours}")
