"""GAN vocoders: what training needs besides what a WaveNet needs."""

import dataclasses

import keras
import numpy as np

from tf_wavenet import GANVocoder, HiFiGAN, ISTFTVocoder, MelSpec, Muon, ParallelWaveGAN, Vocoder
from tf_wavenet.models import MultiPeriodDiscriminator, MultiScaleDiscriminator, ParallelWaveGANDiscriminator
from training.runs.callbacks import HeldOut
from training.runs.config import TrainConfig

# Of the optimizers; learning rate and clipping of the generator's are flags.
_HIFI_GAN = {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.01}
_PARALLEL_WAVEGAN = {"epsilon": 1e-6}
_ISTFT_VOCODER = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-8, "weight_decay": 0.01}
# Of the STFT loss of an ISTFTVocoder, a long one and a short one for each step: half of a step's time were the losses.
_RESOLUTIONS = ((512, 50, 240), (1024, 120, 600), (2048, 240, 1200), (256, 32, 128))
_MELS = {"parallel_wavegan": "kan_bayashi", "istft_vocoder": "speech_16k"}  # of all others, jik876


def make_mel_spec(config: TrainConfig) -> MelSpec:
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


def make_gan(config: TrainConfig) -> GANVocoder:
    """Makes generator and discriminators of a configuration, not compiled.

    Args:
        config: The configuration.

    Returns:
        The model.
    """
    options = {"mel_spec": make_mel_spec(config), "causal": config.causal, "dtype": config.precision}
    width, n = config.generator_channels, config.discriminator_channels
    policy = {"dtype": config.precision}
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
            generator = ISTFTVocoder.from_preset(config.model, **options)
            weights = {"adversarial_weight": 0.03, "feature_matching_weight": 0.05, "mel_weight": 0.5}
            weights |= {"stft_resolutions": _RESOLUTIONS, "resolutions_per_step": 2}
        else:
            if width is not None:
                options["upsample_initial_channel"] = width
            generator = HiFiGAN.from_preset(config.model, **options)
            weights = {"feature_matching_weight": 2.0, "mel_weight": 45.0}
    weights |= {"stft_weight": config.stft_weight, "discriminator_start": config.discriminator_start or 0}
    return GANVocoder(generator, discriminators, seed=config.seed, **weights)


def _period_and_scale_discriminators(n: int, policy: dict[str, str]) -> list[keras.layers.Layer]:
    return [
        MultiPeriodDiscriminator(channels=(n // 4, n, 4 * n, 8 * n, 8 * n), **policy),
        MultiScaleDiscriminator(channels=n, **policy),
    ]


def make_optimizers(
    config: TrainConfig, schedule
) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer | None]:
    """Makes the optimizers of generator and discriminators.

    Args:
        config: The configuration.
        schedule: Function from a learning rate and a number of steps, or None, to its course over them.

    Returns:
        Both optimizers; the second is None where there are no discriminators.
    """
    average = {"use_ema": config.ema > 0, "ema_momentum": config.ema or 0.99}
    clip = {"global_clipnorm": config.clipnorm or None}
    rate, steps, start = config.learning_rate, config.steps, config.discriminator_start
    if config.model == "parallel_wavegan":
        # Published with rectified Adam, whose first steps are small: here the warm-up's are.
        adam, options, of_discriminators = keras.optimizers.Adam, _PARALLEL_WAVEGAN, {"global_clipnorm": 1.0}
        rate_of_discriminators = rate / 2
    else:
        adam, of_discriminators = keras.optimizers.AdamW, clip
        options = _ISTFT_VOCODER if config.model == "istft_vocoder" else _HIFI_GAN
        rate_of_discriminators = rate
    make = Muon if config.optimizer == "muon" else adam
    generators = make(schedule(rate, steps), **options, **clip, **average)
    if start is None:
        return generators, None
    later = schedule(rate_of_discriminators, None if steps is None else max(steps - start, 1))
    return generators, adam(later, **options, **of_discriminators)


class HeldOutVocoder(HeldOut):
    """`HeldOut` of a `GANVocoder`: the multi-resolution STFT loss of its generator decides which is best."""

    metric = "stft_loss"

    def make_twin(self) -> GANVocoder:
        """Makes a twin of the generator, without discriminators."""
        generator = self.model.generator
        twin = GANVocoder(type(generator).from_config(generator.get_config() | {"dtype": "float32"}), [])
        twin.compile(jit_compile=self.model.jit_compile)
        return twin

    def model_to_save(self) -> Vocoder:
        """The generator alone."""
        return self.twin.generator

    def speak(self, num_samples: int) -> np.ndarray:
        """Speaks the first frames that are held out."""
        frames = self.conditions["local_condition"]
        return self.twin.generator.generate(frames[: -(-num_samples // self.twin.generator.local_hop)])[0]
