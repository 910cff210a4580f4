"""Effects block by block: a list of operations on one array of numbers, which `effect_program` writes."""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tf_wavenet.decoding.native.products import FLAGS, INSIDE, LANES, OPTIONS, WIDE, data_of
from tf_wavenet.decoding.native.vectors import Compiled, hyperbolic_tangent

# Time steps of a tile, by its outputs: as many sums as registers hold beside weights and inputs.
TILE_STEPS = {16: 8 if WIDE else 4, 8: 8, 4: 8}
SPARE = 16  # steps behind a block that tiles and vectors may touch
ONE = 0  # the element of the array that is 1.0

# Operations, rows of `(kind, buffer of the result, *arguments)`.
PRODUCT = 0  # sum of sources @ weights: first source, sources, weights, buffer to begin with or -1, else bias
ACTIVATION = 1  # buffer, function, parameters
ADD = 2  # buffer, buffer
MULTIPLY = 3  # buffer, buffer
BLEND = 4  # f * g + z * (1 - g): buffers f, g, z
COMMIT = 5  # the result is complete, and what is read of it later may begin anywhere
ARGUMENTS = 5

# Activations and their parameters.
TANH, SIGMOID, SILU, HARD_SILU, SOFTSIGN = range(5)
CLIPPED = 5  # least, most, slope below, slope above
SLOPES = 6  # for each channel the slope below zero

# Columns of the table of buffers.
OFFSET, WIDTH, LENGTH = range(3)


def _tile(steps, lanes) -> Callable[..., None]:
    """Makes `y[t] = begin[t] + sum over sources of x[t, :inputs] @ w` for `steps` time steps and `lanes` outputs.

    All is in one array. A source is three numbers: the element of its first input, elements from step to step, inputs.
    """

    @intrinsic
    def tile(context, memory, y, y_step, begin, begin_step, sources, first, count, t, w, w_step) -> Compiled:
        index = types.intp
        signature = types.void(memory, index, index, index, index, sources, *[index] * 5)

        def generate(context, builder, signature, arguments):
            long, wide = ir.IntType(64), ir.VectorType(ir.FloatType(), lanes)
            memory, sources = data_of(context, builder, signature, arguments)
            _, y, y_step, begin, begin_step, _, first, count, t, w, w_step = arguments
            rows = [ir.Constant(long, row) for row in range(steps)]

            def number(n):
                return ir.Constant(long, n)

            def vector_at(element):
                return builder.bitcast(builder.gep(memory, [element]), wide.as_pointer())

            def rows_from(element, step):
                return [builder.add(element, builder.mul(row, step)) for row in rows]

            def load(element):
                return builder.load(vector_at(element), align=4)

            def phis(kind, values, before):
                made = [builder.phi(kind) for _ in values]
                for phi, value in zip(made, values, strict=True):
                    phi.add_incoming(value, before)
                return made

            begins = [load(element) for element in rows_from(begin, begin_step)]
            before = builder.block
            source, product, source_end, end = (
                builder.function.append_basic_block(name) for name in ("source", "product", "source_end", "end")
            )
            builder.branch(source)

            builder.position_at_end(source)
            s, weights = phis(long, [first, w], before)
            outer = phis(wide, begins, before)
            place = builder.gep(sources, [builder.mul(s, number(3))])
            x, x_step, inputs = (builder.load(builder.gep(place, [number(k)])) for k in range(3))
            x = builder.add(x, builder.mul(t, x_step))
            columns = [builder.gep(memory, [element]) for element in rows_from(x, x_step)]
            builder.branch(product)

            builder.position_at_end(product)
            i, row_of_weights = phis(long, [number(0), weights], source)
            inner = phis(wide, outer, source)
            loaded = load(row_of_weights)
            nothing = ir.Constant(wide, ir.Undefined)
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            sums = []
            for phi, column in zip(inner, columns, strict=True):
                value = builder.load(builder.gep(column, [i]), align=4)
                spread = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
                spread = builder.shuffle_vector(spread, nothing, everywhere)
                sums.append(builder.fadd(phi, builder.fmul(spread, loaded, flags=FLAGS), flags=FLAGS))
            following = builder.add(i, number(1)), builder.add(row_of_weights, w_step)
            for phi, value in zip((i, row_of_weights, *inner), (*following, *sums), strict=True):
                phi.add_incoming(value, product)
            builder.cbranch(builder.icmp_signed("<", following[0], inputs), product, source_end)

            builder.position_at_end(source_end)
            next_source = builder.add(s, number(1))
            for phi, value in zip((s, weights, *outer), (next_source, following[1], *sums), strict=True):
                phi.add_incoming(value, source_end)
            builder.cbranch(builder.icmp_signed("<", next_source, builder.add(first, count)), source, end)

            builder.position_at_end(end)
            for element, value in zip(rows_from(y, y_step), sums, strict=True):
                builder.store(value, vector_at(element), align=4)
            return context.get_dummy_value()

        return signature, generate

    return tile


_STEPS_16, _STEPS_8, _STEPS_4 = (TILE_STEPS[lanes] for lanes in (16, 8, 4))
_tile_16, _tile_8, _tile_4 = (_tile(TILE_STEPS[lanes], lanes) for lanes in (16, 8, 4))


@njit(**INSIDE)
def _product(memory, y, begin, begin_step, places, first, count, weights, outputs, time):
    """Sets `time` steps and up to `SPARE` more of a result whose first element is `y`."""
    done = np.int64(0)
    while done < outputs:
        to, of, w = y + done, begin + done, weights + done
        if outputs - done >= 16:
            for t in range(0, time, _STEPS_16):
                y_t, of_t = to + t * outputs, of + t * begin_step
                _tile_16(memory, y_t, outputs, of_t, begin_step, places, first, count, t, w, outputs)
            done += 16
        elif outputs - done >= 8:
            for t in range(0, time, _STEPS_8):
                y_t, of_t = to + t * outputs, of + t * begin_step
                _tile_8(memory, y_t, outputs, of_t, begin_step, places, first, count, t, w, outputs)
            done += 8
        else:
            for t in range(0, time, _STEPS_4):
                y_t, of_t = to + t * outputs, of + t * begin_step
                _tile_4(memory, y_t, outputs, of_t, begin_step, places, first, count, t, w, outputs)
            done += 4


@njit(**INSIDE)
def _activate(y, x, function, parameters, width):
    size = len(y)
    if function <= SILU:
        for k in range(0, size, LANES):
            hyperbolic_tangent(x, k, np.float32(1.0 if function == TANH else 0.5), y, k)
        if function == SIGMOID:
            for k in range(size):
                y[k] = np.float32(0.5) * y[k] + np.float32(0.5)
        elif function == SILU:
            for k in range(size):
                y[k] = x[k] * (np.float32(0.5) * y[k] + np.float32(0.5))
    elif function == HARD_SILU:
        for k in range(size):
            gate = x[k] * np.float32(1 / 6) + np.float32(0.5)
            y[k] = x[k] * min(max(gate, np.float32(0.0)), np.float32(1.0))
    elif function == SOFTSIGN:
        for k in range(size):
            y[k] = x[k] / (np.float32(1.0) + abs(x[k]))
    elif function == CLIPPED:
        least, most, slope_below, slope_above = parameters[0], parameters[1], parameters[2], parameters[3]
        for k in range(size):
            inside = min(max(x[k], least), most)
            below, above = min(x[k] - least, np.float32(0.0)), max(x[k] - most, np.float32(0.0))
            y[k] = inside + slope_below * below + slope_above * above
    else:
        for first in range(0, size - width + 1, width):
            for k in range(width):
                value = x[first + k]
                y[first + k] = max(value, np.float32(0.0)) + parameters[k] * min(value, np.float32(0.0))


@njit(**INSIDE)
def _commit(memory, first, length, width, position, time, most):
    """Repeats what lies at the end of a buffer at its beginning, and the other way round."""
    for t in range(position, position + time):
        to = t - length if t >= length else t + length if t < most + SPARE else -1
        if to >= 0:
            for k in range(width):
                memory[first + to * width + k] = memory[first + t * width + k]


@njit(**OPTIONS)
def process(waveform, output, channels, operations, sources, buffers, positions, places, memory, base, most) -> None:
    """Processes one stream's block and moves its past on.

    A buffer is `[time, width]`. One with a past is a ring of `length` steps, with the first `most + SPARE` once more
    behind it, so that each part of that size lies side by side wherever it begins.

    Args:
        waveform: float32 `[time]`.
        output: float32 `[time, channels]`, to be filled.
        channels: Int, of the output.
        operations: int64 `[operations, 2 + ARGUMENTS]`; the first buffer is the input, the last result the output.
        sources: int64 `[sources, 3]`: buffer or -1 for the number one, steps back in time, inputs.
        buffers: int64 `[buffers, 3]`: first element behind `base`, width, length or 0 for one without a past.
        positions: int64 `[buffers]`, the step of each ring that is written next.
        places: int64 `[3 * sources]`, scratch.
        memory: float32; weights, then buffers.
        base: Int, the element of `memory` where this stream's buffers begin.
        most: Int, steps of the largest part of a block.
    """
    done = np.int64(0)
    while done < len(waveform):
        time = min(most, len(waveform) - done)
        for t in range(time):
            memory[base + buffers[0, OFFSET] + t] = waveform[done + t]
        for s in range(len(sources)):
            buffer, delay = sources[s, 0], sources[s, 1]
            places[3 * s], places[3 * s + 1], places[3 * s + 2] = ONE, 0, sources[s, 2]
            if buffer >= 0:
                position = positions[buffer] - delay
                if position < 0:
                    position += buffers[buffer, LENGTH]
                places[3 * s] = base + buffers[buffer, OFFSET] + position * buffers[buffer, WIDTH]
                places[3 * s + 1] = buffers[buffer, WIDTH]

        result = np.int64(0)
        for o in range(len(operations)):
            row = operations[o]
            kind, result, a, b, c, d, e = row[0], row[1], row[2], row[3], row[4], row[5], row[6]
            width = buffers[result, WIDTH]
            y = base + buffers[result, OFFSET] + positions[result] * width
            size = (time * width + LANES - 1) // LANES * LANES
            if kind == PRODUCT:
                begin, begin_step = e, np.int64(0)
                if d >= 0:
                    begin, begin_step = base + buffers[d, OFFSET] + positions[d] * width, width
                _product(memory, y, begin, begin_step, places, a, b, c, width, time)
                continue
            if kind == COMMIT:
                first = base + buffers[result, OFFSET]
                _commit(memory, first, buffers[result, LENGTH], width, positions[result], time, most)
                continue
            x = base + buffers[a, OFFSET] + positions[a] * width
            to, of = memory[y : y + size], memory[x : x + size]
            if kind == ACTIVATION:
                _activate(to, of, b, memory[c:], width)
                continue
            x = base + buffers[b, OFFSET] + positions[b] * width
            other = memory[x : x + size]
            if kind == ADD:
                for k in range(size):
                    to[k] = of[k] + other[k]
            elif kind == MULTIPLY:
                for k in range(size):
                    to[k] = of[k] * other[k]
            else:
                x = base + buffers[c, OFFSET] + positions[c] * width
                third = memory[x : x + size]
                for k in range(size):
                    to[k] = of[k] * other[k] + third[k] * (np.float32(1.0) - other[k])

        y, width = base + buffers[result, OFFSET] + positions[result] * buffers[result, WIDTH], buffers[result, WIDTH]
        for t in range(time):
            for k in range(channels):
                output[done + t, k] = memory[y + t * width + k]
        for buffer in range(len(buffers)):
            if buffers[buffer, LENGTH]:
                positions[buffer] = (positions[buffer] + time) % buffers[buffer, LENGTH]
        done += time
