"""What `export_saved_model` can be asked for: warm-up, no XLA, half precision."""

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import Host, Served, carried
from tests.support.flat import wavenet
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, export_saved_model

SAMPLES = 40


def small_model(**changes):
    model = wavenet((1, 2), residual_channels=4, skip_channels=6, **changes)
    randomise(model, scale=0.4)
    return model


def recorded(path):
    """The warm-up requests of an export: `(signature, inputs)` each."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    for record in tf.data.TFRecordDataset(str(path / "assets.extra" / "tf_serving_warmup_requests")):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        yield request.model_spec.signature_name, {name: tf.make_ndarray(p) for name, p in request.inputs.items()}


@pytest.mark.large
def test_after_warm_up_the_first_request_does_not_compile(tmp_path):
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    export_saved_model(small_model(), tmp_path / "model", warmup_batch_sizes=(2,), chunk_samples=SAMPLES)
    dump = tmp_path / "compiled"
    # XLA writes down every program that it compiles.
    host = Host(tmp_path / "model", XLA_FLAGS=f"--xla_dump_to={dump} --xla_dump_hlo_as_text")

    def compiled():
        return {file.name for file in dump.glob("*.txt")} if dump.exists() else set()

    try:
        for signature, inputs in recorded(tmp_path / "model"):
            host(signature, **inputs)
        warm = compiled()
        assert warm

        def ask(batch_size, **settings):
            state = host("initial_state", batch_size=np.int32(batch_size))
            sampling = {"seed": np.int64(9), "temperature": np.float32(0.5), "top_k": np.int32(0)}
            for _ in range(2):
                out = host("generate_chunk", num_samples=np.int32(SAMPLES), **sampling, **settings, **state)
                state = carried(out)
            host("generate", num_samples=np.int32(SAMPLES), batch_size=np.int32(batch_size), **sampling, **settings)

        ask(2, top_p=np.float32(1))
        ask(2, top_p=np.float32(0.3))
        assert compiled() == warm
        ask(3, top_p=np.float32(1))  # a batch size that was not asked for
        assert compiled() > warm
    finally:
        host.close()


@pytest.mark.large
def test_steps_predict_in_float32_whatever_the_network_computes_in(tmp_path):
    spec = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=64, fft_length=128)
    network = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
    options = {"mel_spec": spec, "linear_prediction": 3, "frame_network": network, "dtype": "mixed_bfloat16"}
    model, rng = wavenet((1, 2), 2, 4, 6, **options), np.random.default_rng(0)
    randomise(model)
    served = Served(model, tmp_path / "model", {}, jit_compile=False)
    try:
        features = rng.normal(-5, 1, (1, 2, 6)).astype("float32")
        waveform = rng.uniform(-0.4, 0.4, (1, 10)).astype("float32")
        whole = served.host("serving_default", waveform=waveform, local_condition=features)["parameters"]
        conditions = served.host("encode_condition", local_condition=features)["encoded_condition"]
        state, previous = served.host("initial_state", batch_size=np.int32(1)), np.zeros(1, "float32")
        for t in range(10):
            out = served.host("step", previous_sample=previous, condition=conditions[:, t], **state)
            state, previous = carried(out), waveform[:, t]
            np.testing.assert_allclose(out["parameters"][:, -2:], whole[:, t, -2:], atol=1e-6)
    finally:
        served.host.close()


@pytest.mark.large
@pytest.mark.parametrize(("dtype", "jit_compile"), [("mixed_bfloat16", True), ("bfloat16", False)])
def test_without_xla_and_in_bfloat16(dtype, jit_compile, tmp_path):
    model = small_model(dtype=dtype)
    served = Served(model, tmp_path / "model", {}, jit_compile=jit_compile)
    try:
        state = served.host("initial_state", batch_size=np.int32(2))
        assert {name: value.dtype.name for name, value in state.items()} == {
            "state_queues": "float32",
            "state_stream": "int32",
        }
        waveform = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 12)).astype("float32")
        expected = np.asarray(model(waveform), "float32")
        parameters = served.host("serving_default", waveform=waveform)["parameters"]
        atol = (1e-5 if dtype == "float32" else 0.03) * np.abs(expected).max()
        np.testing.assert_allclose(parameters, expected, rtol=0, atol=atol)
        whole = served.host("generate", num_samples=np.int32(60), batch_size=np.int32(2), **served.sampling())
        np.testing.assert_array_equal(served.speak([20, 1, 39], 2), whole["waveform"])
        if jit_compile:
            np.testing.assert_array_equal(whole["waveform"], model.generate(60, batch_size=2, seed=3))
    finally:
        served.host.close()
