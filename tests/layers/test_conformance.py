"""Every public layer in every way that Keras users use layers, from one registry."""

import inspect
import json

import keras
import numpy as np
import pytest

import tf_wavenet.layers
from tests.support.arrays import assert_array_equal, numpy_of
from tests.support.slow import some

SPEC = tf_wavenet.MelSpec.from_preset("speech_16k")
# The arguments, and the shape of the input: a dict of several, a list of several arguments.
CASES = {
    "CausalConv1D": ({"filters": 3, "kernel_size": 2, "dilation_rate": 2, "kernel_regularizer": "l2"}, (2, 7, 4)),
    "Conditioning": ({"units": 6, "local_channels": 4, "local_hop": 3}, {"local_condition": (2, 7, 4)}),
    "ContextStack": (
        {"units": 6, "hop_length": 3, "dilations": (1, 2), "residual_channels": 4, "skip_channels": 5},
        (2, 7, 4),
    ),
    "ConvInUpsampleNetwork": ({"upsample_scales": (3, 2), "aux_context_window": 1}, (2, 7, 4)),
    "ConvNeXtBlock": ({"hidden_units": 6, "kernel_size": 3, "causal": False}, (2, 7, 4)),
    "DepthwiseConv1D": ({"kernel_size": 3, "dilation_rate": 2, "causal": False}, (2, 7, 4)),
    "FeatureUpsampler": ({"hop_length": 6, "method": "repeat", "context_frames": 1, "filters": 5}, (2, 7, 4)),
    "FrameNetwork": ({"channels": 6, "num_blocks": 1, "kernel_size": 3, "look_ahead": 1}, (2, 7, 4)),
    "GatedActivation": ({}, (2, 7, 4)),
    "GroupedConv1D": ({"filters": 6, "kernel_size": 2, "strides": 2, "groups": 2}, (2, 7, 4)),
    "HiFiGANResidualBlock": ({"channels": 4, "dilations": (1, 3), "kernel_initializer": "he_normal"}, (2, 7, 4)),
    "InverseSTFT": ({"hop_length": 2, "win_length": 4, "fft_length": 6, "offset": 1, "causal": False}, (2, 7, 8)),
    "LinearPredictor": (
        {"mel_spec": SPEC, "order": 3, "lag_window": 50.0, "white_noise": 1e-3, "voiced_temperature": 0.5},
        [(2, 7), (2, 7, 3)],
    ),
    "MuLawNoise": ({"levels": 3.0, "mu": 100, "seed": 5}, (2, 7)),
    "MuLawEncode": ({"mu": 100}, (2, 7)),
    "MuLawDecode": ({"mu": 100}, (2, 7)),
    "NonCausalConv1D": ({"filters": 3, "kernel_size": 3, "dilation_rate": 2}, (2, 7, 4)),
    "OutputHead": ({"units": 5, "hidden_units": 3}, (2, 7, 4)),
    "ResidualBlock": ({"residual_channels": 4, "skip_channels": 6, "dilation_rate": 3}, (2, 7, 4)),
    "ResidualStack": ({"dilations": (1, 2), "residual_channels": 4, "skip_channels": 6}, (2, 7, 4)),
    "UpsampleConv1D": ({"filters": 3, "kernel_size": 5, "strides": 2}, (2, 7, 4)),
}
layers = pytest.mark.parametrize("name", CASES)


def make(name, **options):
    arguments, shape = CASES[name]
    layer = getattr(tf_wavenet.layers, name)(**arguments, **options)
    dtype = "int32" if name == "MuLawDecode" else "float32"
    rng = np.random.default_rng(0)
    if isinstance(shape, dict):
        return layer, {k: rng.uniform(0, 1, s).astype(dtype) for k, s in shape.items()}, dtype
    if isinstance(shape, list):
        return layer, [rng.uniform(0, 1, s).astype(dtype) for s in shape], dtype
    return layer, rng.uniform(0, 1, shape).astype(dtype), dtype


def each(function, x):
    return keras.tree.map_structure(function, x)


def symbolic(x, dtype):
    if isinstance(x, dict):
        return {k: keras.Input((None, *a.shape[2:]), dtype=dtype, name=k) for k, a in x.items()}
    if isinstance(x, list):
        return [symbolic(a, dtype) for a in x]
    return keras.Input((None, *x.shape[2:]), dtype=dtype)


def apply(layer, x):
    return layer(*x) if isinstance(x, list) else layer(x)


def shapes(outputs):
    return [tuple(y.shape) for y in keras.tree.flatten(outputs)]


def test_every_public_layer_has_a_case():
    assert sorted(CASES) == sorted(tf_wavenet.layers.__all__)


@layers
def test_config_rebuilds_the_layer(name):
    layer, x, _ = make(name)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    y = apply(layer, x)
    apply(again, x)
    again.set_weights(layer.get_weights())
    for a, b in zip(keras.tree.flatten(y), keras.tree.flatten(apply(again, x)), strict=True):
        assert_array_equal(a, b)


@layers
def test_constructor_argument_is_attribute_is_config_key(name):
    layer, _, _ = make(name)
    ours = [c for c in type(layer).__mro__ if c.__module__.startswith("tf_wavenet") and "__init__" in vars(c)]
    arguments = {name for c in ours for name in inspect.signature(c.__init__).parameters} - {"self", "kwargs"}
    assert arguments <= set(layer.get_config()) and all(hasattr(layer, a) for a in arguments)
    if name == "GroupedConv1D":
        return  # a layer of Keras's, with its arguments
    of_every_layer = {"name", "trainable", "dtype", "autocast", "activity_regularizer"}
    assert set(layer.get_config()) - arguments <= of_every_layer


@layers
def test_output_shape_and_dtype_are_as_announced(name):
    layer, x, dtype = make(name)
    shape = each(lambda a: a.shape, x) if isinstance(x, (dict, list)) else x.shape
    announced = layer.compute_output_shape(*shape) if isinstance(x, list) else layer.compute_output_shape(shape)
    announced = [announced] if isinstance(announced[0], int) else announced
    given = each(lambda a: keras.KerasTensor(a.shape, dtype), x)
    spec = layer.compute_output_spec(*given) if isinstance(x, list) else layer.compute_output_spec(given)
    y = apply(layer, x)
    assert shapes(y) == [tuple(s) for s in announced] == shapes(spec)
    dtypes = [keras.backend.standardize_dtype(a.dtype) for a in keras.tree.flatten(y)]
    assert dtypes == [keras.backend.standardize_dtype(a.dtype) for a in keras.tree.flatten(spec)]


@layers
def test_saves_and_loads_in_a_functional_model_of_any_length(name, tmp_path):
    layer, x, dtype = make(name)
    inputs = symbolic(x, dtype)
    model = keras.Model(inputs, apply(layer, inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for a, b in zip(keras.tree.flatten(model(x)), keras.tree.flatten(loaded(x)), strict=True):
        assert_array_equal(a, b)
    short = each(lambda a: a[:, :3], x)
    assert shapes(loaded(short)) == shapes(model(short))


@layers
def test_mixed_precision_keeps_float32_weights(name):
    layer, x, _ = make(name, dtype="mixed_bfloat16")
    y = apply(layer, x)
    assert all(w.dtype == "float32" for w in layer.weights)
    if layer.weights:
        assert {keras.backend.standardize_dtype(a.dtype) for a in keras.tree.flatten(y)} == {"bfloat16"}
    assert all(np.isfinite(numpy_of(a, "float32")).all() for a in keras.tree.flatten(y))


# The others train within models.
@pytest.mark.parametrize("name", some(CASES, "FeatureUpsampler", "ContextStack", "ResidualStack", "GroupedConv1D"))
def test_trains(name):
    layer, x, dtype = make(name)
    apply(layer, x)
    if not layer.trainable_weights:
        pytest.skip("there is nothing to train")
    before = [numpy_of(w) for w in layer.trainable_weights]
    inputs = symbolic(x, dtype)
    model = keras.Model(inputs, apply(layer, inputs))
    outputs = keras.tree.flatten(model(x))
    model.compile("sgd", "mse" if len(outputs) == 1 else ["mse"] * len(outputs), jit_compile=False)
    targets = [np.ones(y.shape, "float32") for y in outputs]
    loss = model.fit(x, targets if len(targets) > 1 else targets[0], verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    assert all((numpy_of(w) != b).any() for w, b in zip(layer.trainable_weights, before, strict=True))


@layers
def test_is_registered_under_the_package_name(name):
    layer = getattr(tf_wavenet.layers, name)
    assert keras.saving.get_registered_name(layer) == f"tf_wavenet>{name}"


def of_numpy(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, tuple, dict)):
        return value
    if isinstance(value, tuple):
        return tuple(map(of_numpy, value))
    if isinstance(value, dict):
        return {name: of_numpy(item) for name, item in value.items()}
    return np.int64(value) if isinstance(value, int) else np.float64(value)


@layers
def test_numpys_numbers_are_numbers(name):
    arguments, _ = CASES[name]
    layer, x, _ = make(name)
    again = type(layer)(**of_numpy(arguments), name=layer.name)
    assert json.dumps(again.get_config(), default=str) == json.dumps(layer.get_config(), default=str)
    assert shapes(apply(again, x)) == shapes(apply(layer, x))
