"""Vocoders that turn all frames into samples at once, the discriminators that train them, and the training step.

May import signal, streaming, losses, layers, and models' shared modules.
"""

from tf_wavenet.models.vocoders.gan_vocoder import GANVocoder
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN
from tf_wavenet.models.vocoders.istft_vocoder import ISTFTVocoder
from tf_wavenet.models.vocoders.multi_period_discriminator import MultiPeriodDiscriminator
from tf_wavenet.models.vocoders.multi_scale_discriminator import MultiScaleDiscriminator
from tf_wavenet.models.vocoders.parallel_wavegan import ParallelWaveGAN
from tf_wavenet.models.vocoders.parallel_wavegan_discriminator import ParallelWaveGANDiscriminator
from tf_wavenet.models.vocoders.vocoder import Vocoder

__all__ = [
    "GANVocoder",
    "HiFiGAN",
    "ISTFTVocoder",
    "MultiPeriodDiscriminator",
    "MultiScaleDiscriminator",
    "ParallelWaveGAN",
    "ParallelWaveGANDiscriminator",
    "Vocoder",
]
