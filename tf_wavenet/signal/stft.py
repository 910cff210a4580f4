"""The short-time Fourier transform."""

from keras import ops

from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_filterbank import analysis_window

_LEAST_POWER = 1e-7  # below it, magnitudes are not told apart


def stft_magnitude(waveform, fft_length, hop_length, win_length) -> Tensor:
    """Returns the magnitudes of a short-time Fourier transform, at least `sqrt(1e-7)`.

    Args:
        waveform: float32 `[batch, time]`.
        fft_length: Length of the Fourier transform; frame f is centred on sample `f * hop_length`.
        hop_length: Samples from frame to frame.
        win_length: Samples of the Hann window.

    Returns:
        float32 `[batch, frames, fft_length // 2 + 1]`.
    """
    window = analysis_window("hann", win_length, fft_length).astype("float32")
    real, imaginary = ops.stft(waveform, fft_length, hop_length, fft_length, window)
    return ops.sqrt(ops.maximum(ops.square(real) + ops.square(imaginary), _LEAST_POWER))
