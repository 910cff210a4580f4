"""Keras layers for autoregressive audio; each works alone in any Keras model."""

from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.conditioning import Conditioning
from tf_wavenet.layers.context_stack import ContextStack
from tf_wavenet.layers.feature_upsampler import FeatureUpsampler
from tf_wavenet.layers.gated_activation import GatedActivation
from tf_wavenet.layers.mu_law import MuLawDecode, MuLawEncode
from tf_wavenet.layers.output_head import OutputHead
from tf_wavenet.layers.residual_block import ResidualBlock
from tf_wavenet.layers.residual_stack import ResidualStack

__all__ = [
    "CausalConv1D",
    "Conditioning",
    "ContextStack",
    "FeatureUpsampler",
    "GatedActivation",
    "MuLawDecode",
    "MuLawEncode",
    "OutputHead",
    "ResidualBlock",
    "ResidualStack",
]
