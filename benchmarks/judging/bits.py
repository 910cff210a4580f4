"""Code length of audio under any model, in bits per sample."""

import math
from collections.abc import Callable, Iterable

import numpy as np

Score = Callable[[np.ndarray], np.ndarray]


def bits_per_sample(nats: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Sums up the code length of a batch.

    Args:
        nats: `[batch, time]`, negative natural log-likelihood of each sample.
        weight: `[batch, time]`, how much each sample counts.

    Returns:
        Weighted sum in bits, and sum of weights.
    """
    return float(np.sum(nats * weight, dtype=np.float64)) / math.log(2.0), float(np.sum(weight, dtype=np.float64))


def held_out_bits(score: Score, batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> float:
    """Scores a model on held-out windows.

    Args:
        score: From a waveform `[batch, time]` to nats `[batch, time]`.
        batches: (waveform, waveform, sample_weight).

    Returns:
        Mean bits per sample.
    """
    return mean([bits_per_sample(score(waveform), weight) for waveform, _, weight in batches])


def mean(sums: list[tuple[float, float]]) -> float:
    """Weighted mean from pairs of weighted sum and sum of weights."""
    bits, weight = np.sum(sums, axis=0)
    return float(bits / weight)
