"""Pure signal processing through `keras.ops`: what needs no weights and no files."""

from tf_wavenet.signal.linear_prediction import levinson, linear_prediction
from tf_wavenet.signal.mel_inversion import mel_to_magnitude

__all__ = ["levinson", "linear_prediction", "mel_to_magnitude"]
