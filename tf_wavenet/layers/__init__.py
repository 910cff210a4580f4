"""Keras layers for autoregressive audio; each works alone in any Keras model.

May import signal and streaming.
"""

from tf_wavenet.layers.causal_conv1d import CausalConv1D
from tf_wavenet.layers.conditioning import Conditioning
from tf_wavenet.layers.context_stack import ContextStack
from tf_wavenet.layers.conv_in_upsample_network import ConvInUpsampleNetwork
from tf_wavenet.layers.convnext_block import ConvNeXtBlock
from tf_wavenet.layers.depthwise_conv1d import DepthwiseConv1D
from tf_wavenet.layers.feature_upsampler import FeatureUpsampler
from tf_wavenet.layers.frame_network import FrameNetwork
from tf_wavenet.layers.gated_activation import GatedActivation
from tf_wavenet.layers.grouped_conv1d import GroupedConv1D
from tf_wavenet.layers.hifi_gan_residual_block import HiFiGANResidualBlock
from tf_wavenet.layers.inverse_stft import InverseSTFT
from tf_wavenet.layers.linear_predictor import LinearPredictor
from tf_wavenet.layers.mu_law import MuLawDecode, MuLawEncode
from tf_wavenet.layers.mu_law_noise import MuLawNoise
from tf_wavenet.layers.non_causal_conv1d import NonCausalConv1D
from tf_wavenet.layers.output_head import OutputHead
from tf_wavenet.layers.residual_block import ResidualBlock
from tf_wavenet.layers.residual_stack import ResidualStack
from tf_wavenet.layers.upsample_conv1d import UpsampleConv1D

__all__ = [
    "CausalConv1D",
    "Conditioning",
    "ContextStack",
    "ConvInUpsampleNetwork",
    "ConvNeXtBlock",
    "DepthwiseConv1D",
    "FeatureUpsampler",
    "FrameNetwork",
    "GatedActivation",
    "GroupedConv1D",
    "HiFiGANResidualBlock",
    "InverseSTFT",
    "LinearPredictor",
    "MuLawDecode",
    "MuLawEncode",
    "MuLawNoise",
    "NonCausalConv1D",
    "OutputHead",
    "ResidualBlock",
    "ResidualStack",
    "UpsampleConv1D",
]
