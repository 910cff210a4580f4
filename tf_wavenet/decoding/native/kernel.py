"""The loop over samples, for one row of a batch or four side by side."""

from typing import NamedTuple

import numpy as np
from numba import njit

from tf_wavenet.decoding.native.products import OPTIONS, multiply, multiply_four
from tf_wavenet.decoding.native.sampling import (
    CATEGORICAL,
    compand,
    draw,
    draw_located,
    level_of,
    uniforms,
)

ONE_HOT, SCALAR, COMPANDED = range(3)  # how the first convolution sees samples

# Rational approximation of the hyperbolic tangent on [-7.9, 7.9], odd over even, highest power first.
_ODD = tuple(
    np.float32(x)
    for x in (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08)
    + (1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
)
_EVEN = tuple(
    np.float32(x) for x in (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
)


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


@njit(**{**OPTIONS, "inline": "always"})
def _tanh(x):
    x = max(min(x, np.float32(7.9)), np.float32(-7.9))
    y = x * x
    p = ((((((_ODD[0] * y + _ODD[1]) * y + _ODD[2]) * y + _ODD[3]) * y + _ODD[4]) * y + _ODD[5]) * y + _ODD[6]) * x
    return p / (((_EVEN[0] * y + _EVEN[1]) * y + _EVEN[2]) * y + _EVEN[3])


@njit(**OPTIONS)
def _gate(sums, first, half, gated, to):
    for k in range(half):
        sigmoid = np.float32(0.5) * _tanh(np.float32(0.5) * sums[first + half + k]) + np.float32(0.5)
        gated[to + k] = _tanh(sums[first + k]) * sigmoid


@njit(**OPTIONS)
def _multiply(rows, y, y_step, x, x_first, x_step, w, at, inputs, outputs):
    if rows == 1:
        return multiply(y, 0, x, x_first, w, at, inputs, outputs)
    return multiply_four(y, 0, y_step, x, x_first, x_step, w, at, inputs, outputs)


@njit(**OPTIONS)
def _see(net, state, r, prediction):
    """Encodes the last sample (and residual and prediction) of a row and sets its input of the stack."""
    wide, taps = net.residual_wide, net.first_taps
    for k in range(wide):
        state.x[r * wide + k] = net.first_bias[k]
    if net.encoding == ONE_HOT:
        for tap in range(taps - 1):
            state.levels[tap, r] = state.levels[tap + 1, r]
        state.levels[taps - 1, r] = level_of(state.previous[r], net.mu)
        for tap in range(taps):
            level = state.levels[tap, r]
            if level >= 0:
                for k in range(wide):
                    state.x[r * wide + k] += net.first_kernel[tap, level, k]
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
            value = state.seen[tap, r, c]
            for k in range(wide):
                state.x[r * wide + k] += value * net.first_kernel[tap, c, k]


@njit(**OPTIONS)
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


@njit(**OPTIONS)
def _sample(net, state, r, random, temperature, top_k, top_p):
    """Draws what the network's distribution is of: a sample, or a residual; NaN of NaN."""
    first = r * net.outputs_wide
    if net.kind == CATEGORICAL:
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


@njit(**OPTIONS)
def decode(audio, net, state, condition, hold, key0, key1, temperature, top_k, top_p) -> None:
    """Makes the samples of `audio` and moves the state on.

    Args:
        audio: float32 `[time, rows]`, to be filled; 1 or 4 rows.
        net: The `Network`.
        state: The `State` of as many rows.
        condition: float32 `[vectors, rows, channels]`, projected; 0 vectors: none.
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
    conditioned = condition.shape[0] > 0
    started = state.index.copy()
    vector = np.zeros(rows, np.int64)
    predictions = np.zeros(rows, np.float32)

    for i in range(audio.shape[0]):
        for r in range(rows):
            if hold > 0:
                vector[r] = (started[r] % hold + i) // hold
            if net.order >= 0:
                at = net.layers * net.gates
                predictions[r] = _predict(state, r, net.order, condition[vector[r], r, at : at + net.order])
            _see(net, state, r, predictions[r])
            if net.order >= 0:
                state.predicted[r] = predictions[r]

        at, slot = 0, 0  # in the weights, in the ring
        for layer in range(net.layers):
            for r in range(rows):
                to = r * gates_wide
                for k in range(gates_wide):
                    state.sums[to + k] = net.gate_biases[layer, k]
                if conditioned:
                    for k in range(net.gates):
                        state.sums[to + k] += condition[vector[r], r, layer * net.gates + k]
            length, position = (net.kernel_size - 1) * net.dilations[layer], state.positions[layer]
            for tap in range(net.kernel_size - 1):
                place = (slot + (position + tap * net.dilations[layer]) % length) * rows * net.residual
                at = _multiply(
                    rows,
                    state.sums,
                    gates_wide,
                    state.ring,
                    place,
                    net.residual,
                    net.weights,
                    at,
                    net.residual,
                    gates_wide,
                )
            at = _multiply(rows, state.sums, gates_wide, state.x, 0, wide, net.weights, at, net.residual, gates_wide)
            if length > 0:
                place = (slot + position) * rows * net.residual
                for r in range(rows):
                    for k in range(net.residual):
                        state.ring[place + r * net.residual + k] = state.x[r * wide + k]
                state.positions[layer] = (position + 1) % length
                slot += length
            for r in range(rows):
                _gate(state.sums, r * gates_wide, half, state.gated, r * all_gated + layer * half)
            if layer < net.layers - 1:
                for r in range(rows):
                    for k in range(wide):
                        state.x[r * wide + k] += net.residual_biases[layer, k]
                at = _multiply(rows, state.x, wide, state.gated, layer * half, all_gated, net.weights, at, half, wide)
                if net.residual_scale != 1.0:
                    for k in range(rows * wide):
                        state.x[k] *= net.residual_scale

        # The skip outputs of all layers are one product.
        for r in range(rows):
            for k in range(skip_wide):
                state.skips[r * skip_wide + k] = net.skip_bias[k]
        at = _multiply(rows, state.skips, skip_wide, state.gated, 0, all_gated, net.weights, at, all_gated, skip_wide)
        for r in range(rows):
            for k in range(skip_wide):
                state.skips[r * skip_wide + k] = max(state.skips[r * skip_wide + k], np.float32(0.0))
            for k in range(hidden_wide):
                state.hiddens[r * hidden_wide + k] = net.hidden_bias[k]
        at = _multiply(
            rows, state.hiddens, hidden_wide, state.skips, 0, skip_wide, net.weights, at, net.skip, hidden_wide
        )
        for r in range(rows):
            for k in range(hidden_wide):
                state.hiddens[r * hidden_wide + k] = max(state.hiddens[r * hidden_wide + k], np.float32(0.0))
            for k in range(net.outputs_wide):
                state.parameters[r * net.outputs_wide + k] = net.out_bias[k]
        _multiply(
            rows,
            state.parameters,
            net.outputs_wide,
            state.hiddens,
            0,
            hidden_wide,
            net.weights,
            at,
            net.hidden,
            net.outputs_wide,
        )

        for r in range(rows):
            random = uniforms(key0, key1, np.uint32(state.index[r]), state.row[r])
            factor = np.float32(1.0)
            if net.order >= 0:
                factor = condition[vector[r], r, net.layers * net.gates + net.order]
            sample = _sample(net, state, r, random, np.float32(temperature) * factor, top_k, top_p)
            if net.order >= 0:
                sample = min(max(predictions[r] + sample / net.gain, np.float32(-1.0)), np.float32(1.0))
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
