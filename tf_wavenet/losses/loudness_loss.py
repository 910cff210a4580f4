"""A loss of how different two waveforms sound, by a model of hearing."""

from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int
from tf_wavenet.signal.mel_filterbank import analysis_window
from tf_wavenet.signal.stft import power_spectrum

_FRAME_SECONDS = 0.032
_BARK = 0.5  # width of a band
_FULL_SCALE_DB = 95.0  # sound pressure level of a mean square of 1: speech of -16 dB is heard at 79 dB
_EXPONENT = 0.23
_MARGIN = 0.25  # share of the fainter loudness below which no difference is heard
_SYMMETRIC, _ADDED = 0.1, 0.0309  # factors of all differences, and of what was added
_LEAST_RATIO, _LARGEST_RATIO = 3.0, 12.0  # of powers: less counts as not added, more as this


@registered
class LoudnessLoss(keras.losses.Loss):
    """How different two waveforms sound: the differences of their loudness in time and frequency that can be heard.

    Frames of 32 ms, by 16 ms, are divided into bands of half a Bark. The power of a band becomes loudness by Zwicker's
    law, relative to the threshold in quiet. Of a difference counts what exceeds a quarter of the fainter loudness; what
    the prediction adds counts once more. The sum follows PESQ's, without its alignment in time, level and spectrum:
    0.1 times the root mean square over the bands plus 0.0309 times the mean over them, the latter weighted by
    `(P / T) ** 1.2` (0 below 3, 12 at most), P and T the powers of prediction and truth, both times the width of the
    whole band in Bark.

    Args:
        sample_rate: Int >= 1000, in Hz.
        reduction: As in `keras.losses.Loss`, over the batch.
        name: Name of the loss.
        dtype: Dtype that the loss is computed in, as in `keras.losses.Loss`; None: Keras's `floatx`.

    Input shape:
        `[batch, time]`, waveforms in [-1, 1] at the level of speech, time more than 16 ms.

    Raises:
        ValueError: If `sample_rate` is outside its range.

    Example:
    >>> loss, noise = LoudnessLoss(16000), 0.05 * keras.random.normal((2, 4000))
    >>> float(loss(noise, noise)) < 1e-3 < float(loss(noise, 0.5 * noise)) < float(loss(0.5 * noise, noise))
    True

    References:
        Martin-Donas et al., A Deep Learning Loss Function Based on the Perceptual Evaluation of the Speech Quality
        (2018), section III; ITU-T P.862 (2001); Zwicker and Fastl, Psychoacoustics (1990), section 8.7; Traunmueller,
        Analytical Expressions for the Tonotopic Sensory Scale (1990); Terhardt, Calculating Virtual Pitch (1979).
    """

    def __init__(self, sample_rate, reduction="sum_over_batch_size", name="loudness_loss", dtype=None) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.sample_rate = check_positive_int("sample_rate", sample_rate)
        if sample_rate < 1000:
            raise ValueError(f"Expected sample_rate to be at least 1000 Hz. Received: sample_rate={sample_rate}")
        self._frame = 2 * round(_FRAME_SECONDS / 2 * sample_rate)
        window = analysis_window("hann", self._frame, self._frame)
        bands, self._threshold = _bands(sample_rate, self._frame)
        # One-sided, so that all bands together hold the mean square.
        scale = 2.0 * 10 ** (_FULL_SCALE_DB / 10) / (self._frame * np.square(window).sum())
        self._window, self._weights = window.astype("float32"), (scale * bands).astype("float32")

    def call(self, y_true, y_pred) -> Tensor:
        """Returns the loss of each waveform, `[batch]`."""
        true, predicted = self._powers(y_true), self._powers(y_pred)
        loudness, made = self._loudness(true), self._loudness(predicted)
        heard = ops.relu(ops.abs(made - loudness) - _MARGIN * ops.minimum(made, loudness))
        ratio = ops.power((predicted + 50.0) / (true + 50.0), 1.2)
        ratio = ops.where(ratio < _LEAST_RATIO, 0.0, ops.minimum(ratio, _LARGEST_RATIO))
        every = ops.sqrt(ops.mean(ops.square(heard), axis=-1) + 1e-8)
        added = ops.mean(heard * ops.stop_gradient(ratio), axis=-1)
        width = _BARK * len(self._threshold)
        return width * ops.sqrt(ops.mean(ops.square(_SYMMETRIC * every + _ADDED * added), axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "sample_rate": self.sample_rate}

    def _powers(self, waveform):
        spectrum = power_spectrum(ops.cast(waveform, "float32"), self._frame, self._frame // 2, self._window)
        return ops.matmul(spectrum, self._weights)

    def _loudness(self, power):
        scale = ops.convert_to_tensor((0.1866 * (2.0 * self._threshold) ** _EXPONENT).astype("float32"))
        threshold = ops.convert_to_tensor(self._threshold)
        return ops.relu(scale * (ops.power(0.5 + 0.5 * power / threshold, _EXPONENT) - 1.0))


def _bands(sample_rate, fft_length):
    """Shares of the bins in bands, `[fft_length // 2 + 1, bands]`, and the bands' thresholds in quiet as powers."""
    bins = np.arange(fft_length // 2 + 1) * (sample_rate / fft_length)
    half = sample_rate / fft_length / 2
    highest = 26.81 * (sample_rate / 2) / (1960 + sample_rate / 2) - 0.53
    bark = np.arange(_BARK, highest + 1e-9, _BARK)  # below half a Bark, 75 Hz, there is no speech
    edges = 1960 * (bark + 0.53) / (26.28 - bark)
    low, high = edges[:-1], edges[1:]
    overlap = np.minimum(bins[:, None] + half, high) - np.maximum(bins[:, None] - half, low)
    khz = (low + high) / 2000
    decibels = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return np.clip(overlap / (2 * half), 0.0, 1.0), (10 ** (decibels / 10)).astype("float32")
