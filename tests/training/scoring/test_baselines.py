"""Baselines are held to closed forms, brute-force integration and signals whose answer is known."""

import numpy as np
import pytest
from scipy import integrate

from tf_wavenet import mu_law_encode
from training.scoring.baselines import LinearPredictor, count_levels, entropy_bits, level_edges, unigram_bits


def autoregressive(samples: int, seed: int = 0) -> np.ndarray:
    """A resonance driven by Laplace noise: x[t] = 1.6 x[t-1] - 0.8 x[t-2] + e[t]."""
    error = np.random.default_rng(seed).laplace(scale=0.01, size=samples)
    x = np.zeros(samples + 2)
    for t in range(samples):
        x[t + 2] = 1.6 * x[t + 1] - 0.8 * x[t] + error[t]
    return x[2:]


def test_level_edges_are_where_the_encoder_changes_its_mind():
    edges = level_edges()
    assert len(edges) == 257
    inner = edges[1:-1]
    assert np.all(np.diff(inner) > 0)
    np.testing.assert_array_equal(mu_law_encode((inner + 1e-6).astype(np.float32)), np.arange(1, 256))
    np.testing.assert_array_equal(mu_law_encode((inner - 1e-6).astype(np.float32)), np.arange(255))


def test_count_levels_of_silence_and_full_scale():
    counts = count_levels(np.array([0.0, 0.0, 1.0, -1.0], np.float32))
    assert counts[128] == 2
    assert counts[255] == 1
    assert counts[0] == 1
    assert counts.sum() == 4


def test_entropy_of_known_distributions():
    assert entropy_bits(np.ones(256, int)) == pytest.approx(8)
    assert entropy_bits(np.eye(256, dtype=int)[3]) == 0
    assert entropy_bits(np.array([2, 1, 1] + [0] * 253)) == pytest.approx(1.5)


def test_unigram_bits_is_the_smoothed_cross_entropy():
    nothing = np.zeros(256, int)
    assert unigram_bits(nothing, np.arange(256)) == pytest.approx(8)
    train = nothing.copy()
    train[7] = 744
    assert unigram_bits(train, np.eye(256, dtype=int)[7]) == pytest.approx(-np.log2(745 / 1000))
    assert unigram_bits(train, np.eye(256, dtype=int)[8]) == pytest.approx(-np.log2(1 / 1000))


@pytest.mark.parametrize("waveform", [autoregressive(4000), np.zeros(500), 5 * autoregressive(500)])
def test_probabilities_are_positive_and_sum_to_one(waveform):
    predictor = LinearPredictor.fit([waveform])
    prediction = np.array([-30.0, -1.0, -0.1, 0.0, 1e-5, 0.4, 1.0, 7.0])
    probability = predictor.probability(prediction[:, None], np.arange(256))
    assert probability.shape == (8, 256)
    assert probability.min() > 0
    np.testing.assert_allclose(probability.sum(1), 1, rtol=0, atol=1e-12)


def test_probability_is_the_integral_of_the_density():
    predictor = LinearPredictor(np.array([0.0, 0.0]), np.array([0.3, 0.7]), np.array([0.02, 0.2]))

    def density(x):
        return sum(
            w / (2 * s) * np.exp(-abs(x - 0.1) / s) for w, s in zip(predictor.weights, predictor.scales, strict=True)
        )

    edges = level_edges()
    for level in (3, 100, 128, 199, 240):
        area = integrate.quad(density, edges[level], edges[level + 1], points=[0.1])[0]
        expected = 0.999 * area + 0.001 / 256
        assert predictor.probability(np.array(0.1), np.array(level)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.large
def test_fit_recovers_the_process_and_its_noise():
    predictor = LinearPredictor.fit([autoregressive(50_000), autoregressive(50_000, seed=1)])
    np.testing.assert_allclose(predictor.coefficients, [1.6, -0.8], atol=0.01)
    assert predictor.weights.sum() == pytest.approx(1)
    assert (predictor.weights * predictor.scales).sum() == pytest.approx(0.01, rel=0.02)


def test_bits_count_every_sample_and_approach_the_entropy_of_the_noise():
    x = autoregressive(40_000).astype(np.float32)
    predictor = LinearPredictor.fit([autoregressive(40_000, seed=1)])
    prediction = predictor.predict(x)
    np.testing.assert_allclose(prediction[:3], [0, 1.6 * x[0], 1.6 * x[1] - 0.8 * x[0]], atol=0.01 * np.abs(x).max())
    by_hand = -np.log2(predictor.probability(prediction, np.asarray(mu_law_encode(x)))).sum()
    assert predictor.bits(x) == pytest.approx(by_hand)
    # Entropy of Laplace noise, less that of each sample's quantisation interval.
    width = np.diff(level_edges()[1:-1])
    inner = np.clip(np.asarray(mu_law_encode(x)) - 1, 0, len(width) - 1)
    ideal = np.log2(2 * np.e * 0.01) - np.log2(width[inner]).mean()
    assert predictor.bits(x) / len(x) == pytest.approx(ideal, abs=0.1)
    counts = count_levels(x)
    assert predictor.bits(x) / len(x) < entropy_bits(counts) - 1
