"""How late what came out of an amplifier is."""

import dataclasses

import numpy as np

from training.amp.pair import AmpPair

LONGEST_SECONDS = 0.25
"""A latency is looked for up to this, in either direction."""
PARTS = 5
"""The recordings are measured in so many parts, which have to agree."""
LEAST_CONFIDENCE = 0.7
_AGREEMENT_SECONDS = 5e-4
_QUIET = 1e-3  # of the mean energy; a block below has nothing to measure
_MOST_BLOCKS = 200
_FIRST_ARRIVAL = 0.5  # of the highest correlation
_SMOOTHING_BINS = 31


@dataclasses.dataclass(frozen=True)
class Latency:
    """By how much an output is late, and how sure that is.

    Attributes:
        samples: Samples by which the output is late; below zero, the input is.
        parts: What each part of the recordings says, in the order of time.
        confidence: Share of the parts that agree with `samples`, from 0 to 1.
    """

    samples: int
    parts: tuple[int, ...]
    confidence: float

    def check(self) -> None:
        """Makes sure that the latency can be relied on.

        Raises:
            ValueError: If too few parts of the recordings agree.
        """
        if self.confidence < LEAST_CONFIDENCE:
            said = ", ".join(str(samples) for samples in self.parts)
            raise ValueError(
                "Expected --output to follow --input at one latency, the same from beginning to end; give --latency if "
                f"you know it. Received: {said} samples in {len(self.parts)} parts (confidence {self.confidence:.0%})"
            )


def measure_latency(pair: AmpPair) -> Latency:
    """Finds the shift at which the output begins to follow the input, of either polarity.

    The correlation is weighted by the coherence, which makes of every pitch one peak instead of a comb. A stage that
    rectifies, such as an octave fuzz, leaves nothing that correlates with the input itself, but with its magnitude; the
    clearer of the two counts. Echoes and reflections come later than the sound itself: the first high peak counts.

    Args:
        pair: Recordings; a quarter of a second of latency is looked for, in either direction.

    Returns:
        The latency; the caller decides whether its confidence is enough.

    Raises:
        ValueError: If the recordings have less than a second to measure.

    References:
        Knapp and Carter, The Generalized Correlation Method for Estimation of Time Delay (1976), section III: the
            smoothed coherence transform.
    """
    block = min(pair.sample_rate, len(pair.input) // 4)
    starts = _loud_starts(pair, block)
    if block < pair.sample_rate // 4 or len(starts) < PARTS:
        received = (len(starts) + 1) * block / 2 / pair.sample_rate
        raise ValueError(f"Expected 1 s of playing to measure the latency, or --latency. Received: {received:.1f} s")
    most = min(round(LONGEST_SECONDS * pair.sample_rate), block // 2)
    size = 1 << (block + most).bit_length()
    window = np.hanning(block)
    # Differences, because the magnitude has a mean, and low notes leak into all other frequencies.
    x, magnitude, y = (np.diff(a, prepend=a[:1]) for a in (pair.input, np.abs(pair.input), pair.output))

    parts = []
    for group in np.array_split(starts, PARTS):
        spectra = np.zeros((2, 3, size // 2 + 1), "complex128")
        for start in group:
            span = slice(start, start + block)
            after = np.fft.rfft(window * y[span], size)
            for sums, before in zip(spectra, (x, magnitude), strict=True):
                before = np.fft.rfft(window * before[span], size)
                sums += after * np.conj(before), np.abs(before) ** 2, np.abs(after) ** 2
        parts.append(spectra)
    clearness = [_clearness(_correlation(sum(part[i] for part in parts), most)) for i in range(2)]
    i = int(np.argmax(clearness))
    samples = _first_arrival(_correlation(sum(part[i] for part in parts), most)) - most
    said = tuple(_first_arrival(_correlation(part[i], most)) - most for part in parts)
    tolerance = max(2, _AGREEMENT_SECONDS * pair.sample_rate)
    return Latency(samples, said, sum(abs(each - samples) <= tolerance for each in said) / PARTS)


def _loud_starts(pair, block):
    """Where the blocks begin, half of one apart, in which both recordings have sound."""
    starts = np.arange(0, len(pair.input) - block + 1, max(1, block // 2))
    for waveform in (pair.input, pair.output):
        energy = np.cumsum(np.r_[0.0, np.square(waveform, dtype="float64")])
        mean = (energy[starts + block] - energy[starts]) / block
        starts = starts[mean >= _QUIET * energy[-1] / len(waveform)]
    return starts[np.linspace(0, len(starts) - 1, min(len(starts), _MOST_BLOCKS)).astype(int)]


def _correlation(sums, most):
    """The magnitude of the correlation at the lags -most to most."""
    cross, before, after = sums
    kernel = np.ones(_SMOOTHING_BINS) / _SMOOTHING_BINS
    power = np.convolve(before.real, kernel, "same") * np.convolve(after.real, kernel, "same")
    size = 2 * (len(cross) - 1)
    weighted = np.fft.irfft(cross / np.sqrt(power + 1e-12 * power.max() + np.finfo(float).tiny), size)
    return np.abs(np.r_[weighted[-most:], weighted[: most + 1]])


def _clearness(correlation):
    return correlation.max() / max(np.median(correlation), np.finfo(float).tiny)


def _first_arrival(correlation):
    """The index of the first peak that is about as high as the highest."""
    i = int(np.argmax(correlation >= _FIRST_ARRIVAL * correlation.max()))
    while i + 1 < len(correlation) and correlation[i + 1] > correlation[i]:
        i += 1
    return i
