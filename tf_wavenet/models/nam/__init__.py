"""Neural Amp Modeler's WaveNet: amplifiers and pedals, one waveform to another.

May import streaming, losses, metrics, layers, and models' shared modules.
"""

from tf_wavenet.models.nam.nam_wavenet import NamWaveNet

__all__ = ["NamWaveNet"]
