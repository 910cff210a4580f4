"""Matrix products for many rows by the processor's matrix unit (Intel AMX), to nearly float32's precision.

The unit multiplies bfloat16 and sums in float32. A number is taken as the sum of two bfloat16, of 16 bits together, and
a product as three: high by high, high by low and low by high. Weights in float16, of 11 bits, lose nothing.
"""

import ctypes
import functools
import platform

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tf_wavenet.decoding.native.products import INSIDE, LANES, data_of
from tf_wavenet.decoding.native.vectors import split

GROUPS = (64, 32, 16)  # rows that share one reading of the weights
_ROWS, _DEPTH = 16, 32  # of a register: 16 rows of 32 bfloat16, or of 16 float32
_BLOCK = _DEPTH * LANES  # weights of one register
_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18  # Linux on x86-64


def _has_unit():
    features = llvmlite.binding.get_host_cpu_features()
    x86 = platform.machine() in ("x86_64", "AMD64") and platform.system() == "Linux"
    return x86 and all(features.get(name, False) for name in ("amx-tile", "amx-bf16", "avx512f"))


COMPILED = _has_unit()  # the instructions exist only where the processor has them


@functools.cache
def available() -> bool:
    """Tells whether this process may use the matrix unit; the first call asks Linux for it."""
    if not COMPILED:
        return False
    return ctypes.CDLL(None).syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0


def _configuration():
    """What `start` gives the unit: eight registers of 16 rows of 64 bytes."""
    configuration = np.zeros(64, np.uint8)
    configuration[0] = 1
    configuration[16:32:2] = 64
    configuration[48:56] = _ROWS
    return configuration


CONFIGURATION = _configuration()
_BYTE, _LONG = ir.IntType(8), ir.IntType(64)
_POINTER = _BYTE.as_pointer()


def _instruction(builder, name, *arguments):
    function = ir.FunctionType(ir.VoidType(), [argument.type for argument in arguments])
    builder.call(builder.module.declare_intrinsic(f"llvm.x86.{name}", (), function), arguments)


@intrinsic
def _start(context, configuration):
    def generate(context, builder, signature, arguments):
        (data,) = data_of(context, builder, signature, arguments)
        _instruction(builder, "ldtilecfg", builder.bitcast(data, _POINTER))
        return context.get_dummy_value()

    return types.void(configuration), generate


@intrinsic
def _stop(context):
    def generate(context, builder, signature, arguments):
        _instruction(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), generate


def _product(row_blocks, column_blocks):
    """Makes `y[r, :n] += x[r] @ w` for 16 or 32 rows and 16 or 32 columns.

    Registers 0 to 3 hold sums, 4 and 5 halves of rows, 6 and 7 halves of weights. No two products in a row add to the
    same sums, which would wait for each other.
    """

    @intrinsic
    def product(context, y, y_first, y_step, halves, x_first, low, step, w, w_first, w_step, depths):
        index = types.intp
        signature = types.void(y, index, index, halves, index, index, index, w, index, index, index)

        def generate(context, builder, signature, arguments):
            sums_at, rows_at, weights_at = data_of(context, builder, signature, arguments)
            _, y_first, y_step, _, x_first, low, step, _, w_first, w_step, depths = arguments
            sums = [(row, column) for row in range(row_blocks) for column in range(column_blocks)]

            def number(n):
                return ir.Constant(_LONG, n)

            def move(name, register, base, offset, stride):
                address = builder.bitcast(builder.gep(base, [offset]), _POINTER)
                _instruction(builder, name, ir.Constant(_BYTE, register), address, stride)

            def load(register, base, offset, stride):
                move("tileloadd64", register, base, offset, stride)

            def move_sums(name):
                stride = builder.mul(y_step, number(4))
                for row, column in sums:
                    place = builder.add(y_first, builder.mul(y_step, number(_ROWS * row)))
                    move(name, 2 * row + column, sums_at, builder.add(place, number(LANES * column)), stride)

            def multiply():
                for row, column in sums:
                    registers = (2 * row + column, 4 + row, 6 + column)
                    _instruction(builder, "tdpbf16ps", *(ir.Constant(_BYTE, register) for register in registers))

            move_sums("tileloadd64")
            before = builder.block
            body, after = (builder.function.append_basic_block(name) for name in ("tiles", "tiles_end"))
            builder.branch(body)

            builder.position_at_end(body)
            depth = builder.phi(_LONG)
            depth.add_incoming(number(0), before)
            weight = builder.add(w_first, builder.mul(depth, number(2 * _BLOCK)))
            first = builder.add(x_first, builder.mul(depth, number(_DEPTH)))

            def load_rows(offset):
                for row in range(row_blocks):
                    place = builder.add(builder.add(first, offset), builder.mul(step, number(_ROWS * row)))
                    load(4 + row, rows_at, place, builder.mul(step, number(2)))

            def load_weights(offset):
                for column in range(column_blocks):
                    place = builder.add(builder.add(weight, offset), builder.mul(w_step, number(column)))
                    load(6 + column, weights_at, place, number(64))

            load_rows(number(0))
            load_weights(number(_BLOCK))
            multiply()
            load_weights(number(0))
            multiply()
            load_rows(low)
            multiply()
            following = builder.add(depth, number(1))
            depth.add_incoming(following, body)
            builder.cbranch(builder.icmp_signed("<", following, depths), body, after)

            builder.position_at_end(after)
            move_sums("tilestored64")
            return context.get_dummy_value()

        return signature, generate

    return product


_two_two, _two_one, _one_two, _one_one = (_product(rows, columns) for rows in (2, 1) for columns in (2, 1))


@njit(**INSIDE)
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
    step = (all_inputs + _DEPTH - 1) // _DEPTH * _DEPTH
    for r in range(rows):
        to = r * step + column
        for k in range(0, inputs, LANES):
            split(x, x_first + r * x_step + k, halves, to + k, to + k + rows * step)
    if column + inputs < step:
        for r in range(rows):
            for k in range(column + inputs, step):
                halves[r * step + k] = np.uint16(0)
                halves[(rows + r) * step + k] = np.uint16(0)


def _multiply_halves(rows, y, y_step, halves, inputs, w, w_first, outputs):
    """Adds the rows in `halves` times packed weights to `y[:, :outputs]`; returns the element behind the matrix."""
    depths = (inputs + _DEPTH - 1) // _DEPTH
    step, w_step = depths * _DEPTH, depths * 2 * _BLOCK
    low = rows * step
    _start(CONFIGURATION)
    at, first = w_first, np.int64(0)
    while first < outputs:
        for row in range(0, rows, 2 * _ROWS):
            to, of = row * y_step + first, row * step
            pair = first + LANES < outputs
            if rows >= 2 * _ROWS and pair:
                _two_two(y, to, y_step, halves, of, low, step, w, at, w_step, depths)
            elif rows >= 2 * _ROWS:
                _two_one(y, to, y_step, halves, of, low, step, w, at, w_step, depths)
            elif pair:
                _one_two(y, to, y_step, halves, of, low, step, w, at, w_step, depths)
            else:
                _one_one(y, to, y_step, halves, of, low, step, w, at, w_step, depths)
        first += 2 * LANES
        at += 2 * w_step
    _stop()
    return w_first + outputs // LANES * w_step


def _no_unit(rows, y, y_step, halves, inputs, w, w_first, outputs):
    return w_first


multiply_halves = njit(**INSIDE)(_multiply_halves if COMPILED else _no_unit)


def halves_size(rows, inputs) -> int:
    """Returns the elements of `halves` for so many rows and at most so many inputs."""
    return 2 * rows * -(-inputs // _DEPTH) * _DEPTH


def pack_matrix(matrix) -> np.ndarray:
    """Packs a float32 matrix `[inputs, outputs]`, its outputs padded to a multiple of `LANES`, as uint16."""
    inputs, outputs = matrix.shape
    padded = np.zeros((-(-inputs // _DEPTH) * _DEPTH, outputs), np.float32)
    padded[:inputs] = matrix
    high = to_bfloat16(padded)
    low = to_bfloat16(padded - _from_bfloat16(high))
    pairs = np.stack([high, low]).reshape(2, -1, _DEPTH // 2, 2, outputs // LANES, LANES)
    return pairs.transpose(4, 1, 0, 2, 5, 3).ravel()  # [columns, depths, halves, pairs of inputs, lanes, 2]


def to_bfloat16(array) -> np.ndarray:
    """Returns the bits of float32 numbers rounded to bfloat16, uint16."""
    return ((array.view(np.uint32) + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16)


def _from_bfloat16(bits):
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
