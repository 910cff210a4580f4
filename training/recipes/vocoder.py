"""How a vocoder is trained."""

import dataclasses
from typing import Any

import keras
import numpy as np

from tf_wavenet import GANVocoder, HiFiGAN, ISTFTVocoder, MelSpec, ParallelWaveGAN, Vocoder
from tf_wavenet.data import Manifest
from tf_wavenet.models import MultiPeriodDiscriminator, MultiScaleDiscriminator, ParallelWaveGANDiscriminator
from training.recipes.recipe import Recipe
from training.runs.config import VocoderConfig

# Of the optimizers; learning rate and clipping of the generator's are flags.
_HIFI_GAN = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.01}
_ADAM = {"parallel_wavegan": {"epsilon": 1e-6}, "istft_vocoder": _HIFI_GAN | {"beta_2": 0.95}}  # of all others, that
# Of the STFT loss of an ISTFTVocoder, a long one and a short one for each step: half of a step's time were the losses.
_RESOLUTIONS = ((512, 50, 240), (1024, 120, 600), (2048, 240, 1200), (256, 32, 128))
_MELS = {"parallel_wavegan": "kan_bayashi", "istft_vocoder": "speech_16k"}  # of all others, jik876


def make_mel_spec(config: VocoderConfig) -> MelSpec:
    """The mels of a configuration: those asked for, or of the model's publication at the rate of the recordings.

    They are standardised, whichever they are.

    Args:
        config: The configuration.

    Returns:
        The recipe.

    Raises:
        ValueError: If the recipe asked for has another rate.
    """
    spec = MelSpec.from_preset(config.mel or _MELS.get(config.model, "jik876"))
    if config.mel is None and config.model == "istft_vocoder":
        share = spec.fmax / spec.sample_rate  # it makes the whole band, so its mels tell of the whole band
        spec = dataclasses.replace(spec.at_rate(config.sample_rate), fmax=share * config.sample_rate)
    elif config.mel is None:
        spec = spec.at_rate(config.sample_rate, spec.hop_length)  # the generator's upsampling fixes the hop
    if spec.sample_rate != config.sample_rate:
        raise ValueError(f"Expected --sample-rate {spec.sample_rate}, the mels'. Received: {config.sample_rate}")
    # HiFi-GAN was published with log-mels as they are; standardised, it learns in a third of the steps.
    return dataclasses.replace(spec, loudness=config.loudness).standardized()


def make_gan(config: VocoderConfig) -> GANVocoder:
    """Makes generator and discriminators of a configuration, not compiled.

    Args:
        config: The configuration.

    Returns:
        The model.
    """
    width, n, policy = config.generator_channels, config.discriminator_channels, {"dtype": config.precision}
    options = {"mel_spec": make_mel_spec(config), "causal": config.causal, **policy}
    if config.model == "parallel_wavegan":
        if width is not None:
            options |= {"residual_channels": width, "gate_channels": 2 * width, "skip_channels": width}
        generator = ParallelWaveGAN.from_preset(config.model, **options)
        discriminators = [ParallelWaveGANDiscriminator(channels=n, **policy)]
        weights = {"adversarial_weight": 4.0}
    else:
        discriminators = [] if config.discriminator_start is None else _period_and_scale_discriminators(n, policy)
        if config.model == "istft_vocoder":
            if width is not None:
                options["channels"] = width
            if config.refinements:
                options["refinements"] = config.refinements
            generator = ISTFTVocoder.from_preset(config.model, **options)
            weights = {"adversarial_weight": 0.03, "feature_matching_weight": 0.05, "mel_weight": 0.5}
            weights |= {"stft_resolutions": _RESOLUTIONS, "resolutions_per_step": 2}
        else:
            if width is not None:
                options["upsample_initial_channel"] = width
            generator = HiFiGAN.from_preset(config.model, **options)
            weights = {"feature_matching_weight": 2.0, "mel_weight": 45.0}
    weights |= {"stft_weight": config.stft_weight, "loudness_weight": config.loudness_weight}
    weights |= {"discriminator_start": config.discriminator_start or 0}
    return GANVocoder(generator, discriminators, seed=config.seed, **weights)


def _period_and_scale_discriminators(n: int, policy: dict[str, str]) -> list[keras.layers.Layer]:
    return [
        MultiPeriodDiscriminator(channels=(n // 4, n, 4 * n, 8 * n, 8 * n), **policy),
        MultiScaleDiscriminator(channels=n, **policy),
    ]


class VocoderRecipe(Recipe):
    """Of a `VocoderConfig`: the multi-resolution STFT loss of the generator decides which is best."""

    metric = "stft_loss"
    unit = "STFT loss"
    shown = "loss"
    held_out_batch = 16  # batches share the norms of the STFT loss, so small ones would measure pauses
    # Published HiFi-GAN cuts windows, and with them frames, anywhere. Features anew in every epoch keep a GPU waiting.
    window_options = {"move_frames": keras.backend.backend() == "tensorflow"}

    def make_model(self, corpus: Manifest | None) -> GANVocoder:
        """Makes generator and discriminators."""
        return make_gan(self.config)

    def make_optimizers(self) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer | None]:
        """Makes the optimizers of generator and discriminators; the second is None where there are none."""
        config = self.config
        steps, start, rate = config.steps, config.discriminator_start, config.learning_rate
        adam, options, clipnorm = keras.optimizers.AdamW, _ADAM.get(config.model, _HIFI_GAN), config.clipnorm or None
        if config.model == "parallel_wavegan":
            # Published with rectified Adam, whose first steps are small: here the warm-up's are.
            adam, clipnorm, rate = keras.optimizers.Adam, 1.0, rate / 2
        generators = self.make_optimizer(adam, **options)
        if start is None:
            return generators, None
        later = self.schedule(rate, None if steps is None else max(steps - start, 1))
        return generators, adam(later, **options, global_clipnorm=clipnorm)

    def optimizers(self, model: GANVocoder) -> list[tuple[keras.optimizers.Optimizer, int]]:
        """That of the discriminators begins after `discriminator_start` steps."""
        found = super().optimizers(model)
        if model.discriminator_optimizer is not None:
            found.append((model.discriminator_optimizer, self.config.discriminator_start))
        return found

    def network(self, model: GANVocoder) -> Vocoder:
        """The generator alone."""
        return model.generator

    def make_twin(self, model: GANVocoder) -> GANVocoder:
        """Makes a twin of the generator, without discriminators."""
        generator = model.generator
        twin = GANVocoder(type(generator).from_config(generator.get_config() | {"dtype": "float32"}), [])
        twin.compile(jit_compile=model.jit_compile)
        return twin

    def speak(self, network: Vocoder, num_samples: int, conditions: dict[str, Any]) -> np.ndarray:
        """Speaks whole frames, the first ones."""
        return network.generate(conditions["local_condition"][: -(-num_samples // network.local_hop)])[0]

    def describe(self, network: Vocoder) -> str:
        """Names model and weights."""
        return f"{self.config.model}: {network.count_params():,} weights in the generator"
