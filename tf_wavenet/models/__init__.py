"""Complete models."""

from tf_wavenet.models.wavenet import WaveNet

__all__ = ["WaveNet"]
