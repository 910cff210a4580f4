"""Two recordings of one performance: what went into an amplifier, and what came out."""

import dataclasses
from pathlib import Path

import numpy as np

from tf_wavenet.data import load_channels

SILENT_PEAK = 1e-3  # -60 dB
SPARE_SECONDS = 2.0
"""Recordings whose lengths differ by no more are cut to the shorter one: what a workstation adds, often 1 s."""
CLIPPED_LEVEL = 0.99
CLIPPED_SAMPLES = 4
"""So many samples of one value, at that level or above, are taken for a clipped peak, unless it is a round one."""
ROUND_PEAK = 1e-3
"""A peak is round that falls by no more within its flat part's length on either side; a sine in 16 bits: 0.0004."""


@dataclasses.dataclass(frozen=True)
class AmpPair:
    """Input and output, sample by sample.

    Attributes:
        input: float32 `[time]`.
        output: float32 `[time]`.
        sample_rate: In Hz.
        notes: What was done to the recordings, a sentence each.
    """

    input: np.ndarray
    output: np.ndarray
    sample_rate: int
    notes: tuple[str, ...] = ()

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
        return AmpPair(*((early, late) if latency >= 0 else (late, early)), self.sample_rate, self.notes)

    def part(self, begin: int, end: int) -> "AmpPair":
        """Returns the samples from `begin` to `end`, without the notes."""
        return AmpPair(self.input[begin:end], self.output[begin:end], self.sample_rate)


def read_pair(
    input_path: Path, output_path: Path, input_channel: int | None = None, output_channel: int | None = None
) -> AmpPair:
    """Reads two recordings that can be learned from.

    Args:
        input_path: What went in.
        output_path: What came out.
        input_channel: Channel of the input, from 1; None: the only one that has sound, or all are the same.
        output_channel: Channel of the output, likewise.

    Returns:
        The pair; its notes say what a user may want to know.

    Raises:
        ValueError: In one line: if a file cannot be read, rates or lengths differ, one is silent or clipped, or has
            channels that differ of which none was chosen.
    """
    notes, waveforms, rates = [], [], []
    for path, channel, flag in (
        (input_path, input_channel, "--input-channel"),
        (output_path, output_channel, "--output-channel"),
    ):
        waveform, rate, more = read_channel(path, channel, flag)
        waveforms.append(waveform)
        rates.append(rate)
        notes += more
    if rates[0] != rates[1]:
        raise ValueError(f"Expected recordings of one rate. Received: {rates[0]} and {rates[1]} Hz")
    for path, waveform in zip((input_path, output_path), waveforms, strict=True):
        peak = float(np.abs(waveform).max())
        if peak < SILENT_PEAK:
            raise ValueError(f"Expected sound in {path}. Received: a peak of {peak:.1e}")
        clipped = _clipped(waveform)
        if clipped is not None:
            raise ValueError(
                f"Expected {path} not to be clipped, or lowered below {CLIPPED_LEVEL} where the flat peaks are the "
                f"effect's own. Received: a flat peak at sample {clipped}"
            )
        if peak > 1.0:
            notes.append(f"{path} peaks at {peak:.3f}, above full scale; it is taken as it is")
    lengths = [len(waveform) for waveform in waveforms]
    if abs(lengths[0] - lengths[1]) > SPARE_SECONDS * rates[0]:
        received = f"{lengths[0]} and {lengths[1]} samples"
        raise ValueError(f"Expected recordings of one length, within {SPARE_SECONDS} s. Received: {received}")
    if lengths[0] != lengths[1]:
        notes.append(f"{lengths[0]} and {lengths[1]} samples long; the end of the longer recording is left out")
    return AmpPair(*(waveform[: min(lengths)] for waveform in waveforms), rates[0], tuple(notes))


def read_channel(path: Path, channel: int | None, flag: str) -> tuple[np.ndarray, int, list[str]]:
    """Reads one channel of a recording, at its own level: the mean of two microphones is neither.

    Args:
        path: The file.
        channel: From 1; None: the only one that has sound, or all are the same.
        flag: Where a user chooses the channel, for messages.

    Returns:
        float32 `[time]`, its rate in Hz, and what a user may want to know.

    Raises:
        ValueError: If it cannot be read, there is no such channel, or none was chosen of channels that differ.
    """
    channels, rate = load_channels(path)
    count = channels.shape[1]
    if channel is not None:
        if not 1 <= channel <= count:
            raise ValueError(f"Expected {flag} to be 1 to {count}, the channels of {path}. Received: {channel}")
        return channels[:, channel - 1], rate, []
    sounding = np.flatnonzero(np.abs(channels).max(axis=0) >= SILENT_PEAK)
    first = int(sounding[0]) if len(sounding) else 0
    if count > 1 and len(sounding) > 1 and (channels[:, sounding] != channels[:, first : first + 1]).any():
        raise ValueError(f"Expected {flag}, 1 to {count}: the channels of {path} differ, and are not averaged")
    notes = []
    if count > 1:
        notes.append(f"{path} has {count} channels; {first + 1} is taken, all others are equal to it or silent")
    return channels[:, first], rate, notes


def _clipped(waveform):
    """The first sample of a run of equal ones near full scale, which is not the top of a round peak, or None."""
    flat = np.r_[False, (np.diff(waveform) == 0) & (np.abs(waveform[1:]) >= CLIPPED_LEVEL), False]
    edges = np.flatnonzero(np.diff(flat.astype(int)))
    for begin, end in zip(edges[::2], edges[1::2] + 1, strict=True):
        length, peak = end - begin, abs(waveform[begin])
        around = np.abs(waveform[[max(begin - length, 0), min(end + length, len(waveform)) - 1]])
        if length >= CLIPPED_SAMPLES and peak - around.min() > ROUND_PEAK:
            return int(begin)
    return None
