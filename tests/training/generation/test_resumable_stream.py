"""A stream goes on from its state as if it had never stopped, with both engines."""

import numpy as np
import pytest

from tf_wavenet import WaveNet
from tf_wavenet.layers import Conditioning
from training.generation import resumable_stream
from training.generation.resumable_stream import ResumableStream, digest

SMALL = {"dilations": (1, 2), "residual_channels": 4, "skip_channels": 4}


@pytest.fixture(scope="module")
def model():
    model = WaveNet(**SMALL)
    model.build((None, None))
    return model


@pytest.fixture
def chunks_of_20(monkeypatch):
    monkeypatch.setattr(resumable_stream, "CHUNK_SAMPLES", 20)


def made(stream):
    return np.concatenate(list(stream), axis=1)


@pytest.mark.large
@pytest.mark.parametrize("engine", ["native", "xla"])
def test_goes_on_to_the_bit(model, engine, chunks_of_20):
    settings = {"seed": 5, "temperature": 0.9, "batch_size": 5, "prompt": np.linspace(-0.5, 0.5, 9), "engine": engine}
    settings |= {"top_k": 200, "top_p": 0.99}
    stream, kept = ResumableStream(model, 70, **settings), [(0, None, None)]
    for chunk in stream:
        kept.append((stream.made, stream.state, chunk))
    assert [samples for samples, *_ in kept] == [0, 20, 40, 60, 70] and stream.engine == engine
    whole = np.concatenate([chunk for *_, chunk in kept[1:]], axis=1)
    np.testing.assert_array_equal(whole, model.generate(70, **settings))
    for samples, state, _ in kept[1:]:
        resumed = ResumableStream(model, 70, **settings)
        resumed.restore(samples, state)
        rest = [np.zeros((5, 0)), *resumed]
        np.testing.assert_array_equal(np.concatenate(rest, axis=1), whole[:, samples:])


@pytest.mark.large
@pytest.mark.parametrize("engine", ["native", "xla"])
def test_goes_on_amid_a_condition(engine, chunks_of_20):
    model = WaveNet(**SMALL, conditioning=Conditioning(local_channels=3, local_hop=8), dtype="mixed_bfloat16")
    features = np.random.default_rng(0).normal(size=(13, 3)).astype("float32")
    settings = {"local_condition": features, "engine": engine}
    expected = model.generate(100, **settings)
    stream = ResumableStream(model, 100, **settings)
    first = next(iter(stream))
    resumed = ResumableStream(model, 100, **settings)
    resumed.restore(stream.made, stream.state)
    np.testing.assert_array_equal(np.concatenate([first, made(resumed)], axis=1), expected)


def test_refuses_the_state_of_another_number_of_rows(model):
    one, two = (ResumableStream(model, 5, batch_size=rows, engine="xla") for rows in (1, 2))
    with pytest.raises(ValueError, match="Expected a state of this model, shapes .*Received"):
        two.restore(3, one.state)


def test_a_model_that_predicts_nan_is_told():
    model = WaveNet(**SMALL)
    model.build((None, None))
    model.weights[-1].assign(np.full(model.weights[-1].shape, np.nan))
    with pytest.raises(FloatingPointError, match="finite parameters"):
        made(ResumableStream(model, 5, engine="native"))


def test_digests_tell_arrays_and_models_apart(model):
    a = np.arange(6.0)
    assert digest(a) == digest(a.copy()) != digest(a[::-1])
    assert digest(a) != digest(a.reshape(2, 3)) and digest(None) is None
    other = WaveNet(**SMALL)
    other.build((None, None))
    assert digest(other) != digest(model)
    same = WaveNet.from_config(model.get_config())
    same.build((None, None))
    same.set_weights(model.get_weights())
    assert digest(same) == digest(model)
