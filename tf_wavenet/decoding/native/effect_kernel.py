"""Effects block by block: a list of operations on one array of numbers, which `effect_program` writes.

A buffer is `[channels, time]`, so that a vector is one channel's next time steps: all lanes work, however few channels
a model has.
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tf_wavenet.decoding.native import elementwise
from tf_wavenet.decoding.native.products import FLAGS, INLINE, LANES, OPTIONS, WIDE, data_of
from tf_wavenet.decoding.native.vectors import Compiled

SPARE = LANES  # steps behind a block that vectors may touch
ONES, ZEROS = 0, 4 * LANES  # the elements of the array where four vectors of ones and four of zeros begin

# Operations, rows of `(kind, buffer of the result, *arguments)`.
PRODUCT = 0  # sum of sources @ weights: first source, sources, weights, buffer to begin with or -1
COMMIT = 1  # the result is complete, and what is read of it later may begin anywhere
# Element by element: up to three buffers, and the first of the numbers that the operation takes.
ADD, MULTIPLY, BLEND = 2, 3, 4
TANH, SIGMOID, SILU, HARD_SILU, SOFTSIGN = 5, 6, 7, 8, 9
CLIPPED = 10  # numbers: least, most, slope below, slope above
SLOPES = 11  # numbers: for each channel the slope below zero
ARGUMENTS = 4

# Columns of the table of buffers: first element, channels, steps of the ring or 0, elements from channel to channel.
OFFSET, CHANNELS, LENGTH, STRIDE = range(4)
# Columns of the table of places, of a source: first element, elements from input to input, inputs, from step to step.
PLACE = 4


def _tile(outputs, vectors=1) -> Callable[..., None]:
    """Makes `y[:, t] = begin[:, t] + sum over sources of w.T @ x[:, t]` for `outputs` channels, 16 steps a vector.

    All is in one array. `y` and `begin` step from channel to channel, `w` from input to input.
    """

    @intrinsic
    def tile(context, memory, y, y_step, begin, begin_step, sources, first, count, t, w, w_step) -> Compiled:
        index = types.intp
        signature = types.void(memory, index, index, index, index, sources, *[index] * 5)

        def generate(context, builder, signature, arguments):
            long, wide = ir.IntType(64), ir.VectorType(ir.FloatType(), LANES)
            memory, sources = data_of(context, builder, signature, arguments)
            _, y, y_step, begin, begin_step, _, first, count, t, w, w_step = arguments
            channels = [ir.Constant(long, channel) for channel in range(outputs)]

            def number(n):
                return ir.Constant(long, n)

            def vector_at(element):
                return builder.bitcast(builder.gep(memory, [element]), wide.as_pointer())

            def further(element):
                return [builder.add(element, number(LANES * vector)) for vector in range(vectors)]

            def vectors_from(element, step):
                rows = [builder.add(element, builder.mul(channel, step)) for channel in channels]
                return [vector_at(place) for row in rows for place in further(row)]

            def phis(kind, values, before):
                made = [builder.phi(kind) for _ in values]
                for phi, value in zip(made, values, strict=True):
                    phi.add_incoming(value, before)
                return made

            begins = [builder.load(vector, align=4) for vector in vectors_from(begin, begin_step)]
            before = builder.block
            source, product, source_end, end = (
                builder.function.append_basic_block(name) for name in ("source", "product", "source_end", "end")
            )
            builder.branch(source)

            builder.position_at_end(source)
            s, weights = phis(long, [first, w], before)
            outer = phis(wide, begins, before)
            place = builder.gep(sources, [builder.mul(s, number(PLACE))])
            x, x_step, inputs, t_step = (builder.load(builder.gep(place, [number(k)])) for k in range(PLACE))
            x = builder.add(x, builder.mul(t, t_step))
            builder.branch(product)

            builder.position_at_end(product)
            i, element, row_of_weights = phis(long, [number(0), x, weights], source)
            inner = phis(wide, outer, source)
            loaded = [builder.load(vector_at(place), align=4) for place in further(element)]
            nothing = ir.Constant(wide, ir.Undefined)
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            row = builder.gep(memory, [row_of_weights])
            sums = []
            for channel in range(outputs):
                value = builder.load(builder.gep(row, [channels[channel]]), align=4)
                spread = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
                spread = builder.shuffle_vector(spread, nothing, everywhere)
                for phi, vector in zip(inner[channel * vectors :], loaded, strict=False):
                    sums.append(builder.fadd(phi, builder.fmul(spread, vector, flags=FLAGS), flags=FLAGS))
            following = builder.add(i, number(1)), builder.add(element, x_step), builder.add(row_of_weights, w_step)
            for phi, value in zip((i, element, row_of_weights, *inner), (*following, *sums), strict=True):
                phi.add_incoming(value, product)
            builder.cbranch(builder.icmp_signed("<", following[0], inputs), product, source_end)

            builder.position_at_end(source_end)
            next_source = builder.add(s, number(1))
            for phi, value in zip((s, weights, *outer), (next_source, following[2], *sums), strict=True):
                phi.add_incoming(value, source_end)
            builder.cbranch(builder.icmp_signed("<", next_source, builder.add(first, count)), source, end)

            builder.position_at_end(end)
            for vector, value in zip(vectors_from(y, y_step), sums, strict=True):
                builder.store(value, vector, align=4)
            return context.get_dummy_value()

        return signature, generate

    return tile


_eight = _tile(8)  # as many sums as wide registers hold beside weights and inputs
_four, _three, _two, _one = (_tile(outputs) for outputs in (4, 3, 2, 1))
_LONG = 4 if WIDE else 2  # vectors of time steps at once
_four_long, _three_long, _two_long, _one_long = (_tile(outputs, _LONG) for outputs in (4, 3, 2, 1))


@njit(**INLINE)
def _product(memory, y, y_step, begin, begin_step, t_step, places, first, count, weights, outputs, time):
    """Sets `time` steps and up to `SPARE` more of a result whose first element is `y`."""
    done = np.int64(0)
    while done < outputs:
        left, w, t = outputs - done, weights + done, np.int64(0)
        while t < time:
            to, of = y + done * y_step + t, begin + done * begin_step + t * t_step
            if WIDE and left >= 8:
                _eight(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                t += LANES
            elif time - t > (_LONG - 1) * LANES:
                if left >= 4:
                    _four_long(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                elif left == 3:
                    _three_long(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                elif left == 2:
                    _two_long(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                else:
                    _one_long(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                t += _LONG * LANES
            else:
                if left >= 4:
                    _four(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                elif left == 3:
                    _three(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                elif left == 2:
                    _two(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                else:
                    _one(memory, to, y_step, of, begin_step, places, first, count, t, w, outputs)
                t += LANES
        done += 8 if WIDE and left >= 8 else min(left, 4)


@njit(**INLINE)
def _apply(kind, memory, y, f, g, z, numbers):
    """Sets 16 steps of one channel."""
    if kind == ADD:
        elementwise.add(memory, y, f, g, z, numbers)
    elif kind == CLIPPED:
        elementwise.clipped(memory, y, f, g, z, numbers)
    elif kind == TANH:
        elementwise.hyperbolic_tangent(memory, y, f, g, z, numbers)
    elif kind == SIGMOID:
        elementwise.sigmoid(memory, y, f, g, z, numbers)
    elif kind == MULTIPLY:
        elementwise.multiply(memory, y, f, g, z, numbers)
    elif kind == BLEND:
        elementwise.blend(memory, y, f, g, z, numbers)
    elif kind == SILU:
        elementwise.silu(memory, y, f, g, z, numbers)
    elif kind == HARD_SILU:
        elementwise.hard_silu(memory, y, f, g, z, numbers)
    elif kind == SOFTSIGN:
        elementwise.softsign(memory, y, f, g, z, numbers)
    else:
        elementwise.sloped(memory, y, f, g, z, numbers)


@njit(**INLINE)
def _copy(memory, to, of, size):
    """Copies up to `SPARE` more steps as well."""
    for k in range(0, size, LANES):
        elementwise.copy(memory, to + k, of + k, of + k, of + k, of)


@njit(**INLINE)
def _commit(memory, first, buffer, position, time, most):
    """Repeats what lies at the end of a ring at its beginning, and the other way round."""
    length = buffer[LENGTH]
    over = max(position, length)  # steps from here on have gone round
    early = min(position + time, most + SPARE)  # steps up to here are repeated behind the ring
    for channel in range(buffer[CHANNELS]):
        row = first + channel * buffer[STRIDE]
        if over < position + time:
            _copy(memory, row + over - length, row + over, position + time - over)
        if position < early:
            _copy(memory, row + position + length, row + position, early - position)


@njit(**OPTIONS)
def process(row, waveforms, outputs, channels, operations, sources, buffers, pasts, places, memory, base, most) -> None:
    """Processes one stream's block and moves its past on.

    A buffer with a past is a ring of `length` steps, with the first `most + SPARE` once more behind it, so that each
    part of that size lies side by side wherever it begins.

    Args:
        row: Int, the stream.
        waveforms: float32 `[streams, time]`.
        outputs: float32 `[streams, time * channels]`; the stream's are filled.
        channels: Int, of the output.
        operations: int64 `[operations, 2 + ARGUMENTS]`; the first buffer is the input, the last result the output.
        sources: int64 `[sources, 3]`: buffer or -1 for the number one, steps back in time, inputs.
        buffers: int64 `[buffers, 4]`: first element behind `base`, channels, length or 0 for one without a past,
            elements from channel to channel.
        pasts: int64 `[streams, buffers]`, the step of each ring that is written next.
        places: int64 `[PLACE * sources]`, scratch.
        memory: float32; ones, zeros, weights, then buffers.
        base: Int, the element of `memory` where this stream's buffers begin.
        most: Int, steps of the largest part of a block.
    """
    waveform, output, positions = waveforms[row], outputs[row], pasts[row]
    done = np.int64(0)
    while done < len(waveform):
        time = min(most, len(waveform) - done)
        start = base + buffers[0, OFFSET]
        for t in range(time):
            memory[start + t] = waveform[done + t]
        for s in range(len(sources)):
            buffer, delay, place = sources[s, 0], sources[s, 1], PLACE * s
            places[place], places[place + 1], places[place + 2], places[place + 3] = ONES, 0, sources[s, 2], 0
            if buffer >= 0:
                position = positions[buffer] - delay
                if position < 0:
                    position += buffers[buffer, LENGTH]
                places[place] = base + buffers[buffer, OFFSET] + position
                places[place + 1] = buffers[buffer, STRIDE]
                places[place + 3] = 1

        result = np.int64(0)
        for o in range(len(operations)):
            operation = operations[o]
            kind, result, a = operation[0], operation[1], operation[2]
            b, c, d = operation[3], operation[4], operation[5]
            wide, stride = buffers[result, CHANNELS], buffers[result, STRIDE]
            y = base + buffers[result, OFFSET] + positions[result]
            if kind == PRODUCT:
                begin, begin_step, t_step = np.int64(ZEROS), np.int64(0), np.int64(0)
                if d >= 0:
                    begin, begin_step = base + buffers[d, OFFSET] + positions[d], buffers[d, STRIDE]
                    t_step = np.int64(1)
                _product(memory, y, stride, begin, begin_step, t_step, places, a, b, c, wide, time)
                continue
            if kind == COMMIT:
                _commit(memory, base + buffers[result, OFFSET], buffers[result], positions[result], time, most)
                continue
            f, g = base + buffers[a, OFFSET] + positions[a], base + buffers[b, OFFSET] + positions[b]
            z = base + buffers[c, OFFSET] + positions[c]
            for _ in range(wide):
                for t in range(0, time, LANES):
                    _apply(kind, memory, y + t, f + t, g + t, z + t, d)
                y += stride
                f, g, z = f + buffers[a, STRIDE], g + buffers[b, STRIDE], z + buffers[c, STRIDE]
                if kind == SLOPES:
                    d += 1

        y, stride = base + buffers[result, OFFSET] + positions[result], buffers[result, STRIDE]
        for t in range(time):
            for k in range(channels):
                output[(done + t) * channels + k] = memory[y + k * stride + t]
        for buffer in range(len(buffers)):
            if buffers[buffer, LENGTH]:
                position = positions[buffer] + time
                positions[buffer] = (
                    position if position < buffers[buffer, LENGTH] else position - buffers[buffer, LENGTH]
                )
        done += time
