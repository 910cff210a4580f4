"""What can be measured on one recording before anything is trained on it."""

import dataclasses
import hashlib

import numpy as np

from tf_wavenet.data import AudioFile, read_audio

QUIETEST_DB = -120.0
SILENCE_DB = -60.0  # below it, frames are silent whatever the rest of the file
SILENCE_BELOW_LOUD_DB = 35.0
FRAME_SECONDS = 0.02
SPECTRUM_HZ = 31.25  # distance of the spectrum's bins, the same at every rate

_FULL_SCALE = 0.9995
_CLIP_PEAK = 0.1
_FRAMES_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True)
class FileMeasures:
    """Figures of one file at its own rate. Levels are RMS in dB relative to full scale, without the DC offset.

    Attributes:
        name: Id in the corpus.
        sample_rate: Of the file, in Hz.
        num_samples: Of the file, at that rate.
        clipped: Share of samples in runs of 3 or more at full scale, or exactly at the file's highest or lowest value
            (a clipped recording that was made quieter).
        dc: Mean of the samples.
        loud: Level that 95 % of the frames (20 ms) stay below.
        noise: Level that 1 % of the frames stay below.
        level: Of the frames that are not silent; None if all are. Silent is below -60 dB, or 35 dB below `loud`.
        silence: Share of silent frames.
        leading: Silence at the beginning in seconds.
        trailing: Silence at the end in seconds.
        band_limit: Frequency in Hz above which the spectrum falls off a cliff; None if it has none.
        digest: Equal for files whose mono audio is equal to 16 bits.
    """

    name: str
    sample_rate: int
    num_samples: int
    clipped: float
    dc: float
    loud: float
    noise: float
    level: float | None
    silence: float
    leading: float
    trailing: float
    band_limit: float | None
    digest: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


def measure_file(file: AudioFile, manifest_rate: int) -> tuple[FileMeasures, np.ndarray]:
    """Reads a file at its own rate and measures it.

    Args:
        file: A recording that `index_corpus` accepted.
        manifest_rate: The manifest's rate in Hz, which recordings of shards and datasets are read at.

    Returns:
        The figures, and the sum over frames of its power spectrum, float64 [bins], a bin every 31.25 Hz.

    Raises:
        AudioError: If it can no longer be read.
    """
    if file.record is None:
        channels, sample_rate = read_audio(file.path)
    else:
        channels, sample_rate = file.load(manifest_rate)[:, np.newaxis], manifest_rate
    waveform = channels.mean(axis=1)
    levels = frame_levels(waveform - waveform.mean(), sample_rate)
    loud, noise = np.percentile(levels, 95), np.percentile(levels, 1)
    sounding = levels >= max(SILENCE_DB, loud - SILENCE_BELOW_LOUD_DB)
    first, last = (int(np.argmax(order)) if sounding.any() else len(levels) for order in (sounding, sounding[::-1]))
    spectrum = power_spectrum(waveform - waveform.mean(), sample_rate)
    pcm = np.rint(np.clip(waveform, -1.0, 1.0) * 32767.0).astype("<i2")
    measures = FileMeasures(
        name=file.name or file.path.stem,
        sample_rate=sample_rate,
        num_samples=len(waveform),
        clipped=clipped_share(channels),
        dc=float(waveform.mean(dtype=np.float64)),
        loud=float(loud),
        noise=float(noise),
        level=float(10 * np.log10(np.mean(10 ** (levels[sounding] / 10)))) if sounding.any() else None,
        silence=float(1.0 - sounding.mean()),
        leading=first * FRAME_SECONDS,
        trailing=last * FRAME_SECONDS,
        band_limit=band_limit(spectrum, sample_rate) if sounding.any() else None,
        digest=hashlib.blake2b(pcm.tobytes(), digest_size=16).hexdigest(),
    )
    return measures, spectrum


def clipped_share(channels: np.ndarray) -> float:
    """Returns the share of samples in runs of 3 or more at the extremes, for float `[time, channels]`."""
    clipped = 0
    for sign in (1.0, -1.0):
        peaks = (sign * channels).max(axis=0)
        at_peak = (sign * channels >= np.minimum(peaks, _FULL_SCALE)) & (peaks >= _CLIP_PEAK)
        run = at_peak[:-2] & at_peak[1:-1] & at_peak[2:]
        inside = np.zeros_like(at_peak)
        for shift in range(3):
            inside[shift : len(inside) - 2 + shift] |= run
        clipped += np.count_nonzero(inside)
    return clipped / channels.size


def frame_levels(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Returns the RMS in dB, at least -120, of each 20 ms of a waveform `[time]`; of all of it, if it is shorter."""
    length = min(len(waveform), round(FRAME_SECONDS * sample_rate))
    frames = waveform[: len(waveform) // length * length].reshape(-1, length)
    power = np.einsum("ft,ft->f", frames, frames, dtype=np.float64) / length
    return 10 * np.log10(np.maximum(power, 10 ** (QUIETEST_DB / 10)))


def power_spectrum(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Sums the power spectra of a waveform's frames: 32 ms under a Hann window, half overlapping.

    Args:
        waveform: Float array `[time]`.
        sample_rate: In Hz.

    Returns:
        float64 `[bins]`, bin k at about `k * 31.25` Hz; 1 is a frame of a sine of full scale.
    """
    length = 2 * round(sample_rate / SPECTRUM_HZ / 2)
    waveform = np.pad(waveform, (0, max(0, length - len(waveform))))
    window = np.hanning(length + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(waveform, length)[:: length // 2]
    power = np.zeros(length // 2 + 1)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        power += np.sum(np.abs(np.fft.rfft(frames[start : start + _FRAMES_AT_ONCE] * window)) ** 2, axis=0)
    return power / (window.sum() / 2) ** 2


def band_limit(power: np.ndarray, sample_rate: int) -> float | None:
    """Finds the cliff of a spectrum that was upsampled or low-pass filtered.

    Args:
        power: Float array `[bins]` from 0 Hz to half of `sample_rate`.
        sample_rate: In Hz.

    Returns:
        The frequency in Hz where it begins: a tenth of the spectrum before it is at least 15 dB above everything that
        follows from a little after it on, which is at least 45 dB below the peak. None if there is no such place.
    """
    nyquist = len(power) - 1
    smooth = np.convolve(power, np.ones(5) / 5, mode="same")
    levels = 10 * np.log10(np.maximum(smooth, smooth.max() * 1e-14 + 1e-300))
    plateau, transition, last = round(0.1 * nyquist), round(0.08 * nyquist), round(0.99 * nyquist)
    edges = range(plateau, last - transition)
    above = [levels[edge + transition : last].max() for edge in edges]
    drops = [levels[edge - plateau : edge].min() - rest for edge, rest in zip(edges, above, strict=True)]
    steepest = int(np.flatnonzero(np.array(drops) >= max(drops) - 3.0)[-1])
    if drops[steepest] < 15.0 or above[steepest] > levels.max() - 45.0:
        return None
    return edges[steepest] / nyquist * sample_rate / 2
