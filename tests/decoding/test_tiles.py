"""The matrix unit gives the products of float32 to 16 bits, and a decoder that uses it what one without gives."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")

from numba import njit  # noqa: E402

from tests.support.flat import wavenet  # noqa: E402
from tests.support.streaming_contract import randomise  # noqa: E402
from tf_wavenet.decoding.decoder import decoder_of  # noqa: E402
from tf_wavenet.decoding.native import dots, tiles, vectors  # noqa: E402
from tf_wavenet.decoding.native.native_decoder import NativeDecoder  # noqa: E402
from tf_wavenet.decoding.native.products import OPTIONS  # noqa: E402
from tf_wavenet.decoding.sampler import SamplingSettings  # noqa: E402

on_unit = pytest.mark.skipif(not tiles.available(), reason="no matrix unit, or Linux does not lend it")
NOT_CACHED = {**OPTIONS, "cache": False}


@njit(**NOT_CACHED)
def multiply(rows, y, y_step, x, x_step, halves, w, w_first, outputs, taps):
    """Of 16 columns of `x` from each of `taps` on."""
    inputs = len(taps) * 16
    for i in range(len(taps)):
        tiles.narrow_rows(rows, x, taps[i], x_step, 16, halves, i * 16, inputs)
    return tiles.multiply_halves(rows, y, y_step, halves, inputs, w, w_first, outputs)


@on_unit
@pytest.mark.parametrize("rows", tiles.GROUPS)
def test_products_are_those_of_float32(rows, rng):
    for inputs, outputs in ((16, 16), (48, 32), (64, 80)):
        x, w = rng.normal(size=(rows, 7 + inputs)).astype("float32"), rng.normal(size=(inputs, outputs))
        y = rng.normal(size=(rows, outputs + 16)).astype("float32")
        expected = y.copy()
        expected[:, :outputs] += x[:, 7:].astype("float64") @ w
        packed = np.concatenate([np.zeros(5, np.uint16), tiles.pack_matrix(w.astype("float32"))])
        halves = np.full(tiles.halves_size(rows, inputs), 0x7FC0, np.uint16)  # NaN, to be written over
        taps = 7 + np.arange(0, inputs, 16)
        end = multiply(rows, y.ravel(), outputs + 16, x.ravel(), 7 + inputs, halves, packed, 5, outputs, taps)
        np.testing.assert_allclose(y, expected, rtol=0, atol=3e-4)
        assert end == len(packed)


@on_unit
@pytest.mark.parametrize("options", [{}, {"kernel_size": 3, "speakers": 3}])
def test_parameters_are_those_of_step(options):
    """Of rows on the unit and of those that are left, all fed what the decoder drew."""
    model = wavenet((1, 2, 5), residual_channels=16, skip_channels=48, **options)
    randomise(model, scale=0.3)
    for weight in model.trainable_variables:
        weight.assign(np.asarray(weight, "float16"))
    rows, condition, held = 51, None, None
    if model.conditioning is not None:
        condition = model.conditioning.encode(global_condition=np.arange(rows) % 3)
        held = model.conditioning.project(condition)[:, 0]
    engine = NativeDecoder(model, "float16", threads=1)
    start = decoder_of(model).initial_state(rows)
    states, state, previous = engine.start(start), start["model"], np.zeros(rows, "float32")
    assert [len(group.row) for group in states] == [32, 16, 1, 1, 1]
    for _ in range(12):
        expected, state = model.step(previous, state, held)
        engine.decode(states, 1, 3, SamplingSettings(), condition)
        actual = np.concatenate([group.parameters.reshape(len(group.row), -1) for group in states])[:, :256]
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
        previous = np.concatenate([group.previous for group in states])


def test_groups_leave_no_thread_without_rows():
    model = wavenet((1, 2), residual_channels=16, skip_channels=16)
    odd = wavenet((1, 2), residual_channels=12, skip_channels=16)

    def sizes(rows, threads, model=model, dtype="float16", **options):
        return [*NativeDecoder(model, dtype, threads, **options)._sizes(rows)]

    assert sizes(24, 1, odd) == sizes(24, 1, dtype="float32") == sizes(24, 1, use_bfloat16=False) == [8] * 3
    if tiles.available():
        assert sizes(150, 1) == [64, 64, 16, 4, 1, 1]
        assert sizes(64, 2) == [32, 32] and sizes(64, 8) == [16] * 4
    else:
        assert sizes(64, 2) == [8] * 8
        assert sizes(8, 2) == ([4, 4] if dots.available() else [8])


@njit(**NOT_CACHED)
def gates(sums, gated):
    for k in range(0, len(gated), 16):
        vectors.gate(sums, k, k + len(gated), gated, k)


@njit(**NOT_CACHED)
def exponentials(x, lowest):
    total = 0.0
    for k in range(0, len(x), 16):
        total += vectors.exponential(x, k, lowest)
    return total


@njit(**NOT_CACHED)
def highest(x):
    return vectors.highest(x, 16)


@njit(**NOT_CACHED)
def float_of(bits):
    return vectors.float_of(bits)


def test_gates(rng):
    sums = np.concatenate([rng.normal(0, 5, 94), [-100.0, 100.0]]).astype("float32")
    gated = np.zeros(48, np.float32)
    gates(sums, gated)
    a, b = sums.astype("float64").reshape(2, 48)
    np.testing.assert_allclose(gated, np.tanh(a) / (1 + np.exp(-b)), rtol=0, atol=2e-6)
    gates(np.full(32, np.nan, np.float32), gated[:16])
    assert np.isnan(gated[:16]).all()


def test_exponentials(rng):
    x = -rng.exponential(8, 64).astype("float32")
    x[:5] = 0.0, -86.9, -88.0, -1000.0, -np.inf
    expected = np.where(x < -87, 0.0, np.exp(x.astype("float64")))
    made = x.copy()
    total = exponentials(made, np.float32(-np.inf))
    np.testing.assert_allclose(made, expected, rtol=3e-7)
    np.testing.assert_allclose(total, expected.sum(), rtol=1e-6)
    kept = x.copy()
    exponentials(kept, np.float32(-5.0))
    np.testing.assert_array_equal(kept, np.where(x < -5, 0.0, made).astype("float32"))
    made[7] = np.nan
    assert np.isnan(exponentials(made - 2, np.float32(-np.inf)))


def test_highest_and_bits(rng):
    x = rng.normal(size=40).astype("float32")
    assert highest(x) == x[16:32].max()
    for value in (-0.0, 1.5, -np.inf):
        np.testing.assert_array_equal(float_of(np.float32(value).view(np.uint32)), np.float32(value))
