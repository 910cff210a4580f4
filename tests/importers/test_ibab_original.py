"""ibab/tensorflow-wavenet itself, in TensorFlow's version 1 mode, beside what is imported from its checkpoints.

Needs a checkout of it named by the variable TENSORFLOW_WAVENET.
"""

import importlib
import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.importers.ibab_reference import CASES, PARAMETERS
from tf_wavenet import mu_law_decode
from tf_wavenet.importers import Settings, StateDict, from_ibab, read_tf1_checkpoint

tf1 = tf.compat.v1
CHECKOUT = os.environ.get("TENSORFLOW_WAVENET")
pytestmark = pytest.mark.skipif(CHECKOUT is None, reason="no checkout of ibab/tensorflow-wavenet")


@pytest.fixture
def original(monkeypatch):
    """Its class, on what TensorFlow 2 has of version 1, and an initializer in place of one that is gone."""

    class Version1(types.ModuleType):
        contrib = types.SimpleNamespace(
            layers=types.SimpleNamespace(xavier_initializer_conv2d=tf1.glorot_uniform_initializer)
        )

        def __getattr__(self, name):
            return getattr(tf1, name)

    package = types.ModuleType("wavenet")
    package.__path__ = [str(Path(CHECKOUT) / "wavenet")]
    monkeypatch.setitem(sys.modules, "tensorflow", Version1("tensorflow"))
    monkeypatch.setitem(sys.modules, "wavenet", package)
    module = importlib.import_module("wavenet.model")
    yield module.WaveNetModel
    for name in ("wavenet.model", "wavenet.ops"):
        sys.modules.pop(name, None)


def build(original, p):
    names = ("filter_width", "residual_channels", "dilation_channels", "skip_channels", "quantization_channels")
    names += ("use_biases", "scalar_input", "initial_filter_width", "dilations")
    return original(
        batch_size=1,
        global_condition_channels=p.get("gc"),
        global_condition_cardinality=p.get("speakers"),
        **{name: p[name] for name in names},
    )


def save(session, prefix):
    """As the original's train.py, with weights and biases that are not zero."""
    rng = np.random.default_rng(0)
    session.run(tf1.global_variables_initializer())
    for variable in tf1.trainable_variables():
        variable.load(rng.normal(size=variable.shape) / np.sqrt(np.prod(variable.shape[:-1])), session)
    return tf1.train.Saver(tf1.trainable_variables()).save(session, str(prefix), global_step=50)


def model_of(prefix, p):
    return from_ibab(StateDict(read_tf1_checkpoint(prefix), prefix), Settings(p, "wavenet_params.json"))


def recipe():
    return json.loads((Path(CHECKOUT) / "wavenet_params.json").read_text()) | {"dilations": [1, 2, 4, 8, 16, 32] * 2}


@pytest.mark.parametrize("case", [*CASES, "recipe"])
def test_whole_sequences(original, tmp_path, rng, case):
    p = recipe() if case == "recipe" else PARAMETERS | CASES[case]
    sizes = [p[name] for name in ("filter_width", "dilations", "scalar_input", "initial_filter_width")]
    count, field = p["quantization_channels"], original.calculate_receptive_field(*sizes)
    levels = rng.integers(0, count, (1, field + 23))
    waveform = np.array(mu_law_decode(levels, count - 1))
    with tf.Graph().as_default(), tf1.Session() as session:
        network = build(original, p)
        encoded = network._one_hot(tf1.constant(levels)) if not p["scalar_input"] else tf1.constant(waveform[..., None])
        condition, given = None, {"waveform": waveform}
        if "speakers" in p:
            given["global_condition"] = np.array([2], "int32")
            condition = network._embed_gc(tf1.constant([2]))
        elif "gc" in p:
            given["global_condition"] = rng.normal(size=(1, p["gc"])).astype("float32")
            condition = network._embed_gc(tf1.constant(given["global_condition"]))
        outputs = network._create_network(encoded, condition)
        prefix = save(session, tmp_path / "model.ckpt")
        expected = session.run(outputs)
    model = model_of(prefix, p)
    assert model.receptive_field == field
    # Without padding the original is silent about the first samples, and tells of one that we are not asked about.
    given["waveform"] = np.concatenate([waveform, waveform[:, :1]], axis=1)
    actual = np.asarray(model(given if len(given) > 1 else given["waveform"]))[:, model.receptive_field :]
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("case", ["plain", "no biases", "speakers", "recipe"])
def test_sample_by_sample_from_the_start(original, tmp_path, rng, case):
    p = recipe() if case == "recipe" else PARAMETERS | CASES[case]
    count = p["quantization_channels"]
    levels = rng.integers(0, count, 20)
    with tf.Graph().as_default(), tf1.Session() as session:
        network = build(original, p)
        sample = tf1.placeholder(tf.int32, shape=())
        probabilities = network.predict_proba_incremental(sample, 2 if "speakers" in p else None)
        prefix = save(session, tmp_path / "model.ckpt")
        session.run(network.init_ops)
        fed = [count // 2, *levels[:-1]]
        expected = [session.run([probabilities, *network.push_ops], {sample: level})[0] for level in fed]
    model = model_of(prefix, p)
    given = {"waveform": np.array(mu_law_decode(levels[None], count - 1))}
    if "speakers" in p:
        given["global_condition"] = np.array([2], "int32")
    actual = tf.nn.softmax(model(given if len(given) > 1 else given["waveform"])[0])
    np.testing.assert_allclose(actual, expected, atol=1e-5)
