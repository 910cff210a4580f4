"""Complete models, and the discriminators that train some of them."""

from tf_wavenet.models.hifi_gan import HiFiGAN
from tf_wavenet.models.istft_vocoder import ISTFTVocoder
from tf_wavenet.models.multi_period_discriminator import MultiPeriodDiscriminator
from tf_wavenet.models.multi_scale_discriminator import MultiScaleDiscriminator
from tf_wavenet.models.nam_wavenet import NamWaveNet
from tf_wavenet.models.parallel_wavegan import ParallelWaveGAN
from tf_wavenet.models.parallel_wavegan_discriminator import ParallelWaveGANDiscriminator
from tf_wavenet.models.wavenet import WaveNet

__all__ = [
    "HiFiGAN",
    "ISTFTVocoder",
    "MultiPeriodDiscriminator",
    "MultiScaleDiscriminator",
    "NamWaveNet",
    "ParallelWaveGAN",
    "ParallelWaveGANDiscriminator",
    "WaveNet",
]
