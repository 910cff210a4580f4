"""What an effect does to vectors of 16 time steps one by one: sums, gates, activation functions."""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tf_wavenet.decoding.native.products import LANES, data_of
from tf_wavenet.decoding.native.vectors import Compiled, Vector, everywhere, tanh


def _elementwise(compute) -> Callable[..., None]:
    """Makes `f(memory, to, x, y, z, numbers)`: sets 16 elements of `memory` to `compute(at, number)`.

    There `at(0)` is the vector at element `x`, `at(1)` that at `y`, `at(2)` that at `z`, and `number(k)` is the one
    number at `numbers + k`, in all lanes. Those that are not asked for are not read.
    """

    @intrinsic
    def function(context, memory, to, x, y, z, numbers) -> Compiled:
        def generate(context, builder, signature, arguments):
            (memory,) = data_of(context, builder, signature, arguments)
            _, to, *vectors, numbers = arguments
            wide, long = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64)

            def vector_at(element):
                return builder.bitcast(builder.gep(memory, [element]), wide.as_pointer())

            def at(k):
                return Vector(builder, builder.load(vector_at(vectors[k]), align=4))

            def number(k):
                element = builder.add(numbers, ir.Constant(long, k))
                return Vector(builder, everywhere(builder, builder.load(builder.gep(memory, [element])), wide))

            builder.store(compute(at, number).value, vector_at(to), align=4)
            return context.get_dummy_value()

        return types.void(memory, *[types.intp] * 5), generate

    return function


def _tanh(x):
    odd, even = tanh(x)
    return odd / even


def _sigmoid(x):
    return _tanh(x * 0.5) * 0.5 + 0.5


def _clipped(at, number):
    """Beyond the least and the most a slope of its own."""
    x, least, most, below, above = at(0), *(number(k) for k in range(4))
    inside = x.at_least(least).at_most(most)
    return inside + below * (x - least).at_most(0.0) + above * (x - most).at_least(0.0)


copy = _elementwise(lambda at, number: at(0))
add = _elementwise(lambda at, number: at(0) + at(1))
multiply = _elementwise(lambda at, number: at(0) * at(1))
blend = _elementwise(lambda at, number: at(2) + (at(0) - at(2)) * at(1))  # f * g + z * (1 - g)
hyperbolic_tangent = _elementwise(lambda at, number: _tanh(at(0)))
sigmoid = _elementwise(lambda at, number: _sigmoid(at(0)))
silu = _elementwise(lambda at, number: at(0) * _sigmoid(at(0)))
hard_silu = _elementwise(lambda at, number: at(0) * (at(0) * (1 / 6) + 0.5).at_least(0.0).at_most(1.0))
softsign = _elementwise(lambda at, number: at(0) / (at(0).at_least(at(0) * -1.0) + 1.0))
clipped = _elementwise(_clipped)
sloped = _elementwise(lambda at, number: at(0).at_least(0.0) + number(0) * at(0).at_most(0.0))
