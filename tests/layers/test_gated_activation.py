import numpy as np
import pytest

from tests.support.arrays import assert_allclose
from tf_wavenet.layers import GatedActivation


def test_equals_numpy(rng):
    x = rng.normal(size=(2, 5, 6)).astype("float32")
    expected = np.tanh(x[..., :3]) / (1 + np.exp(-x[..., 3:].astype("float64")))
    assert_allclose(GatedActivation()(x), expected, atol=1e-6)
    assert_allclose(GatedActivation()(x[:, 0]), expected[:, 0], atol=1e-6)


def test_refuses_odd_channels():
    with pytest.raises(ValueError, match="even number of channels"):
        GatedActivation().build((None, 7))
