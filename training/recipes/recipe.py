"""What training asks of a family of models."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from tf_wavenet import ConvMuon, Vocoder, WaveNet
from tf_wavenet.data import Manifest, VoiceAugmentation, WindowSource
from training.runs.conditions import check_files, conditions_of_file, window_arguments
from training.runs.distribution import Distribution
from training.runs.gradient_norm import log_gradient_norms
from training.runs.train_config import TrainConfig

READING_THREADS, READ_AHEAD = 2, 4  # of Grain; batches read ahead
ENDLESS = 1 << 60
GRAIN_KERAS = (3, 13)  # the first Keras whose `fit` takes datasets of Grain


class Data(NamedTuple):
    """What a model learns from.

    Attributes:
        training: Batches without end.
        held_out: Batches that are held out.
        heard: What the model is to say while it learns.
        files: Function of the number of a training batch, from 0 on, to the paths of the recordings in it.
    """

    training: Any
    held_out: Any
    heard: dict[str, Any]
    files: Callable[[int], Sequence[Path]]


@dataclasses.dataclass(frozen=True)
class Recipe(abc.ABC):
    """How the models of a family are made, measured, heard and described.

    Attributes:
        config: The configuration of a run.
        metric: Name of the held-out figure that decides which model is best; the lower the better.
        unit: What the figure is called.
        shown: Name of the training metric in the progress bar.
        held_out_batch: Fewest windows in a batch of held-out audio.
        window_options: Keyword arguments of `window_dataset` for training.
    """

    config: TrainConfig
    metric: ClassVar[str]
    unit: ClassVar[str]
    shown: ClassVar[str]
    held_out_batch: ClassVar[int] = 1
    window_options: ClassVar[dict[str, Any]] = {}

    def build(self, corpus: Manifest | None = None) -> keras.Model:
        """Makes the model, compiled, with its optimizer's variables in place.

        Args:
            corpus: Needed if the model shall know its speakers.

        Returns:
            The model, whose weights depend on the configuration's seed.
        """
        keras.utils.set_random_seed(self.config.seed)
        model = self.make_model(corpus)
        xla = self.config.jit_compile and keras.backend.backend() != "torch"  # which has none
        model.compile(*self.make_optimizers(), jit_compile=xla)
        log_gradient_norms(model)
        return model

    @abc.abstractmethod
    def make_model(self, corpus: Manifest | None) -> keras.Model:
        """Makes the model that is trained, not compiled."""

    def make_optimizers(self) -> tuple[keras.optimizers.Optimizer | None, ...]:
        """Makes the optimizers that `compile` takes."""
        return (self.make_optimizer(keras.optimizers.Adam),)

    def make_optimizer(self, adam: type[keras.optimizers.Optimizer], **options) -> keras.optimizers.Optimizer:
        """Makes the optimizer of the network: of the class given, or ConvMuon if that is asked for."""
        config = self.config
        make = ConvMuon if config.optimizer == "muon" else adam
        options |= {"global_clipnorm": config.clipnorm or None}
        options |= {"use_ema": config.ema > 0, "ema_momentum": config.ema or 0.99}
        return make(self.schedule(config.learning_rate, config.steps), **options)

    def schedule(
        self, learning_rate: float, steps: int | None
    ) -> keras.optimizers.schedules.LearningRateSchedule | float:
        """The course of a learning rate over so many steps; the rate alone for None, where `Budget` sets it."""
        if steps is None:
            return learning_rate
        warmup_steps = min(self.config.warmup_steps, steps - 1)
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup_steps else learning_rate,
            decay_steps=steps - warmup_steps,
            alpha=1.0 if self.config.schedule == "constant" else 0.0,
            warmup_target=learning_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )

    def optimizers(self, model: keras.Model) -> list[tuple[keras.optimizers.Optimizer, int]]:
        """The optimizers of a compiled model, each with the step of the run that is its first."""
        return [(model.optimizer, 0)]

    def data(
        self,
        network: WaveNet | Vocoder,
        training: Manifest,
        held_out: Manifest,
        start: int,
        distribution: Distribution = Distribution(),  # noqa: B008 (it is frozen)
    ) -> Data:
        """Finds the batches of windows that a network learns from, and all that may be wrong with the recordings.

        Args:
            network: The network.
            training: The recordings to learn from.
            held_out: The others.
            start: Steps of the run so far.
            distribution: How batches are shared out.

        Returns:
            The data.

        Raises:
            ValueError: For recordings or features that cannot be used.
        """
        config = self.config
        conditions = window_arguments(network, config.features)
        for files in (training, held_out):
            check_files(conditions, files)

        def windows(files, batch_size, make=make_windows, **order):
            return make(files, config.window_samples, network.context_samples, batch_size, **conditions, **order)

        augment = VoiceAugmentation(config.sample_rate) if config.augment else None
        order = {"shuffle": True, "seed": config.seed, "repeat": True, "start_step": start, "augment": augment}
        order |= self.window_options
        return Data(
            distribution.batches(functools.partial(windows, training, config.batch_size, **order)),
            windows(held_out, distribution.divisible(max(config.batch_size, self.held_out_batch))),
            conditions_of_file(network, held_out, config.features),
            lambda step: windows(training, config.batch_size, WindowSource, **order).files(step),
        )

    def network(self, model: keras.Model) -> WaveNet | Vocoder:
        """The part of a model that speaks and is saved."""
        return model

    def make_twin(self, model: keras.Model) -> keras.Model:
        """Makes a model like a compiled one, in float32, to be evaluated: `metric` is among its figures."""
        twin = type(model).from_config(model.get_config() | {"dtype": "float32"})
        twin.compile(jit_compile=model.jit_compile)
        return twin

    @abc.abstractmethod
    def speak(self, network: WaveNet | Vocoder, num_samples: int, conditions: dict[str, Any]) -> np.ndarray:
        """Generates at most so many samples of what conditions (of `conditions_of_file`) describe, `[time]`."""

    @abc.abstractmethod
    def describe(self, network: WaveNet | Vocoder) -> str:
        """One line about a network."""


def make_windows(*arguments, **options) -> Any:
    """Makes what `fit` takes, read ahead: of TensorFlow a tf.data pipeline; of other backends one of Grain.

    A dataset that ends is the `WindowSource` itself on those: to Keras, the end of Grain's is a surprise. So are all
    where Grain is not installed, or Keras is older than 3.13.

    Args:
        *arguments: Of `WindowSource`.
        **options: Likewise.
    """
    if keras.backend.backend() == "tensorflow":
        from tf_wavenet.data import window_dataset

        return window_dataset(*arguments, **options)
    source = WindowSource(*arguments, **options)
    if not source.repeat or tuple(map(int, keras.__version__.split(".")[:2])) < GRAIN_KERAS:
        return source
    try:
        import grain
    except ImportError:
        return source
    steps = grain.MapDataset.range(source.start_step, ENDLESS)
    reading = grain.ReadOptions(num_threads=READING_THREADS, prefetch_buffer_size=READ_AHEAD)
    return steps.map(source.batch).to_iter_dataset(reading)
