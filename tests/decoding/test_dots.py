"""Dot products of bfloat16, and what they change in a decoder's parameters."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")

from numba import njit  # noqa: E402

from tests.support.flat import wavenet  # noqa: E402
from tests.support.streaming_contract import randomise  # noqa: E402
from tf_wavenet import load  # noqa: E402
from tf_wavenet.decoding.decoder import decoder_of  # noqa: E402
from tf_wavenet.decoding.native import dots, tiles  # noqa: E402
from tf_wavenet.decoding.native.native_decoder import NativeDecoder  # noqa: E402
from tf_wavenet.decoding.native.products import OPTIONS  # noqa: E402
from tf_wavenet.decoding.sampler import SamplingSettings  # noqa: E402
from tf_wavenet.distributions import Gaussian  # noqa: E402

pytestmark = pytest.mark.skipif(
    not dots.available() or tiles.available(), reason="no dot products of bfloat16, or a matrix unit instead"
)


@njit(**{**OPTIONS, "cache": False})
def multiply(rows, y, y_step, x, x_step, halves, w, w_first, outputs, taps):
    """Of 16 columns of `x` from each of `taps` on."""
    inputs = len(taps) * 16
    for i in range(len(taps)):
        dots.narrow_rows(rows, x, taps[i], x_step, 16, halves, i * 16, inputs)
    return dots.multiply_halves(rows, y, y_step, halves, inputs, w, w_first, outputs)


def rounded(x):
    """float32 of 8 bits."""
    return ((x.view(np.uint32) + np.uint32(0x8000)) & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.mark.parametrize("rows", dots.GROUPS)
def test_products_are_those_of_rounded_numbers(rows, rng):
    for inputs, outputs in ((16, 16), (48, 32), (64, 80)):
        x, w = (rng.normal(size=shape).astype("float32") for shape in ((rows, 7 + inputs), (inputs, outputs)))
        y = rng.normal(size=(rows, outputs + 16)).astype("float32")
        expected = y.copy()
        expected[:, :outputs] += rounded(x[:, 7:].copy()).astype("float64") @ rounded(w)
        packed = np.concatenate([np.zeros(5, np.uint16), dots.pack_matrix(w)])
        halves = np.full(dots.halves_size(rows, inputs), 0x7FC0, np.uint16)  # NaN, to be written over
        taps = 7 + np.arange(0, inputs, 16)
        end = multiply(rows, y.ravel(), outputs + 16, x.ravel(), 7 + inputs, halves, packed, 5, outputs, taps)
        np.testing.assert_allclose(y, expected, rtol=0, atol=2e-5)
        assert end == len(packed)


def parameters_beside(model, rows, steps, condition=None, dtype=None):
    """Yields what the decoder and what `step` predict, both fed what the decoder drew."""
    engine, hold = NativeDecoder(model, dtype, threads=1), 1
    if condition is not None:
        held, hold = model.conditioning.project(condition), model.conditioning.hold
    start = decoder_of(model).initial_state(rows)
    states, state, previous = engine.start(start), start["model"], np.zeros(rows, "float32")
    assert all(group.halves.size for group in states)
    for t in range(steps):
        told = None if condition is None else held[:, t // hold]
        expected, state = model.step(previous, state, told)
        part = None if condition is None else condition[:, t // hold : t // hold + 1]
        engine.decode(states, 1, 3, SamplingSettings(), part)
        actual = np.concatenate([group.parameters.reshape(len(group.row), -1) for group in states])
        yield actual[:, :256], np.asarray(expected)[:, :256]
        previous = np.concatenate([group.previous for group in states])


@pytest.mark.parametrize("options", [{"kernel_size": 3, "speakers": 3}, {"local_channels": 16, "local_hop": 4}])
def test_parameters_are_nearly_those_of_step(options, rng):
    model = wavenet((1, 2, 5), residual_channels=16, skip_channels=48, **options)
    randomise(model, scale=0.3)
    rows, steps = 12, 12
    if model.speakers:
        condition = model.conditioning.encode(global_condition=np.arange(rows) % 3)
        condition = np.repeat(condition, steps, axis=1)
    else:
        frames = rng.normal(size=(rows, steps // 4 + 1, 16)).astype("float32")
        condition = np.asarray(model.conditioning.encode(local_condition=frames))
    for actual, expected in parameters_beside(model, rows, steps, condition):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=0.02 * np.abs(expected).max())


@pytest.mark.large
def test_a_trained_model_loses_no_bits():
    """The bits that a code for the decoder's distributions is longer than one for the model's."""
    model, lost = load("piano_8k"), []
    for actual, expected in parameters_beside(model, 8, 800):
        ours, theirs = (
            p - np.log(np.exp(p - p.max(-1, keepdims=True)).sum(-1, keepdims=True)) - p.max(-1, keepdims=True)
            for p in (actual.astype("float64"), expected.astype("float64"))
        )
        lost.append((np.exp(theirs) * (theirs - ours)).sum(-1).mean() / np.log(2))
    assert 0 < np.mean(lost[100:]) < 0.005


def test_chunks_of_one_sample_change_nothing(rng):
    """What a sample is told is multiplied alike in chunks of any length; a density shows any other rounding."""
    options = {"residual_channels": 16, "skip_channels": 48, "local_channels": 16, "local_hop": 4}
    model = wavenet((1, 2, 5), input_encoding="scalar", distribution=Gaussian(), **options)
    randomise(model, scale=0.3)
    features = rng.normal(size=(4, 5, 16)).astype("float32")
    whole = model.generate(20, seed=3, local_condition=features, engine="native")
    chunks = model.stream(20, 1, seed=3, local_condition=features, engine="native")
    np.testing.assert_array_equal(np.concatenate(list(chunks), axis=1), whole)
