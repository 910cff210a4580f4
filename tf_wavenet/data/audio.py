"""Reads audio files: any format of libsndfile, any rate, as mono float32 at one rate."""

import math
import os
from pathlib import Path

import numpy as np
import soundfile
import soxr

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.truncation import truncation

AUDIO_SUFFIXES = (".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav")
MIN_SAMPLE_RATE = 1000
MAX_SAMPLE_RATE = 384000

_BLOCK_SAMPLES = 1 << 20
_MAX_PEAK = 4.0  # 12 dB over full scale: more is a file whose samples were never scaled to [-1, 1]
_MP3_FRAMES = 2304  # an MP3 without a Xing header states its length to within two MPEG frames only
_UNKNOWN_LENGTH = 1 << 62


def load_audio(path: str | os.PathLike, sample_rate: int) -> np.ndarray:
    """Reads one audio file as mono at `sample_rate`.

    Channels are averaged, other rates are resampled (soxr, high quality), and what overshoots full scale is clipped.
    WAV, FLAC, Ogg (Vorbis, Opus) and MP3 of any bit depth and number of channels; whatever else libsndfile reads works.

    Args:
        path: The file.
        sample_rate: Rate of the result, 1000 to 384000 Hz.

    Returns:
        float32 array [time], at least one sample, finite, within [-1, 1].

    Raises:
        AudioError: If the file is missing, not audio, empty, broken off, of a rate outside 1000 to 384000 Hz, or holds
            NaN, infinity or samples more than four times full scale. A file that breaks off is told by the length its
            header promises (WAV, FLAC, MP3 with a Xing header) or by its incomplete last page (Ogg).

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.flac", np.zeros((8000, 2)), 8000)  # a second of stereo
    ...     waveform = load_audio(f"{folder}/clip.flac", 16000)
    >>> waveform.shape
    (16000,)
    """
    check_sample_rate(sample_rate, "sample_rate")
    path = Path(path)
    waveform, rate = _read(path, lambda block: block.mean(axis=1) if block.shape[1] > 1 else block[:, 0])
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
    return _read(Path(path), lambda block: block)


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


def check_sample_rate(rate, subject) -> None:
    """Raises AudioError, naming `subject`, unless `rate` is a number from 1000 to 384000 Hz."""
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        expected = f"expected a sample rate from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz"
        raise AudioError(subject, f"{expected}. Received: {rate} Hz.")


def _read(path, mix):
    if not path.is_file():
        reason = "expected an audio file. Received: " + ("not a regular file." if path.exists() else "no such file.")
        raise AudioError(path, reason)
    try:
        return _decode(path, mix)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: soundfile's own, for headerless formats
        if path.stat().st_size == 0:
            raise AudioError(path, "expected at least 1 sample. Received: 0 samples.") from None
        detail = getattr(error, "error_string", str(error)).strip().rstrip(".")
        raise AudioError(path, f"expected a whole audio file. libsndfile: {detail}.") from None
    except OSError as error:
        raise AudioError(path, f"expected a readable file. Received: {error.strerror}.") from None


def _decode(path, mix):
    blocks = []
    with soundfile.SoundFile(path) as sound:
        check_sample_rate(sound.samplerate, path)
        promised = sound.frames
        if promised >= _UNKNOWN_LENGTH:
            raise AudioError(path, "expected a header that states the length. Received: a streamed file; encode anew.")
        while len(block := sound.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
            blocks.append(mix(block))
        allowance = _MP3_FRAMES if sound.format == "MP3" else 0
        rate = sound.samplerate
    cut = truncation(path)
    if cut:
        raise AudioError(path, f"expected a whole file. Received: {cut}.")
    waveform = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(waveform) < promised - allowance:
        cut = f"{len(waveform)} of the {promised} samples that its header promises"
        raise AudioError(path, f"expected a whole file. Received: {cut}.")
    if not len(waveform):
        raise AudioError(path, "expected at least 1 sample. Received: 0 samples.")
    peak = float(np.max(np.abs(waveform)))
    if not math.isfinite(peak):
        position = tuple(np.argwhere(~np.isfinite(waveform))[0])
        raise AudioError(path, f"expected finite samples. Received: {waveform[position]} at sample {position[0]}.")
    if peak > _MAX_PEAK:
        raise AudioError(path, f"expected samples within [-1, 1]. Received: a peak of {peak:g}.")
    return waveform, rate
