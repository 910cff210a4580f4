"""LiteRT and ONNX Runtime speak as the model does, whole and in chunks: InverseSTFT needs no Fourier transform."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support.streaming_contract import randomise
from tf_wavenet import ISTFTVocoder, MelSpec, export_saved_model

pytestmark = pytest.mark.large
SPEC = MelSpec.from_preset("speech_16k", hop_length=16, win_length=64, fft_length=128, num_mels=6)
SIGNATURES = ("serving_default", "generate_chunk")


@pytest.fixture(scope="module")
def model():
    model = ISTFTVocoder(8, 2, kernel_size=3, mel_spec=SPEC, causal=True)
    randomise(model)
    return model


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "1"
    export_saved_model(model, path, jit_compile=False)
    return path


def litert(folder, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="no package ai_edge_litert")
    from ai_edge_litert.interpreter import Interpreter

    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=list(SIGNATURES))
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    interpreter = Interpreter(model_path=str(tmp_path / "model.tflite"))
    runners = (interpreter.get_signature_runner(name) for name in SIGNATURES)
    return [lambda inputs, run=run: run(**inputs) for run in runners]


def onnx(folder, tmp_path):
    pytest.importorskip("tf2onnx", reason="no package tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="no package onnxruntime")
    functions = []
    for name in SIGNATURES:
        file = str(tmp_path / f"{name}.onnx")
        command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(folder), "--signature_def", name]
        done = subprocess.run([*command, "--opset", "17", "--output", file], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        functions.append(lambda inputs, s=session, n=names: dict(zip(n, s.run(n, inputs), strict=True)))
    return functions


@pytest.mark.parametrize("convert", [litert, onnx])
def test_converted_models_speak_as_the_model(model, folder, convert, tmp_path, rng):
    speak, speak_chunk = convert(folder, tmp_path)
    features = rng.normal(-5.0, 1.0, (2, 11, 6)).astype("float32")
    expected = np.asarray(model(features))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(speak({"local_condition": features})["waveform"], expected, atol=1e-5 * scale)
    start = tf.saved_model.load(str(folder)).signatures["initial_state"](batch_size=tf.constant(2))
    state, parts = {name: np.array(value) for name, value in start.items()}, []
    for first, last in ((0, 1), (1, 4), (4, 11)):
        new = speak_chunk({"local_condition": features[:, first:last], **state})
        parts.append(new["waveform"])
        state = {name: new[f"new_{name}"] for name in state}
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-5 * scale)
