"""What every distribution must do, from one registry."""

import inspect
import itertools

import keras
import numpy as np
import pytest
from keras import ops

from tests.distributions.execution import compiled, gradient
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.slow import some
from tf_wavenet import distributions

CASES = {
    "Gaussian": {"log_scale_min": -8.0},
    "MixtureOfGaussians": {"num_mixtures": 3, "log_scale_min": -8.0},
    "MixtureOfLogistics": {"num_mixtures": 3, "bits": 12, "log_scale_min": -12.0},
    "MuLawCategorical": {"mu": 100},
    "Residual": {"distribution": distributions.MuLawCategorical(100), "gain": 4.0},
}
every = pytest.mark.parametrize("name", CASES)
of_scales = pytest.mark.parametrize("name", ["Gaussian", "MixtureOfGaussians", "MixtureOfLogistics"])


def make(name):
    return getattr(distributions, name)(**CASES[name])


def make_params(distribution, rng, *shape):
    params = rng.normal(size=(*shape, distribution.parameter_size)).astype("float32")
    if not distribution.has_levels:
        count = getattr(distribution, "num_mixtures", 1)
        params[..., -2 * count : -count] /= 3  # means
        params[..., -count:] -= 3  # log scales
    if isinstance(distribution, distributions.Residual):
        params[..., -2:] = rng.uniform((-0.3, 0.5), (0.3, 1.5), (*shape, 2))  # prediction, factor on the temperature
    return params


def make_uniform(rng, n):
    return (rng.integers(0, 2**23, (n, 2)) * 2.0**-23 + 2.0**-24).astype("float32")


def test_every_distribution_has_a_case():
    assert sorted(CASES) == sorted(distributions.__all__)


@every
def test_config_and_serialisation(name):
    distribution = make(name)
    config = distribution.get_config()
    serialise = keras.saving.serialize_keras_object
    assert config == {k: serialise(v) if hasattr(v, "get_config") else v for k, v in CASES[name].items()}
    assert all(getattr(distribution, key) == value for key, value in CASES[name].items())
    assert set(config) == set(inspect.signature(type(distribution)).parameters)
    assert type(distribution).from_config(config).get_config() == config
    serialised = keras.saving.serialize_keras_object(distribution)
    assert serialised["registered_name"] == f"tf_wavenet>{name}"
    again = keras.saving.deserialize_keras_object(serialised)
    assert type(again) is type(distribution) and again.get_config() == config


@every
def test_shapes_and_range(name, rng):
    distribution = make(name)
    params = make_params(distribution, rng, 4, 5)
    x = rng.uniform(-1, 1, (4, 5)).astype("float32")
    assert numpy_of(distribution.log_prob(params, x)).shape == (4, 5)
    for samples in (distribution.mode(params), distribution.sample(5 * params[:, 0], make_uniform(rng, 4))):
        samples = numpy_of(samples)
        assert samples.dtype == "float32" and np.abs(samples).max() <= 1
    assert numpy_of(distribution.sample(params[:, 0], make_uniform(rng, 4))).shape == (4,)


@every
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_parameters_are_computed_in_float32(name, dtype, rng):
    distribution = make(name)
    half = ops.cast(make_params(distribution, rng, 50), dtype)
    full = numpy_of(ops.cast(half, "float32"))
    x, uniform = rng.uniform(-1, 1, 50).astype("float32"), make_uniform(rng, 50)
    for function in (
        lambda params: distribution.log_prob(params, x),
        lambda params: distribution.sample(params, uniform),
        distribution.mode,
    ):
        y = function(half)
        assert keras.backend.standardize_dtype(y.dtype) == "float32"
        assert_array_equal(y, function(full))


@every
def test_temperature_zero_is_the_mode(name, rng):
    distribution = make(name)
    params, uniform = make_params(distribution, rng, 200), make_uniform(rng, 200)
    for zero in (0, 0.0, ops.convert_to_tensor(np.float32(0))):
        assert_array_equal(distribution.sample(params, uniform, zero), distribution.mode(params))


@every
def test_low_temperature_narrows(name, rng):
    distribution = make(name)
    params = np.repeat(make_params(distribution, rng, 1), 500, axis=0)
    uniform = make_uniform(rng, 500)
    spread = [np.ptp(numpy_of(distribution.sample(params, uniform, t))) for t in (1.0, 0.1, 1e-7)]
    assert spread[0] > spread[1] and spread[2] < 1e-3


@every
def test_extreme_parameters_give_samples(name):
    distribution = make(name)
    values = [[-1e4, 1e3, 80.0], [1e4, -1e3, -80.0], [0.0, 0.0, 100.0]]
    params = np.resize(np.array(values, "float32"), (3, distribution.parameter_size))
    edges = np.array([[2.0**-24, 1 - 2.0**-24], [1 - 2.0**-24, 2.0**-24], [0.5, 0.5]], "float32")
    for temperature in (0.0, 1e-30, 1.0, 100.0):
        samples = numpy_of(distribution.sample(params, edges, temperature))
        assert np.isfinite(samples).all() and np.abs(samples).max() <= 1


@pytest.mark.parametrize("name", some(CASES, "MuLawCategorical", "Residual"))
def test_compiled_equals_eager(name, rng):
    distribution = make(name)
    params, uniform = make_params(distribution, rng, 100), make_uniform(rng, 100)
    x = rng.uniform(-1, 1, 100).astype("float32")
    arguments = [ops.convert_to_tensor(a) for a in (params, uniform, np.float32(0.7), x)]

    def run(params, uniform, temperature, x):
        return (
            distribution.sample(params, uniform, temperature),
            distribution.mode(params),
            distribution.log_prob(params, x),
            distribution.quantize(x),
        )

    eager = [numpy_of(y) for y in run(*arguments)]
    sample, mode, log_prob, quantized = (numpy_of(y) for y in compiled(run)(*arguments))
    step = {"MuLawCategorical": 0.0, "MixtureOfLogistics": 2 / 4095}.get(name, 1e-6)
    assert_allclose(sample, eager[0], atol=1.01 * step)
    assert_array_equal(mode, eager[1])
    assert_allclose(log_prob, eager[2], rtol=1e-5, atol=1e-5)
    assert_array_equal(quantized, eager[3])


@every
def test_quantize_is_idempotent_and_changes_no_likelihood(name, rng):
    distribution = make(name)
    x = np.concatenate([[-2, -1, 0, 1, 2], rng.uniform(-1, 1, 500)]).astype("float32")
    once = numpy_of(distribution.quantize(x))
    assert once.dtype == "float32" and once.min() == -1 and once.max() == 1
    assert_array_equal(distribution.quantize(once), once)
    params = make_params(distribution, rng, len(x))
    clipped = np.clip(x, -1, 1)
    assert_array_equal(distribution.log_prob(params, once), distribution.log_prob(params, clipped))


@every
def test_samples_and_modes_are_values_of_the_support(name, rng):
    distribution = make(name)
    params = make_params(distribution, rng, 500)
    for x in (distribution.sample(params, make_uniform(rng, 500)), distribution.mode(params)):
        assert_array_equal(distribution.quantize(x), x)


@of_scales
@pytest.mark.parametrize("setting", ["top_k", "top_p"])
def test_levels_cannot_be_ranked(name, setting, rng):
    distribution = make(name)
    assert not distribution.has_levels
    with pytest.raises(ValueError, match=rf"{name} has no ranked levels. Received: .*{setting}=1"):
        distribution.sample(make_params(distribution, rng, 1), make_uniform(rng, 1), **{setting: 1})


@every
def test_unscaled_pcm_is_refused(name, rng):
    distribution = make(name)
    with pytest.raises(ValueError, match="Expected a floating point waveform in"):
        distribution.log_prob(make_params(distribution, rng, 3), np.array([0, 1000, -1000], "int16"))


@of_scales
@pytest.mark.parametrize("value", [1.0, -36, float("nan"), None, True, "small"])
def test_minimum_of_log_scales_is_checked(name, value):
    with pytest.raises(ValueError, match="Expected log_scale_min to be a number in"):
        getattr(distributions, name)(log_scale_min=value)


@pytest.mark.parametrize("name", ["MixtureOfGaussians", "MixtureOfLogistics"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, None])
def test_number_of_components_is_checked(name, value):
    with pytest.raises(ValueError, match="Expected num_mixtures to be a positive int"):
        getattr(distributions, name)(num_mixtures=value)


@of_scales
@pytest.mark.parametrize("log_scale_min", [None, -35.0])
def test_gradients_are_finite_at_extremes(name, log_scale_min):
    arguments = {k: v for k, v in CASES[name].items() if k != "log_scale_min"}
    if log_scale_min is not None:
        arguments["log_scale_min"] = log_scale_min
    distribution = getattr(distributions, name)(**arguments)
    count = getattr(distribution, "num_mixtures", 1)
    one = list(itertools.product([-1e4, 0.0, 1e4], [-1e3, -1.0, 0.0, 1.0, 1e3], [-30.0, -5.0, 30.0]))
    # Every component beside every other, in order and shuffled.
    rows = np.array([[one[(i * step) % len(one)] for step in (1, 7, 11)[:count]] for i in range(len(one))])
    params = rows.transpose(0, 2, 1)[:, -(distribution.parameter_size // count) :].reshape(len(one), -1)
    params = np.tile(params, (4, 1)).astype("float32")
    x = np.repeat(np.array([-1.0, 0.0, 0.3, 1.0], "float32"), len(one))
    assert np.isfinite(numpy_of(distribution.log_prob(params, x))).all()
    assert np.isfinite(gradient(lambda params: distribution.log_prob(params, x), params)).all()


@of_scales
def test_scales_below_the_minimum_can_come_back(name):
    distribution = make(name)
    count = getattr(distribution, "num_mixtures", 1)
    params = np.zeros((3, distribution.parameter_size), "float32")
    params[:, -count:] = [[-30.0], [-30.0], [distribution.log_scale_min + 1]]
    near = numpy_of(distribution.quantize(np.zeros(1, "float32")))[0]
    params[:, -2 * count : -count] = near  # means
    x = np.array([0.5, near, 0.5], "float32")
    below, level, above = gradient(lambda params: distribution.log_prob(params, x), params)[:, -count:]
    # Far from the mean a larger scale is likelier, nearly as steeply from below the minimum as from just above it.
    assert (below > 0).all() and (above > 0).all()
    assert_array_equal(level, 0.0)
