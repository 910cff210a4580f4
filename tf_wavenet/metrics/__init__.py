"""Metrics for `compile`: how well waveforms are predicted.

May import losses.
"""

from tf_wavenet.metrics.bits_per_sample import BitsPerSample
from tf_wavenet.metrics.error_to_signal_ratio import ErrorToSignalRatio

__all__ = ["BitsPerSample", "ErrorToSignalRatio"]
