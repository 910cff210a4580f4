"""Complete models, and the discriminators that train some of them.

May import backend, signal, streaming, distributions, losses, metrics, layers and decoding.
"""

from tf_wavenet.models.acoustic_model import AcousticModel
from tf_wavenet.models.nam.nam_wavenet import NamWaveNet
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN
from tf_wavenet.models.vocoders.istft_vocoder import ISTFTVocoder
from tf_wavenet.models.vocoders.multi_period_discriminator import MultiPeriodDiscriminator
from tf_wavenet.models.vocoders.multi_scale_discriminator import MultiScaleDiscriminator
from tf_wavenet.models.vocoders.parallel_wavegan import ParallelWaveGAN
from tf_wavenet.models.vocoders.parallel_wavegan_discriminator import ParallelWaveGANDiscriminator
from tf_wavenet.models.wavenet import WaveNet

__all__ = [
    "AcousticModel",
    "HiFiGAN",
    "ISTFTVocoder",
    "MultiPeriodDiscriminator",
    "MultiScaleDiscriminator",
    "NamWaveNet",
    "ParallelWaveGAN",
    "ParallelWaveGANDiscriminator",
    "WaveNet",
]
