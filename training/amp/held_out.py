"""The part of two recordings that a model is judged by."""

import numpy as np

from training.amp.pair import AmpPair

BLOCK_SECONDS = 0.05
QUIET = 1e-4
"""A block is quiet whose energy is below this share of the recording's mean, -40 dB: hiss, not playing."""
LEAST_SOUND = 0.25
"""Share of the held-out blocks in which both recordings have sound."""


def held_out_part(pair: AmpPair, samples: int, first: int = 0) -> slice:
    """Finds the last part of a pair that has sound: an error-to-signal ratio without a signal says nothing.

    Args:
        pair: Recordings, without latency.
        samples: Length of the part, at least 1; with `first` at most that of the pair.
        first: The first sample that it may begin with.

    Returns:
        The part. What follows it is quiet; what precedes it is left to train on.

    Raises:
        ValueError: If no part of this length has sound in both recordings.
    """
    block = max(1, min(round(BLOCK_SECONDS * pair.sample_rate), samples))
    sounding = _sounding(pair.input, block) & _sounding(pair.output, block)
    blocks = samples // block
    total = np.r_[0, np.cumsum(sounding)]
    share = (total[blocks:] - total[:-blocks]) / blocks
    quiet = np.arange(len(share)) * block  # samples after each part
    found = np.flatnonzero((share >= LEAST_SOUND) & (quiet + samples + first <= len(pair.input)))
    if not len(found):
        length = samples / pair.sample_rate
        raise ValueError(
            f"Expected a part of {length:.1f} s with sound in --input and --output at once, to hold out. Received: "
            f"none in {len(pair.input) / pair.sample_rate:.1f} s; a shorter --validation-seconds may find one"
        )
    end = len(pair.input) - int(quiet[found[0]])
    return slice(end - samples, end)


def _sounding(waveform, block):
    """Whether each block has sound, the last block first."""
    count = len(waveform) // block
    energy = np.square(waveform[len(waveform) - count * block :], dtype="float64").reshape(count, block).mean(axis=1)
    return energy[::-1] > QUIET * np.mean(np.square(waveform, dtype="float64"))
