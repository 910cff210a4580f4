import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, MixtureOfLogistics, export_saved_model, mu_law_encode
from tf_wavenet.data import log_mel


@pytest.fixture(scope="module")
def model(plain):
    return plain.model


@pytest.fixture(scope="module")
def folder(plain):
    return str(plain.folder)


@pytest.fixture(scope="module")
def signatures(folder):
    # The loaded object must live as long as its functions.
    loaded = tf.saved_model.load(folder)
    signatures = dict(loaded.signatures)
    signatures["_owner"] = loaded
    return signatures


def slow(*case):
    return pytest.param(*case, marks=pytest.mark.large)


def request(**changes):
    values = {
        "num_samples": (50, tf.int32),
        "batch_size": (2, tf.int32),
        "seed": (3, tf.int64),
        "temperature": (1.0, tf.float32),
        "top_k": (0, tf.int32),
        "top_p": (1.0, tf.float32),
    }
    return {name: tf.constant(changes.get(name, value), dtype) for name, (value, dtype) in values.items()}


@pytest.mark.parametrize(
    ("served", "ours"),
    [
        ({}, {}),
        slow({"num_samples": 4100, "seed": 2**40 + 1}, {"num_samples": 4100, "seed": 2**40 + 1}),
        slow({"temperature": 0.0}, {"temperature": 0.0}),
        slow({"top_k": 5, "top_p": 0.7, "temperature": 0.8}, {"top_k": 5, "top_p": 0.7, "temperature": 0.8}),
        slow({"top_p": 0.7}, {"top_p": 0.7}),
        slow({"num_samples": 0}, {"num_samples": 0}),
    ],
)
def test_generate_gives_the_samples_of_the_model(model, signatures, served, ours):
    audio = signatures["generate"](**request(**served))["waveform"]
    np.testing.assert_array_equal(audio, model.generate(**{"num_samples": 50, "batch_size": 2, "seed": 3, **ours}))


def test_forward_score_and_companding_equal_the_model(model, signatures, rng):
    x = rng.uniform(-1, 1, (2, 30)).astype("float32")
    waveform = tf.constant(x)
    np.testing.assert_allclose(signatures["serving_default"](waveform=waveform)["parameters"], model(x), atol=1e-5)
    score = signatures["score"](waveform=waveform)
    nats = np.asarray(model.log_prob(x)).sum(axis=1)
    np.testing.assert_allclose(score["log_likelihood"], nats, rtol=1e-5)
    np.testing.assert_allclose(score["bits_per_sample"], -nats / 30 / np.log(2), rtol=1e-5)
    levels = signatures["mu_law_encode"](waveform=waveform)["levels"]
    np.testing.assert_array_equal(levels, mu_law_encode(x))
    decoded = signatures["mu_law_decode"](levels=levels)["decoded"]
    np.testing.assert_array_equal(mu_law_encode(decoded), levels)


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("generate", request(num_samples=-1), "Expected num_samples >= 0"),
        ("generate", request(batch_size=0), "Expected batch_size >= 1"),
        ("generate", request(seed=-1), "Expected seed >= 0"),
        ("generate", request(temperature=-1.0), "Expected temperature"),
        ("generate", request(temperature=float("nan")), "Expected temperature"),
        ("generate", request(top_k=-1), "Expected top_k"),
        ("generate", request(top_p=0.0), "Expected top_p"),
        ("serving_default", {"waveform": tf.constant([[float("nan")]])}, "Expected waveform in"),
        ("score", {"waveform": tf.constant([[1.5]])}, "Expected waveform in"),
        ("mu_law_encode", {"waveform": tf.constant([[float("inf")]])}, "Expected waveform without NaN"),
        ("score", {"waveform": tf.zeros([1, 0])}, "at least 1 sample"),
        ("mu_law_decode", {"levels": tf.constant([[256]])}, r"Expected levels in \[0, 255\]"),
    ],
)
def test_bad_requests_are_refused_and_the_next_good_one_answered(signatures, signature, inputs, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures[signature](**inputs)
    assert signatures["generate"](**request(num_samples=3))["waveform"].shape == (2, 3)


def test_refuses_what_is_not_a_model_that_streams(tmp_path):
    with pytest.raises(ValueError, match="Expected model to be a WaveNet, Vocoder or NamWaveNet. Received: Dense"):
        export_saved_model(tf.keras.layers.Dense(1), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.large
def test_saved_model_cli_drives_it(folder, tmp_path):
    cli = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "run", "--dir", folder]
    inputs = "num_samples=20;batch_size=2;seed=3;temperature=1.0;top_k=0;top_p=1.0"
    command = [*cli, "--tag_set", "serve", "--signature_def", "generate", "--input_exprs", inputs]
    done = subprocess.run([*command, "--outdir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert np.load(tmp_path / "waveform.npy").shape == (2, 20)


@pytest.fixture(scope="module")
def conditioned():
    """A vocoder for two speakers, exported."""
    spec = MelSpec.from_preset("speech_16k", num_mels=5, preemphasis=0.5)
    model = wavenet((1, 2), 2, 4, 6, distribution=MixtureOfLogistics(2), speakers=2, local_context=1, mel_spec=spec)
    randomise(model, scale=0.4)
    return model


@pytest.fixture(scope="module")
def served(conditioned, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "conditioned")
    export_saved_model(conditioned, path)
    return tf.saved_model.load(path)


CONDITIONS = {
    "local_condition": np.random.default_rng(0).normal(-3, 1, (2, 4, 5)).astype("float32"),
    "global_condition": np.array([1, 0], "int32"),
}


@pytest.mark.large
def test_a_conditioned_model_serves_its_conditions(conditioned, served):
    audio = served.signatures["generate"](**request(num_samples=800), **as_tensors(CONDITIONS))["waveform"]
    expected = conditioned.generate(800, seed=3, **CONDITIONS)
    np.testing.assert_allclose(audio, expected, atol=2**-13)
    waveform = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 700)).astype("float32")
    inputs = {"waveform": waveform, **CONDITIONS}
    params = served.signatures["serving_default"](**as_tensors(inputs))["parameters"]
    np.testing.assert_allclose(params, conditioned(inputs), atol=1e-4)
    nats = served.signatures["score"](**as_tensors(inputs))["log_likelihood"]
    np.testing.assert_allclose(nats, np.asarray(conditioned.log_prob(inputs)).sum(axis=1), rtol=1e-4)


@pytest.mark.large
def test_a_vocoder_serves_its_features_and_their_recipe(conditioned, served):
    waveform = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 700)).astype("float32")
    outputs = served.signatures["log_mel"](waveform=tf.constant(waveform))
    np.testing.assert_allclose(outputs["features"], log_mel(waveform, conditioned.mel_spec), atol=1e-5)
    assert MelSpec.from_config(json.loads(outputs["spec"].numpy())) == conditioned.mel_spec


@pytest.mark.large
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_samples": 801}, "Expected local_condition of a frame for every sample"),
        ({"batch_size": 1}, "Expected .* of as many rows as the batch"),
        ({"global_condition": np.array([0, 2], "int32")}, r"Expected global_condition in \[0, 2\)"),
        ({"local_condition": np.full((2, 4, 5), np.nan, "float32")}, "Expected local_condition without NaN"),
        ({"top_k": 3}, "MixtureOfLogistics has no levels"),
    ],
)
def test_refuses_conditions_that_do_not_fit(served, changes, message):
    conditions = {name: changes.get(name, value) for name, value in CONDITIONS.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.signatures["generate"](**request(**changes), **as_tensors(conditions))


def as_tensors(inputs):
    return {name: tf.constant(value) for name, value in inputs.items()}
