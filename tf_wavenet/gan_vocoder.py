"""Adversarial training of vocoders by `fit`."""

import dataclasses

import keras
import tensorflow as tf

from tf_wavenet._validation import check_number, is_int
from tf_wavenet.adversarial_losses import discriminator_loss, feature_matching_loss, generator_loss
from tf_wavenet.data import log_mel
from tf_wavenet.models.vocoder import Vocoder
from tf_wavenet.stft_loss_in_turn import STFTLossInTurn


@keras.saving.register_keras_serializable(package="tf_wavenet")
class GANVocoder(keras.Model):
    """A vocoder and the discriminators that train it.

    A training step first teaches the discriminators to tell real from generated audio, then the generator to deceive
    them: the weighted sum of the least-squares loss, feature matching, the distance of log-mels (up to half of the
    sample rate, not normalised) and the multi-resolution STFT loss. Where samples have weight 0, past the end of a
    recording, both are made silent.

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
        discriminator_start: Int >= 0, steps in which the generator learns alone.
        stft_resolutions: Sequence of (FFT length, hop, window length) of the STFT loss, in samples; None means those of
            `MultiResolutionSTFTLoss`.
        resolutions_per_step: Int, how many of them a training step measures, in turn: of g groups, step n takes the
            one of the resolutions n % g, n % g + g, ... of the sequence. A divisor of their number; None means all.
            `evaluate` measures all.
        seed: Non-negative int, of the noise that the generator may need.

    Input shape:
        As the generator's. `fit` takes `(inputs, waveform, sample_weight)` of `tf_wavenet.data.window_dataset` with
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
    >>> model.compile("adam", "adam")
    >>> sorted(model.train_on_batch({"local_condition": tf.zeros((2, 20, 80))}, tf.zeros((2, 1280)), return_dict=True))
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
        **kwargs,
    ):
        super().__init__(**{"dtype": generator.dtype_policy, **kwargs})
        self.autocast = False
        self.generator = generator
        self.discriminators = list(discriminators)
        self.adversarial_weight = check_number("adversarial_weight", adversarial_weight)
        self.feature_matching_weight = check_number("feature_matching_weight", feature_matching_weight)
        self.mel_weight = check_number("mel_weight", mel_weight)
        self.stft_weight = check_number("stft_weight", stft_weight)
        if not isinstance(generator, Vocoder):
            raise ValueError(f"Expected generator to be a Vocoder. Received: generator={generator!r}")
        for name in ("adversarial_weight", "feature_matching_weight", "mel_weight", "stft_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"Expected {name} to be at least 0. Received: {name}={getattr(self, name)}")
        for name, value in (("discriminator_start", discriminator_start), ("seed", seed)):
            if not is_int(value) or value < 0:
                raise ValueError(f"Expected {name} to be a non-negative int. Received: {name}={value!r}")
        self.discriminator_start = discriminator_start
        self.seed = seed
        spec, self._mel_spec = generator.mel_spec, None
        if mel_weight and spec is None:
            raise ValueError("Expected a generator with a mel_spec for mel_weight. Received: one without")
        if spec is not None:
            changes = {"fmax": spec.sample_rate / 2, "log_base": "e", "normalization": None}
            self._mel_spec = dataclasses.replace(spec, **changes)
        self._alone = False  # whether the training step is traced without discriminators
        self._stft_loss = STFTLossInTurn(stft_resolutions, resolutions_per_step)
        self.stft_resolutions = self._stft_loss.resolutions
        self.resolutions_per_step = resolutions_per_step
        names = ("loss", "discriminator_loss", "mel_loss", "stft_loss")
        self._means = {name: keras.metrics.Mean(name) for name in names}
        for discriminator in self.discriminators:
            if not discriminator.built:
                discriminator.build((None, None))
        self.built = True

    def call(self, inputs):
        """Returns the generator's waveform."""
        return self.generator(inputs)

    def compile(self, optimizer=None, discriminator_optimizer=None, **kwargs):
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

    def get_compile_config(self):
        """Returns what `compile_from_config` needs, both optimizers among it."""
        config = super().get_compile_config()
        if config is None or self.discriminator_optimizer is None:
            return config
        return {**config, "discriminator_optimizer": keras.optimizers.serialize(self.discriminator_optimizer)}

    def compile_from_config(self, config):
        """Compiles as the model of the configuration was."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def make_train_function(self, force=False):
        """Makes the training step twice: without discriminators, for the steps before they start, and whole."""
        if self.train_function is not None and not force:
            return
        if not self.discriminators or not self.discriminator_start:
            super().make_train_function(force)
            return
        functions = []
        for _ in range(2):
            super().make_train_function(force=True)
            functions.append(self.train_function)

        def train_function(iterator):
            # Only the whole step tells by itself when they start, so it is taken as soon as they might.
            last = int(self.optimizer.iterations) + self.steps_per_execution - 1
            self._alone = last < self.discriminator_start
            try:
                return functions[0 if self._alone else 1](iterator)
            finally:
                self._alone = False

        self.train_function = train_function

    def train_step(self, data):
        """Takes one step of the discriminators, once they have started, and one of the generator."""
        step = tf.cast(self.optimizer.iterations, tf.int64)
        inputs, real, weight = self._batch(data, step)
        variables = self.generator.trainable_variables
        with tf.GradientTape() as tape:
            generated = self._generate(inputs, weight)
            with tape.stop_recording():
                loss_of_discriminators = self._once_started(step, lambda: self._train_discriminators(real, generated))
            losses = {}
            if self.mel_weight:
                losses["mel_loss"] = tf.reduce_mean(self._mel_distance(real, generated))
            if self.stft_weight:
                losses["stft_loss"] = self._stft_loss(step, real, generated)
            weights = {"mel_loss": self.mel_weight, "stft_loss": self.stft_weight}
            loss = self._once_started(step, lambda: self._adversarial_loss(real, generated))
            loss += sum(weights[name] * value for name, value in losses.items())
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return self._updated({"loss": loss, "discriminator_loss": loss_of_discriminators, **losses})

    def test_step(self, data):
        """Measures the generator; rows count as much as they have samples of weight 1."""
        inputs, real, weight = self._batch(data, tf.constant(-1, tf.int64))
        generated = self._generate(inputs, weight)
        losses = {"stft_loss": self._stft_loss.whole(real, generated)}
        if self._mel_spec is not None:
            losses["mel_loss"] = tf.reduce_mean(self._mel_distance(real, generated), axis=(1, 2))
        return self._updated(losses, tf.reduce_mean(weight, axis=1))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminators": [keras.saving.serialize_keras_object(d) for d in self.discriminators],
            "adversarial_weight": self.adversarial_weight,
            "feature_matching_weight": self.feature_matching_weight,
            "mel_weight": self.mel_weight,
            "stft_weight": self.stft_weight,
            "discriminator_start": self.discriminator_start,
            "seed": self.seed,
            "stft_resolutions": self.stft_resolutions and [list(lengths) for lengths in self.stft_resolutions],
            "resolutions_per_step": self.resolutions_per_step,
        }

    @classmethod
    def from_config(cls, config):
        """Returns the model of `get_config`."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("generator", "discriminators")}
        return cls(**{**config, **parts})

    def _batch(self, data, step):
        inputs, real, weight = keras.utils.unpack_x_y_sample_weight(data)
        features = inputs["local_condition"]
        weight = tf.ones_like(real) if weight is None else tf.cast(weight, tf.float32)
        if self.generator.needs_noise:
            noise = tf.random.stateless_normal(tf.shape(real), tf.stack([tf.constant(self.seed, tf.int64), step]))
            return {"local_condition": features, "noise": noise}, real * weight, weight
        return features, real * weight, weight

    def _generate(self, inputs, weight):
        return self.generator(inputs) * weight

    def _once_started(self, step, loss):
        if not self.discriminators or self._alone:
            return tf.constant(0.0)
        if not self.discriminator_start:
            return loss()
        return tf.cond(step >= self.discriminator_start, loss, lambda: tf.constant(0.0))

    def _train_discriminators(self, real, generated):
        variables = self._discriminator_variables()
        with tf.GradientTape() as tape:
            loss = discriminator_loss(*self._scores_of_both(real, generated))
            scaled = self.discriminator_optimizer.scale_loss(loss)
        self.discriminator_optimizer.apply(tape.gradient(scaled, variables), variables)
        return loss

    def _adversarial_loss(self, real, generated):
        if not self.feature_matching_weight:
            return self.adversarial_weight * generator_loss(self._scores(generated))
        wanted, outputs = self._scores_of_both(real, generated)
        wanted = keras.tree.map_structure(tf.stop_gradient, wanted)
        matching = self.feature_matching_weight * feature_matching_loss(wanted, outputs)
        return self.adversarial_weight * generator_loss(outputs) + matching

    def _scores_of_both(self, real, generated):
        # Side by side in one batch: half as much to trace and to compile.
        outputs = self._scores(tf.concat([real, generated], axis=0))
        return [keras.tree.map_structure(lambda x, i=i: tf.split(x, 2)[i], outputs) for i in (0, 1)]

    def _scores(self, waveform):
        outputs = [output for discriminator in self.discriminators for output in discriminator(waveform)]
        return keras.tree.map_structure(lambda x: tf.cast(x, tf.float32), outputs)

    def _discriminator_variables(self):
        return [variable for discriminator in self.discriminators for variable in discriminator.trainable_variables]

    def _mel_distance(self, real, generated):
        return tf.abs(log_mel(real, self._mel_spec) - log_mel(generated, self._mel_spec))

    def _updated(self, losses, weight=None):
        for name, value in losses.items():
            self._means[name].update_state(value, weight)
        return {name: self._means[name].result() for name in losses}
