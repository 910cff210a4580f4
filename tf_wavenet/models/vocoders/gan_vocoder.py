"""Adversarial training of vocoders by `fit`."""

import dataclasses
import functools
from typing import Any

import keras
from keras import ops

from tf_wavenet import backend
from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, fits, is_int
from tf_wavenet.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from tf_wavenet.losses.loudness_loss import LoudnessLoss
from tf_wavenet.losses.stft_loss_in_turn import STFTLossInTurn
from tf_wavenet.models.array_inputs import ArrayInputs
from tf_wavenet.models.first_batch import FirstBatch
from tf_wavenet.models.peak import Peak
from tf_wavenet.models.vocoders.vocoder import Vocoder
from tf_wavenet.signal.log_mel import log_mel_of_any


@registered
class GANVocoder(FirstBatch, ArrayInputs, keras.Model):
    """A vocoder and the discriminators that train it.

    A training step first teaches the discriminators to tell real from generated audio, then the generator to deceive
    them: the weighted sum of the least-squares loss, feature matching, the distance of log-mels (up to half of the
    sample rate, not normalised), the multi-resolution STFT loss and the distance of loudness. Where samples have weight
    0, past the end of a recording, both are made silent.

    `optimizer` is the generator's: its `iterations` count the steps, and its moving averages, if asked for, are the
    generator's. All that a step depends on, noise included, is in the weights and the optimizers, so that training
    goes on from `save_weights` as if it had never stopped: to the bit with `jit_compile=True`; otherwise threads add
    up some gradients in an order of their own. `evaluate` measures "mel_loss" and "stft_loss".

    Args:
        generator: A `Vocoder`, such as `HiFiGAN`.
        discriminators: List of layers from waveform to lists of outputs, such as `MultiPeriodDiscriminator`.
        adversarial_weight: Float >= 0, factor of the least-squares loss.
        feature_matching_weight: Float >= 0, factor of feature matching.
        mel_weight: Float >= 0, factor of the distance of log-mels; needs a generator with a `mel_spec`.
        stft_weight: Float >= 0, factor of the multi-resolution STFT loss.
        loudness_weight: Float >= 0, factor of `tf_wavenet.losses.LoudnessLoss`; needs a generator with a `mel_spec`.
        discriminator_start: Int >= 0, steps in which the generator learns alone. With `steps_per_execution`,
            discriminators start with the next execution.
        stft_resolutions: Sequence of (FFT length, hop, window length) of the STFT loss, in samples; None means those of
            `MultiResolutionSTFTLoss`.
        resolutions_per_step: Int, how many of them a training step measures, in turn: of g groups, step n takes the
            one of the resolutions n % g, n % g + g, ... of the sequence. A divisor of their number; None means all.
            `evaluate` measures all.
        seed: Non-negative int, of the noise that the generator may need.

    Input shape:
        As the generator's. `fit` takes `(inputs, waveform, sample_weight)` of `tf_wavenet.data.WindowSource` with
        features.

    Output shape:
        As the generator's.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> from tf_wavenet import HiFiGAN
    >>> from tf_wavenet.models import MultiPeriodDiscriminator
    >>> generator = HiFiGAN(upsample_rates=(8, 8), upsample_kernel_sizes=(16, 16), upsample_initial_channel=8)
    >>> model = GANVocoder(generator, [MultiPeriodDiscriminator(channels=(4, 8))], stft_weight=1.0)
    >>> model.compile("adam", "adam", jit_compile=False)
    >>> import numpy as np
    >>> windows = {"local_condition": np.zeros((2, 20, 80))}, np.zeros((2, 1280))
    >>> sorted(model.train_on_batch(*windows, return_dict=True))
    ['discriminator_loss', 'loss', 'stft_loss']

    References:
        Kong et al., HiFi-GAN (2020), section 2.4; Yamamoto et al., Parallel WaveGAN (2020), section 2.2.
    """

    def __init__(
        self,
        generator,
        discriminators,
        adversarial_weight=1.0,
        feature_matching_weight=0.0,
        mel_weight=0.0,
        stft_weight=0.0,
        discriminator_start=0,
        seed=0,
        stft_resolutions=None,
        resolutions_per_step=None,
        loudness_weight=0.0,
        **kwargs,
    ) -> None:
        if not isinstance(generator, Vocoder):
            raise ValueError(f"Expected generator to be a Vocoder. Received: generator={generator!r}")
        listed = isinstance(discriminators, (list, tuple))
        if not listed or not all(isinstance(part, keras.layers.Layer) for part in discriminators):
            raise ValueError(f"Expected discriminators to be a list of models. Received: {discriminators!r}")
        super().__init__(**{"dtype": generator.dtype_policy, **kwargs})
        self.autocast = False
        self.generator = generator
        self.discriminators = list(discriminators)
        self.adversarial_weight = check_number("adversarial_weight", adversarial_weight)
        self.feature_matching_weight = check_number("feature_matching_weight", feature_matching_weight)
        self.mel_weight = check_number("mel_weight", mel_weight)
        self.stft_weight = check_number("stft_weight", stft_weight)
        self.loudness_weight = check_number("loudness_weight", loudness_weight)
        for name in ("adversarial_weight", "feature_matching_weight", "mel_weight", "stft_weight", "loudness_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"Expected {name} to be at least 0. Received: {name}={getattr(self, name)}")
        for name, value in (("discriminator_start", discriminator_start), ("seed", seed)):
            if not is_int(value) or value < 0:
                raise ValueError(f"Expected {name} to be a non-negative int. Received: {name}={value!r}")
        self.discriminator_start = discriminator_start
        self.seed = seed
        spec, self._mel_spec = generator.mel_spec, None
        for name, value in (("mel_weight", mel_weight), ("loudness_weight", loudness_weight)):
            if value and spec is None:
                raise ValueError(f"Expected a generator with a mel_spec for {name}. Received: one without")
        if spec is not None:
            changes = {"fmax": spec.sample_rate / 2, "log_base": "e", "normalization": None}
            self._mel_spec = dataclasses.replace(spec, **changes)
        self._adversarial = bool(self.discriminators)  # whether the training step is traced with them
        self._stft_loss = STFTLossInTurn(stft_resolutions, resolutions_per_step)
        self._loudness_loss = LoudnessLoss(spec.sample_rate) if loudness_weight else None
        self.stft_resolutions = self._stft_loss.resolutions
        self.resolutions_per_step = resolutions_per_step
        names = ("loss", "discriminator_loss", "mel_loss", "stft_loss", *(["loudness_loss"] if loudness_weight else ()))
        self._means = {name: keras.metrics.Mean(name) for name in names}
        self.peak = Peak()
        for discriminator in self.discriminators:
            if not discriminator.built:
                discriminator.build((None, None))
        self.built = True

    def call(self, inputs) -> Tensor:
        """Returns the generator's waveform."""
        return self.generator(inputs)

    def compile(self, optimizer=None, discriminator_optimizer=None, **kwargs) -> None:
        """Configures training.

        Args:
            optimizer: The generator's optimizer or its Keras name; None for a model that is only evaluated.
            discriminator_optimizer: The discriminators', likewise.
            **kwargs: As in `keras.Model.compile`, such as `jit_compile`.

        Raises:
            ValueError: If there are discriminators to train and no optimizer for them.
        """
        if optimizer is not None and discriminator_optimizer is None and self.discriminators:
            raise ValueError("Expected a discriminator_optimizer beside the generator's optimizer. Received: None")
        super().compile(optimizer, **kwargs)
        self.discriminator_optimizer = None
        if optimizer is not None:
            self.optimizer.build(self.generator.trainable_variables)
        if discriminator_optimizer is not None:
            discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, scaled) and not isinstance(discriminator_optimizer, scaled):
                discriminator_optimizer = keras.optimizers.LossScaleOptimizer(discriminator_optimizer)
            discriminator_optimizer.build(self._discriminator_variables())
            self.discriminator_optimizer = discriminator_optimizer

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile_from_config` needs, both optimizers among it."""
        config = super().get_compile_config()
        if config is None or self.discriminator_optimizer is None:
            return config
        return {**config, "discriminator_optimizer": keras.optimizers.serialize(self.discriminator_optimizer)}

    def compile_from_config(self, config) -> None:
        """Compiles as the model of the configuration was."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def non_trainable_variables(self) -> list[keras.Variable]:
        """Of the model; on JAX with those of the discriminators' optimizer, which Keras gives to no step otherwise."""
        variables = super().non_trainable_variables
        if keras.backend.backend() != "jax" or getattr(self, "discriminator_optimizer", None) is None:
            return variables
        return [*variables, *self.discriminator_optimizer.variables]

    def make_train_function(self, force=False) -> None:
        """Makes the training step: without discriminators until they start, then whole."""
        if self.optimizer is None:
            raise ValueError("Expected a model compiled with an optimizer. Received: none")
        # Steps are counted here, since JAX keeps the optimizer's count to itself while `fit` runs.
        self._next_step = int(ops.convert_to_numpy(self.optimizer.iterations))
        self.watch_first_batch()
        if self.train_function is not None and not force:
            return
        functions = {}

        def train_function(*arguments):
            adversarial = bool(self.discriminators) and self._next_step >= self.discriminator_start
            self._next_step += self.steps_per_execution
            self._adversarial = adversarial  # read when the step is traced, or on PyTorch taken, by the call below
            if adversarial not in functions:
                # An object of its own: JAX takes what it traced of an equal function before for this one's.
                self.train_step = functools.partial(self.train_step)
                super(GANVocoder, self).make_train_function(force=True)
                functions[adversarial] = self.train_function
                self.train_function = train_function
            return functions[adversarial](*arguments)

        self.train_function = train_function

    def train_step(self, *arguments) -> dict[str, Tensor] | tuple[dict[str, Tensor], tuple[list[Tensor], ...]]:
        """Takes one step of the discriminators, once they have started, and one of the generator."""
        return backend.train_step(self, self._train, *arguments)

    def test_step(self, *arguments) -> dict[str, Tensor] | tuple[dict[str, Tensor], tuple[list[Tensor], ...]]:
        """Measures the generator; rows count as much as they have samples of weight 1."""
        return backend.test_step(self, self._test, *arguments)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminators": [keras.saving.serialize_keras_object(d) for d in self.discriminators],
            "adversarial_weight": self.adversarial_weight,
            "feature_matching_weight": self.feature_matching_weight,
            "mel_weight": self.mel_weight,
            "stft_weight": self.stft_weight,
            "loudness_weight": self.loudness_weight,
            "discriminator_start": self.discriminator_start,
            "seed": self.seed,
            "stft_resolutions": self.stft_resolutions and [list(lengths) for lengths in self.stft_resolutions],
            "resolutions_per_step": self.resolutions_per_step,
        }

    @classmethod
    def from_config(cls, config) -> "GANVocoder":
        """Returns the model of `get_config`."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("generator", "discriminators")}
        return cls(**{**config, **parts})

    def _train(self, data):
        step, adversarial = self.optimizer.iterations.value, self._adversarial
        inputs, real, weight = self._batch(data, step)

        def measure():
            generated, losses = self.generator(inputs) * weight, {}
            if adversarial:
                losses["discriminator_loss"] = self._train_discriminators(real, ops.stop_gradient(generated))
            if self.mel_weight:
                losses["mel_loss"] = ops.mean(self._mel_distance(real, generated))
            if self.stft_weight:
                losses["stft_loss"] = self._stft_loss(step, real, generated)
            if self.loudness_weight:
                losses["loudness_loss"] = self._loudness_loss(real, generated)
            weights = {
                "mel_loss": self.mel_weight,
                "stft_loss": self.stft_weight,
                "loudness_loss": self.loudness_weight,
            }
            loss = self._adversarial_loss(real, generated) if adversarial else 0.0
            loss += sum(factor * losses[name] for name, factor in weights.items() if name in losses)
            return loss, losses

        state = [*self.variables, *self.optimizer.variables]
        if self.discriminators:
            state += self.discriminator_optimizer.variables
        loss, losses = backend.descend(self.optimizer, measure, self.generator.trainable_variables, state)
        return self._updated({"loss": loss, "discriminator_loss": 0.0, **losses})

    def _test(self, data):
        inputs, real, weight = self._batch(data, -1)
        generated = self.generator(inputs) * weight
        losses = {"stft_loss": self._stft_loss.whole(real, generated)}
        if self._mel_spec is not None:
            losses["mel_loss"] = ops.mean(self._mel_distance(real, generated), axis=(1, 2))
        return self._updated(losses, ops.mean(weight, axis=1))

    def _batch(self, data, step):
        inputs, real, weight = keras.utils.unpack_x_y_sample_weight(data)
        features = self.check_batch(inputs, real, weight)
        real = ops.cast(real, "float32")
        self.peak.update_state([real], [features])
        weight = ops.ones_like(real) if weight is None else ops.cast(weight, "float32")
        if self.generator.needs_noise:
            features = {"local_condition": features, "noise": backend.normal(ops.shape(real), self.seed, step)}
        return features, real * weight, weight

    def check_batch(self, inputs, real, weight) -> Tensor:
        """Returns the features of a batch; raises a ValueError unless waveforms and weights are of their frames."""
        # Windows of a corpus hold the waveform beside the features.
        given = inputs if isinstance(inputs, dict) else {"local_condition": inputs}
        given = {name: value for name, value in given.items() if name != "waveform"}
        given |= {"noise": None} if self.generator.needs_noise else {}
        features, _ = self.generator.split_inputs(given)
        frames, hop = features.shape[1], self.generator.local_hop
        wanted = features.shape[0], None if frames is None else frames * hop
        for name, value in ({"waveforms y": real} | ({} if weight is None else {"sample_weight": weight})).items():
            if value is None or not fits(value.shape, wanted):
                received = "none" if value is None else f"shape {tuple(value.shape)}"
                expected = f"Expected {name} of shape [batch, frames * {hop}], {wanted}"
                raise ValueError(f"{expected}. Received: {received}")
        return features

    def _train_discriminators(self, real, generated):
        optimizer, variables = self.discriminator_optimizer, self._discriminator_variables()
        state = [*variables, *optimizer.variables]
        return backend.descend(
            optimizer, lambda: (discriminator_loss(*self._scores_of_both(real, generated)), None), variables, state
        )[0]

    def _adversarial_loss(self, real, generated):
        if not self.feature_matching_weight:
            return self.adversarial_weight * generator_loss(self._scores(generated))
        wanted, outputs = self._scores_of_both(real, generated)
        wanted = keras.tree.map_structure(ops.stop_gradient, wanted)
        matching = self.feature_matching_weight * feature_matching_loss(wanted, outputs)
        return self.adversarial_weight * generator_loss(outputs) + matching

    def _scores_of_both(self, real, generated):
        # Side by side in one batch: half as much to trace and to compile.
        outputs = self._scores(ops.concatenate([real, generated], axis=0))
        return [keras.tree.map_structure(lambda x, i=i: ops.split(x, 2)[i], outputs) for i in (0, 1)]

    def _scores(self, waveform):
        outputs = [output for discriminator in self.discriminators for output in discriminator(waveform)]
        return keras.tree.map_structure(lambda x: ops.cast(x, "float32"), outputs)

    def _discriminator_variables(self):
        return [variable for discriminator in self.discriminators for variable in discriminator.trainable_variables]

    def _mel_distance(self, real, generated):
        return ops.abs(log_mel_of_any(real, self._mel_spec) - log_mel_of_any(generated, self._mel_spec))

    def _updated(self, losses, weight=None):
        for name, value in losses.items():
            self._means[name].update_state(value, weight)
        return {name: self._means[name].result() for name in losses}
