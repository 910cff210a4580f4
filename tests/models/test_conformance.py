"""Every family of models in every way that Keras users use models; a family is entered once, in `tests.golden.make`."""

import json
import re

import keras
import numpy as np
import pytest

from tests.golden.make import FAMILIES, answers, inputs_of
from tests.support.arrays import assert_allclose, assert_array_equal
from tests.support.slow import some
from tests.support.streaming_contract import randomise

TENSORFLOW = keras.backend.backend() == "tensorflow"


by_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="a SavedModel, a graph and XLA are TensorFlow's here")
MAKERS = {family.__name__: family for family in FAMILIES}
families = pytest.mark.parametrize("name", some(MAKERS, "wavenet_conditioned", "nam", "istft_vocoder"))


def make(name):
    model = MAKERS[name]()
    answers(model, name)
    randomise(model, scale=0.3)
    return model


def plain(config):
    """As a file holds it, but for the numbers that Keras gives objects."""
    return re.sub(r'"shared_object_id": \d+', "", json.dumps(config))


@families
def test_saves_loads_and_clones(name, tmp_path):
    model = make(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert plain(loaded.get_config()) == plain(model.get_config())
    assert_array_equal(answers(loaded, name), answers(model, name))
    again = type(model).from_config(model.get_config())
    answers(again, name)
    again.set_weights(model.get_weights())
    assert_array_equal(answers(again, name), answers(model, name))


@families
def test_half_precision_computes_and_keeps_float32_weights(name):
    model = make(name)
    if name == "gan_vocoder":
        pytest.skip("its generator has the policy")
    half = type(model).from_config(model.get_config() | {"dtype": "mixed_bfloat16"})
    answers(half, name)
    half.set_weights(model.get_weights())
    exact, rounded = answers(model, name), np.asarray(answers(half, name), "float32")
    assert {weight.dtype for weight in half.weights if "seed" not in weight.path} == {"float32"}
    assert np.abs(rounded - exact).max() < 0.2 * np.abs(exact).max()


@families
@by_tensorflow
@pytest.mark.parametrize("jit_compile", [pytest.param(False, marks=pytest.mark.large), True])
def test_a_graph_gives_what_the_model_gives(name, jit_compile):
    import tensorflow as tf

    model, inputs = make(name), inputs_of(name)
    actual = tf.function(model.call, autograph=False, jit_compile=jit_compile)(
        keras.tree.map_structure(tf.constant, inputs)
    )
    expected = answers(model, name)
    assert_allclose(actual, expected, atol=2e-5 * np.abs(expected).max())


@families
@by_tensorflow
@pytest.mark.large
def test_exports_as_any_keras_model(name, tmp_path):
    import tensorflow as tf

    if name == "gan_vocoder":
        pytest.skip("its generator is what is exported")
    model, inputs = MAKERS[name](), inputs_of(name)  # never called
    model.export(tmp_path / "exported", verbose=False)
    restored = tf.saved_model.load(tmp_path / "exported")
    expected = answers(model, name)
    assert_allclose(restored.serve(inputs), expected, atol=2e-5 * np.abs(expected).max() + 1e-7)
    one = keras.tree.map_structure(lambda x: x[:1], inputs)
    assert_allclose(restored.serve(one), expected[:1], atol=2e-5 * np.abs(expected).max() + 1e-7)


@pytest.mark.parametrize("name", some(MAKERS, "wavenet"))
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")  # convolutions stay
def test_quantizes(name):
    if name == "gan_vocoder":
        pytest.skip("its generator is what is quantised")
    model = make(name)
    exact = answers(model, name)
    model.quantize("int8")
    assert np.abs(answers(model, name) - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.parametrize("name", some(("wavenet", "wavenet_vocoder", "nam"), "wavenet_vocoder"))
@by_tensorflow
def test_the_first_fit_traces_once(name, monkeypatch):
    model, inputs, traced = MAKERS[name](), inputs_of(name), []
    target = inputs["waveform"] if isinstance(inputs, dict) else inputs
    model.compile("adam", *(["mse"] if name == "nam" else []), jit_compile=False)
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda data: traced.append(True) or step(data))
    model.fit(inputs, target, batch_size=1, verbose=0)
    assert len(traced) == 1
