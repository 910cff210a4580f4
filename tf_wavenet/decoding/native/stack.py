"""The residual layers of a network, for one row of a batch or a group of rows side by side."""

import numpy as np
from numba import njit

from tf_wavenet.decoding.native import dots, tiles
from tf_wavenet.decoding.native.products import INLINE, LANES, OPTIONS, multiply, multiply_rows
from tf_wavenet.decoding.native.vectors import EVEN, ODD, gate

bfloat16 = tiles if tiles.COMPILED else dots  # how this processor multiplies many rows in it, if it does
_narrow_rows, _multiply_halves = bfloat16.narrow_rows, bfloat16.multiply_halves

_ODD_32, _EVEN_32 = (tuple(np.float32(x) for x in numbers) for numbers in (ODD, EVEN))


@njit(**{**OPTIONS, "inline": "always"})
def _tanh(x):
    x = max(min(x, np.float32(7.9)), np.float32(-7.9))
    square, odd, even = x * x, _ODD_32[0], _EVEN_32[0]
    for coefficient in _ODD_32[1:]:
        odd = odd * square + coefficient
    for coefficient in _EVEN_32[1:]:
        even = even * square + coefficient
    return odd * x / even


@njit(**INLINE)
def _gate(sums, first, half, gated, to):
    whole = half - half % LANES
    for k in range(0, whole, LANES):
        gate(sums, first + k, first + half + k, gated, to + k)
    for k in range(whole, half):
        sigmoid = np.float32(0.5) * _tanh(np.float32(0.5) * sums[first + half + k]) + np.float32(0.5)
        gated[to + k] = _tanh(sums[first + k]) * sigmoid


# `group` is the number of rows, and None of one row alone: numba then leaves out what is for several, and compiles in
# two thirds of the time. `located` is None for a distribution over levels.


@njit(**INLINE)
def multiply_by(weights, halves, group, y, y_step, x, x_first, x_step, at, inputs, outputs) -> int:
    """Adds `x @ w` to `y` for all rows; returns the element of the weights behind the matrix at `at`."""
    if group is None:
        return multiply(y, np.int64(0), x, x_first, weights, at, inputs, outputs)
    if halves.size:
        _narrow_rows(group, x, x_first, x_step, inputs, halves, np.int64(0), inputs)
        return _multiply_halves(group, y, y_step, halves, inputs, weights, at, outputs)
    return multiply_rows(group, y, np.int64(0), y_step, x, x_first, x_step, weights, at, inputs, outputs)


# Loops below run over slices: of sums of indices, which might be negative, numba gathers element by element.


@njit(**INLINE)
def set_part(y, y_first, x, size) -> None:
    """Sets `y[y_first:]` to `x[:size]`."""
    part = y[y_first : y_first + size]
    for k in range(size):
        part[k] = x[k]


@njit(**INLINE)
def add_part(y, y_first, x, size) -> None:
    """Adds `x[:size]` to `y[y_first:]`."""
    part = y[y_first : y_first + size]
    for k in range(size):
        part[k] += x[k]


@njit(**INLINE)
def rectify(x) -> None:
    """Sets what is below zero to zero."""
    for k in range(len(x)):
        x[k] = max(x[k], np.float32(0.0))


@njit(**INLINE)
def _convolve(net, state, group, rows, layer, slot, at):
    """Adds the taps of a layer's convolution to its sums; returns the element of the weights behind them."""
    inputs, outputs, start = net.residual, net.gates_wide, np.int64(0)
    length, position = (net.kernel_size - 1) * net.dilations[layer], state.positions[layer]
    if group is not None:
        if state.halves.size:
            return _convolve_halves(net, state, group, layer, slot, at)
    for tap in range(net.kernel_size - 1):
        place = (slot + (position + tap * net.dilations[layer]) % length) * rows * inputs
        at = multiply_by(
            net.weights, state.halves, group, state.sums, outputs, state.ring, place, inputs, at, inputs, outputs
        )
    at = multiply_by(
        net.weights, state.halves, group, state.sums, outputs, state.x, start, net.residual_wide, at, inputs, outputs
    )
    if net.condition:
        size = net.condition
        at = multiply_by(
            net.weights, state.halves, group, state.sums, outputs, state.told, start, size, at, size, outputs
        )
    return at


@njit(**INLINE)
def _convolve_halves(net, state, rows, layer, slot, at):
    """As `_convolve`, all taps and the condition as one product."""
    inputs, start, past = net.residual, np.int64(0), (net.kernel_size - 1) * net.residual
    length, position = (net.kernel_size - 1) * net.dilations[layer], state.positions[layer]
    all_inputs = past + inputs + net.condition
    for tap in range(net.kernel_size - 1):
        place = (slot + (position + tap * net.dilations[layer]) % length) * rows * inputs
        _narrow_rows(rows, state.ring, place, inputs, inputs, state.halves, tap * inputs, all_inputs)
    _narrow_rows(rows, state.x, start, net.residual_wide, inputs, state.halves, past, all_inputs)
    if net.condition:
        size = net.condition
        _narrow_rows(rows, state.told, start, size, size, state.halves, past + inputs, all_inputs)
    return _multiply_halves(rows, state.sums, net.gates_wide, state.halves, all_inputs, net.weights, at, net.gates_wide)


@njit(**INLINE)
def residual_layers(net, state, group, rows, condition, held, frame) -> int:
    """Runs all layers on `state.x` and sets `state.skips`, rectified.

    Args:
        net: The `Network`.
        state: Its `State`.
        group: None of 1 row, else their number.
        rows: Int, their number.
        condition: float32 `[vectors, rows, channels]`, projected; 0 vectors: none.
        held: float32 `[rows * frame]`, one more condition; None: none.
        frame: Int, elements of `held` from row to row.

    Returns:
        The element of the weights behind them.
    """
    wide, gates_wide, skip_wide, half = net.residual_wide, net.gates_wide, net.skip_wide, net.gates // 2
    all_gated = net.layers * half
    at, slot, start = np.int64(0), np.int64(0), np.int64(0)  # in the weights, in the ring; literals compile anew
    for layer in range(net.layers):
        for r in range(rows):
            set_part(state.sums, r * gates_wide, net.gate_biases[layer], gates_wide)
            if condition.shape[0] > 0:
                projected = condition[state.vector[r], r, layer * net.gates : (layer + 1) * net.gates]
                add_part(state.sums, r * gates_wide, projected, net.gates)
            if held is not None:
                first = r * frame + layer * net.gates
                add_part(state.sums, r * gates_wide, held[first : first + net.gates], net.gates)
        length, position = (net.kernel_size - 1) * net.dilations[layer], state.positions[layer]
        at = _convolve(net, state, group, rows, layer, slot, at)
        if length > 0:
            place = (slot + position) * rows * net.residual
            for r in range(rows):
                set_part(state.ring, place + r * net.residual, state.x[r * wide : (r + 1) * wide], net.residual)
            state.positions[layer] = (position + 1) % length
            slot += length
        for r in range(rows):
            _gate(state.sums, r * gates_wide, half, state.gated, r * all_gated + layer * half)
        if layer < net.layers - 1:
            for r in range(rows):
                add_part(state.x, r * wide, net.residual_biases[layer], wide)
            y, x, first = state.x, state.gated, layer * half
            at = multiply_by(net.weights, state.halves, group, y, wide, x, first, all_gated, at, half, wide)
            if net.residual_scale != 1.0:
                for k in range(rows * wide):
                    state.x[k] *= net.residual_scale

    # The skip outputs of all layers are one product.
    for r in range(rows):
        set_part(state.skips, r * skip_wide, net.skip_bias, skip_wide)
    y, x = state.skips, state.gated
    at = multiply_by(net.weights, state.halves, group, y, skip_wide, x, start, all_gated, at, all_gated, skip_wide)
    rectify(state.skips)
    return at
