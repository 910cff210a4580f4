import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.streaming_contract import randomise
from tf_wavenet import WaveNet, export_saved_model, mu_law_encode


@pytest.fixture(scope="module")
def model():
    model = WaveNet(dilations=(1, 2, 3), residual_channels=4, skip_channels=6)
    randomise(model, scale=0.5)
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "model")
    export_saved_model(model, path)
    return path


@pytest.fixture(scope="module")
def signatures(folder):
    # The loaded object must live as long as its functions.
    loaded = tf.saved_model.load(folder)
    signatures = dict(loaded.signatures)
    signatures["_owner"] = loaded
    return signatures


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
        ({"num_samples": 4100, "seed": 2**40 + 1}, {"num_samples": 4100, "seed": 2**40 + 1}),
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"top_k": 5, "top_p": 0.7, "temperature": 0.8}, {"top_k": 5, "top_p": 0.7, "temperature": 0.8}),
        ({"top_p": 0.7}, {"top_p": 0.7}),
        ({"num_samples": 0}, {"num_samples": 0}),
    ],
)
def test_generate_gives_the_samples_of_the_model(model, signatures, served, ours):
    audio = signatures["generate"](**request(**served))["generated"]
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
    assert signatures["generate"](**request(num_samples=3))["generated"].shape == (2, 3)


def test_refuses_what_is_not_a_model_that_streams(tmp_path):
    with pytest.raises(ValueError, match="Expected model to be a WaveNet. Received: Dense"):
        export_saved_model(tf.keras.layers.Dense(1), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_saved_model_cli_drives_it(folder, tmp_path):
    cli = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "run", "--dir", folder]
    inputs = "num_samples=20;batch_size=2;seed=3;temperature=1.0;top_k=0;top_p=1.0"
    command = [*cli, "--tag_set", "serve", "--signature_def", "generate", "--input_exprs", inputs]
    done = subprocess.run([*command, "--outdir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert np.load(tmp_path / "generated.npy").shape == (2, 20)
