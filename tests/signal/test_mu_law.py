import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import mu_law_decode, mu_law_encode


@pytest.mark.parametrize("mu", [1, 15, 100, 255, 1023, 65535])
def test_encode_equals_numpy(rng, mu):
    x = rng.uniform(-1.2, 1.2, (3, 4, 500)).astype("float32")
    levels = numpy_of(mu_law_encode(x, mu))
    expected = reference.mu_law_levels(x, mu)
    assert levels.dtype == np.int32 and levels.shape == x.shape
    # float32 may fall on the other side of a boundary between two levels, never further.
    assert np.abs(levels - expected).max() <= 1
    assert (levels == expected).mean() > (0.999 if mu < 2000 else 0.9)


@pytest.mark.parametrize("mu", [1, 2, 15, 100, 255, 1023, 65535])
def test_decode_is_the_inverse_on_every_level(mu):
    levels = np.arange(mu + 1)
    waveform = numpy_of(mu_law_decode(levels, mu))
    assert waveform.dtype == np.float32
    assert_array_equal(mu_law_encode(waveform, mu), levels)
    y = 2 * levels / mu - 1
    assert_allclose(waveform, np.sign(y) * ((1 + mu) ** np.abs(y) - 1) / mu, atol=1e-6)
    assert waveform[0] == -1 and waveform[-1] == 1
    assert (np.diff(waveform) > 0).all()


def test_known_levels():
    assert [int(mu_law_encode(x)) for x in (-1.0, -2.0, 0.0, 1.0, 2.0)] == [0, 0, 128, 255, 255]
    assert int(mu_law_encode(np.float16(0.5))) == int(mu_law_encode(0.5))


def test_refuses_pcm_that_was_not_scaled():
    with pytest.raises(ValueError, match="Expected a floating point waveform in .* Received: dtype="):
        mu_law_encode(np.array([1000, -1000], "int16"))


def test_levels_outside_are_refused():
    with pytest.raises(
        ValueError, match=r"Expected mu-law levels to be ints in \[0, 255\]. Received: int64 in \[-7, 300\]"
    ):
        mu_law_decode([-7, 300])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a graph of TensorFlow's")
def test_in_a_graph_levels_outside_are_clipped():
    import tensorflow as tf

    assert_array_equal(tf.function(mu_law_decode)(tf.constant([-7, 300])), [-1.0, 1.0])


def test_empty_and_scalar_shapes():
    assert tuple(mu_law_encode(np.zeros((2, 0), "float32")).shape) == (2, 0)
    assert tuple(mu_law_decode(7).shape) == ()


@pytest.mark.parametrize("mu", [0, -1, 2.5, True, None, "255"])
def test_refuses_mu(mu):
    for function in (mu_law_encode, mu_law_decode):
        with pytest.raises(ValueError, match="Expected mu to be a positive int. Received: mu="):
            function(0, mu)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data needs the TensorFlow backend")
def test_works_in_tf_data(rng):
    import tensorflow as tf

    x = rng.uniform(-1, 1, (4, 10)).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(x).map(mu_law_encode).map(mu_law_decode)
    expected = mu_law_decode(mu_law_encode(x))
    assert_array_equal(np.stack(list(dataset.as_numpy_iterator())), expected)
