"""Complete models."""

from tf_wavenet.models.nam_wavenet import NamWaveNet
from tf_wavenet.models.wavenet import WaveNet

__all__ = ["NamWaveNet", "WaveNet"]
