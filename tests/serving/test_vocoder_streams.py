"""Vocoders' streams in another process: rows of strangers, and states that are none."""

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import Host, Refused, carried
from tests.serving.test_vocoder_signatures import MAKERS
from tests.support.streaming_contract import randomise
from tf_wavenet import export_saved_model
from tf_wavenet.serving import VocoderSignatures

pytestmark = pytest.mark.large  # the same state and checks as those of test_streams.py

NAN = np.float32(np.nan)


class Speaker:
    """A causal vocoder and a host of its export."""

    def __init__(self, kind, folder):
        self.model = MAKERS[kind](True)
        randomise(self.model)
        export_saved_model(self.model, folder, jit_compile=kind == "parallel_wavegan")
        self.host = Host(folder)

    def request(self, features, seed, state):
        given = {"local_condition": features, **state}
        return given | ({"seed": np.asarray(seed, "int64")} if self.model.needs_noise else {})

    def chunk(self, features, seed, state):
        return self.host("generate_chunk", **self.request(features, seed, state))

    def start(self, rows=1):
        return self.host("initial_state", batch_size=np.int32(rows))


@pytest.fixture(scope="module", params=MAKERS)
def speaker(request, tmp_path_factory):
    speaker = Speaker(request.param, tmp_path_factory.mktemp("export") / "vocoder")
    yield speaker
    speaker.host.close()


def mels(rng, rows, frames):
    return rng.normal(-5.0, 1.0, (rows, frames, 6)).astype("float32")


@pytest.mark.large
def test_strangers_side_by_side(speaker, rng):
    """Each of six streams, at a frame of its own and with a seed of its own, speaks as it would alone."""
    heard, seeds = [0, 1, 3, 5, 0, 8], rng.integers(0, 2**60, 6)
    states = []
    for frames, seed in zip(heard, seeds, strict=True):
        state = speaker.start()
        states.append(carried(speaker.chunk(mels(rng, 1, frames), seed, state)) if frames else state)
    together = {name: np.concatenate([state[name] for state in states]) for name in states[0]}
    features = mels(rng, 6, 4)
    out = speaker.chunk(features, seeds, together)
    assert len({row.tobytes() for row in out["waveform"]}) == 6
    again = speaker.chunk(mels(rng, 6, 2), seeds, carried(out))
    assert again["new_state_stream"][:, 2].tolist() == [(frames + 6) * 16 for frames in heard]
    for i, state in enumerate(states):
        alone = speaker.chunk(features[i : i + 1], seeds[i], state)
        for name, value in alone.items():
            scale = max(np.abs(value).max(), 1e-9)
            np.testing.assert_allclose(out[name][i : i + 1], value, atol=1e-5 * scale, err_msg=name)
    # Other neighbours, in another order.
    order = np.array([5, 2, 2, 0, 4, 1])
    other = speaker.chunk(features[order], seeds[order], {name: value[order] for name, value in together.items()})
    np.testing.assert_array_equal(other["waveform"], out["waveform"][order])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda queues, stream: (queues[:, :-1], stream), "Expected state_queues of shape"),
        (lambda queues, stream: (queues[:, :0], stream), "Expected state_queues of shape"),
        (lambda queues, stream: (queues[:1], stream), "Expected state_queues of as many rows|rows"),
        (lambda queues, stream: (queues, stream[:, :3]), "Expected state_stream of shape"),
        (lambda queues, stream: (queues, stream[:0]), "Expected state_stream of as many rows"),
        (lambda queues, stream: (queues, stream + [1, 0, 0, 0]), "Expected a state of this model"),
        (lambda queues, stream: (queues, stream - [0, 0, 1, 0]), "Expected state_stream with indices"),
        (lambda queues, stream: (queues, stream - [0, 0, 0, 2]), "Expected state_stream with rows"),
        (lambda queues, stream: (queues * NAN, stream), "Expected state_queues without NaN"),
    ],
)
def test_a_spoiled_state_is_named(speaker, rng, spoil, message):
    state, features = speaker.start(2), mels(rng, 2, 3)
    queues, stream = spoil(state["state_queues"], state["state_stream"])
    bad = {"state_queues": queues.astype("float32"), "state_stream": stream.astype("int32")}
    with pytest.raises(Refused, match=message) as caught:
        speaker.chunk(features, 1, bad)
    assert re.search(r"\[(Expected .*\.)\]", str(caught.value)), caught.value  # one line, as clients look for it
    assert carried(speaker.chunk(features, 1, state))


@pytest.mark.parametrize("kind", MAKERS)
def test_the_state_of_another_model_is_refused(speaker, rng, kind):
    other = MAKERS[kind](True)
    randomise(other, seed=1)
    state = VocoderSignatures(other, False, 1 << 20).initial_state(tf.constant(1))
    # Of the same architecture with other weights, only the fingerprint tells.
    expected = "Expected a state of this model"
    if other.state_size != speaker.model.state_size:
        expected += "|Expected state_queues of shape"
    with pytest.raises(Refused, match=expected):
        speaker.chunk(mels(rng, 1, 3), 1, {name: value.numpy() for name, value in state.items()})


def test_seeds_by_row(speaker, rng):
    if not speaker.model.needs_noise:
        pytest.skip("no noise")
    state, features = speaker.start(2), np.repeat(mels(rng, 1, 3), 2, axis=0)
    first = speaker.chunk(features, [7, 9], state)["waveform"]
    second = speaker.chunk(features, [7, 7], state)["waveform"]
    np.testing.assert_array_equal(first[0], second[0])
    assert (first[1] != second[1]).any()
    with pytest.raises(Refused, match="Expected seed to be one number, or one a row"):
        speaker.chunk(features, [1, 2, 3], state)
    with pytest.raises(Refused, match="Expected seed >= 0"):
        speaker.chunk(features, -1, state)
