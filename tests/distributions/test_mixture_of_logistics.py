import numpy as np
import pytest
from scipy import special, stats

from tests.distributions.execution import gradient
from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet import MixtureOfLogistics


def all_levels(bits):
    return np.arange(2**bits) * 2 / (2**bits - 1) - 1


def reference_log_prob(params, level, bits, log_scale_min):
    """`level`: ints in [0, 2**bits); everything in float64."""
    logits, means, log_scales = np.split(numpy_of(params, "float64"), 3, axis=-1)
    scales = np.exp(np.maximum(log_scales, log_scale_min))
    steps = 2**bits - 1
    odd = 2 * level[..., None] - steps
    lower, upper = ((odd + side) / steps - means for side in (-1, 1))
    # The difference of CDFs on the side where they are small.
    flip = lower + upper > 0
    a, b = np.where(flip, -lower, upper) / scales, np.where(flip, -upper, lower) / scales
    larger, smaller = stats.logistic.logcdf(a), stats.logistic.logcdf(b)
    log_prob = larger + np.log(-np.expm1(smaller - larger))
    log_prob = np.where(odd == -steps, stats.logistic.logcdf(upper / scales), log_prob)
    log_prob = np.where(odd == steps, stats.logistic.logsf(lower / scales), log_prob)
    return special.logsumexp(special.log_softmax(logits, -1) + log_prob, -1)


def close(actual, expected):
    actual = numpy_of(actual, "float64")
    return (np.abs(actual - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_log_prob_equals_scipy_on_a_grid(bits):
    top = 2**bits - 1
    levels = np.unique(np.round(np.concatenate([[0, 1, 2], np.linspace(0, top, 33), [top - 2, top - 1, top]])))
    levels = levels[(levels >= 0) & (levels <= top)].astype(int)
    # Beside and on levels, between them, at the edges, outside, far outside.
    means = [-1e3, -1.5, -1 - 1e-5, -1, -1 + 2e-5, -0.25, 0, 1e-5, 0.5, 1 - 1e-5, 1, 1.0001, 1.2, 1e3]
    log_scales = [-30, -13, -12, -11, -10, -8, -5, -2, 0, 3, 7]
    level, mean, log_scale = (v.ravel() for v in np.meshgrid(levels, means, log_scales))
    params = np.stack([np.zeros(len(mean)), mean, log_scale], axis=-1).astype("float32")
    x = all_levels(bits)[level].astype("float32")
    actual = MixtureOfLogistics(1, bits).log_prob(params, x)
    assert close(actual, reference_log_prob(params, level, bits, -13.0))


@pytest.mark.parametrize("log_scale_min", [-13.0, -20.0, -5.0])
def test_log_prob_of_mixtures_equals_scipy(rng, log_scale_min):
    n, bits = 4000, 16
    logits = rng.choice([0.1, 1, 10, 1e4], (n, 1)) * rng.normal(size=(n, 5))
    level = rng.choice([0, 1, 2**16 - 1, *rng.integers(0, 2**16, 30)], n)
    x = all_levels(bits)[level].astype("float32")
    means = rng.choice([-1.2, -1, 0, 0.4, 1, 1.2], (n, 5)) + rng.choice([0, 1e-4, 0.1], (n, 5))
    means = np.where(rng.uniform(size=(n, 5)) < 0.5, x[:, None] + 1e-5 * rng.normal(size=(n, 5)), means)
    params = np.concatenate([logits, means, rng.uniform(-22, 6, (n, 5))], axis=-1).astype("float32")
    actual = MixtureOfLogistics(5, bits, log_scale_min).log_prob(params, x)
    assert close(actual, reference_log_prob(params, level, bits, log_scale_min))


def test_log_prob_of_scales_beyond_float64_differences():
    # Density at the level times a step.
    params = np.array([[0, 0.3, log_scale] for log_scale in (12, 20, 30, 60, 80)], "float32")
    actual = MixtureOfLogistics(1).log_prob(params, np.full(5, 0.25, "float32"))
    expected = np.log(2 / 65535) - params[:, 2].astype("float64") - 2 * np.log(2)
    assert close(actual, expected)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_probabilities_of_all_levels_sum_to_one(rng, bits):
    rows, x = 60, all_levels(bits).astype("float32")
    shape = (rows, 1, 3)
    params = [rng.normal(size=shape), 1.5 * rng.normal(size=shape), rng.uniform(-15, 4, shape)]
    params = np.broadcast_to(np.concatenate(params, axis=-1).astype("float32"), (rows, len(x), 9))
    nats = MixtureOfLogistics(3, bits).log_prob(params, np.broadcast_to(x, (rows, len(x))))
    assert_allclose(np.exp(numpy_of(nats, "float64")).sum(-1), 1.0, atol=2e-5)


def test_probabilities_of_16_bit_levels_sum_to_one():
    x = all_levels(16).astype("float32")
    for mean, log_scale in [(0.3, -13), (0.99999, -11), (-1.0, -10), (0.7, -6), (0.0, 1)]:
        params = np.tile(np.array([[0, mean, log_scale]], "float32"), (len(x), 1))
        nats = MixtureOfLogistics(1).log_prob(params, x)
        assert_allclose(np.exp(numpy_of(nats, "float64")).sum(), 1.0, atol=2e-5)


def test_a_mean_on_a_level_is_nearly_certain_at_the_least_scale():
    x = all_levels(16)[40000].astype("float32")
    nats = MixtureOfLogistics(1).log_prob(np.array([[0, x, -30]], "float32"), x[None])
    assert np.exp(numpy_of(nats)[0]) > 0.99


@pytest.mark.parametrize("bits", [8, 16])
def test_gradient_equals_that_of_the_reference(rng, bits):
    n, h = 300, 1e-6
    level = rng.choice([0, 2**bits - 1, *rng.integers(0, 2**bits, 20)], n)
    x = all_levels(bits)[level].astype("float32")
    means = x[:, None] + rng.choice([1e-3, 0.1], (n, 2)) * rng.normal(size=(n, 2))
    params = np.concatenate([rng.normal(size=(n, 2)), means, rng.uniform(-6, 1, (n, 2))], axis=-1).astype("float32")
    expected = np.zeros((n, 6))
    for i in range(6):
        moved = np.eye(6)[i] * h
        both = [reference_log_prob(params + sign * moved, level, bits, -13.0) for sign in (1, -1)]
        expected[:, i] = (both[0] - both[1]) / (2 * h)
    actual = gradient(lambda p: MixtureOfLogistics(2, bits).log_prob(p, x), params)
    assert_allclose(actual, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_samples_follow_the_density(rng, temperature):
    logits, means, scales = np.log([0.5, 0.3, 0.2]), np.array([-0.4, 0.0, 0.3]), np.array([0.02, 0.03, 0.01])
    params = np.concatenate([logits, means, np.log(scales)]).astype("float32")
    uniform = rng.uniform(size=(20000, 2)).astype("float32")
    samples = MixtureOfLogistics(3).sample(np.tile(params, (20000, 1)), uniform, temperature)
    weights = special.softmax(logits / temperature)

    def cdf(x):
        return (weights * stats.logistic.cdf(x[:, None], means, temperature * scales)).sum(-1)

    assert stats.kstest(numpy_of(samples), cdf).pvalue > 0.05


@pytest.mark.parametrize(("mean", "log_scale"), [(0.1, -1.5), (-0.9, -1.0), (1.4, -1.0), (0.3, -3.0)])
def test_levels_are_drawn_with_their_probabilities(mean, log_scale):
    # Rounding and clipping a logistic number gives the discretised distribution itself, edges included.
    distribution, n, x = MixtureOfLogistics(1, bits=4), 20000, all_levels(4).astype("float32")
    params = np.array([0, mean, log_scale], "float32")
    u = ((np.arange(n) + 0.5) / n).astype("float32")
    samples = distribution.sample(np.tile(params, (n, 1)), np.stack([u, u], axis=-1))
    counts = np.bincount(np.round((numpy_of(samples) + 1) * 7.5).astype(int), minlength=16)
    expected = n * np.exp(numpy_of(distribution.log_prob(np.tile(params, (16, 1)), x)))
    # The uniforms are stratified: each count is within one of its expectation.
    assert_allclose(counts, expected, atol=1.1)


def test_components_are_drawn_by_their_weights():
    n, weights, means = 20000, np.array([0.6, 0.1, 0.3]), np.array([-0.6, 0.2, 0.6])
    params = np.concatenate([np.log(weights), means, np.full(3, -9.0)]).astype("float32")
    u = (np.arange(n) + 0.5) / n
    uniform = np.stack([u, np.full(n, 0.5)], axis=-1).astype("float32")
    samples = numpy_of(MixtureOfLogistics(3).sample(np.tile(params, (n, 1)), uniform))
    assert_allclose([(np.abs(samples - mean) < 0.01).sum() for mean in means], n * weights, atol=2)


def test_mode_is_the_level_at_the_mean_of_the_highest_peak():
    # weight / scale: a light but narrow component beats a heavy and wide one.
    params = [np.log([0.9, 0.1, 0.9, 0.1]), [0.2, -0.7, 0.2, -0.7], np.log([0.1, 0.01, 0.1, 0.02])]
    params = np.stack([np.concatenate([p[:2] for p in params]), np.concatenate([p[2:] for p in params])])
    mode = MixtureOfLogistics(2, bits=8).mode(params.astype("float32"))
    x = all_levels(8)
    assert_allclose(mode, [x[np.abs(x - v).argmin()] for v in (-0.7, 0.2)], rtol=1e-6)


@pytest.mark.parametrize("bits", range(1, 17))
def test_quantize_gives_the_nearest_level(rng, bits):
    distribution, levels = MixtureOfLogistics(bits=bits), all_levels(bits)
    x = np.concatenate([[-3, -1, 1, 3], rng.uniform(-1, 1, 1000)]).astype("float32")
    quantized = numpy_of(distribution.quantize(x), "float64")
    nearest = np.round((np.clip(x.astype("float64"), -1, 1) + 1) / 2 * (2**bits - 1)).astype(int)
    assert_allclose(quantized, levels[nearest], atol=1e-7)
    assert_allclose(distribution.quantize(levels.astype("float32")), levels, atol=1e-7)


@pytest.mark.parametrize("bits", [0, 17, 8.0, True, None])
def test_bits_are_checked(bits):
    with pytest.raises(ValueError, match=r"Expected bits to be an int in \[1, 16\]. Received: bits="):
        MixtureOfLogistics(bits=bits)
