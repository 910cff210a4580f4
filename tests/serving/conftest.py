"""Models, their exports, and processes that serve them."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, export_saved_model


class Refused(Exception):
    """A request that the host refused."""


class Host:
    """The process of host.py, as a function of a signature's name and inputs."""

    def __init__(self, folder, **variables):
        command = [sys.executable, str(Path(__file__).with_name("host.py")), str(folder)]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | variables
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
        )

    def __call__(self, signature, **inputs):
        pickle.dump((signature, inputs), self._process.stdin)
        self._process.stdin.flush()
        kind, value = pickle.load(self._process.stdout)
        if kind == "refused":
            raise Refused(value)
        return value

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(timeout=60) == 0
        self._process.stdout.close()


class Served:
    """A model, its export, a host of it, and conditions to give it."""

    def __init__(self, model, folder, conditions, **options):
        self.model, self.folder, self.conditions = model, folder, conditions
        export_saved_model(model, folder, **options)
        self.host = Host(folder)

    def sampling(self, **changes):
        settings = {"seed": np.int64(3), "temperature": np.float32(1), "top_k": np.int32(0), "top_p": np.float32(1)}
        return settings | changes

    def window(self, index, num_samples, rows=slice(None)):
        """The conditions of some samples from one index on, with the margin that they need."""
        conditions = {name: value[rows] for name, value in self.conditions.items()}
        if "local_condition" not in conditions:
            return conditions
        hop, margin, ahead = self.model.local_hop, self.model.context_frames, self.model.conditioning.look_ahead
        first, last = max(0, index // hop - margin), -(-(index + num_samples) // hop) + ahead
        frames = conditions["local_condition"][:, first:last]
        return conditions | {"local_condition": frames, "first_frame": np.full(len(frames), first, "int32")}

    def speak(self, chunks, batch_size, prompt=None, **settings):
        """Generates chunk by chunk, the state of one answer in the next request."""
        state, index = self.host("initial_state", batch_size=np.int32(batch_size)), 0
        if prompt is not None:
            window = self.window(0, prompt.shape[1])
            state, index = carried(self.host("prime", waveform=prompt, **state, **window)), prompt.shape[1]
        made = [np.zeros((batch_size, 0), "float32")]
        for n in chunks:
            window = self.window(index, n)
            out = self.host("generate_chunk", num_samples=np.int32(n), **self.sampling(**settings), **state, **window)
            state, index = carried(out), index + n
            made.append(out["waveform"])
        return np.concatenate(made, axis=1)


def assert_same_samples(model, actual, expected):
    """Bit for bit; with linear prediction, whose predictors round otherwise among other frames, nearly."""
    if model.predictor is None:
        np.testing.assert_array_equal(actual, expected)
    else:
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def carried(outputs):
    """The state among a signature's outputs, as the next request's inputs."""
    return {name.removeprefix("new_"): value for name, value in outputs.items() if name.startswith("new_state_")}


def verify_names(folder, streams):
    """Sound is `waveform`, state `state_...` and `new_state_...`, and no name is both input and output."""
    signatures = json.loads((folder / "signatures.json").read_text())["signatures"]
    assert "waveform" in signatures["generate"]["outputs"]
    assert ("generate_chunk" in signatures) == streams
    for name, signature in signatures.items():
        inputs, outputs = set(signature["inputs"]), set(signature["outputs"])
        assert not inputs & outputs, name
        assert "generated" not in outputs
        if name in ("generate", "generate_chunk"):
            assert {o for o in outputs if not o.startswith("new_state_")} == {"waveform"}
        states = {"new_state_queues", "new_state_stream"}
        if inputs & {"state_queues", "state_stream"}:
            assert inputs >= {"state_queues", "state_stream"} and outputs >= states, name


ROWS, FRAMES, HOP = 2, 12, 6


def _models():
    yield "plain", wavenet((1, 2, 3), residual_channels=4, skip_channels=6), {}
    rng = np.random.default_rng(0)
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=HOP, win_length=64, fft_length=256, preemphasis=0.5)
    conditions = {
        "local_condition": rng.normal(-4, 1, (ROWS, FRAMES, 5)).astype("float32"),
        "global_condition": np.array([1, 0], "int32"),
    }
    vocoder = wavenet((1, 2), 2, 4, 6, speakers=2, local_context=1, upsampling="repeat", mel_spec=spec)
    yield "vocoder", vocoder, conditions
    # Linear prediction and a network at the frame rate: vectors of the condition hold for a frame.
    network = {"channels": 4, "num_blocks": 1, "kernel_size": 3, "look_ahead": 0}
    lpc = wavenet((1, 2), 2, 4, 6, speakers=2, mel_spec=spec, linear_prediction=3, frame_network=network)
    yield "lpc", lpc, conditions
    context = wavenet((1, 2), 2, 4, 6, global_channels=3, context_dilations=(1, 2), context_hop=4, context_channels=4)
    yield "context", context, {"global_condition": rng.normal(size=(ROWS, 3)).astype("float32")}


# The others take the same signatures: what conditions add to them is in test_export.py, too.
_SLOW = [pytest.param(name, marks=pytest.mark.large) for name in ("lpc", "vocoder", "context")]


def _serve(name, tmp_path_factory):
    model, conditions = next((model, given) for other, model, given in _models() if other == name)
    randomise(model, scale=0.5)
    return Served(model, tmp_path_factory.mktemp("export") / name, conditions)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The served model without conditions."""
    served = _serve("plain", tmp_path_factory)
    yield served
    served.host.close()


@pytest.fixture(scope="session", params=["plain", *_SLOW])
def served(request, tmp_path_factory):
    if request.param == "plain":
        yield request.getfixturevalue("plain")
        return
    served = _serve(request.param, tmp_path_factory)
    yield served
    served.host.close()
