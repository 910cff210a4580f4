"""Requests that TensorFlow would refuse in its own words, or answer with NaN."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec
from tf_wavenet.serving import Signatures

MELS = np.full((2, 3, 5), -5.0, "float32")
WAVEFORM = np.zeros((2, 12), "float32")


@pytest.fixture(scope="module")
def served():
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=6, win_length=64, fft_length=256)
    model = wavenet((1, 2), 2, 4, 6, mel_spec=spec, mu=15)
    randomise(model, scale=0.5)
    return Signatures(model, False, 1 << 20)


@pytest.mark.parametrize(
    ("mels", "message"),
    [
        (MELS[..., :4], r"Expected local_condition of shape \[batch, frames, 5\]"),
        (MELS[:, :, :0], r"Expected local_condition of shape \[batch, frames, 5\]"),
        (MELS[:, :1], "Expected local_condition of a frame for every sample"),
        (MELS[:, :0], "Expected local_condition of at least 1 frame"),
        (MELS[:1], "Expected local_condition of as many rows as the batch"),
    ],
)
def test_features_of_other_sizes(served, mels, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.score(tf.constant(WAVEFORM), local_condition=tf.constant(mels))


def test_a_step_answers_no_nan(served):
    queues, stream = served.initial_state(tf.constant(2)).values()
    encoded = served.encode_condition(local_condition=tf.constant(MELS))["encoded_condition"][:, 0]
    previous = tf.zeros(2)
    parameters = served.step(previous, queues, stream, encoded)["parameters"]
    assert np.isfinite(parameters).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected state_queues without NaN"):
        served.step(previous, queues * np.nan, stream, encoded)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected the model to predict finite parameters"):
        served.step(previous, queues + 3e38, stream, encoded)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Expected condition of shape \[batch, 5\]"):
        served.step(previous, queues, stream, encoded[:, :4])
