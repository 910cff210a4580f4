"""Clients that are not our Python: each makes the samples of `model.generate`, or gets its parameters."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, export_saved_model

pytestmark = pytest.mark.large
EXAMPLES = Path(__file__).parents[2] / "examples" / "serving"
QUIET = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}


@pytest.fixture(scope="module")
def model():
    model = wavenet((1, 2, 4, 8), residual_channels=8, skip_channels=12)
    randomise(model, scale=0.4)
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "1"
    export_saved_model(model, path, sample_rate=16000)
    return path


@pytest.fixture(scope="module")
def expected(model):
    return model.generate(700, seed=5)[0]


def run(*command, **kwargs):
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, env=QUIET, **kwargs)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no program {', '.join(missing)}")


def test_saved_model_cli_carries_the_state(folder, expected, tmp_path):
    cli = [
        sys.executable,
        "-m",
        "tensorflow.python.tools.saved_model_cli",
        "run",
        "--dir",
        folder,
        "--tag_set",
        "serve",
    ]
    run(*cli, "--signature_def", "initial_state", "--input_exprs", "batch_size=1", "--outdir", tmp_path)
    sampling = "num_samples=350;seed=5;temperature=1.0;top_k=0;top_p=1.0"
    made = []
    for name in ("state", "new_state"):
        files = ";".join(f"state_{part}={tmp_path}/{name}_{part}.npy" for part in ("queues", "stream"))
        request = ["--inputs", files, "--input_exprs", sampling, "--outdir", tmp_path, "--overwrite"]
        run(*cli, "--signature_def", "generate_chunk", *request)
        made.append(np.load(tmp_path / "waveform.npy")[0])
    np.testing.assert_array_equal(np.concatenate(made), expected)


def test_c(folder, expected, tmp_path):
    need("cc")
    run(EXAMPLES / "c" / "build.sh", sys.executable, tmp_path)
    audio = run(tmp_path / "stream", folder, 700, 320, 5)
    np.testing.assert_array_equal(np.frombuffer(audio, "<f4"), expected)
    for arguments, message in (
        ((folder, "many", 320, 5), "NUM_SAMPLES: expected a number"),
        ((folder / "no", 7, 3, 5), "Could not find SavedModel"),
        ((folder, 7, 2**21, 5), ""),
        ((folder, 2**21, 2**21, 5), "Expected at most 1048576 samples"),
    ):
        done = subprocess.run(list(map(str, [tmp_path / "stream", *arguments])), capture_output=True, env=QUIET)
        assert done.returncode == (2 if message else 0) and message in done.stderr.decode()


def test_node(folder, expected):
    need("node")
    if not (EXAMPLES / "node" / "node_modules" / "@tensorflow" / "tfjs-node" / "lib").exists():
        pytest.skip("no @tensorflow/tfjs-node: run examples/serving/node/install.sh")
    audio = run("node", EXAMPLES / "node" / "stream.mjs", folder, 700, 320, 5)
    np.testing.assert_array_equal(np.frombuffer(audio, "<f4"), expected)


@pytest.fixture(scope="module")
def example_path():
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


def test_grpc(folder, expected, example_path):
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    import grpc
    from grpc_client import Client

    command = [sys.executable, str(EXAMPLES / "grpc_host.py"), str(folder), "--name", "voice", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=QUIET) as host:
        try:
            address = host.stdout.readline().split(" on ")[1].strip()
            client = Client(address, "voice", version=1)
            np.testing.assert_array_equal(np.concatenate(list(client.stream(700, 320, seed=5))), expected)
            wrong = [
                (Client(address, "nope"), "initial_state", np.int32(1), grpc.StatusCode.NOT_FOUND, "Expected model"),
                (Client(address, "voice", 2), "initial_state", np.int32(1), grpc.StatusCode.NOT_FOUND, "version 1"),
                (client, "nope", np.int32(1), grpc.StatusCode.NOT_FOUND, "Expected a signature"),
                (client, "initial_state", np.int32(0), grpc.StatusCode.INVALID_ARGUMENT, "Expected batch_size >= 1"),
                (client, "initial_state", np.int64(1), grpc.StatusCode.INVALID_ARGUMENT, "batch_size to be int32"),
            ]
            for caller, signature, rows, code, message in wrong:
                with pytest.raises(grpc.RpcError) as caught:
                    caller(signature, batch_size=rows)
                assert (caught.value.code(), message in caught.value.details()) == (code, True), caught.value.details()
            assert client("initial_state", batch_size=np.int32(1))
        finally:
            host.terminate()


def test_grpc_by_the_native_decoder(folder, model, expected, example_path, tmp_path):
    """Nearly the same samples: of 700, rounding may move one; then the stream goes another way."""
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    from grpc_client import Client

    model.save(tmp_path / "model.keras")
    command = [sys.executable, str(EXAMPLES / "grpc_host.py"), str(folder), "--port", "0", "--native"]
    with subprocess.Popen([*command, tmp_path / "model.keras"], stdout=subprocess.PIPE, text=True, env=QUIET) as host:
        try:
            address = host.stdout.readline().split(" on ")[1].strip()
            made = np.concatenate(list(Client(address).stream(700, 320, seed=5)))
        finally:
            host.terminate()
    np.testing.assert_allclose(made, expected, atol=2e-4)
    wavenet((1, 2), residual_channels=8, skip_channels=12).save(tmp_path / "other.keras")
    done = subprocess.run([*command, tmp_path / "other.keras"], capture_output=True, text=True, env=QUIET)
    assert done.returncode == 1 and "error: Expected --native to be the model that was exported" in done.stderr


def test_a_stream_goes_on_at_any_replica(folder, expected, example_path):
    """Three hosts, another for each chunk: the samples are those of one."""
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    from grpc_client import Client

    command = [sys.executable, str(EXAMPLES / "grpc_host.py"), str(folder), "--name", "voice", "--port", "0"]
    with contextlib.ExitStack() as stack:
        hosts = []
        for _ in range(3):
            options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "env": QUIET}
            hosts.append(stack.enter_context(subprocess.Popen(command, **options)))
            stack.callback(hosts[-1].terminate)
        clients = [Client(host.stdout.readline().split(" on ")[1].strip(), "voice") for host in hosts]
        asked = []

        def call(signature, **inputs):
            asked.append(len(asked) % len(clients))
            return clients[asked[-1]](signature, **inputs)

        stream = Client.stream(call, 700, chunk_samples=100, seed=5)
        np.testing.assert_array_equal(np.concatenate(list(stream)), expected)
    assert asked == [0, 1, 2, 0, 1, 2, 0, 1]  # the first state, and seven chunks


def follow(step, state, waveform, conditions=None):
    """Parameters of a waveform, sample by sample."""
    made, previous = [], np.pad(waveform, (1, 0))[:-1]
    for t, sample in enumerate(previous):
        given = {} if conditions is None else {"condition": conditions[t : t + 1]}
        out = step({"previous_sample": sample[np.newaxis], **state, **given})
        state = {name: out[f"new_{name}"] for name in state}
        made.append(out["parameters"][0])
    return np.array(made)


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
def test_runtimes_where_the_client_samples(model, folder, runtime, example_path, tmp_path):
    package = {"litert": "ai_edge_litert", "onnx": "tf2onnx"}[runtime]
    pytest.importorskip(package, reason=f"no package {package}")
    pytest.importorskip("onnxruntime", reason="no package onnxruntime")
    script, file = EXAMPLES / f"{runtime}_step.py", tmp_path / f"model.{runtime}"
    run(sys.executable, script, folder, "--convert", file)
    state = _example("sampling").first_state(json.loads((folder / "signatures.json").read_text()))
    loaded = _example(f"{runtime}_step").load(file)
    step, forward = loaded if runtime == "litert" else (loaded, None)
    waveform = np.random.default_rng(0).uniform(-0.9, 0.9, 40).astype("float32")
    expected = np.asarray(model(waveform[np.newaxis]))[0]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(follow(step, state, waveform), expected, rtol=0, atol=1e-5 * scale)
    # A stream of 2^30 samples goes on as the first one began, in the next round.
    late = {**state, "state_stream": state["state_stream"] + np.array([[0, 0, 2**30 - 2, 0]], np.int32)}
    np.testing.assert_array_equal(follow(step, late, waveform[:5]), follow(step, state, waveform[:5]))
    for _ in range(3):
        out = step({"previous_sample": waveform[:1], **late})
        late = {name: out[f"new_{name}"] for name in late}
    assert late["state_stream"][0, 2:].tolist() == [1, 2**20]
    if forward is not None:
        parameters = forward({"waveform": waveform[np.newaxis]})["parameters"][0]
        np.testing.assert_allclose(parameters, expected, rtol=0, atol=1e-5 * scale)
    audio = np.frombuffer(run(sys.executable, script, folder, "--run", file, "--num-samples", 50), "<f4")
    assert audio.shape == (50,) and np.abs(audio).max() <= 1 and audio.std() > 0


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
def test_runtimes_step_with_linear_prediction(runtime, example_path, tmp_path):
    package = {"litert": "ai_edge_litert", "onnx": "tf2onnx"}[runtime]
    pytest.importorskip(package, reason=f"no package {package}")
    pytest.importorskip("onnxruntime", reason="no package onnxruntime")
    spec = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=64, fft_length=128, preemphasis=0.5)
    network = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
    model = wavenet((1, 2), 3, 4, 6, mel_spec=spec, linear_prediction=3, frame_network=network)
    randomise(model, scale=0.4)
    export_saved_model(model, tmp_path / "1")
    script, file = EXAMPLES / f"{runtime}_step.py", tmp_path / f"model.{runtime}"
    run(sys.executable, script, tmp_path / "1", "--convert", file)
    state = _example("sampling").first_state(json.loads((tmp_path / "1" / "signatures.json").read_text()))
    step = _example(f"{runtime}_step").load(file)
    rng = np.random.default_rng(0)
    waveform = rng.uniform(-0.4, 0.4, 24).astype("float32")
    given = {"local_condition": rng.normal(-5, 1, (1, 3, 6)).astype("float32")}
    conditions = np.asarray(model.conditioning.held(model.conditioning.encode(**given)))[0]
    expected = np.asarray(model({"waveform": waveform[np.newaxis], **given}))[0]
    made = follow(step[0] if runtime == "litert" else step, state, waveform, conditions)
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def _example(name):
    import importlib

    return importlib.import_module(name)


def test_a_client_draws_what_the_logits_say(example_path):
    sampling, rng = _example("sampling"), np.random.default_rng(0)
    logits = np.log(np.array([[0.5, 0.2, 0.3]]))
    levels = np.concatenate([sampling.draw(logits, rng) for _ in range(4000)])
    np.testing.assert_allclose(np.bincount(levels) / 4000, [0.5, 0.2, 0.3], atol=0.03)
    assert sampling.draw(logits, rng, temperature=0) == [0]
    from tf_wavenet import mu_law_decode

    np.testing.assert_allclose(sampling.expand(np.arange(256)), mu_law_decode(np.arange(256)), atol=1e-6)
