"""What one core of this machine can do at most: multiply-adds from registers, and reading from each level of memory."""

import time
from pathlib import Path

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tf_wavenet.decoding.native import dots, tiles
from tf_wavenet.decoding.native.native_decoder import NativeDecoder
from tf_wavenet.decoding.native.products import LANES, WIDE, data_of

_SUMS = 12 if WIDE else 6  # vectors of 16 numbers that wait for nobody, as many as registers hold
_FLAGS = ("contract", "reassoc", "nsz")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def _registers(bfloat16):
    """Makes `rounds` times `_SUMS` vectors of multiply-adds of numbers in registers; returns a number of the sums."""

    @intrinsic
    def multiply_add(context, rounds) -> tuple:
        wide, long = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)

        def generate(context, builder, signature, arguments):
            factor, term = (ir.Constant(wide, [value] * LANES) for value in (0.5, 1.0))
            if bfloat16:
                pairs = ir.VectorType(ir.IntType(32), LANES)
                kind = ir.FunctionType(wide, [wide, pairs, pairs])
                dot = builder.module.declare_intrinsic("llvm.x86.avx512bf16.dpbf16ps.512", (), kind)
                ones = builder.bitcast(factor, pairs)
            before = builder.block
            body, after = (builder.function.append_basic_block(name) for name in ("body", "after"))
            builder.branch(body)
            builder.position_at_end(body)
            i, sums, new = builder.phi(long), [builder.phi(wide) for _ in range(_SUMS)], []
            i.add_incoming(ir.Constant(long, 0), before)
            for number, total in enumerate(sums):
                total.add_incoming(ir.Constant(wide, [float(number)] * LANES), before)
                if bfloat16:
                    new.append(builder.call(dot, [total, ones, ones]))
                else:
                    new.append(
                        builder.fadd(builder.fmul(total, factor, flags=("contract",)), term, flags=("contract",))
                    )
                total.add_incoming(new[-1], body)
            following = builder.add(i, ir.Constant(long, 1))
            i.add_incoming(following, body)
            builder.cbranch(builder.icmp_signed("<", following, arguments[0]), body, after)
            builder.position_at_end(after)
            total = new[0]
            for value in new[1:]:
                total = builder.fadd(total, value, flags=_FLAGS)
            return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

        return types.float32(types.intp), generate

    @njit
    def run(rounds):
        return multiply_add(rounds)

    return run


@intrinsic
def _sum(context, x, size) -> tuple:
    """Adds up an array, a multiple of `_SUMS` vectors."""
    wide, long = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)

    def generate(context, builder, signature, arguments):
        (data,) = data_of(context, builder, signature, arguments)
        before = builder.block
        body, after = (builder.function.append_basic_block(name) for name in ("body", "after"))
        builder.branch(body)
        builder.position_at_end(body)
        i, sums, new = builder.phi(long), [builder.phi(wide) for _ in range(_SUMS)], []
        i.add_incoming(ir.Constant(long, 0), before)
        for number, total in enumerate(sums):
            total.add_incoming(ir.Constant(wide, [0.0] * LANES), before)
            place = builder.gep(data, [builder.add(i, ir.Constant(long, number * LANES))])
            loaded = builder.load(builder.bitcast(place, wide.as_pointer()), align=4)
            new.append(builder.fadd(total, loaded))
            total.add_incoming(new[-1], body)
        following = builder.add(i, ir.Constant(long, _SUMS * LANES))
        i.add_incoming(following, body)
        builder.cbranch(builder.icmp_signed("<", following, arguments[1]), body, after)
        builder.position_at_end(after)
        total = new[0]
        for value in new[1:]:
            total = builder.fadd(total, value, flags=_FLAGS)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(x, types.intp), generate


@njit
def _read(x, times):
    total = np.float32(0.0)
    for _ in range(times):
        total += _sum(x, len(x))
    return total


def cache_bytes() -> list[int]:
    """Returns the sizes of a core's caches of data, the nearest first; empty where Linux does not tell."""
    sizes = {}
    for folder in _CACHES.glob("index*"):
        if (folder / "type").read_text().strip() != "Instruction":
            size = (folder / "size").read_text().strip()
            sizes[int((folder / "level").read_text())] = int(size.removesuffix("K")) * 1024
    return [sizes[level] for level in sorted(sizes)]


def roofline(decoder: NativeDecoder, rows: int, conditioned: bool, figures: dict[str, float]) -> float | None:
    """Returns the samples a second, of all rows, that a decoder could make if it did nothing but its products.

    Each takes as long as its multiply-adds from registers, or as reading the weights once for each group of rows,
    whichever is longer.

    Args:
        decoder: The decoder.
        rows: Int, rows of its groups.
        conditioned: Bool, whether the samples' condition is multiplied with them.
        figures: Of `ceilings`.

    Returns:
        Samples a second; None on a matrix unit, which `ceilings` does not measure.
    """
    halves = rows in decoder._groups
    if halves and tiles.COMPILED:
        return None
    net, sizes = decoder._network_of(halves, conditioned), cache_bytes()
    level = next((level for level, size in enumerate(sizes, 1) if net.weights.nbytes <= size), len(sizes))
    multiplied = net.weights.size / figures["bfloat16_multiply_adds" if halves else "multiply_adds"]
    read = net.weights.nbytes / rows / figures[f"read_{level}"] if sizes else 0.0
    return 1.0 / max(multiplied, read)


def ceilings(repeats: int = 7) -> dict[str, float]:
    """Measures this machine, each figure the best of `repeats`.

    Returns:
        Dict: `multiply_adds`, a second, in float32; `bfloat16_multiply_adds`, where the processor has dot products of
        it; `read_1`, `read_2`, ...: bytes a second from half of each level of cache, and from beyond all but the last.
    """
    figures = {}
    rounds = 2_000_000
    for name, bfloat16 in (("multiply_adds", False), ("bfloat16_multiply_adds", True)):
        if bfloat16 and not dots.available():
            continue
        run = _registers(bfloat16)
        figures[name] = _SUMS * LANES * (2 if bfloat16 else 1) * rounds / _seconds(run, (rounds,), repeats)
    sizes = cache_bytes()
    for level, size in enumerate(sizes, 1):
        # Of the last level, which others use too, as much as is four times the one before.
        size = min(size // 2, 4 * sizes[level - 2]) if level == len(sizes) > 1 else size // 2
        x = np.zeros(size // 4 // (_SUMS * LANES) * _SUMS * LANES, np.float32)
        times = max(1, 2**27 // x.nbytes)
        figures[f"read_{level}"] = x.nbytes * times / _seconds(_read, (x, times), repeats)
    return figures


def _seconds(run, arguments, repeats):
    run(*arguments)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)
