"""WaveNet for Keras: causal dilated convolutions, training by `model.fit`, fast incremental generation, serving.

Importing this package needs Keras only. TensorFlow is imported on first use of generation, tf.data or export.
"""

from typing import Any

from tf_wavenet import layers
from tf_wavenet.distributions import Gaussian, MixtureOfGaussians, MixtureOfLogistics, MuLawCategorical, Residual
from tf_wavenet.losses.effect_loss import EffectLoss
from tf_wavenet.losses.multi_resolution_stft_loss import MultiResolutionSTFTLoss
from tf_wavenet.losses.negative_log_likelihood import NegativeLogLikelihood
from tf_wavenet.metrics import BitsPerSample, ErrorToSignalRatio
from tf_wavenet.models.nam.nam_wavenet import NamWaveNet
from tf_wavenet.models.shipped import load, shipped
from tf_wavenet.models.vocoders.gan_vocoder import GANVocoder
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN
from tf_wavenet.models.vocoders.istft_vocoder import ISTFTVocoder
from tf_wavenet.models.vocoders.parallel_wavegan import ParallelWaveGAN
from tf_wavenet.models.vocoders.vocoder import Vocoder
from tf_wavenet.models.wavenet import WaveNet
from tf_wavenet.optimizers.conv_muon import ConvMuon
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.signal.mu_law import mu_law_decode, mu_law_encode
from tf_wavenet.streaming.block_streamable import BlockStreamable
from tf_wavenet.streaming.streamable import Streamable

__version__ = "0.1.0"

__all__ = [
    "BitsPerSample",
    "BlockStreamable",
    "ConvMuon",
    "EffectLoss",
    "ErrorToSignalRatio",
    "GANVocoder",
    "Gaussian",
    "HiFiGAN",
    "ISTFTVocoder",
    "MelSpec",
    "MixtureOfGaussians",
    "MixtureOfLogistics",
    "MuLawCategorical",
    "MultiResolutionSTFTLoss",
    "NamWaveNet",
    "NegativeLogLikelihood",
    "ParallelWaveGAN",
    "Residual",
    "Streamable",
    "Vocoder",
    "WaveNet",
    "export_saved_model",
    "layers",
    "load",
    "mu_law_decode",
    "mu_law_encode",
    "shipped",
]


def __getattr__(name) -> Any:
    # Imported on first use, since it needs TensorFlow, which the rest of the package does without.
    if name == "export_saved_model":
        from tf_wavenet.serving.export import export_saved_model

        return export_saved_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
