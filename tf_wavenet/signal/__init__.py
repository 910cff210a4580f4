"""Signal processing as pure functions, through `keras.ops` where models use it: what needs no weights and no files.

May import nothing of this package.
"""

from tf_wavenet.signal.cos_sin import cos_sin
from tf_wavenet.signal.inverse_stft import overlap_add, steady_envelope, synthesis_frames, window_envelope
from tf_wavenet.signal.linear_prediction import levinson, linear_prediction, voicing
from tf_wavenet.signal.log_mel import log_mel, log_mel_of, mel_spectrum
from tf_wavenet.signal.mel_filterbank import analysis_window, mel_filterbank
from tf_wavenet.signal.mel_inversion import mel_gain, mel_to_magnitude
from tf_wavenet.signal.mel_spec import MelSpec
from tf_wavenet.signal.mu_law import mu_law_decode, mu_law_encode
from tf_wavenet.signal.preprocess import preprocess, restore
from tf_wavenet.signal.stft import stft_magnitude

__all__ = [
    "MelSpec",
    "analysis_window",
    "cos_sin",
    "levinson",
    "linear_prediction",
    "log_mel",
    "log_mel_of",
    "mel_filterbank",
    "mel_gain",
    "mel_spectrum",
    "mel_to_magnitude",
    "mu_law_decode",
    "mu_law_encode",
    "overlap_add",
    "preprocess",
    "restore",
    "steady_envelope",
    "stft_magnitude",
    "synthesis_frames",
    "voicing",
    "window_envelope",
]
