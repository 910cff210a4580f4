"""Discriminators against NumPy; tests/originals compares them with the originals."""

import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.models import MultiPeriodDiscriminator, MultiScaleDiscriminator, ParallelWaveGANDiscriminator

CASES = {
    "multi_period": lambda: MultiPeriodDiscriminator(periods=(2, 5), channels=(4, 6, 3)),
    "multi_scale": lambda: MultiScaleDiscriminator(scales=2, channels=16),
    "parallel_wavegan": lambda: ParallelWaveGANDiscriminator(num_layers=5, channels=4),
}
cases = pytest.mark.parametrize("name", CASES)


def make(name, scale=0.3):
    layer = CASES[name]()
    layer.build((None, None))
    randomise(layer, scale=scale)
    return layer


def strided(x, conv):
    """A convolution in the middle of its taps, by the definition: `[batch, time, channels]`."""
    kernel, bias = numpy_of(conv.kernel, "float64"), numpy_of(conv.bias, "float64")
    taps, (stride,), groups = len(kernel), conv.strides, conv.groups
    x = np.pad(x, ((0, 0), (taps // 2, taps // 2), (0, 0)))
    starts = range(0, x.shape[1] - taps + 1, stride)
    parts = [
        np.stack([np.einsum("bki,kio->bo", xg[:, s : s + taps], kg) for s in starts], axis=1)
        for xg, kg in zip(np.split(x, groups, axis=2), np.split(kernel, groups, axis=2), strict=True)
    ]
    return np.concatenate(parts, axis=2) + bias


def chain(x, convs, post):
    outputs = []
    for conv in convs:
        x = reference.leaky_relu(strided(x, conv), 0.1)
        outputs.append(x)
    return [*outputs, strided(x, post)]


def discriminate(name, layer, x):
    x = numpy_of(x, "float64")
    if name == "parallel_wavegan":
        y, outputs = x[..., None], []
        for conv in layer.convs:
            y = reference.leaky_relu(reference.conv(y, conv), 0.2)
            outputs.append(y)
        return [[*outputs, reference.conv(y, layer.post)]]
    if name == "multi_period":
        results = []
        for period, convs, post in zip(layer.periods, layer.convs, layer.posts, strict=True):
            padded = np.pad(x, ((0, 0), (0, -x.shape[1] % period)), mode="reflect")
            rows = np.concatenate([padded[b : b + 1, p::period] for b in range(len(x)) for p in range(period)])
            results.append(chain(rows[..., None], convs, post))
        return results
    results = []
    for scale, (convs, post) in enumerate(zip(layer.convs, layer.posts, strict=True)):
        if scale:
            padded = np.pad(x, ((0, 0), (2, 2)))
            x = np.stack([padded[:, s : s + 4].mean(axis=1) for s in range(0, padded.shape[1] - 3, 2)], axis=1)
        results.append(chain(x[..., None], convs, post))
    return results


@cases
@pytest.mark.parametrize("time", [200, 203])
def test_equals_numpy(rng, name, time):
    layer, x = make(name, scale=0.1), rng.normal(size=(2, time)).astype("float32")
    actual, expected = layer(x), discriminate(name, layer, x)
    assert [len(outputs) for outputs in actual] == [len(outputs) for outputs in expected]
    for a, e in zip(keras.tree.flatten(actual), keras.tree.flatten(expected), strict=True):
        assert_allclose(a, e, atol=1e-5 * np.abs(e).max())


@cases
def test_config_rebuilds_it(rng, name):
    layer, x = make(name), rng.normal(size=(1, 200)).astype("float32")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again(x)
    again.set_weights(layer.get_weights())
    for a, b in zip(keras.tree.flatten(layer(x)), keras.tree.flatten(again(x)), strict=True):
        assert_array_equal(a, b)


def test_refuses():
    with pytest.raises(ValueError, match="Expected channels to be a multiple of 16. Received: channels=20"):
        MultiScaleDiscriminator(channels=20)
    with pytest.raises(ValueError, match="Expected periods to be positive ints"):
        MultiPeriodDiscriminator(periods=())
    with pytest.raises(ValueError, match="Expected num_layers to be at least 2"):
        ParallelWaveGANDiscriminator(1)
