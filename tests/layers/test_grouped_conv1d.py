import keras
import numpy as np
import pytest

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import GroupedConv1D


def convolve(x, layer):
    """By the definition, group by group and output by output."""
    kernel, bias = numpy_of(layer.kernel, "float64"), numpy_of(layer.bias, "float64")
    parts = []
    for xg, kg in zip(np.split(x, layer.groups, axis=2), np.split(kernel, layer.groups, axis=2), strict=True):
        starts = range(0, x.shape[1] - len(kernel) + 1, layer.strides[0])
        parts.append(np.stack([np.einsum("bki,kio->bo", xg[:, s : s + len(kernel)], kg) for s in starts], axis=1))
    return np.concatenate(parts, axis=2) + bias


@pytest.mark.parametrize("time", [9, 30, 31])
@pytest.mark.parametrize(("kernel_size", "strides", "groups"), [(5, 2, 4), (9, 4, 2), (3, 1, 8), (4, 3, 1)])
def test_equals_numpy(rng, kernel_size, strides, groups, time):
    layer, x = GroupedConv1D(16, kernel_size, strides, groups), rng.normal(size=(2, time, 8)).astype("float32")
    layer(x)
    randomise(layer)
    expected = convolve(x, layer)
    assert_allclose(layer(x), expected, atol=1e-5)
    theirs = keras.layers.Conv1D(16, kernel_size, strides, groups=groups)
    theirs.build(x.shape)
    theirs.set_weights(layer.get_weights())
    assert_allclose(layer(x), theirs(x), atol=1e-5)


def test_refuses_padding_and_dilation():
    for options in ({"padding": "same"}, {"dilation_rate": 2}):
        with pytest.raises(ValueError, match="Expected no padding, no dilation"):
            GroupedConv1D(4, 3, **options)
