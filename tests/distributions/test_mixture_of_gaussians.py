import numpy as np
import pytest
from scipy import special, stats

from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import Gaussian, MixtureOfGaussians


def reference_log_prob(params, x, log_scale_min):
    logits, means, log_scales = np.split(params.astype("float64"), 3, axis=-1)
    scales = np.exp(np.maximum(log_scales, log_scale_min))
    return special.logsumexp(special.log_softmax(logits, -1) + stats.norm.logpdf(x[..., None], means, scales), -1)


@pytest.mark.parametrize("log_scale_min", [-9.0, -12.0, -5.0])
@pytest.mark.parametrize("num_mixtures", [1, 4])
def test_log_prob_equals_scipy(rng, num_mixtures, log_scale_min):
    distribution = MixtureOfGaussians(num_mixtures, log_scale_min)
    shape = (4000, num_mixtures)
    logits = rng.choice([0.1, 1, 10, 1e4], (4000, 1)) * rng.normal(size=shape)
    means = rng.choice([-1e3, -1.2, -1, 0, 0.4, 1, 1.2, 1e3], shape) + rng.choice([0, 1e-4, 0.1], shape)
    params = np.concatenate([logits, means, rng.uniform(-14, 6, shape)], axis=-1).astype("float32")
    x = rng.choice([-1, 1, *np.linspace(-1, 1, 33)], 4000).astype("float32")
    expected = reference_log_prob(params, x.astype("float64"), log_scale_min)
    actual = numpy_of(distribution.log_prob(params, x), "float64")
    assert (np.abs(actual - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


def test_one_component_is_the_gaussian(rng):
    params = rng.normal(size=(100, 2)).astype("float32")
    x = rng.uniform(-1, 1, 100).astype("float32")
    with_logit = np.concatenate([rng.normal(size=(100, 1)), params], axis=-1).astype("float32")
    uniform = rng.uniform(size=(100, 2)).astype("float32")
    mixture = MixtureOfGaussians(1)
    assert_array_equal(mixture.log_prob(with_logit, x), Gaussian().log_prob(params, x))
    assert_array_equal(mixture.sample(with_logit, uniform), Gaussian().sample(params, uniform))


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_samples_follow_the_density(rng, temperature):
    logits, means, scales = np.log([0.5, 0.3, 0.2]), np.array([-0.4, 0.0, 0.3]), np.array([0.08, 0.1, 0.05])
    params = np.concatenate([logits, means, np.log(scales)]).astype("float32")
    uniform = rng.uniform(size=(20000, 2)).astype("float32")
    samples = MixtureOfGaussians(3).sample(np.tile(params, (20000, 1)), uniform, temperature)
    weights = special.softmax(logits / temperature)

    def cdf(x):
        return (weights * stats.norm.cdf(x[:, None], means, temperature * scales)).sum(-1)

    assert stats.kstest(numpy_of(samples), cdf).pvalue > 0.05


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_components_are_drawn_by_their_weights(temperature):
    n, weights = 20000, np.array([0.6, 0.0, 0.1, 0.3])
    logits = np.where(weights > 0, np.log(np.maximum(weights, 1e-30)), -np.inf)
    means = np.array([-0.6, -0.2, 0.2, 0.6])
    params = np.concatenate([logits, means, np.full(4, -8.0)]).astype("float32")
    u = (np.arange(n) + 0.5) / n
    samples = MixtureOfGaussians(4).sample(
        np.tile(params, (n, 1)), np.stack([u, np.full(n, 0.5)], axis=-1).astype("float32"), temperature
    )
    counts = [(np.abs(numpy_of(samples) - mean) < 1e-6).sum() for mean in means]
    assert_allclose(counts, n * special.softmax(logits / temperature), atol=2)


def test_mode_is_the_mean_of_the_highest_peak():
    # weight / scale: a light but narrow component beats a heavy and wide one.
    params = [np.log([0.9, 0.1, 0.9, 0.1]), [0.2, -0.7, 0.2, -0.7], np.log([0.1, 0.01, 0.1, 0.02])]
    params = np.stack([np.concatenate([p[:2] for p in params]), np.concatenate([p[2:] for p in params])])
    assert_allclose(MixtureOfGaussians(2).mode(params.astype("float32")), [-0.7, 0.2], rtol=1e-6)


def test_peaks_are_compared_at_the_least_scale():
    params = np.array([[0.1, 0.0, 0.2, -0.7, -9.0, -30.0]], "float32")
    assert_allclose(MixtureOfGaussians(2).mode(params), [0.2], rtol=1e-6)
    assert_allclose(MixtureOfGaussians(2, -12.0).mode(params), [-0.7], rtol=1e-6)
