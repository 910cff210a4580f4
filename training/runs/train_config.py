"""The configuration of a training run, as far as all models share it; the command line's flags are its fields."""

import dataclasses
import json
from pathlib import Path
from typing import Any, ClassVar, Literal

from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers
from training.runs.distribution import Strategy
from training.runs.precision import detect

STEPS = 20000
Model = Literal["wavenet", "hifi_gan_v1", "hifi_gan_v2", "hifi_gan_v3", "parallel_wavegan", "istft_vocoder", "acoustic"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What a training of every family of models has; the families' own classes are in `training.runs.config`.

    Raises:
        ValueError: For a value out of range, naming the field.
    """

    models: ClassVar[tuple[str, ...]]
    """Values of `model` that belong to the family."""
    architecture: ClassVar[tuple[str, ...]]
    """Fields that a run keeps when it is resumed, beside `model`, `optimizer`, `mel` and `loudness`."""
    features: ClassVar[Path | None] = None
    """Folder of stored features, for a family that takes them."""

    data: Path = Path("training/sample_corpus")
    """Recordings: any tree of WAV, FLAC, Ogg or MP3 files, LJSpeech or VCTK; shards of training.prepare; tfds:NAME or
    tfds:FOLDER for a dataset of TensorFlow Datasets."""
    extra_data: Path | None = None
    """Folder of more recordings to learn from, none of which is held out: more data, and the same held-out files."""
    run: Path = Path("runs/wavenet")
    """Folder that is made for this run: weights, checkpoints, configuration, TensorBoard logs."""
    resume: bool = False
    """Go on from the newest checkpoint in the run folder, with its configuration; other flags given change it."""

    initial_model: Path | None = None
    """Trained model, a .keras file or a run folder, whose weights a new run begins with: to go on, or to learn another
    voice."""
    model: Model
    """What to train; all but a WaveNet speak log-mel features. `--model NAME --help` shows the flags of a model."""
    mel: Literal["speech_16k", "r9y9", "kan_bayashi", "jik876"] | None = None
    """Recipe of the log-mel features to speak; if not given, that of the preset, or of a vocoder's publication at
    `sample_rate`."""
    loudness: float | None = None
    """RMS in dB that utterances are brought to for a model of mels, instead of the recipe's."""

    sample_rate: int = 16000
    """Rate in Hz that all recordings are brought to."""
    window_samples: int | None = None
    """Length of a training example in samples; the receptive field's context comes on top. Here and below, what is not
    given is what the model was published with."""
    batch_size: int | None = None
    """Windows in a training step."""
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
    """Of a WaveNet or a generator: the published one, or tf_wavenet.ConvMuon, which learns in fewer steps."""
    learning_rate: float | None = None
    """Learning rate after the warm-up."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate after the warm-up; cosine falls to zero at the last step or minute."""
    warmup_steps: int = 200
    """Steps over which the learning rate rises from zero."""
    clipnorm: float | None = None
    """Largest norm of the gradient of all weights together, 0 for any."""
    ema: float | None = None
    """Momentum of the average of weights that is evaluated and saved; 0 uses the weights themselves."""
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    """Keras dtype policy of the training step; weights stay float32. auto is mixed_bfloat16 where processor or GPU
    multiply in it, else float32; a run goes on in what it began with."""
    jit_compile: Literal[True, False, "auto"] = True
    """Compile the training step with XLA. auto times a few steps of a new run with XLA and without, which takes as long
    as compiling, and keeps to the faster. --no-jit-compile is False."""
    strategy: Strategy = "none"
    """Share each batch out: mirrored to the GPUs of this machine; multi_worker to the processes that TF_CONFIG or the
    Slurm job names, which are started with the same flags."""

    validate_every: int = 1000
    """Steps between measurements of held-out audio: bits per sample, of other models the STFT loss."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    checkpoint_minutes: float = 5.0
    """Time after which there is a checkpoint besides: the most that a killed run loses."""
    log_every: int = 50
    """Steps between training scalars in TensorBoard."""
    sample_seconds: float = 1.0
    """Audio generated for TensorBoard at each validation, in seconds; 0 for none."""

    def __post_init__(self) -> None:
        """Checks each field, and gives those that are None, or auto, the values of the model or the machine."""
        if self.model not in self.models:
            raise ValueError(f"Expected model to be one of {', '.join(self.models)}. Received: model={self.model}")
        if self.precision == "auto":
            object.__setattr__(self, "precision", detect()[0])
        if self.steps is not None and self.minutes is not None:
            received = f"steps={self.steps}, minutes={self.minutes}"
            expected = "Expected steps or minutes, not both (a run that is resumed keeps what it began with)"
            raise ValueError(f"{expected}. Received: {received}")
        if self.minutes is None and self.steps is None:
            object.__setattr__(self, "steps", STEPS)
        for name, value in self.published().items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        positive = ("window_samples", "batch_size", "steps", "minutes", "learning_rate")
        check_numbers(self, *positive, "validate_every", "checkpoint_every", "checkpoint_minutes", "log_every")
        check_numbers(self, "warmup_steps", "sample_seconds", "seed", "clipnorm", least=0)
        if not 1000 <= self.sample_rate <= 384000:
            raise ValueError(f"Expected sample_rate to be 1000 to 384000 Hz. Received: sample_rate={self.sample_rate}")
        if not 0 < self.validation_fraction < 1:
            expected = "Expected validation_fraction to be above 0 and below 1"
            raise ValueError(f"{expected}. Received: validation_fraction={self.validation_fraction}")
        if self.jit_compile == "auto" and self.strategy != "none":
            raise ValueError(f"Expected jit_compile True or False with strategy={self.strategy}. Received: auto")
        if self.strategy == "multi_worker" and self.minutes is not None:
            raise ValueError(
                "Expected steps with strategy=multi_worker: workers must agree on the last. Received: minutes"
            )
        if not 0 <= self.ema < 1:
            raise ValueError(f"Expected ema to be at least 0 and below 1. Received: ema={self.ema}")

    def published(self) -> dict[str, Any]:
        """Values of the fields that are None because the configuration leaves them to the model."""
        return {}

    def save(self, path: Path) -> None:
        """Writes the configuration as JSON, all but `run` and `resume`; `training.runs.config.load_config` reads it.

        Args:
            path: File to write, in the run folder.
        """
        values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}
        del values["run"], values["resume"], values["strategy"]
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n")
