"""Matrix-vector products as vectors of LLVM, which keeps their sums in registers."""

from pathlib import Path

import llvmlite.binding
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

TILE = 64  # outputs side by side in memory; a matrix's last tile is narrower
LANES = 16  # outputs are padded to a multiple of it
WIDE = bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))  # whether there are registers of 512 bits
_DEPTH = 128  # inputs of a part of a tile
_AHEAD = 2048  # bytes that weights beyond the second-level cache are asked for before they are read
GROUPS = (8, 4)  # rows of a batch that can share one reading of the weights

OPTIONS = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "_nrt": False,  # no counts of references to arrays, which cost a third of the time; nothing may be allocated
    # All but the promise that there is no NaN, which is looked for.
    "fastmath": {"nsz", "arcp", "contract", "afn", "reassoc"},
}
INSIDE = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # of functions not called from Python
# Calls that pass a network's and a state's arrays took a third of a small network's time.
INLINE = {**INSIDE, "forceinline": True}
FLAGS = ("nsz", "arcp", "contract", "reassoc")


def forget_stale(folder: Path) -> None:
    """Removes what numba has compiled of a folder before one of its files changed.

    numba looks at the file of a function only, and not at those of the functions that it has compiled into it.
    """
    changed = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for index in folder.glob("__pycache__/*.nbi"):
        try:
            if index.stat().st_mtime < changed:
                index.unlink()
        except OSError:  # another process was faster, or it is not ours
            pass


forget_stale(Path(__file__).parent)


def data_of(context, builder, signature, arguments) -> list[ir.Value]:
    """Returns the addresses of those arguments of an intrinsic that are arrays."""
    return [
        context.make_array(kind)(context, builder, value).data
        for kind, value in zip(signature.args, arguments, strict=True)
        if isinstance(kind, types.Array)
    ]


def _prefetch(builder, address, offsets):
    """Asks for lines of 64 bytes that will be read soon, from so many bytes behind an address on."""
    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
    address = builder.bitcast(address, byte)
    for offset in offsets:
        line = builder.gep(address, [ir.Constant(ir.IntType(64), offset)])
        builder.call(prefetch, [line, word(0), word(3), word(1)])  # to read, to be kept, of data


def _product(rows, lanes, chains=1, ahead=0):
    """Makes `y[r, :lanes] += x[r, :n] @ w[:n, :lanes]` for `rows` rows of 1-D arrays, from given elements on.

    Weights are float32, or float16 as uint16, widened where they are read. `w` steps by `step` from input to input. `n`
    is a multiple of `chains`, sums side by side of which none waits for another. Weights are asked for `ahead` bytes
    before they are read; 0: not.
    """

    @intrinsic
    def product(context, y, y_first, y_step, x, x_first, x_step, w, w_first, w_step, n):
        index = types.intp
        signature = types.void(y, index, index, x, index, index, w, index, index, index)
        half = w.dtype == types.uint16

        def generate(context, builder, signature, arguments):
            single, long = ir.FloatType(), ir.IntType(64)
            stored = ir.HalfType() if half else single
            wide, wide_stored = ir.VectorType(single, lanes), ir.VectorType(stored, lanes)
            data = data_of(context, builder, signature, arguments)
            data[2] = builder.bitcast(data[2], stored.as_pointer())
            _, y_first, y_step, _, x_first, x_step, _, w_first, w_step, n = arguments

            def at(base, *offsets):
                for offset in offsets:
                    base = builder.gep(base, [offset])
                return base

            numbers = [ir.Constant(long, row) for row in range(rows)]
            results = [
                builder.bitcast(at(data[0], y_first, builder.mul(row, y_step)), wide.as_pointer()) for row in numbers
            ]
            columns = [at(data[1], x_first, builder.mul(row, x_step)) for row in numbers]
            weights = at(data[2], w_first)
            sums = [builder.load(result, align=4) for result in results]
            before = builder.block
            body, after = (builder.function.append_basic_block(name) for name in ("product", "product_end"))
            builder.branch(body)

            builder.position_at_end(body)
            nothing, zero = ir.Constant(wide, ir.Undefined), ir.Constant(wide, [0.0] * lanes)
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            i, totals, new = builder.phi(long), [builder.phi(wide) for _ in range(chains * rows)], []
            i.add_incoming(ir.Constant(long, 0), before)
            for chain in range(chains):
                place = builder.add(i, ir.Constant(long, chain))
                row_of_weights = builder.bitcast(at(weights, builder.mul(place, w_step)), wide_stored.as_pointer())
                if ahead:
                    _prefetch(builder, row_of_weights, range(ahead, ahead + lanes * (2 if half else 4), 64))
                loaded = builder.load(row_of_weights, align=2 if half else 4)
                if half:
                    loaded = builder.fpext(loaded, wide)
                for row, column in enumerate(columns):
                    total = totals[chain * rows + row]
                    total.add_incoming(zero if chain else sums[row], before)
                    value = builder.load(at(column, place), align=4)
                    spread = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
                    spread = builder.shuffle_vector(spread, nothing, everywhere)
                    new.append(builder.fadd(total, builder.fmul(spread, loaded, flags=FLAGS), flags=FLAGS))
                    total.add_incoming(new[-1], body)
            following = builder.add(i, ir.Constant(long, chains))
            i.add_incoming(following, body)
            builder.cbranch(builder.icmp_signed("<", following, n), body, after)

            builder.position_at_end(after)
            for row, result in enumerate(results):
                value = new[row]
                for chain in range(1, chains):
                    value = builder.fadd(value, new[chain * rows + row], flags=FLAGS)
                builder.store(value, result, align=4)
            return context.get_dummy_value()

        return signature, generate

    return product


# As many sums side by side as keep both multipliers busy while a sum waits for the one before.
_fast_32, _fast_16 = _product(1, 32, 4 if WIDE else 2), _product(1, 16, 8 if WIDE else 4)
_MOST_CHAINS = 8
_one_64, _one_32, _one_16 = _product(1, 64, ahead=_AHEAD), _product(1, 32), _product(1, 16)
_four_32, _four_16 = (_product(4, lanes) for lanes in (32, 16))
_eight_32, _eight_16 = (_product(8, lanes) for lanes in (32, 16))


@njit(**INLINE)
def _multiply_32(y, to, x, x_first, w, w_first, w_step, inputs):
    rest = inputs % _MOST_CHAINS
    whole = inputs - rest
    if whole:
        _fast_32(y, to, 0, x, x_first, 0, w, w_first, w_step, whole)
    if rest:
        _one_32(y, to, 0, x, x_first + whole, 0, w, w_first + whole * w_step, w_step, rest)


@njit(**INLINE)
def _multiply_16(y, to, x, x_first, w, w_first, w_step, inputs):
    rest = inputs % _MOST_CHAINS
    whole = inputs - rest
    if whole:
        _fast_16(y, to, 0, x, x_first, 0, w, w_first, w_step, whole)
    if rest:
        _one_16(y, to, 0, x, x_first + whole, 0, w, w_first + whole * w_step, w_step, rest)


@njit(**INLINE)
def multiply(y, y_first, x, x_first, w, w_first, inputs, outputs) -> int:
    """Adds `x[:inputs] @ w` to `y[:outputs]`, of packed weights and 1-D arrays, from given elements on.

    Returns the element of `w` behind the matrix.
    """
    done = 0
    while done < outputs:
        width = min(TILE, outputs - done)
        tile = w_first + done * inputs
        if width == 64:
            _one_64(y, y_first + done, 0, x, x_first, 0, w, tile, width, inputs)
        elif width >= 32:
            _multiply_32(y, y_first + done, x, x_first, w, tile, width, inputs)
        if width == 48 or width == 16:
            part = width - 16
            _multiply_16(y, y_first + done + part, x, x_first, w, tile + part, width, inputs)
        done += width
    return w_first + inputs * outputs


@njit(**INLINE)
def multiply_rows(rows, y, y_first, y_step, x, x_first, x_step, w, w_first, inputs, outputs) -> int:
    """As `multiply`, for as many rows as one of `GROUPS`, `y_step` and `x_step` elements apart."""
    done = 0
    while done < outputs:
        width = min(TILE, outputs - done)
        begun = 0
        while begun < inputs:  # so few inputs that the first-level cache keeps the weights for all lanes and rows
            depth = min(_DEPTH, inputs - begun)
            _multiply_part(
                rows,
                y,
                y_first + done,
                y_step,
                x,
                x_first + begun,
                x_step,
                w,
                w_first + done * inputs + begun * width,
                width,
                depth,
            )
            begun += depth
        done += width
    return w_first + inputs * outputs


def _part_wide(rows, y, y_first, y_step, x, x_first, x_step, w, w_first, width, depth):
    part = 0
    while part < width:
        lanes = 32 if width - part >= 32 else 16
        to, of = y_first + part, w_first + part
        if rows == 8 and lanes == 32:
            _eight_32(y, to, y_step, x, x_first, x_step, w, of, width, depth)
        elif rows == 8:
            _eight_16(y, to, y_step, x, x_first, x_step, w, of, width, depth)
        elif lanes == 32:
            _four_32(y, to, y_step, x, x_first, x_step, w, of, width, depth)
        else:
            _four_16(y, to, y_step, x, x_first, x_step, w, of, width, depth)
        part += lanes


def _part(rows, y, y_first, y_step, x, x_first, x_step, w, w_first, width, depth):
    """With as few sums as 16 registers of 256 bits hold beside weights and inputs."""
    for part in range(0, width, 16):
        for row in range(0, rows, 4):
            to, of = y_first + part + row * y_step, x_first + row * x_step
            _four_16(y, to, y_step, x, of, x_step, w, w_first + part, width, depth)


_multiply_part = njit(**INLINE)(_part_wide if WIDE else _part)
