"""Judges of the pitch of a voice."""

import numpy as np

from training.text.f0 import measure_f0
from training.text.linguistic_spec import LinguisticSpec

_FRAMES = LinguisticSpec(("_",))  # every 5 ms at 16 kHz, 60 to 400 Hz


def pitch_errors(reference: np.ndarray, audio: np.ndarray) -> tuple[float, float]:
    """Measures how far the pitch of two waveforms lies apart, by WORLD's DIO and StoneMask.

    Args:
        reference: Float array `[time]` in [-1, 1] at 16 kHz.
        audio: Float array `[time]` of the same length.

    Returns:
        (RMS difference in cents over the frames in which both have a pitch, NaN where there are none; share of the
        frames in which just one of them has a pitch).

    Raises:
        ValueError: If pyworld is not installed.

    References:
        Chu and Alwan, Reducing F0 frame error of F0 tracking algorithms under noisy conditions (ICASSP 2009): voicing
        decision error.
    """
    ours, theirs = (measure_f0(waveform, _FRAMES) for waveform in (reference, audio))
    both = (ours > 0) & (theirs > 0)
    cents = 1200.0 * np.log2(theirs[both] / ours[both])
    rms = float(np.sqrt(np.mean(cents**2))) if len(cents) else float("nan")
    return rms, float(np.mean((ours > 0) != (theirs > 0)))
