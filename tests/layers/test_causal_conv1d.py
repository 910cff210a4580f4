import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.gradients import gradient_by_input
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import CausalConv1D


@pytest.mark.parametrize("kernel_size", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 3, 5])
def test_streams(rng, kernel_size, dilation):
    layer = CausalConv1D(5, kernel_size, dilation, activation="tanh")
    verify_streaming_contract(layer, rng.normal(size=(2, 2 * layer_field(kernel_size, dilation) + 3, 4)).astype("f"))


def layer_field(kernel_size, dilation):
    return (kernel_size - 1) * dilation + 1


@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (2, 1), (2, 4), (3, 7), (5, 2)])
def test_equals_numpy(rng, kernel_size, dilation):
    layer = CausalConv1D(6, kernel_size, dilation)
    x = rng.normal(size=(2, 40, 3)).astype("float32")
    layer(x)
    randomise(layer)
    assert_allclose(layer(x), reference.causal_conv(x, layer.kernel, layer.bias, dilation), atol=1e-5)


def test_equals_keras_conv1d(rng):
    x = rng.normal(size=(2, 40, 3)).astype("float32")
    ours, theirs = CausalConv1D(6, 3, 4), keras.layers.Conv1D(6, 3, dilation_rate=4, padding="causal")
    theirs.build(x.shape)
    randomise(theirs)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_ten_layers_have_receptive_field_1024_and_equal_numpy(rng):
    dilations = [2**i for i in range(10)]
    layers = [CausalConv1D(32, 2, d, kernel_initializer="glorot_normal") for d in dilations]
    stack = keras.Sequential(layers)
    x = rng.normal(size=(1, 1100, 32)).astype("float32")
    y = numpy_of(stack(x))
    for i, layer in enumerate(layers):
        layer.bias.assign(np.random.default_rng(i).normal(0, 0.1, 32))
    y = numpy_of(stack(x))
    expected = x
    for layer, d in zip(layers, dilations, strict=True):
        expected = reference.causal_conv(expected, layer.kernel, layer.bias, d)
    assert_allclose(y, expected, atol=1e-5 * np.abs(expected).max())
    assert 1 + sum(layer.receptive_field - 1 for layer in layers) == 1024
    assert _field_of(stack, x) == 1024


def _field_of(model, x):
    gradient = gradient_by_input(lambda x: model(x)[:, -1], x)
    return x.shape[1] - int(np.flatnonzero(np.abs(gradient).sum(axis=(0, 2)))[0])


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_equal_numpy_group_by_group_and_stream(rng, groups):
    layer = CausalConv1D(8, 3, 2, groups=groups)
    x = rng.normal(size=(2, 13, 4)).astype("float32")
    verify_streaming_contract(layer, x)
    assert layer.kernel.shape == (3, 4 // groups, 8) and layer.input_channels == 4
    kernels, biases = np.split(numpy_of(layer.kernel), groups, axis=-1), np.split(numpy_of(layer.bias), groups)
    parts = zip(np.split(x, groups, axis=-1), kernels, biases, strict=True)
    expected = np.concatenate([reference.causal_conv(*part, dilation=2) for part in parts], axis=-1)
    assert_allclose(layer(x), expected, atol=1e-5)


def test_refuses_groups_that_do_not_divide():
    with pytest.raises(ValueError, match="Expected groups to divide filters=4. Received: groups=3"):
        CausalConv1D(4, 2, groups=3)
    with pytest.raises(ValueError, match="Expected groups to divide 3 channels. Received: groups=2"):
        CausalConv1D(4, 2, groups=2).build((None, None, 3))


@pytest.mark.parametrize("name", ["filters", "kernel_size", "dilation_rate", "groups"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_refuses_sizes_that_are_not_positive_ints(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} to be a positive int. Received: {name}="):
        CausalConv1D(**{"filters": 1, "kernel_size": 2, name: value})


def test_refuses_to_stream_before_it_is_built():
    with pytest.raises(ValueError, match="Expected conv to be built"):
        CausalConv1D(4, 2, name="conv").get_initial_state(1)


def test_refuses_unknown_channels():
    with pytest.raises(ValueError, match="last axis"):
        CausalConv1D(4, 2).build((None, None, None))


def test_step_computes_in_the_compute_dtype():
    layer = CausalConv1D(4, 2, dtype="mixed_bfloat16")
    layer.build((None, None, 3))
    y, state = layer.step(np.ones((2, 3), "float32"), layer.get_initial_state(2))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(state["ring"].dtype) == "bfloat16"
