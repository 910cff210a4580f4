"""The loop over samples, for one row of a batch or a group of rows side by side."""

from typing import NamedTuple

import numpy as np
from numba import njit

from tf_wavenet.decoding.native import dots, tiles
from tf_wavenet.decoding.native.products import INSIDE, LANES, OPTIONS, multiply, multiply_rows
from tf_wavenet.decoding.native.sampling import (
    CATEGORICAL,
    compand,
    draw,
    draw_located,
    level_of,
    uniforms,
)
from tf_wavenet.decoding.native.vectors import EVEN, ODD, gate

bfloat16 = tiles if tiles.COMPILED else dots  # how this processor multiplies many rows in it, if it does
_narrow_rows, _multiply_halves = bfloat16.narrow_rows, bfloat16.multiply_halves

ONE_HOT, SCALAR, COMPANDED = range(3)  # how the first convolution sees samples

_ODD_32, _EVEN_32 = (tuple(np.float32(x) for x in numbers) for numbers in (ODD, EVEN))


class Network(NamedTuple):
    """A WaveNet for `decode`: sizes, and weights as arrays. `_wide` sizes are padded for the products."""

    layers: int
    kernel_size: int
    residual: int
    residual_wide: int
    gates: int
    gates_wide: int
    skip: int
    skip_wide: int
    hidden: int
    hidden_wide: int
    outputs_wide: int
    condition: int  # channels of a condition that is one more input of the convolutions; 0: it comes projected
    first_taps: int
    encoding: int
    channels: int
    mu: int
    kind: int
    classes: int  # levels, or components of a mixture; 0: one component without logits
    order: int  # of the linear prediction, -1 without
    cycle: int  # positions of a round, see decoding.positions, as what follows
    turn: int
    turns: int
    residual_scale: np.float32
    gain: np.float32
    log_scale_min: float
    steps: float
    preemphasis: np.float32
    weights: np.ndarray  # packed, all products in the order in which they are taken
    first_kernel: np.ndarray  # [first_taps, channels, residual_wide], oldest tap first
    first_bias: np.ndarray
    gate_biases: np.ndarray  # [layers, gates_wide]
    residual_biases: np.ndarray  # [layers, residual_wide]
    skip_bias: np.ndarray
    hidden_bias: np.ndarray
    out_bias: np.ndarray
    dilations: np.ndarray


class State(NamedTuple):
    """What `decode` remembers of `rows` streams from sample to sample, and its scratch; changed in place."""

    ring: np.ndarray  # every layer's past inputs, [slots, rows, residual]
    positions: np.ndarray  # int64 [layers], the slot that is overwritten next
    levels: np.ndarray  # int64 [first_taps, rows], what the first convolution has seen, oldest first; -1 is nothing
    seen: np.ndarray  # float32 [first_taps, rows, channels], the same for other encodings
    previous: np.ndarray  # float32 [rows], the last sample
    output: np.ndarray  # the same without pre-emphasis
    past: np.ndarray  # float32 [rows, order], the last samples, oldest first
    predicted: np.ndarray  # float32 [rows], the last prediction
    index: np.ndarray  # int64 [rows], of the next sample
    row: np.ndarray  # uint32 [rows], that random numbers are keyed by
    x: np.ndarray
    sums: np.ndarray
    gated: np.ndarray
    skips: np.ndarray
    hiddens: np.ndarray
    parameters: np.ndarray
    weighted: np.ndarray
    scores: np.ndarray
    started: np.ndarray  # int64 [rows], the index of the call's first sample
    vector: np.ndarray  # int64 [rows], the vector of the condition that holds
    told: np.ndarray  # float32 [rows * condition], what the samples are told
    halves: np.ndarray  # uint16, of a group whose products are in bfloat16; else empty


@njit(**{**OPTIONS, "inline": "always"})
def _tanh(x):
    x = max(min(x, np.float32(7.9)), np.float32(-7.9))
    square, odd, even = x * x, _ODD_32[0], _EVEN_32[0]
    for coefficient in _ODD_32[1:]:
        odd = odd * square + coefficient
    for coefficient in _EVEN_32[1:]:
        even = even * square + coefficient
    return odd * x / even


@njit(**INSIDE)
def _gate(sums, first, half, gated, to):
    whole = half - half % LANES
    for k in range(0, whole, LANES):
        gate(sums, first + k, first + half + k, gated, to + k)
    for k in range(whole, half):
        sigmoid = np.float32(0.5) * _tanh(np.float32(0.5) * sums[first + half + k]) + np.float32(0.5)
        gated[to + k] = _tanh(sums[first + k]) * sigmoid


@njit(**INSIDE)
def _multiply(net, state, rows, y, y_step, x, x_first, x_step, at, inputs, outputs):
    """Adds `x @ w` to `y` for all rows; returns the element of the weights behind the matrix at `at`."""
    if rows == 1:
        return multiply(y, np.int64(0), x, x_first, net.weights, at, inputs, outputs)
    if state.halves.size:
        _narrow_rows(rows, x, x_first, x_step, inputs, state.halves, np.int64(0), inputs)
        return _multiply_halves(rows, y, y_step, state.halves, inputs, net.weights, at, outputs)
    return multiply_rows(rows, y, np.int64(0), y_step, x, x_first, x_step, net.weights, at, inputs, outputs)


# Loops below run over slices: of sums of indices, which might be negative, numba gathers element by element.


@njit(**INSIDE)
def _set(y, y_first, x, size):
    part = y[y_first : y_first + size]
    for k in range(size):
        part[k] = x[k]


@njit(**INSIDE)
def _add(y, y_first, x, size):
    part = y[y_first : y_first + size]
    for k in range(size):
        part[k] += x[k]


@njit(**INSIDE)
def _rectify(x):
    for k in range(len(x)):
        x[k] = max(x[k], np.float32(0.0))


@njit(**INSIDE)
def _see(net, state, r, prediction):
    """Encodes the last sample (and residual and prediction) of a row and sets its input of the stack."""
    wide, taps = net.residual_wide, net.first_taps
    x = state.x[r * wide : (r + 1) * wide]
    _set(x, 0, net.first_bias, wide)
    if net.encoding == ONE_HOT:
        for tap in range(taps - 1):
            state.levels[tap, r] = state.levels[tap + 1, r]
        state.levels[taps - 1, r] = level_of(state.previous[r], net.mu)
        for tap in range(taps):
            level = state.levels[tap, r]
            if level >= 0:
                _add(x, 0, net.first_kernel[tap, level], wide)
        return
    for tap in range(taps - 1):
        for c in range(net.channels):
            state.seen[tap, r, c] = state.seen[tap + 1, r, c]
    if net.encoding == SCALAR:
        state.seen[taps - 1, r, 0] = state.previous[r]
    else:
        state.seen[taps - 1, r, 0] = compand(net.gain * state.previous[r], net.mu)
        if net.order >= 0:
            state.seen[taps - 1, r, 1] = compand(net.gain * (state.previous[r] - state.predicted[r]), net.mu)
            state.seen[taps - 1, r, 2] = compand(net.gain * prediction, net.mu)
    for tap in range(taps):
        for c in range(net.channels):
            value, weights = state.seen[tap, r, c], net.first_kernel[tap, c]
            for k in range(wide):
                x[k] += value * weights[k]


@njit(**INSIDE)
def _predict(state, r, order, coefficients):
    """Moves the past of a row on and returns the linear prediction of its next sample."""
    prediction = np.float32(0.0)
    for k in range(order - 1):
        state.past[r, k] = state.past[r, k + 1]
    if order:
        state.past[r, order - 1] = state.previous[r]
    for k in range(order):
        prediction += coefficients[k] * state.past[r, order - 1 - k]
    return prediction


@njit(**INSIDE)
def _sample(net, state, r, random, temperature, top_k, top_p):
    """Draws what the network's distribution is of: a sample, or a residual; NaN of NaN."""
    first = r * net.outputs_wide
    if net.kind == CATEGORICAL:
        if not temperature > 0.0:
            for k in range(net.classes):
                state.scores[k] = state.parameters[first + k]
        level = draw(
            state.parameters, first, net.classes, state.scores, random[0], temperature, top_k, top_p, state.weighted
        )
        if level < 0:
            return np.float32(np.nan)
        companded = 2.0 * level / net.mu - 1.0
        size = np.expm1(abs(companded) * np.log1p(np.float64(net.mu))) / net.mu
        return np.float32(min(size, 1.0) if companded > 0.0 else -min(size, 1.0))
    return draw_located(
        net.kind,
        state.parameters,
        first,
        net.classes,
        net.log_scale_min,
        net.steps,
        random,
        temperature,
        state.weighted,
        state.scores,
    )


@njit(**INSIDE)
def _convolve(net, state, rows, layer, slot, position, at):
    """Adds the taps of a layer's convolution to its sums; returns the element of the weights behind them."""
    inputs, outputs, start = net.residual, net.gates_wide, np.int64(0)
    dilation, past = net.dilations[layer], (net.kernel_size - 1) * net.residual
    length, all_inputs = (net.kernel_size - 1) * dilation, past + net.residual + net.condition
    for tap in range(net.kernel_size - 1):
        place = (slot + (position + tap * dilation) % length) * rows * inputs
        if state.halves.size:  # all taps are one product
            _narrow_rows(rows, state.ring, place, inputs, inputs, state.halves, tap * inputs, all_inputs)
        else:
            at = _multiply(net, state, rows, state.sums, outputs, state.ring, place, inputs, at, inputs, outputs)
    if state.halves.size:
        _narrow_rows(rows, state.x, start, net.residual_wide, inputs, state.halves, past, all_inputs)
        if net.condition:
            column, size = past + net.residual, net.condition
            _narrow_rows(rows, state.told, start, size, size, state.halves, column, all_inputs)
        return _multiply_halves(rows, state.sums, outputs, state.halves, all_inputs, net.weights, at, outputs)
    at = _multiply(net, state, rows, state.sums, outputs, state.x, start, net.residual_wide, at, inputs, outputs)
    if net.condition:
        size = net.condition
        at = _multiply(net, state, rows, state.sums, outputs, state.told, start, size, at, size, outputs)
    return at


@njit(**OPTIONS)
def decode(audio, net, state, condition, hold, key0, key1, temperature, top_k, top_p) -> None:
    """Makes the samples of `audio` and moves the state on.

    Args:
        audio: float32 `[time, rows]`, to be filled; 1 row, or as many as one of `products.GROUPS` or `bfloat16.GROUPS`.
        net: The `Network`.
        state: The `State` of as many rows.
        condition: float32 `[vectors, rows, channels]`, projected if `net.condition` is 0; 0 vectors: none.
        hold: Int, samples that a vector holds for; 0: the only vector holds for all.
        key0: uint32, the low half of the seed.
        key1: uint32, the high half.
        temperature: Float.
        top_k: Int, 0 is off.
        top_p: Float, 1 is off.
    """
    rows, half = audio.shape[1], net.gates // 2
    wide, gates_wide, skip_wide, hidden_wide = net.residual_wide, net.gates_wide, net.skip_wide, net.hidden_wide
    all_gated = net.layers * half
    conditioned, told = condition.shape[0] > 0 and net.condition == 0, net.condition
    for r in range(rows):
        state.started[r] = state.index[r]
        state.vector[r] = 0

    for i in range(audio.shape[0]):
        for r in range(rows):
            if hold > 0:
                state.vector[r] = (state.started[r] % hold + i) // hold
            if told > 0:
                _set(state.told, r * told, condition[state.vector[r], r], told)
            if net.order >= 0:
                at = net.layers * net.gates
                prediction = _predict(state, r, net.order, condition[state.vector[r], r, at : at + net.order])
                _see(net, state, r, prediction)
                state.predicted[r] = prediction
            else:
                _see(net, state, r, np.float32(0.0))

        at, slot, start = np.int64(0), np.int64(0), np.int64(0)  # in the weights, in the ring; literals compile anew
        for layer in range(net.layers):
            for r in range(rows):
                _set(state.sums, r * gates_wide, net.gate_biases[layer], gates_wide)
                if conditioned:
                    projected = condition[state.vector[r], r, layer * net.gates : (layer + 1) * net.gates]
                    _add(state.sums, r * gates_wide, projected, net.gates)
            length, position = (net.kernel_size - 1) * net.dilations[layer], state.positions[layer]
            at = _convolve(net, state, rows, layer, slot, position, at)
            if length > 0:
                place = (slot + position) * rows * net.residual
                for r in range(rows):
                    _set(state.ring, place + r * net.residual, state.x[r * wide : (r + 1) * wide], net.residual)
                state.positions[layer] = (position + 1) % length
                slot += length
            for r in range(rows):
                _gate(state.sums, r * gates_wide, half, state.gated, r * all_gated + layer * half)
            if layer < net.layers - 1:
                for r in range(rows):
                    _add(state.x, r * wide, net.residual_biases[layer], wide)
                at = _multiply(net, state, rows, state.x, wide, state.gated, layer * half, all_gated, at, half, wide)
                if net.residual_scale != 1.0:
                    for k in range(rows * wide):
                        state.x[k] *= net.residual_scale

        # The skip outputs of all layers are one product.
        for r in range(rows):
            _set(state.skips, r * skip_wide, net.skip_bias, skip_wide)
        at = _multiply(
            net, state, rows, state.skips, skip_wide, state.gated, start, all_gated, at, all_gated, skip_wide
        )
        _rectify(state.skips)
        for r in range(rows):
            _set(state.hiddens, r * hidden_wide, net.hidden_bias, hidden_wide)
        at = _multiply(
            net, state, rows, state.hiddens, hidden_wide, state.skips, start, skip_wide, at, net.skip, hidden_wide
        )
        _rectify(state.hiddens)
        for r in range(rows):
            _set(state.parameters, r * net.outputs_wide, net.out_bias, net.outputs_wide)
        _multiply(
            net,
            state,
            rows,
            state.parameters,
            net.outputs_wide,
            state.hiddens,
            start,
            hidden_wide,
            at,
            net.hidden,
            net.outputs_wide,
        )

        for r in range(rows):
            random = uniforms(key0, key1, np.uint32(state.index[r]), state.row[r])
            factor = np.float32(1.0)
            if net.order >= 0:
                factor = condition[state.vector[r], r, net.layers * net.gates + net.order]
            sample = _sample(net, state, r, random, np.float32(temperature) * factor, top_k, top_p)
            if net.order >= 0:
                sample = min(max(state.predicted[r] + sample / net.gain, np.float32(-1.0)), np.float32(1.0))
            state.previous[r] = sample
            state.index[r] += 1
            if state.index[r] >= net.cycle:
                state.index[r] -= net.cycle
                row = np.int64(state.row[r])
                state.row[r] = np.uint32(row - net.turns if row >= net.turns else row + net.turn)
            if net.preemphasis != 0.0:
                sample += net.preemphasis * state.output[r]
                state.output[r] = sample
            audio[i, r] = sample
