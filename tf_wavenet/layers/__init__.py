"""Keras layers for autoregressive audio; each works alone in any Keras model."""

from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.gated_activation import GatedActivation
from tf_wavenet.layers.mu_law import MuLawDecode, MuLawEncode
from tf_wavenet.layers.output_head import OutputHead
from tf_wavenet.layers.residual_block import ResidualBlock
from tf_wavenet.layers.residual_stack import ResidualStack

__all__ = [
    "CausalConv1D",
    "GatedActivation",
    "MuLawDecode",
    "MuLawEncode",
    "OutputHead",
    "ResidualBlock",
    "ResidualStack",
]
