"""Pure signal processing through `keras.ops`: what needs no weights and no files."""

from tf_wavenet.signal.cos_sin import cos_sin
from tf_wavenet.signal.inverse_stft import overlap_add, steady_envelope, synthesis_frames, window_envelope
from tf_wavenet.signal.linear_prediction import levinson, linear_prediction, voicing
from tf_wavenet.signal.mel_inversion import mel_to_magnitude

__all__ = [
    "cos_sin",
    "levinson",
    "linear_prediction",
    "mel_to_magnitude",
    "overlap_add",
    "steady_envelope",
    "synthesis_frames",
    "voicing",
    "window_envelope",
]
