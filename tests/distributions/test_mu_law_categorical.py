import keras
import numpy as np
import pytest
from scipy import special, stats

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import MuLawCategorical, mu_law_encode

distribution = MuLawCategorical()


def draw(logits, n=20000, seed=0, **settings):
    u = (np.random.default_rng(seed).permutation(n) + 0.5).astype("float32") / n
    u = np.stack([u, 1 - u], axis=-1)
    params = np.broadcast_to(numpy_of(logits, "float32"), (n, 256))
    return np.bincount(mu_law_encode(distribution.sample(params, u, **settings)), minlength=256) / n


def test_log_prob_equals_numpy(rng):
    logits = (10 * rng.normal(size=(2, 50, 256))).astype("float32")
    x = rng.uniform(-1, 1, (2, 50)).astype("float32")
    levels = numpy_of(mu_law_encode(x))
    expected = np.take_along_axis(reference.log_softmax(logits.astype("float64")), levels[..., None], -1)[..., 0]
    assert_allclose(distribution.log_prob(logits, x), expected, rtol=1e-5, atol=1e-5)


def test_probabilities_of_all_levels_sum_to_one(rng):
    logits = rng.normal(size=(1, 256)).astype("float32")
    waveform = numpy_of(distribution.mode(np.eye(256, dtype="float32")))
    total = np.exp(numpy_of(distribution.log_prob(np.broadcast_to(logits, (256, 256)), waveform))).sum()
    assert_allclose(total, 1.0, rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_density(rng, temperature):
    logits = 2 * rng.normal(size=256)
    counts = 20000 * draw(logits, temperature=temperature)
    expected = 20000 * special.softmax(logits / temperature)
    likely = expected > 5
    # The uniforms are stratified: each count is within one of its expectation.
    assert np.abs(counts - expected)[likely].max() <= 2
    assert (
        stats.chisquare(counts[likely], expected[likely] * counts[likely].sum() / expected[likely].sum()).pvalue > 0.5
    )


def test_temperature_zero_is_the_mode(rng):
    logits = rng.normal(size=(100, 256)).astype("float32")
    samples = distribution.sample(logits, rng.uniform(size=(100, 2)).astype("float32"), temperature=0.0)
    assert_array_equal(mu_law_encode(samples), logits.argmax(axis=-1))
    # All levels equally probable: still one fixed answer.
    flat = distribution.sample(np.zeros((50, 256), "f"), rng.uniform(size=(50, 2)).astype("float32"), temperature=0.0)
    assert len(set(numpy_of(flat).tolist())) == 1


@pytest.mark.parametrize("k", [1, 2, 17, 256])
def test_top_k_equals_numpy(rng, k):
    logits = rng.normal(size=256)
    kept = np.argsort(-logits)[:k]
    expected = np.zeros(256)
    expected[kept] = special.softmax(logits[kept])
    assert_allclose(draw(logits, top_k=k), expected, atol=2e-4)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.9, 1.0])
def test_top_p_equals_numpy(rng, p):
    logits = 2 * rng.normal(size=256)
    order = np.argsort(-logits)
    mass = np.cumsum(special.softmax(logits)[order])
    kept = order[: min(int(np.searchsorted(mass, p)) + 1, 256)]
    expected = np.zeros(256)
    expected[kept] = special.softmax(logits[kept])
    assert_allclose(draw(logits, top_p=p), expected, atol=2e-4)


def test_top_k_then_top_p(rng):
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.1] + [1e-9] * 252))
    # Among the three most probable, renormalised to 4/9, 3/9, 2/9, the first two reach 0.6.
    expected = np.zeros(256)
    expected[:2] = [4 / 7, 3 / 7]
    assert_allclose(draw(logits, top_k=3, top_p=0.6), expected, atol=2e-4)


def test_impossible_levels_are_never_drawn():
    logits = np.full((2, 256), -np.inf, "float32")
    logits[:, 100] = 0.0
    edges = np.array([[2.0**-24, 0.5], [1 - 2.0**-24, 0.5]], "float32")
    assert_array_equal(mu_law_encode(distribution.sample(logits, edges)), [100, 100])


def test_half_precision_parameters_are_computed_in_float32():
    logits = keras.ops.cast(np.zeros((1, 256), "float32"), "bfloat16")
    nats = distribution.log_prob(logits, np.zeros(1, "float32"))
    assert keras.backend.standardize_dtype(nats.dtype) == "float32"
    assert_allclose(nats, -np.log(256), rtol=1e-6)


def test_quantize_gives_centres_of_levels(rng):
    x = rng.uniform(-1.5, 1.5, 500).astype("float32")
    companded = 2 * reference.mu_law_levels(x) / 255 - 1
    expected = np.sign(companded) * (256 ** np.abs(companded) - 1) / 255
    assert_allclose(distribution.quantize(x), expected, atol=1e-7)
    assert distribution.has_levels


def test_serialises():
    config = keras.saving.serialize_keras_object(MuLawCategorical(mu=1023))
    assert keras.saving.deserialize_keras_object(config).parameter_size == 1024
