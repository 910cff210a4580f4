"""Two recordings of one performance: what went into an amplifier, and what came out."""

import dataclasses
from pathlib import Path

import numpy as np

from tf_wavenet.data import AudioError, load_audio, read_audio

SILENT_PEAK = 1e-3  # -60 dB
CLIPPED_LEVEL = 0.99
CLIPPED_SAMPLES = 4
"""So many samples of one value, at that level or above, are taken for a clipped peak."""


@dataclasses.dataclass(frozen=True)
class AmpPair:
    """Input and output, sample by sample.

    Attributes:
        input: float32 `[time]`.
        output: float32 `[time]`.
        sample_rate: In Hz.
    """

    input: np.ndarray
    output: np.ndarray
    sample_rate: int

    def shifted(self, latency: int) -> "AmpPair":
        """Returns the pair without a latency.

        Args:
            latency: Samples by which the output is late; below zero, the input is.

        Raises:
            ValueError: If nothing would be left.
        """
        if abs(latency) >= len(self.input):
            raise ValueError(f"Expected a latency below {len(self.input)} samples, all there are. Received: {latency}")
        late, early = (self.output, self.input) if latency >= 0 else (self.input, self.output)
        late, early = late[abs(latency) :], early[: len(early) - abs(latency)]
        return AmpPair(*((early, late) if latency >= 0 else (late, early)), self.sample_rate)


def read_pair(input_path: Path, output_path: Path) -> AmpPair:
    """Reads two recordings that can be learned from.

    Args:
        input_path: What went in.
        output_path: What came out.

    Returns:
        The pair.

    Raises:
        ValueError: In one line: if a file cannot be read, rates or lengths differ, or one is silent or clipped.
    """
    rates = [_sample_rate(path) for path in (input_path, output_path)]
    if rates[0] != rates[1]:
        raise ValueError(f"Expected recordings of one rate. Received: {rates[0]} and {rates[1]} Hz")
    pair = AmpPair(load_audio(input_path, rates[0]), load_audio(output_path, rates[0]), rates[0])
    if len(pair.input) != len(pair.output):
        lengths = f"{len(pair.input)} and {len(pair.output)} samples"
        raise ValueError(f"Expected recordings of one length. Received: {lengths}")
    for path, waveform in ((input_path, pair.input), (output_path, pair.output)):
        peak = float(np.abs(waveform).max())
        if peak < SILENT_PEAK:
            raise ValueError(f"Expected sound in {path}. Received: a peak of {peak:.1e}")
        clipped = _clipped(waveform)
        if clipped is not None:
            raise ValueError(f"Expected {path} not to be clipped. Received: a flat peak at sample {clipped}")
    return pair


def measure_latency(pair: AmpPair) -> int:
    """Finds the shift at which output and input resemble each other most, of either polarity.

    Args:
        pair: Recordings; a quarter of a second of latency is looked for, in either direction.

    Returns:
        Samples by which the output is late.
    """
    most = min(pair.sample_rate // 4, len(pair.input) - 2)
    # Differences, because the low notes alone would make a broad peak.
    x, y = np.diff(pair.input.astype("float64")), np.diff(pair.output.astype("float64"))
    size = 1 << (len(x) + most).bit_length()
    correlation = np.abs(np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(x, size)), size))
    return int(np.argmax(np.r_[correlation[-most:], correlation[: most + 1]])) - most


def _sample_rate(path):
    if not path.is_file():
        raise ValueError(f"Expected a recording. Not found: {path}")
    try:
        return read_audio(path)[1]
    except AudioError as error:
        raise ValueError(f"Expected {path} to be a recording. {error.reason}") from None


def _clipped(waveform):
    """The first sample of a run of equal ones near full scale, or None."""
    flat = (np.diff(waveform) == 0) & (np.abs(waveform[1:]) >= CLIPPED_LEVEL)
    runs = np.convolve(flat, np.ones(CLIPPED_SAMPLES - 1), "valid") if len(flat) >= CLIPPED_SAMPLES - 1 else np.zeros(0)
    found = np.flatnonzero(runs > CLIPPED_SAMPLES - 1.5)
    return int(found[0]) if len(found) else None
