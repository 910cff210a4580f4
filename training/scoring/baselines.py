"""What a model must beat: codes for mu-law levels that know nothing of context, or only two samples of it."""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from tf_wavenet import mu_law_encode

LEVELS = 256
MU = LEVELS - 1


def count_levels(audio: np.ndarray) -> np.ndarray:
    """Counts the mu-law levels of a waveform.

    Args:
        audio: Float array `[time]` in [-1, 1].

    Returns:
        int64 array `[256]`.
    """
    return np.bincount(np.asarray(mu_law_encode(audio)), minlength=LEVELS)


def entropy_bits(counts: np.ndarray) -> float:
    """Bits per sample of a code made for these very samples: the empirical entropy of their levels.

    No code that ignores context can be shorter, and none that had to be learned elsewhere is as short.

    Args:
        counts: `[256]`, not all zero.

    Returns:
        Entropy in bits, 0 to 8.
    """
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def unigram_bits(train_counts: np.ndarray, counts: np.ndarray) -> float:
    """Bits per sample of a code made from the training files' levels, each counted once more (add-one smoothing).

    Args:
        train_counts: `[256]`, of the training files.
        counts: `[256]`, of the files to be coded; not all zero.

    Returns:
        Cross-entropy in bits.
    """
    probability = (train_counts + 1) / (train_counts.sum() + LEVELS)
    return float(-(counts * np.log2(probability)).sum() / counts.sum())


def level_edges() -> np.ndarray:
    """Amplitudes at which the mu-law level changes.

    Returns:
        float64 array `[257]`: level q holds the amplitudes from edge q to edge q + 1. The outermost edges are infinite,
        because the input is clipped.
    """
    companded = (2 * np.arange(1, LEVELS) - 1) / MU - 1
    edges = np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(MU)) / MU
    return np.concatenate([[-np.inf], edges, [np.inf]])


def _laplace_cdf(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    tail = 0.5 * np.exp(-np.abs(x) / scale)
    return np.where(x < 0, tail, 1 - tail)


@dataclasses.dataclass(frozen=True)
class LinearPredictor:
    """Predicts a sample from the ones before it, and codes its mu-law level by the density of its error.

    The prediction is the least-squares one. The density of its error is a mixture of zero-mean Laplace densities, fit
    by expectation-maximisation: speech is loud and silent by turns, and one scale fits neither. The density is
    integrated over each level's interval, and a thousandth of the probability is shared by all levels alike, so that
    none is impossible.

    Attributes:
        coefficients: `[order]`, of x[t - 1], x[t - 2] and so on.
        weights: `[components]`, positive, sum 1.
        scales: `[components]`, mean absolute error of each component, as an amplitude.
    """

    coefficients: np.ndarray
    weights: np.ndarray
    scales: np.ndarray

    UNIFORM_SHARE: ClassVar[float] = 1e-3
    DENSITY_SAMPLES: ClassVar[int] = 200_000  # the density is fit to about this many errors, evenly spaced

    @classmethod
    def fit(cls, waveforms: Iterable[np.ndarray], order: int = 2, components: int = 4) -> "LinearPredictor":
        """Fits the predictor and the density of its error.

        Args:
            waveforms: Float arrays `[time]` in [-1, 1]; each starts after silence.
            order: Samples of the past.
            components: Laplace densities in the mixture.

        Returns:
            The predictor.
        """
        waveforms = [np.asarray(waveform, np.float64) for waveform in waveforms]
        gram, moment = np.zeros((order, order)), np.zeros(order)
        for waveform in waveforms:
            past = _past(waveform, order)
            gram += past.T @ past
            moment += past.T @ waveform
        coefficients = np.linalg.lstsq(gram, moment, rcond=None)[0]
        error = np.abs(np.concatenate([waveform - _past(waveform, order) @ coefficients for waveform in waveforms]))
        error = error[:: 1 + len(error) // cls.DENSITY_SAMPLES]
        # An error below the finest level's width says nothing that the code could use.
        floor = 0.25 * np.diff(level_edges()[1:-1]).min()
        scales = np.maximum(np.quantile(error, (np.arange(components) + 0.5) / components), floor)
        scales = scales * (1 + 0.1 * np.arange(components))  # distinct, even where the errors are all zero
        weights = np.full(components, 1 / components)
        for _ in range(50):
            log_density = np.log(weights / (2 * scales)) - error[:, None] / scales
            share = np.exp(log_density - log_density.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            total = share.sum(0) + 1e-9
            weights = total / total.sum()
            scales = np.maximum((share * error[:, None]).sum(0) / total, floor)
        return cls(coefficients, weights, scales)

    def predict(self, audio: np.ndarray) -> np.ndarray:
        """Predicts each sample from the ones before it.

        Args:
            audio: Float array `[time]`.

        Returns:
            float64 array `[time]`.
        """
        return _past(np.asarray(audio, np.float64), len(self.coefficients)) @ self.coefficients

    def probability(self, prediction: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Probability of mu-law levels, given the prediction.

        Args:
            prediction: Float array of any shape, an amplitude.
            level: int array that broadcasts against it, 0 to 255.

        Returns:
            float64 array; positive, and over all levels its sum is 1.
        """
        edges = level_edges()
        below = (edges[level] - prediction)[..., None]
        above = (edges[level + 1] - prediction)[..., None]
        # Mirror the intervals on the positive side, where 1 - cdf would lose the small probabilities.
        mirror = below > 0
        low, high = np.where(mirror, -above, below), np.where(mirror, -below, above)
        share = ((_laplace_cdf(high, self.scales) - _laplace_cdf(low, self.scales)) * self.weights).sum(-1)
        return (1 - self.UNIFORM_SHARE) * share + self.UNIFORM_SHARE / LEVELS

    def bits(self, audio: np.ndarray) -> float:
        """Codes the mu-law levels of a waveform.

        Args:
            audio: Float array `[time]` in [-1, 1].

        Returns:
            Bits in all (not per sample).
        """
        level = np.asarray(mu_law_encode(audio))
        prediction = self.predict(audio)
        blocks = range(0, len(level), 65536)
        return float(
            -sum(np.log2(self.probability(prediction[i : i + 65536], level[i : i + 65536])).sum() for i in blocks)
        )


def _past(waveform: np.ndarray, order: int) -> np.ndarray:
    """The `order` samples before each sample, newest first, silence before the start: `[time, order]`."""
    padded = np.concatenate([np.zeros(order), waveform])
    return np.stack([padded[order - lag : len(padded) - lag] for lag in range(1, order + 1)], axis=1)
