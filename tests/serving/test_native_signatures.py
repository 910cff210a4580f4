"""The native decoder behind `generate_chunk`: the requests, states and samples of the exported signature."""

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")

from tests.decoding.test_native import FRAMES, HOP, make  # noqa: E402
from tests.support.slow import some  # noqa: E402
from tf_wavenet.decoding.native import native_decoder  # noqa: E402
from tf_wavenet.serving.native_signatures import NativeSignatures  # noqa: E402
from tf_wavenet.serving.signatures import Signatures  # noqa: E402

NAMES = ("alone", "speakers", "features", "context of features", "prediction of logistics")
SAMPLING = {"seed": 5, "temperature": 0.9, "top_k": 0, "top_p": 1.0}


@pytest.fixture(autouse=True)
def _float32(monkeypatch):
    monkeypatch.setattr(native_decoder.NativeDecoder.__init__, "__defaults__", ("float32", None, False))


def chunks(served, conditions, sizes, **sampling):
    """Streams that go on by chunks of these sizes, with the frames from the first of each on."""
    function, names = served.functions()["generate_chunk"], served.inputs_of("generate_chunk")
    state, made, waveform = served.initial_state(tf.constant(2)), 0, []
    for size in sizes:
        given = {**SAMPLING, **sampling, **state, **conditions, "num_samples": size}
        if "local_condition" in conditions:
            first = max(0, made // HOP - served.model.context_frames)
            given |= {"local_condition": conditions["local_condition"][:, first:], "first_frame": [first] * 2}
        inputs = [tf.cast(given[name], served.inputs[name].dtype) for name in names]
        out = function(*inputs)
        state = {name: out[f"new_{name}"] for name in state}
        waveform.append(out["waveform"])
        made += size
    return np.concatenate(waveform, axis=1), state


@pytest.mark.parametrize("name", some(NAMES, "context of features"))
def test_chunks_are_those_of_the_exported_signature(name):
    model, conditions = make(name)
    conditions = {name: value for name, value in conditions.items() if name != "batch_size"}
    sizes = (3, HOP, 0, FRAMES * HOP - 60, 40)
    ours, state = chunks(NativeSignatures(model, 1000), conditions, sizes)
    theirs, expected = chunks(Signatures(model, False, 1000), conditions, sizes)
    assert ours.shape == (2, sum(sizes)) and ours.std() > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
    np.testing.assert_array_equal(state["state_stream"], expected["state_stream"])
    np.testing.assert_allclose(state["state_queues"], expected["state_queues"], atol=1e-3)


def test_rows_have_settings_of_their_own():
    model, _ = make("alone")
    served = NativeSignatures(model, 1000)
    together, _ = chunks(served, {}, (20, 20), seed=[5, 9], temperature=[0.9, 0.0], top_k=[0, 3])
    first, _ = chunks(served, {}, (40,))
    second, _ = chunks(served, {}, (40,), seed=9, temperature=0.0, top_k=3)
    np.testing.assert_array_equal(together, [first[0], second[1]])


def test_a_state_of_another_model_is_refused():
    model, _ = make("alone")
    served = NativeSignatures(model, 1000)
    state = served.initial_state(tf.constant(2))
    state["state_stream"] += tf.constant([[1, 0, 0, 0]])
    given = {name: tf.cast(value, served.inputs[name].dtype) for name, value in (SAMPLING | {"num_samples": 5}).items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected a state of this model"):
        served.generate_chunk(**given, **state)
