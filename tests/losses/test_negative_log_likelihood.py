import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose
from tf_wavenet import BitsPerSample, MuLawCategorical, NegativeLogLikelihood


def make(rng, batch=2):
    logits = rng.normal(size=(batch, 30, 256)).astype("float32")
    x = rng.uniform(-1, 1, (batch, 30)).astype("float32")
    levels = reference.mu_law_levels(x)
    nats = -np.take_along_axis(reference.log_softmax(logits.astype("float64")), levels[..., None], -1)[..., 0]
    weight = (np.arange(30) >= 12).astype("float32") * np.ones((batch, 1), "float32")
    return logits, x, nats, weight


def test_loss_is_the_mean_over_samples_that_count(rng):
    logits, x, nats, weight = make(rng)
    loss = NegativeLogLikelihood(MuLawCategorical())
    assert_allclose(loss(x, logits), nats.mean(), rtol=1e-5)
    assert_allclose(loss(x, logits, weight), nats[:, 12:].mean(), rtol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 5)])
def test_weights_of_rows_are_weights_of_their_samples(rng, shape):
    # As many rows as samples, so that a weight along the wrong axis would fit.
    logits, x, nats, _ = (v[:, :5] for v in make(rng, batch=5))
    weight = rng.uniform(size=shape).astype("float32")
    full = np.broadcast_to(weight if weight.ndim == 2 else weight[:, None], (5, 5))
    expected = (nats * full).sum() / full.sum()
    assert_allclose(NegativeLogLikelihood(MuLawCategorical())(x, logits, weight), expected, rtol=1e-5)
    metric = BitsPerSample(MuLawCategorical())
    metric.update_state(x, logits, weight)
    assert_allclose(metric.result(), expected / np.log(2), rtol=1e-5)


def test_metric_is_in_base_two_and_pools_batches_by_weight(rng):
    logits, x, nats, weight = make(rng)
    metric = BitsPerSample(MuLawCategorical())
    metric.update_state(x, logits, weight)
    metric.update_state(x[:, :5], logits[:, :5])
    expected = np.concatenate([nats[:, 12:].ravel(), nats[:, :5].ravel()]).mean() / np.log(2)
    assert_allclose(metric.result(), expected, rtol=1e-5)


def test_both_serialise():
    for thing in (NegativeLogLikelihood(MuLawCategorical(mu=100)), BitsPerSample(MuLawCategorical(mu=100))):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
        assert type(again) is type(thing) and again.distribution.mu == 100 and again.name == thing.name
