import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_array_equal, numpy_of
from tf_wavenet.layers import MuLawNoise


def test_noise_has_the_strengths_asked_for_in_the_companded_domain():
    layer, x = MuLawNoise(levels=4.0, seed=1), np.full((400, 2000), 0.05, "float32")
    noisy = reference.compand(numpy_of(layer(x, training=True), "float64")) - reference.compand(x.astype("float64"))
    deviations = noisy.std(axis=1) * 255 / 2
    strengths = np.array([0.0, 1.0, 2.0, 4.0])
    nearest = strengths[np.abs(deviations[:, None] - strengths).argmin(axis=1)]
    assert np.abs(deviations - nearest).max() < 0.3
    assert (np.abs([np.mean(nearest == s) - 0.25 for s in strengths]) < 0.08).all()


@pytest.mark.parametrize(("levels", "training"), [(2.0, False), (2.0, None), (0.0, True)])
def test_there_is_none_otherwise(rng, levels, training):
    x = rng.uniform(-1, 1, (2, 50)).astype("float32")
    assert_array_equal(MuLawNoise(levels)(x, training=training), x)


def test_saved_state_draws_what_would_have_been_drawn(tmp_path):
    def make():
        return keras.Sequential([keras.Input((100,)), MuLawNoise(2.0, seed=3)])

    first, second, x = make(), make(), np.zeros((8, 100), "float32")
    one = numpy_of(first(x, training=True))
    first.save_weights(tmp_path / "noise.weights.h5")
    expected = numpy_of(first(x, training=True))
    second.load_weights(tmp_path / "noise.weights.h5")
    assert_array_equal(second(x, training=True), expected)
    assert (one != expected).any()


@pytest.mark.parametrize("levels", [-1.0, None, "few"])
def test_refuses(levels):
    with pytest.raises(ValueError, match="Expected levels to be"):
        MuLawNoise(levels)
