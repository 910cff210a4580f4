import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tf_wavenet import Gaussian, MuLawCategorical, Residual


def test_probability_is_that_of_the_residual(rng):
    distribution, params = Residual(MuLawCategorical(63), gain=3.0), rng.normal(size=(40, 66)).astype("float32")
    x = rng.uniform(-0.3, 0.3, 40).astype("float32")
    params[:, -2] = rng.uniform(-0.2, 0.2, 40)
    levels = reference.mu_law_levels(3.0 * (x.astype("float64") - params[:, -2]), 63)
    expected = reference.log_softmax(params[:, :-2].astype("float64"))[np.arange(40), levels]
    assert_allclose(distribution.log_prob(params, x), expected, atol=1e-4)


@pytest.mark.parametrize("inner", [MuLawCategorical(63), Gaussian()])
def test_samples_lie_around_the_prediction(rng, inner):
    distribution = Residual(inner, gain=4.0)
    params = rng.normal(-2, 0.3, (300, distribution.parameter_size)).astype("float32")
    params[:, -2:] = np.stack([np.linspace(-1.2, 1.2, 300), np.linspace(0.2, 2.0, 300)], axis=-1)
    uniform = rng.uniform(0.01, 0.99, (300, 2)).astype("float32")
    residual = numpy_of(inner.sample(params[:, :-2], uniform, 0.7 * params[:, -1]))
    expected = np.clip(params[:, -2] + residual / 4.0, -1, 1)
    assert_allclose(distribution.sample(params, uniform, 0.7), expected, atol=1e-6)
    mode = np.clip(params[:, -2] + numpy_of(inner.mode(params[:, :-2])) / 4.0, -1, 1)
    assert_allclose(distribution.mode(params), mode, atol=1e-6)


@pytest.mark.parametrize("gain", [0.0, -1.0, "two"])
def test_gain_is_checked(gain):
    with pytest.raises(ValueError, match="Expected gain to be"):
        Residual(Gaussian(), gain)


def test_an_inner_distribution_is_needed():
    with pytest.raises(ValueError, match="Expected distribution to be one of tf_wavenet.distributions"):
        Residual("gaussian")
