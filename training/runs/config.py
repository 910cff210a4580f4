"""The configurations of training runs: one class a family of models."""

import dataclasses
import json
from pathlib import Path
from typing import Any, ClassVar, Literal

from training.cli.command_line import check_numbers
from training.runs.train_config import Model, TrainConfig

LONGEST_TRANSFORM = 2048  # of MultiResolutionSTFTLoss

_HIFI_GAN = {"window_samples": 8192, "batch_size": 16, "learning_rate": 2e-4, "clipnorm": 0.0, "ema": 0.0}
_HIFI_GAN |= {"discriminator_start": 0, "discriminator_channels": 128, "stft_weight": 0.0}
_PARALLEL_WAVEGAN = {"window_samples": 25600, "batch_size": 6, "learning_rate": 1e-4, "clipnorm": 10.0, "ema": 0.0}
_ISTFT_VOCODER = {"window_samples": 16000, "batch_size": 16, "learning_rate": 1e-3, "clipnorm": 1.0, "ema": 0.999}
PUBLISHED = {
    **dict.fromkeys(("hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3"), _HIFI_GAN),
    "parallel_wavegan": _PARALLEL_WAVEGAN | {"discriminator_channels": 64, "stft_weight": 1.0},
    "istft_vocoder": _ISTFT_VOCODER | {"discriminator_channels": 16, "stft_weight": 1.0},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WaveNetConfig(TrainConfig):
    """Trains a WaveNet on a folder of recordings; with --model, a vocoder."""

    models: ClassVar = ("wavenet",)
    architecture: ClassVar = ("preset", "overrides", "distribution", "linear_prediction", "speakers", "preemphasis")

    model: Model = "wavenet"
    window_samples: int = 8000
    batch_size: int = 4
    learning_rate: float = 2e-3
    clipnorm: float = 1.0
    ema: float = 0.999

    preset: Literal["tiny", "small", "paper", "babble", "speaker", "vocoder", "lpc_vocoder"] = "tiny"
    """Architecture; `babble` speaks without words, `speaker` with the voice asked for, `vocoder` and `lpc_vocoder`
    speak log-mel features."""
    dilations: tuple[int, ...] | None = None
    """Dilation of each layer, in samples, instead of the preset's."""
    residual_channels: int | None = None
    """Width of the residual path, instead of the preset's."""
    skip_channels: int | None = None
    """Width of the skip path, instead of the preset's."""
    past_noise: float | None = None
    """Noise on the past while training, in mu-law levels, instead of the preset's; 0 for none."""
    distribution: Literal["mu_law", "logistics", "gaussian"] = "mu_law"
    """What the model predicts of a sample: 256 mu-law levels, 10 logistics over 16-bit levels, or a Gaussian."""
    linear_prediction: int | None = None
    """Order of the prediction from the mels, instead of the preset's; 0 leaves the same network to predict samples
    themselves."""
    speakers: bool = False
    """Condition on the speaker, whom the corpus tells; `--preset speaker` does it always."""
    preemphasis: float | None = None
    """Coefficient of the pre-emphasis of a model of mels, 0 for none, instead of the recipe's."""
    features: Path | None = None
    """Condition on the features in this folder, as training.prepare_linguistic writes them."""

    @property
    def overrides(self) -> dict[str, Any]:
        """WaveNet's keyword arguments that differ from the preset's."""
        names = ("dilations", "residual_channels", "skip_channels", "past_noise")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class VocoderConfig(TrainConfig):
    """Trains a vocoder, alone or with discriminators, on a folder of recordings."""

    models: ClassVar = tuple(PUBLISHED)
    architecture: ClassVar = ("causal", "generator_channels", "discriminator_channels", "refinements")

    causal: bool = False
    """Let no sample depend on later features, so that the vocoder streams."""
    generator_channels: int | None = None
    """Width of a generator (of HiFi-GAN, before the first upsampling), instead of the published one."""
    discriminator_channels: int | None = None
    """Width of discriminators, a multiple of 16 (published: 128 with HiFi-GAN, 64 with Parallel WaveGAN; 16 of an iSTFT
    vocoder)."""
    refinements: int = 0
    """Times that an iSTFT vocoder brings its waveform closer to the mels."""
    discriminator_start: int | None = None
    """Steps in which a generator learns alone; if not given, 0 for HiFi-GAN, a quarter of all for Parallel WaveGAN, and
    no discriminators at all for an iSTFT vocoder."""
    stft_weight: float | None = None
    """Factor of the multi-resolution STFT loss; if not given, 0 for HiFi-GAN, whose log-mels have 45, and 1 for others,
    of which an iSTFT vocoder's log-mels have 0.5."""
    loudness_weight: float = 0.0
    """Factor of tf_wavenet.losses.LoudnessLoss, how different recordings and what is made of them sound."""

    def __post_init__(self) -> None:
        """Checks each field, and gives those that are None the published values."""
        super().__post_init__()
        if self.window_samples <= LONGEST_TRANSFORM // 2:
            expected = f"Expected window_samples above {LONGEST_TRANSFORM // 2}, which the STFT loss needs"
            raise ValueError(f"{expected}. Received: window_samples={self.window_samples}")
        if self.refinements and self.model != "istft_vocoder":
            raise ValueError(f"Expected --refinements with --model istft_vocoder only. Received: {self.model}")

    def published(self) -> dict[str, Any]:
        """Values of the fields that are None."""
        values = PUBLISHED[self.model]
        if self.model != "parallel_wavegan" or self.discriminator_start is not None:
            return values
        if self.steps is None:
            raise ValueError(f"Expected discriminator_start with --minutes and --model {self.model}.")
        return values | {"discriminator_start": self.steps // 4}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AcousticConfig(TrainConfig):
    """Trains an acoustic model, which turns phonemes into log-mels, on recordings of known texts in US English."""

    models: ClassVar = ("acoustic",)
    architecture: ClassVar = ("channels",)

    model: Model = "acoustic"
    window_samples: int = 16000
    batch_size: int = 32
    learning_rate: float = 1e-3
    clipnorm: float = 1.0
    ema: float = 0.999

    channels: int = 256
    """Width of the network."""
    features: Path | None = None
    """Folder of phones and pitch, as training.prepare_linguistic --align --hop-length 200 writes it."""

    def __post_init__(self) -> None:
        """Checks each field."""
        super().__post_init__()
        check_numbers(self, "channels")
        if self.features is None:
            raise ValueError("Expected --features, a folder of training.prepare_linguistic --align --hop-length 200")
        if self.augment:
            raise ValueError("Expected no --augment with --model acoustic")
        if self.strategy != "none":
            raise ValueError(f"Expected no --strategy with --model acoustic. Received: {self.strategy}")


FAMILIES = (WaveNetConfig, VocoderConfig, AcousticConfig)


def family(model: str | None) -> type[TrainConfig]:
    """The class of configuration of a model; a WaveNet's for names that are none, since it refuses them."""
    return next((config_class for config_class in FAMILIES if model in config_class.models), WaveNetConfig)


def fields_of_others(config_class: type[TrainConfig]) -> dict[str, type[TrainConfig]]:
    """The fields that a class lacks and another family has, with the class of that family."""
    own = {field.name for field in dataclasses.fields(config_class)}
    return {field.name: other for other in FAMILIES for field in dataclasses.fields(other) if field.name not in own}


def load_config(path: Path) -> TrainConfig:
    """Reads what `TrainConfig.save` wrote, of this version or an earlier one.

    Args:
        path: JSON file, in the run folder.

    Returns:
        The configuration, of its model's class; its `run` is the folder of the file.

    Raises:
        ValueError: If the file is not a configuration.
    """
    try:
        values = json.loads(Path(path).read_text())
        config_class = family(values.get("model", "wavenet"))
        # Earlier versions stored the fields of all families.
        values = {name: value for name, value in values.items() if name not in fields_of_others(config_class)}
        values |= {"data": Path(values["data"]), "run": Path(path).parent}
        for name, convert in (("features", Path), ("extra_data", Path), ("initial_model", Path), ("dilations", tuple)):
            if values.get(name) is not None:
                values[name] = convert(values[name])
        return config_class(**values)
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"Expected {path} to be the configuration of a training run: {error}") from None
