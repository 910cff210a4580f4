"""The loop over samples, for one row of a batch or a group of rows side by side."""

import numpy as np
from numba import njit

from tf_wavenet.decoding.native.network import ONE_HOT, SCALAR
from tf_wavenet.decoding.native.products import INLINE, INSIDE, OPTIONS
from tf_wavenet.decoding.native.sampling import compand, draw, draw_located, level_of, uniforms
from tf_wavenet.decoding.native.stack import add_part, multiply_by, rectify, residual_layers, set_part


@njit(**INLINE)
def _see(net, state, r, prediction):
    """Encodes the last sample (and residual and prediction) of a row and sets its input of the stack."""
    wide, taps = net.residual_wide, net.first_taps
    x = state.x[r * wide : (r + 1) * wide]
    set_part(x, 0, net.first_bias, wide)
    if net.encoding == ONE_HOT:
        for tap in range(taps - 1):
            state.levels[tap, r] = state.levels[tap + 1, r]
        state.levels[taps - 1, r] = level_of(state.previous[r], net.mu)
        for tap in range(taps):
            level = state.levels[tap, r]
            if level >= 0:
                add_part(x, 0, net.first_kernel[tap, level], wide)
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


@njit(**INLINE)
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


@njit(**INLINE)
def _sample(net, state, r, located, random, temperature, top_k, top_p):
    """Draws what the network's distribution is of: a sample, or a residual; NaN of NaN."""
    first = r * net.outputs_wide
    if located is None:
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
def _hear(net, state, group, rows, of, place, nothing):
    """Lets a context stack hear the last samples, and compute if they complete a frame.

    Args:
        net: The context stack's `Network`.
        state: Its `State`, whose `parameters` are the condition that holds.
        group: As of `residual_layers`.
        rows: Int.
        of: The model's `State`.
        place: Int, samples since a frame was complete.
        nothing: A condition of no vectors.
    """
    frame = net.first_taps
    for r in range(rows):
        for tap in range(frame - 1):
            state.seen[tap, r, 0] = state.seen[tap + 1, r, 0]
        state.seen[frame - 1, r, 0] = of.previous[r]
    if place > 0:
        return
    wide, outputs = net.residual_wide, net.outputs_wide
    for r in range(rows):
        x = state.x[r * wide : (r + 1) * wide]
        set_part(x, 0, net.first_bias, wide)
        for tap in range(frame):
            value, weights = state.seen[tap, r, 0], net.first_kernel[tap, 0]
            for k in range(wide):
                x[k] += value * weights[k]
    start = np.int64(0)
    at = residual_layers(net, state, group, rows, nothing, None, start)
    for r in range(rows):
        set_part(state.parameters, r * outputs, net.out_bias, outputs)
    y, x = state.parameters, state.skips
    multiply_by(net.weights, state.halves, group, y, outputs, x, start, net.skip_wide, at, net.skip, outputs)


@njit(**OPTIONS)
def decode(audio, group, located, net, state, context, condition, hold, keys, temperatures, top_ks, top_ps) -> None:
    """Makes the samples of `audio` and moves the state on.

    Args:
        audio: float32 `[time, rows]`, to be filled; 1 row, or as many as one of `products.GROUPS` or `bfloat16.GROUPS`.
        group: None of 1 row, else their number.
        located: None of a distribution over levels, else True.
        net: The `Network`.
        state: The `State` of as many rows.
        context: None, or the `Network` and `State` of a context stack.
        condition: float32 `[vectors, rows, channels]`, projected if `net.condition` is 0; 0 vectors: none.
        hold: Int, samples that a vector holds for; 0: the only vector holds for all.
        keys: uint32 `[rows, 2]`, the low and the high half of each row's seed.
        temperatures: float32 `[rows]`.
        top_ks: int64 `[rows]`, 0 is off; None: neither it nor top-p is on for any row.
        top_ps: float64 `[rows]`, 1 is off.
    """
    rows = audio.shape[1]
    skip_wide, hidden_wide, outputs = net.skip_wide, net.hidden_wide, net.outputs_wide
    start, told = np.int64(0), net.condition
    projected = condition if told == 0 else condition[:0]
    for r in range(rows):
        state.started[r] = state.index[r]
        state.vector[r] = 0

    for i in range(audio.shape[0]):
        for r in range(rows):
            if hold > 0:
                state.vector[r] = (state.started[r] % hold + i) // hold
            if told > 0:
                set_part(state.told, r * told, condition[state.vector[r], r], told)
            if net.order >= 0:
                at = net.layers * net.gates
                prediction = _predict(state, r, net.order, condition[state.vector[r], r, at : at + net.order])
                _see(net, state, r, prediction)
                state.predicted[r] = prediction
            else:
                _see(net, state, r, np.float32(0.0))

        if context is None:
            at = residual_layers(net, state, group, rows, projected, None, start)
        else:
            frames, heard = context
            _hear(frames, heard, group, rows, state, state.index[0] % frames.first_taps, condition[:0])
            at = residual_layers(net, state, group, rows, projected, heard.parameters, frames.outputs_wide)
        for r in range(rows):
            set_part(state.hiddens, r * hidden_wide, net.hidden_bias, hidden_wide)
        y, x = state.hiddens, state.skips
        at = multiply_by(
            net.weights, state.halves, group, y, hidden_wide, x, start, skip_wide, at, net.skip, hidden_wide
        )
        rectify(state.hiddens)
        for r in range(rows):
            set_part(state.parameters, r * outputs, net.out_bias, outputs)
        y, x = state.parameters, state.hiddens
        multiply_by(net.weights, state.halves, group, y, outputs, x, start, hidden_wide, at, net.hidden, outputs)

        for r in range(rows):
            random = uniforms(keys[r, 0], keys[r, 1], np.uint32(state.index[r]), state.row[r])
            factor = np.float32(1.0)
            if net.order >= 0:
                factor = condition[state.vector[r], r, net.layers * net.gates + net.order]
            temperature = temperatures[r] * factor
            if top_ks is None:
                sample = _sample(net, state, r, located, random, temperature, None, 1.0)
            else:
                sample = _sample(net, state, r, located, random, temperature, top_ks[r], top_ps[r])
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
