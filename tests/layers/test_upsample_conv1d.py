import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import UpsampleConv1D

SIZES = [(1, 1), (4, 2), (16, 8), (6, 3), (10, 5), (5, 3), (7, 2), (3, 3)]


def make(kernel_size, strides, causal):
    layer = UpsampleConv1D(3, kernel_size, strides, causal=causal)
    layer.build((None, None, 4))
    randomise(layer)
    return layer


@pytest.mark.parametrize("time", [1, 2, 9])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("kernel_size", "strides"), SIZES)
def test_equals_numpy(rng, kernel_size, strides, causal, time):
    layer, x = make(kernel_size, strides, causal), rng.normal(size=(2, time, 4)).astype("float32")
    y = layer(x)
    assert tuple(y.shape) == (2, time * strides, 3)
    assert_allclose(y, reference.upsample_conv(x, layer), atol=1e-5)


@pytest.mark.parametrize(("kernel_size", "strides"), SIZES)
def test_is_the_middle_of_keras_transposed_convolution(rng, kernel_size, strides):
    layer, x = make(kernel_size, strides, False), rng.normal(size=(2, 9, 4)).astype("float32")
    theirs = keras.layers.Conv1DTranspose(3, kernel_size, strides)
    theirs.build(x.shape)
    theirs.set_weights(layer.get_weights())
    first = (kernel_size - strides + 1) // 2
    assert_allclose(layer(x), theirs(x)[:, first : first + 9 * strides], atol=1e-5)


@pytest.mark.parametrize(("kernel_size", "strides"), SIZES)
def test_blocks_give_what_the_whole_gives(rng, kernel_size, strides):
    layer, x = make(kernel_size, strides, True), rng.normal(size=(2, 9, 4)).astype("float32")
    state, parts = layer.get_initial_state(2), []
    for first, last in ((0, 1), (1, 2), (2, 7), (7, 9)):
        y, state = layer.prime(x[:, first:last], state)
        parts.append(numpy_of(y))
    assert_allclose(np.concatenate(parts, axis=1), layer(x), atol=1e-6)


def test_causal_looks_at_nothing_later(rng):
    layer, x = make(16, 8, True), rng.normal(size=(2, 9, 4)).astype("float32")
    spoiled = x.copy()
    spoiled[:, 5:] = np.nan
    assert_array_equal(numpy_of(layer(spoiled))[:, :40], numpy_of(layer(x))[:, :40])


def test_refuses():
    with pytest.raises(ValueError, match="Expected kernel_size to be at least strides=4. Received: kernel_size=3"):
        UpsampleConv1D(2, 3, 4)
    layer = make(4, 2, False)
    with pytest.raises(ValueError, match="Expected causal=True to stream"):
        layer.prime(np.zeros((1, 2, 4), "float32"), layer.get_initial_state(1))
