"""Reads audio files of any format and rate as mono float32 at one rate."""

import math
import os

import numpy as np
import soxr

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.read_audio import check_sample_rate, read_audio

_MAX_PEAK = 4.0  # 12 dB over full scale: more is a file whose samples were never scaled to [-1, 1]


def load_audio(path: str | os.PathLike, sample_rate: int) -> np.ndarray:
    """Reads one audio file as mono at `sample_rate`.

    Channels are averaged, other rates are resampled (soxr, high quality), and what overshoots full scale is clipped.
    WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF, AU, CAF and W64 of any bit depth and number of channels; whatever else
    libsndfile reads works. M4A, AAC and WebM need PyAV: `pip install "tf-wavenet[formats]"`.

    What is returned is the whole recording. Files whose header states no length (streams of a recorder or a pipe, MP3
    without a Xing header) are read to their end, and several recordings joined to one file are read as one.

    Args:
        path: The file.
        sample_rate: Rate of the result, 1000 to 384000 Hz.

    Returns:
        float32 array [time], at least one sample, finite, within [-1, 1].

    Raises:
        AudioError: If the file is missing, not audio, empty, broken off, of a rate outside 1000 to 384000 Hz, or holds
            NaN, infinity or samples more than four times full scale. A file that breaks off is told by the length its
            header promises or by an incomplete last page (Ogg) or block (FLAC).

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.flac", np.zeros((8000, 2)), 8000)  # a second of stereo
    ...     waveform = load_audio(f"{folder}/clip.flac", 16000)
    >>> waveform.shape
    (16000,)
    """
    check_sample_rate(sample_rate, "sample_rate")
    waveform, rate = read_audio(path, mono=True)
    _check_samples(path, waveform)
    if rate != sample_rate:
        waveform = soxr.resample(waveform, rate, sample_rate, quality="HQ")
    if not len(waveform):
        raise AudioError(path, f"expected at least 1 sample. Received: 0 samples at {sample_rate} Hz.")
    return np.clip(waveform, -1.0, 1.0)


def load_channels(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Reads one audio file as it is: every channel, at its own rate, with what overshoots full scale.

    Args:
        path: The file; formats as in `load_audio`.

    Returns:
        float32 array [time, channels], at least one sample, finite, within four times full scale; and its rate in Hz.

    Raises:
        AudioError: As `load_audio`.

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.full((4, 2), [0.5, -1.25]), 8000, subtype="FLOAT")
    ...     channels, rate = load_channels(f"{folder}/clip.wav")
    >>> channels[0].tolist(), rate
    ([0.5, -1.25], 8000)
    """
    samples, rate = read_audio(path)
    _check_samples(path, samples)
    return samples, rate


def trim_silence(waveform: np.ndarray, threshold_db: float, margin: int = 0) -> slice:
    """Finds what is left of a waveform when silence at both ends is cut off; silence inside stays.

    Args:
        waveform: Array [time] in [-1, 1].
        threshold_db: Level in dB relative to full scale, negative: samples whose magnitude is below
            `10 ** (threshold_db / 20)` are silent.
        margin: Number of silent samples kept at either end.

    Returns:
        The slice of `waveform` to keep; empty (`slice(0, 0)`) where everything is silent.
    """
    audible = np.flatnonzero(np.abs(waveform) >= 10.0 ** (threshold_db / 20.0))
    if not len(audible):
        return slice(0, 0)
    return slice(max(0, int(audible[0]) - margin), min(len(waveform), int(audible[-1]) + 1 + margin))


def _check_samples(path, samples):
    peak = float(np.max(np.abs(samples)))
    if not math.isfinite(peak):
        position = tuple(np.argwhere(~np.isfinite(samples))[0])
        raise AudioError(path, f"expected finite samples. Received: {samples[position]} at sample {position[0]}.")
    if peak > _MAX_PEAK:
        raise AudioError(path, f"expected samples within [-1, 1]. Received: a peak of {peak:g}.")
