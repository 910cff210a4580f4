"""Matrix products for several rows by dot products of bfloat16, where the processor has them (AVX512-BF16).

An instruction multiplies pairs of inputs, twice as many as in float32. Numbers are rounded to 8 bits; sums are float32.
"""

import platform

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tf_wavenet.decoding.native.products import INLINE, LANES, data_of
from tf_wavenet.decoding.native.tiles import to_bfloat16
from tf_wavenet.decoding.native.vectors import everywhere, split

GROUPS = (8, 4)  # rows that share one reading of the weights
_WIDTH = 2 * LANES  # outputs side by side in memory; a matrix's last ones may be half as many
COMPILED = platform.machine() in ("x86_64", "AMD64") and bool(
    llvmlite.binding.get_host_cpu_features().get("avx512bf16")
)


def available() -> bool:
    """Tells whether the processor has the instructions."""
    return COMPILED


def _product(rows, vectors):
    """Makes `y[r, :16 * vectors] += x[r] @ w` of pairs of bfloat16."""

    @intrinsic
    def product(context, y, y_first, y_step, halves, x_first, x_step, w, w_first, pairs):
        index = types.intp
        signature = types.void(y, index, index, halves, index, index, w, index, index)

        def generate(context, builder, signature, arguments):
            long, pair = ir.IntType(64), ir.IntType(32)
            wide, wide_pairs = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(pair, LANES)
            sums_at, rows_at, weights_at = data_of(context, builder, signature, arguments)
            _, y_first, y_step, _, x_first, x_step, _, w_first, pairs = arguments
            kind = ir.FunctionType(wide, [wide, wide_pairs, wide_pairs])
            dot = builder.module.declare_intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", (), kind)

            def number(n):
                return ir.Constant(long, n)

            def at(base, *offsets):
                for offset in offsets:
                    base = builder.gep(base, [offset])
                return base

            results = [
                builder.bitcast(
                    at(sums_at, y_first, builder.mul(y_step, number(row)), number(LANES * vector)), wide.as_pointer()
                )
                for row in range(rows)
                for vector in range(vectors)
            ]
            columns = [at(rows_at, x_first, builder.mul(x_step, number(row))) for row in range(rows)]
            columns = [builder.bitcast(column, pair.as_pointer()) for column in columns]
            weights = builder.bitcast(at(weights_at, w_first), wide_pairs.as_pointer())
            sums = [builder.load(result, align=4) for result in results]
            before = builder.block
            body, after = (builder.function.append_basic_block(name) for name in ("dots", "dots_end"))
            builder.branch(body)

            builder.position_at_end(body)
            i, totals = builder.phi(long), [builder.phi(wide) for _ in sums]
            i.add_incoming(number(0), before)
            for total, first in zip(totals, sums, strict=True):
                total.add_incoming(first, before)
            place = builder.mul(i, number(vectors))
            loaded = [builder.load(at(weights, place, number(vector)), align=2) for vector in range(vectors)]
            new = []
            for row, column in enumerate(columns):
                spread = everywhere(builder, builder.load(at(column, i), align=2), wide_pairs)
                for vector, weight in enumerate(loaded):
                    new.append(builder.call(dot, [totals[row * vectors + vector], spread, weight]))
            following = builder.add(i, number(1))
            i.add_incoming(following, body)
            for total, value in zip(totals, new, strict=True):
                total.add_incoming(value, body)
            builder.cbranch(builder.icmp_signed("<", following, pairs), body, after)

            builder.position_at_end(after)
            for value, result in zip(new, results, strict=True):
                builder.store(value, result, align=4)
            return context.get_dummy_value()

        return signature, generate

    return product


_eight_two, _eight_one, _four_two, _four_one = (_product(rows, vectors) for rows in (8, 4) for vectors in (2, 1))


@njit(**INLINE)
def narrow_rows(rows, x, x_first, x_step, inputs, halves, column, all_inputs) -> None:
    """Sets columns of the next product's `halves`, from `column` on, to those of `x` from `x_first` on.

    Args:
        rows: Int, one of `GROUPS`.
        x: float32 `[elements]`.
        x_first: Int, the element of `x` of the first row and column.
        x_step: Int, elements from row to row.
        inputs: Int, columns, a multiple of `LANES`.
        halves: uint16, of `halves_size` elements.
        column: Int, a multiple of `LANES`.
        all_inputs: Int, columns of the whole product.
    """
    # What is lost is written to one place and never read: kept as in `tiles`, it makes small networks a third slower.
    low = rows * all_inputs
    for r in range(rows):
        to = r * all_inputs + column
        for k in range(0, inputs, LANES):
            split(x, x_first + r * x_step + k, halves, to + k, low)


def _multiply_halves(rows, y, y_step, halves, inputs, w, w_first, outputs):
    """Adds the rows in `halves` times packed weights to `y[:, :outputs]`; returns the element behind the matrix."""
    pairs, at = inputs // 2, w_first
    for first in range(0, outputs, _WIDTH):
        if rows == 8 and outputs - first >= _WIDTH:
            _eight_two(y, first, y_step, halves, np.int64(0), inputs, w, at, pairs)
        elif rows == 8:
            _eight_one(y, first, y_step, halves, np.int64(0), inputs, w, at, pairs)
        elif outputs - first >= _WIDTH:
            _four_two(y, first, y_step, halves, np.int64(0), inputs, w, at, pairs)
        else:
            _four_one(y, first, y_step, halves, np.int64(0), inputs, w, at, pairs)
        at += inputs * _WIDTH
    return w_first + inputs * outputs


def _no_dots(rows, y, y_step, halves, inputs, w, w_first, outputs):
    return w_first


multiply_halves = njit(**INLINE)(_multiply_halves if COMPILED else _no_dots)


def halves_size(rows, inputs) -> int:
    """Returns the elements of `halves` for so many rows and at most so many inputs."""
    return rows * inputs + LANES


def pack_matrix(matrix) -> np.ndarray:
    """Packs a float32 matrix `[inputs, outputs]`, both multiples of `LANES`, as uint16."""
    bits = to_bfloat16(matrix)
    parts = [bits[:, first : first + _WIDTH] for first in range(0, bits.shape[1], _WIDTH)]
    return np.concatenate(
        [part.reshape(len(part) // 2, 2, -1, LANES).transpose(0, 2, 3, 1).ravel() for part in parts]
    )  # [columns, pairs of inputs, vectors, lanes, 2]
