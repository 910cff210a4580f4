"""Losses of waveforms, of the distributions that predict them, and of discriminators' outputs.

May import signal and backend.
"""

from tf_wavenet.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from tf_wavenet.losses.effect_loss import EffectLoss
from tf_wavenet.losses.loudness_loss import LoudnessLoss
from tf_wavenet.losses.multi_resolution_stft_loss import MultiResolutionSTFTLoss
from tf_wavenet.losses.negative_log_likelihood import NegativeLogLikelihood

__all__ = [
    "EffectLoss",
    "LoudnessLoss",
    "MultiResolutionSTFTLoss",
    "NegativeLogLikelihood",
    "discriminator_loss",
    "feature_matching_loss",
    "generator_loss",
]
