"""The configuration of a training run: one frozen dataclass; the command line's flags are its fields."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from tf_wavenet.files import atomic_path
from training.runs.precision import detect

# What a model is trained with where the configuration does not say.
_HIFI_GAN = {"window_samples": 8192, "batch_size": 16, "learning_rate": 2e-4, "clipnorm": 0.0, "ema": 0.0}
DEFAULTS = {
    "wavenet": {"window_samples": 8000, "batch_size": 4, "learning_rate": 2e-3, "clipnorm": 1.0, "ema": 0.999},
    **dict.fromkeys(("hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3"), _HIFI_GAN),
    "parallel_wavegan": {
        "window_samples": 25600,
        "batch_size": 6,
        "learning_rate": 1e-4,
        "clipnorm": 10.0,
        "ema": 0.0,
    },
    "istft_vocoder": {"window_samples": 16000, "batch_size": 16, "learning_rate": 1e-3, "clipnorm": 1.0, "ema": 0.999},
}
STEPS = 20000
LONGEST_TRANSFORM = 2048  # of MultiResolutionSTFTLoss
_OF_GANS = ("causal", "generator_channels", "discriminator_channels", "discriminator_start", "stft_weight")
_OF_WAVENET = (
    *("preset", "dilations", "residual_channels", "skip_channels", "distribution", "linear_prediction"),
    *("speakers", "preemphasis", "features"),
)


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Trains a WaveNet, or a vocoder with discriminators, on a folder of recordings.

    Raises:
        ValueError: For a value out of range, naming the field.
    """

    data: Path = Path("training/sample_corpus")
    """Folder of recordings: any tree of WAV, FLAC, Ogg or MP3 files, LJSpeech or VCTK."""
    run: Path = Path("runs/wavenet")
    """Folder that is made for this run: weights, checkpoints, configuration, TensorBoard logs."""
    resume: bool = False
    """Go on from the newest checkpoint in the run folder, with its configuration; other flags given change it."""

    model: Literal["wavenet", "hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3", "parallel_wavegan", "istft_vocoder"] = (
        "wavenet"
    )
    """What to train; all but a WaveNet speak log-mel features, by the recipe of their publication at `sample_rate`."""
    preset: Literal["tiny", "small", "paper", "speaker", "vocoder", "lpc_vocoder"] = "tiny"
    """Architecture of a WaveNet; `speaker` speaks with the voice asked for, `vocoder` and `lpc_vocoder` speak log-mel
    features."""
    dilations: tuple[int, ...] | None = None
    """Dilation of each layer, in samples, instead of the preset's."""
    residual_channels: int | None = None
    """Width of the residual path, instead of the preset's."""
    skip_channels: int | None = None
    """Width of the skip path, instead of the preset's."""
    distribution: Literal["mu_law", "logistics", "gaussian"] = "mu_law"
    """What the model predicts of a sample: 256 mu-law levels, 10 logistics over 16-bit levels, or a Gaussian."""
    linear_prediction: int | None = None
    """Order of the prediction from the mels, instead of the preset's; 0 leaves the same network to predict samples
    themselves."""
    speakers: bool = False
    """Condition on the speaker, whom the corpus tells; `--preset speaker` does it always."""
    mel: Literal["speech_16k", "r9y9", "kan_bayashi", "jik876"] | None = None
    """Condition on log-mel features of this recipe; the presets of vocoders take speech_16k."""
    preemphasis: float | None = None
    """Coefficient of the pre-emphasis of a model of mels, 0 for none, instead of the recipe's."""
    loudness: float | None = None
    """RMS in dB that utterances are brought to for a model of mels, instead of the recipe's."""
    features: Path | None = None
    """Condition on the features in this folder, as training.prepare_linguistic writes them."""

    causal: bool = False
    """Let no sample depend on later features, so that the vocoder streams; not for a WaveNet, which always does."""
    generator_channels: int | None = None
    """Width of a generator (of HiFi-GAN, before the first upsampling), instead of the published one."""
    discriminator_channels: int | None = None
    """Width of discriminators, a multiple of 16 (published: 128 with HiFi-GAN, 64 with Parallel WaveGAN; 16 of an iSTFT
    vocoder)."""
    discriminator_start: int | None = None
    """Steps in which a generator learns alone; if not given, 0 for HiFi-GAN, a quarter of all for Parallel WaveGAN, and
    no discriminators at all for an iSTFT vocoder."""
    stft_weight: float | None = None
    """Factor of the multi-resolution STFT loss; if not given, 0 for HiFi-GAN, whose log-mels have 45, and 1 for others,
    of which an iSTFT vocoder's log-mels have 0.5."""

    sample_rate: int = 16000
    """Rate in Hz that all recordings are brought to."""
    window_samples: int | None = None
    """Length of a training example in samples; the receptive field's context comes on top. Here and below, what is not
    given is 8000 of a WaveNet, and of other models what was published."""
    batch_size: int | None = None
    """Windows in a training step; 4 of a WaveNet if not given."""
    validation_fraction: float = 0.1
    """Share of the files that is held out."""
    augment: bool = False
    """Learn from other voices too: each file at another speed, through another equaliser, every epoch."""
    seed: int = 0
    """Seed of the initial weights, of the held-out files and of the order of windows."""

    steps: int | None = None
    """Training steps in all; 20000 if neither these nor minutes are given."""
    minutes: float | None = None
    """Time to train for in all, instead of steps; time in which the process was stopped does not count."""
    optimizer: Literal["adam", "muon"] = "adam"
    """Of a WaveNet or a generator: the published one, or tf_wavenet.Muon, which learns in fewer steps."""
    learning_rate: float | None = None
    """Learning rate after the warm-up; 0.002 of a WaveNet if not given."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate after the warm-up; cosine falls to zero at the last step or minute."""
    warmup_steps: int = 200
    """Steps over which the learning rate rises from zero."""
    clipnorm: float | None = None
    """Largest norm of the gradient of all weights together, 0 for any; 1 of a WaveNet if not given."""
    ema: float | None = None
    """Momentum of the average of weights that is evaluated and saved; 0 uses the weights themselves. 0.999 of a WaveNet
    if not given."""
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    """Keras dtype policy of the training step; weights stay float32. auto is mixed_bfloat16 where processor or GPU
    multiply in it, else float32; a run goes on in what it began with."""
    jit_compile: bool = True
    """Compile the training step with XLA."""

    validate_every: int = 1000
    """Steps between measurements of held-out audio: bits per sample, of other models the STFT loss."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    log_every: int = 50
    """Steps between training scalars in TensorBoard."""
    sample_seconds: float = 1.0
    """Audio generated for TensorBoard at each validation, in seconds; 0 for none."""

    def __post_init__(self) -> None:
        """Checks each field, and gives those that are None, or auto, the values of the model or the machine."""
        if self.precision == "auto":
            object.__setattr__(self, "precision", detect()[0])
        if self.steps is not None and self.minutes is not None:
            received = f"steps={self.steps}, minutes={self.minutes}"
            expected = "Expected steps or minutes, not both (a run that is resumed keeps what it began with)"
            raise ValueError(f"{expected}. Received: {received}")
        if self.minutes is None and self.steps is None:
            object.__setattr__(self, "steps", STEPS)
        wavenet, unset = self.model == "wavenet", {field.name: field.default for field in dataclasses.fields(self)}
        for name in _OF_GANS if wavenet else _OF_WAVENET:
            if getattr(self, name) != unset[name]:
                raise ValueError(f"Expected {name} with {'other models' if wavenet else '--model wavenet'} only.")
        defaults = dict(DEFAULTS[self.model])
        if not wavenet:
            if self.model == "parallel_wavegan":
                if self.steps is None and self.discriminator_start is None:
                    raise ValueError(f"Expected discriminator_start with --minutes and --model {self.model}.")
                alone = (self.steps or 0) // 4
                defaults |= {"discriminator_start": alone, "discriminator_channels": 64, "stft_weight": 1.0}
            elif self.model == "istft_vocoder":
                defaults |= {"discriminator_channels": 16, "stft_weight": 1.0}
            else:
                defaults |= {"discriminator_start": 0, "discriminator_channels": 128, "stft_weight": 0.0}
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name in (
            "window_samples",
            "batch_size",
            "steps",
            "minutes",
            "learning_rate",
            "validate_every",
            "checkpoint_every",
            "log_every",
        ):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ValueError(f"Expected {name} to be positive. Received: {name}={getattr(self, name)}")
        for name in ("warmup_steps", "sample_seconds", "seed", "clipnorm"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"Expected {name} to be at least 0. Received: {name}={getattr(self, name)}")
        if not wavenet and self.window_samples <= LONGEST_TRANSFORM // 2:
            expected = f"Expected window_samples above {LONGEST_TRANSFORM // 2}, which the STFT loss needs"
            raise ValueError(f"{expected}. Received: window_samples={self.window_samples}")
        if not 1000 <= self.sample_rate <= 384000:
            raise ValueError(f"Expected sample_rate to be 1000 to 384000 Hz. Received: sample_rate={self.sample_rate}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                "Expected validation_fraction to be above 0 and below 1. "
                f"Received: validation_fraction={self.validation_fraction}"
            )
        if not 0 <= self.ema < 1:
            raise ValueError(f"Expected ema to be at least 0 and below 1. Received: ema={self.ema}")

    @property
    def overrides(self) -> dict[str, Any]:
        """WaveNet's keyword arguments that differ from the preset's."""
        names = ("dilations", "residual_channels", "skip_channels")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def save(self, path: Path) -> None:
        """Writes the configuration as JSON, all but `run` and `resume`.

        Args:
            path: File to write, in the run folder.
        """
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        del values["run"], values["resume"]
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Reads what `save` wrote.

        Args:
            path: JSON file, in the run folder.

        Returns:
            The configuration; its `run` is the folder of the file.

        Raises:
            ValueError: If the file is not a configuration.
        """
        try:
            values = json.loads(Path(path).read_text())
            values |= {"data": Path(values["data"]), "run": Path(path).parent}
            if values.get("features") is not None:
                values["features"] = Path(values["features"])
            if values["dilations"] is not None:
                values["dilations"] = tuple(values["dilations"])
            return cls(**values)
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"Expected {path} to be the configuration of a training run: {error}") from None
