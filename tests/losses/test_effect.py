import keras
import numpy as np
import pytest

from tests.support.arrays import assert_allclose
from tf_wavenet import EffectLoss, ErrorToSignalRatio


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_loss_equals_numpy_and_ignores_samples_of_weight_zero(rng, weight):
    y, z = rng.normal(size=(2, 3, 20)).astype("float32")
    mask = np.r_[np.zeros(5), np.ones(15)][None].repeat(3, axis=0).astype("float32")
    error = z.astype("float64") - y
    expected = np.mean(error[:, 5:] ** 2) + weight * np.mean((error[:, 5:] - 0.85 * error[:, 4:-1]) ** 2)
    loss = EffectLoss(weight)
    assert_allclose(loss(y, z, mask), expected, rtol=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert_allclose(again(y, z, mask), expected, rtol=1e-5)


def test_ratio_is_of_all_samples_together(rng):
    y, z = rng.normal(size=(2, 6, 20)) * np.arange(1, 7)[:, None]
    mask = rng.integers(0, 2, (6, 20)).astype("float32")
    metric = ErrorToSignalRatio()
    for rows in (slice(0, 1), slice(1, 6)):
        metric.update_state(y[rows], z[rows], mask[rows])
    assert_allclose(metric.result(), (mask * (z - y) ** 2).sum() / (mask * y**2).sum(), rtol=1e-5)
    metric.reset_state()
    metric.update_state(y, np.zeros_like(y))
    assert_allclose(metric.result(), 1.0, rtol=1e-6)


def test_a_silent_target_has_no_ratio():
    metric = ErrorToSignalRatio()
    assert np.isnan(float(metric.result()))
    for guess in (0.0, 0.5):
        metric.update_state(np.zeros((1, 8)), np.full((1, 8), guess))
        assert np.isnan(float(metric.result()))
    metric.update_state(np.ones((1, 8)), np.ones((1, 8)))
    assert_allclose(metric.result(), 0.25)


def test_refuses_weights_below_zero():
    with pytest.raises(ValueError, match="Expected preemphasis_weight >= 0. Received: preemphasis_weight=-1"):
        EffectLoss(-1.0)
    with pytest.raises(ValueError, match="Received: preemphasis='x'"):
        EffectLoss(preemphasis="x")


def test_a_configuration_of_the_old_spelling_loads():
    config = EffectLoss(0.7, 0.9).get_config()
    old = {name.replace("preemphasis", "pre_emphasis"): value for name, value in config.items()}
    assert "pre_emphasis_weight" in old and EffectLoss.from_config(old).get_config() == config
