"""An exported amplifier plays as the model does, whole and in chunks, in TensorFlow and in LiteRT."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import verify_names
from tests.support.streaming_contract import randomise
from tf_wavenet import NamWaveNet, export_saved_model
from tf_wavenet.serving import EffectSignatures
from tf_wavenet.serving.warmup import warmup_requests


def maker(**changes):
    arrays = [{"channels": 4, "dilations": (3,), "head_channels": 2}, {"channels": 2, "dilations": (8,)}]
    model = NamWaveNet(**{"arrays": arrays, "head_scale": 0.5, "sample_rate": 44100.0, **changes})
    model.build()
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model, path = maker(), tmp_path_factory.mktemp("export") / "amp"
    randomise(model)
    export_saved_model(model, path, jit_compile=False)
    return model, path, tf.saved_model.load(str(path))


@pytest.fixture
def recording(rng):
    return rng.uniform(-1.5, 1.5, (2, 90)).astype("float32")


def in_chunks(chunk, start, recording):
    state, parts = {name: np.asarray(value) for name, value in start.items()}, []
    for first, last in ((0, 1), (1, 40), (40, recording.shape[1])):
        new = chunk({"recording": recording[:, first:last], **state})
        parts.append(np.asarray(new["waveform"]))
        state = {name: np.asarray(new[f"new_{name}"]) for name in state}
    return np.concatenate(parts, axis=1), state


@pytest.mark.large
def test_plays_as_the_model(exported, recording):
    model, path, loaded = exported
    signatures, expected = loaded.signatures, np.asarray(model(recording))
    assert set(signatures) == {"serving_default", "generate", "initial_state", "generate_chunk"} and expected.std() > 0
    for name in ("serving_default", "generate"):
        np.testing.assert_allclose(signatures[name](recording=recording)["waveform"], expected, atol=1e-6)
    start = signatures["initial_state"](batch_size=tf.constant(2))
    given = lambda inputs: signatures["generate_chunk"](**{n: tf.constant(v) for n, v in inputs.items()})  # noqa: E731
    made, state = in_chunks(given, start, recording)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert state["state_stream"][:, 2:].tolist() == [[90, 0], [90, 1]]
    verify_names(path, streams=True)
    about = json.loads((path / "signatures.json").read_text())["model"]
    assert (about["family"], about["sample_rate"]) == ("NamWaveNet", 44100)
    assert about["state_numbers_per_stream"] == model.state_size


def test_bad_requests_are_refused(exported, recording):
    _, _, loaded = exported
    spoilt = recording.copy()
    spoilt[1, 3] = np.nan
    for bad, message in (
        (spoilt, "Expected recording without NaN"),
        (recording[:0], "Expected recording of at least 1 row and 1 sample"),
        (recording[:, :0], "Expected recording of at least 1 row and 1 sample"),
        (np.zeros((3, 1 << 19), "float32"), "Expected recording of at most 1048576 samples"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            loaded.signatures["generate"](recording=tf.constant(bad))
    state = loaded.signatures["initial_state"](batch_size=tf.constant(1))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected state_queues of as many rows as the batch"):
        loaded.signatures["generate_chunk"](recording=tf.constant(recording), **state)
    state["state_stream"] += 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected a state of this model"):
        loaded.signatures["generate_chunk"](recording=tf.constant(recording[:1]), **state)


@pytest.mark.large
def test_litert_plays_as_the_model(exported, recording, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="no package ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    model, path, loaded = exported
    names = ["serving_default", "generate_chunk"]
    converter = tf.lite.TFLiteConverter.from_saved_model(str(path), signature_keys=names)
    interpreter = Interpreter(model_content=converter.convert())
    whole, chunk = (interpreter.get_signature_runner(name) for name in names)
    expected = np.asarray(model(recording))
    np.testing.assert_allclose(whole(recording=recording)["waveform"], expected, atol=1e-5)
    start = loaded.signatures["initial_state"](batch_size=tf.constant(2))
    made, _ = in_chunks(lambda inputs: chunk(**inputs), start, recording)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_warm_up_asks_for_what_is_served():
    served = EffectSignatures(maker(), False, 1 << 20)
    asked = dict(warmup_requests(served, 3, 64))
    assert set(asked) == {"generate", "generate_chunk"}
    assert asked["generate"]["recording"].shape == (3, 64)
    assert asked["generate_chunk"]["state_queues"].shape == (3, served.state_size)


def test_an_effect_has_one_output():
    with pytest.raises(ValueError, match="Expected a model of one output channel. Received: 2"):
        EffectSignatures(maker(arrays=[{"channels": 2, "dilations": (1,), "head_channels": 2}]), False, 1 << 20)
