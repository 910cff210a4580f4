import numpy as np
import pytest
from scipy import stats

from tests.distributions.execution import gradient
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import Gaussian

distribution = Gaussian()
X = np.concatenate([np.linspace(-1, 1, 41), [-1 + 2**-15, 1 - 2**-15, 2**-15]]).astype("float32")
MEANS = np.array([-1e3, -1.3, -1, -0.25, 0, 1e-3, 0.5, 1, 1.1, 1e3], "float32")
LOG_SCALES = np.array([-9, -8.5, -7, -4, -1, 0, 3, 30], "float32")


def grid():
    x, mean, log_scale = (v.ravel() for v in np.meshgrid(X, MEANS, LOG_SCALES))
    return x, np.stack([mean, log_scale], axis=-1)


def draw(mean, log_scale, temperature=1.0, n=20000):
    uniform = np.random.default_rng(0).uniform(size=(n, 2)).astype("float32")
    params = np.broadcast_to(np.array([mean, log_scale], "float32"), (n, 2))
    return numpy_of(distribution.sample(params, uniform, temperature))


def test_log_prob_equals_scipy():
    x, params = grid()
    expected = stats.norm.logpdf(x.astype("float64"), params[:, 0], np.exp(params[:, 1].astype("float64")))
    actual = numpy_of(distribution.log_prob(params, x), "float64")
    assert (np.abs(actual - expected) <= 1e-5 * np.maximum(1, np.abs(expected))).all()


def test_log_scales_below_the_minimum_count_as_the_minimum():
    params = np.array([[0.1, -9.0], [0.1, -12.0], [0.1, -1e30]], "float32")
    nats = numpy_of(distribution.log_prob(params, np.full(3, 0.1001, "float32")))
    assert nats[0] == nats[1] == nats[2]
    assert_array_equal(draw(0.1, -30, n=100), draw(0.1, -9, n=100))


def test_gradient_equals_the_formula(rng):
    params = np.stack([rng.normal(size=200), rng.uniform(-8, 2, 200)], axis=-1).astype("float32")
    x = rng.uniform(-1, 1, 200).astype("float32")
    mean, scale = params[:, 0].astype("float64"), np.exp(params[:, 1].astype("float64"))
    distance = (x - mean) / scale
    expected = np.stack([distance / scale, distance**2 - 1], axis=-1)
    assert_allclose(gradient(lambda p: distribution.log_prob(p, x), params), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize(("mean", "log_scale"), [(0.0, -2.5), (-0.3, -6.0)])
def test_samples_follow_the_density(mean, log_scale, temperature):
    scale = temperature * np.exp(log_scale)
    assert stats.kstest(draw(mean, log_scale, temperature), stats.norm(mean, scale).cdf).pvalue > 0.05


def test_values_are_quantiles_even_in_the_tails():
    # On the decoder's grid, where 2 u - 1 is exact.
    u = np.array([1, 171, 160001, 2**23, 15000001, 2**24 - 1], "float32") / np.float32(2**24)
    samples = distribution.sample(np.tile(np.array([[0, -3]], "f"), (6, 1)), np.stack([1 - u, u], axis=-1))
    assert_allclose(samples, stats.norm.ppf(u.astype("float64")) * np.exp(-3), rtol=1e-5, atol=1e-8)


def test_samples_outside_are_clipped():
    x = draw(0.9, -1.0)
    assert_allclose(np.mean(x == 1.0), stats.norm.sf(0.1 / np.exp(-1)), atol=0.01)


def test_mode_is_the_mean_clipped():
    params = np.array([[0.3, -4], [-2, -4], [1.5, 3]], "float32")
    assert_array_equal(distribution.mode(params), np.array([0.3, -1, 1], "float32"))


def test_differential_bits_become_bits_at_a_resolution():
    # Of 16-bit levels: the probability of one is its density times a step of 2**-15.
    levels = np.arange(-(2**15), 2**15) / 2.0**15
    x = levels[::997].astype("float32")
    nats = distribution.log_prob(np.tile(np.array([[0.1, -3]], "f"), (len(x), 1)), x)
    scaled = stats.norm(0.1, np.exp(-3))
    likely = np.abs(x - 0.1) < 0.2
    probability = scaled.cdf(x.astype("float64") + 2.0**-16) - scaled.cdf(x.astype("float64") - 2.0**-16)
    bits = -numpy_of(nats) / np.log(2) + 15
    assert_allclose(bits[likely], -np.log2(probability[likely]), rtol=1e-5)
