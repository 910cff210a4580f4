"""Discriminators against NumPy, and against the originals where a checkout is named by HIFI_GAN, PARALLEL_WAVEGAN."""

import keras
import numpy as np
import pytest

from tests.importers.test_original_names import assign, original, tensors_of  # noqa: F401
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


def compare(network, layer, pairs, rng, call):
    import torch

    network.eval()
    x = rng.normal(0, 0.3, (2, 8192 + 77)).astype("float32")
    with torch.no_grad():
        theirs = [[f.numpy() for f in outputs] for outputs in call(network, torch.from_numpy(x)[:, None])]
    for module in network.modules():
        for remove in (torch.nn.utils.remove_weight_norm, torch.nn.utils.remove_spectral_norm):
            try:
                remove(module)
            except ValueError:
                continue
    assert not assign(pairs, tensors_of(network))
    for ours, original_ in zip(layer(x), theirs, strict=True):
        for a, e in zip(ours, original_, strict=True):
            a, e = numpy_of(a), np.moveaxis(e, 1, -1)
            if e.ndim == 4:  # [batch, steps, period, filters]; ours has the period in the batch
                a = np.moveaxis(a.reshape(2, -1, *a.shape[1:]), 1, 2)
            assert_allclose(a.reshape(e.shape), e, atol=1e-4 * np.abs(e).max())


def names(modules):
    return [
        (getattr(conv, ours), (f"{name}.{theirs}",))
        for name, conv in modules.items()
        for ours, theirs in (("kernel", "weight"), ("bias", "bias"))
    ]


def hifi_gan_names(layer):
    modules = {}
    for i, (convs, post) in enumerate(zip(layer.convs, layer.posts, strict=True)):
        modules |= {f"discriminators.{i}.convs.{j}": conv for j, conv in enumerate(convs)}
        modules[f"discriminators.{i}.conv_post"] = post
    return names(modules)


@pytest.mark.parametrize("kind", ["MultiPeriodDiscriminator", "MultiScaleDiscriminator"])
def test_equals_jik876(original, rng, kind):  # noqa: F811
    layer = {"MultiPeriodDiscriminator": MultiPeriodDiscriminator, "MultiScaleDiscriminator": MultiScaleDiscriminator}
    layer, network = layer[kind](), getattr(original("HIFI_GAN", "models"), kind)()
    layer.build((None, None))
    compare(network, layer, hifi_gan_names(layer), rng, lambda network, x: network(x, x)[2])


def test_equals_kan_bayashi(original, rng):  # noqa: F811
    network = original("PARALLEL_WAVEGAN", "parallel_wavegan.models").ParallelWaveGANDiscriminator()
    layer = ParallelWaveGANDiscriminator()
    layer.build((None, None))
    pairs = names({f"conv_layers.{2 * i}": conv for i, conv in enumerate((*layer.convs, layer.post))})

    def call(network, x):
        outputs = []
        for module in network.conv_layers:
            x = module(x)
            if not isinstance(module, type(network.conv_layers[0])):
                outputs.append(x)
        return [[*outputs, x]]

    compare(network, layer, pairs, rng, call)


def test_refuses():
    with pytest.raises(ValueError, match="Expected channels to be a multiple of 16. Received: channels=20"):
        MultiScaleDiscriminator(channels=20)
    with pytest.raises(ValueError, match="Expected periods to be positive ints"):
        MultiPeriodDiscriminator(periods=())
    with pytest.raises(ValueError, match="Expected num_layers to be at least 2"):
        ParallelWaveGANDiscriminator(1)
