import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tf_wavenet import MelSpec
from tf_wavenet.layers import LinearPredictor
from tf_wavenet.signal import linear_prediction

SPEC = MelSpec.from_preset("speech_16k", preemphasis=0.85)


@pytest.fixture(params=[0, 1, 4])
def case(request, rng):
    layer = LinearPredictor(SPEC, order=request.param)
    previous = rng.uniform(-1, 1, (2, 30)).astype("float32")
    return layer, previous, rng.normal(0, 0.4, (2, 30, request.param)).astype("float32")


def test_equals_numpy(case):
    layer, previous, a = case
    prediction, residual = layer(previous, a)
    expected = reference.linear_predictions(previous, a)
    assert_allclose(prediction, expected, atol=1e-5)
    assert_allclose(residual, previous - np.pad(expected, ((0, 0), (1, 0)))[:, :-1], atol=1e-5)


def test_steps_and_blocks_are_the_call(case):
    layer, previous, a = case
    whole = np.stack(layer(previous, a))
    state, made = layer.get_initial_state(2), []
    (block, state) = layer.prime(previous[:, :1], state, a[:, :1])
    made.append(np.stack(block))
    for t in range(1, 9):
        y, state = layer.step(previous[:, t], state, a[:, t])
        made.append(np.stack(y)[..., None])
    rows = numpy_of(layer.pack_state(state))
    assert rows.shape == (2, layer.state_size)
    block, _ = layer.prime(previous[:, 9:], layer.unpack_state(rows), a[:, 9:])
    made.append(np.stack(block))
    assert_allclose(np.concatenate(made, axis=-1), whole, atol=1e-6)


def test_coefficients_are_float32_under_mixed_precision(rng):
    layer, mels = LinearPredictor(SPEC, dtype="mixed_bfloat16"), rng.normal(-5, 1, (1, 3, 80)).astype("float32")
    assert layer.compute_dtype == "float32"
    assert_array_equal(layer.coefficients(mels), linear_prediction(mels, SPEC))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": -1}, "Expected order to be an int in .* Received: order=-1"),
        ({"order": 80}, "Received: order=80"),
        ({"voiced_temperature": 0.0}, "Expected voiced_temperature to be positive. Received: 0.0"),
        ({"lag_window": -1.0}, "Expected lag_window and white_noise >= 0"),
        ({"mel_spec": "speech_16k"}, "Expected mel_spec to be a MelSpec. Received: mel_spec='speech_16k'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        LinearPredictor(**{"mel_spec": SPEC, **arguments})
