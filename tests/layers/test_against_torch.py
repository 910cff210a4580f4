"""Convolutions beside those of PyTorch; runs where it is installed and TensorFlow is not imported."""

import numpy as np
import pytest

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.pytorch import import_torch
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import CausalConv1D, DepthwiseConv1D, GroupedConv1D, NonCausalConv1D, UpsampleConv1D


def compare(layer, rng, kind, before=(0, 0), after=slice(None), channels=8, **options):
    """`kind` is the class in PyTorch; `before` pads its input, `after` cuts its output."""
    torch = import_torch()
    layer.build((None, None, channels))
    randomise(layer)
    taps = numpy_of(layer.kernel)
    taps = taps.reshape(len(taps), *((1, channels) if isinstance(layer, DepthwiseConv1D) else taps.shape[1:]))
    outputs = channels if isinstance(layer, DepthwiseConv1D) else len(numpy_of(layer.bias))
    theirs = getattr(torch.nn, kind)(channels, outputs, len(taps), **options)
    x = rng.normal(size=(2, 23, channels)).astype("float32")
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(taps.T.copy()))
        theirs.bias.copy_(torch.from_numpy(numpy_of(layer.bias)))
        padded = torch.from_numpy(np.pad(x, ((0, 0), before, (0, 0))).transpose(0, 2, 1).copy())
        expected = theirs(padded).numpy().transpose(0, 2, 1)[:, after]
    actual = numpy_of(layer(x))
    assert actual.shape == expected.shape
    assert_allclose(actual, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("taps", [1, 3, 5])
def test_convolutions(rng, taps, dilation):
    reach = (taps - 1) * dilation
    compare(CausalConv1D(6, taps, dilation), rng, "Conv1d", before=(reach, 0), dilation=dilation)
    compare(NonCausalConv1D(6, taps, dilation), rng, "Conv1d", padding=reach // 2, dilation=dilation)


@pytest.mark.parametrize(("taps", "strides", "groups"), [(15, 1, 1), (5, 2, 4), (4, 3, 2)])
def test_grouped(rng, taps, strides, groups):
    compare(GroupedConv1D(12, taps, strides, groups), rng, "Conv1d", stride=strides, groups=groups)


@pytest.mark.parametrize("causal", [True, False])
def test_depthwise(rng, causal):
    compare(DepthwiseConv1D(5, causal), rng, "Conv1d", before=(4, 0) if causal else (2, 2), groups=8)


@pytest.mark.parametrize(("taps", "strides"), [(16, 8), (4, 2), (3, 3), (10, 5), (8, 3)])
def test_transposed(rng, taps, strides):
    layer, first = UpsampleConv1D(6, taps, strides), (taps - strides + 1) // 2
    compare(layer, rng, "ConvTranspose1d", after=slice(first, first + 23 * strides), stride=strides)
