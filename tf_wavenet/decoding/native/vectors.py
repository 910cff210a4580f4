"""Gates, exponentials and halves of numbers, as vectors of LLVM: the loops of numba take them one by one."""

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core.typing import Signature
from numba.extending import intrinsic

from tf_wavenet.decoding.native.products import LANES

_INT = ir.IntType(32)
Compiled = tuple[Signature, Callable]  # what an intrinsic is made of
_FAST = ("nsz", "arcp", "contract", "afn", "reassoc")

# Rational approximation of the hyperbolic tangent on [-7.9, 7.9], odd over even, highest power first.
_FARTHEST = 7.9
ODD = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08)
ODD += (1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
EVEN = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)

# The exponential is 2 ** n * e ** r, with |r| <= log(2) / 2; coefficients of Cephes's expf (Moshier), highest first.
_LOWEST = -87.0  # below it float32 has no normal number
_LOG2_E = 1.44269504088896341
_LN_2 = 0.693359375, -2.12194440e-4  # in two parts, the first exact in few bits
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)


class Vector:
    """A vector of float32 in a function that is being built; operators add instructions, numbers fill all lanes."""

    def __init__(self, builder, value, flags=_FAST) -> None:
        self.builder, self.value, self.flags = builder, value, flags

    def _new(self, operation, other):
        other = other.value if isinstance(other, Vector) else ir.Constant(self.value.type, [other] * LANES)
        return Vector(self.builder, getattr(self.builder, operation)(self.value, other, flags=self.flags), self.flags)

    def __add__(self, other) -> "Vector":
        return self._new("fadd", other)

    def __mul__(self, other) -> "Vector":
        return self._new("fmul", other)

    def __truediv__(self, other) -> "Vector":
        return self._new("fdiv", other)

    def __sub__(self, other) -> "Vector":
        return self._new("fsub", other)

    def at_least(self, low) -> "Vector":
        """NaN stays NaN."""
        return self._bound("<", low)

    def at_most(self, high) -> "Vector":
        """NaN stays NaN."""
        return self._bound(">", high)

    def _bound(self, comparison, limit):
        value = self.value
        limit = limit.value if isinstance(limit, Vector) else ir.Constant(value.type, [limit] * LANES)
        value = self.builder.select(self.builder.fcmp_ordered(comparison, value, limit), limit, value)
        return Vector(self.builder, value, self.flags)

    def polynomial(self, coefficients) -> "Vector":
        """Coefficients from the highest power on."""
        total = self * coefficients[0] + coefficients[1]
        for coefficient in coefficients[2:]:
            total = total * self + coefficient
        return total


def _at(context, builder, signature, arguments, name, first, kind=None):
    """The address of a vector in the array that is argument number `name`."""
    data = context.make_array(signature.args[name])(context, builder, arguments[name]).data
    kind = kind or ir.VectorType(ir.FloatType(), LANES)
    return builder.bitcast(builder.gep(data, [first]), kind.as_pointer())


def everywhere(builder, number, wide) -> ir.Value:
    """A vector of a number in all lanes."""
    nothing = ir.Constant(wide, ir.Undefined)
    vector = builder.insert_element(nothing, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(vector, nothing, ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES))


def tanh(x) -> tuple[Vector, Vector]:
    """Odd and even part, whose quotient is the hyperbolic tangent."""
    x = x.at_least(-_FARTHEST).at_most(_FARTHEST)
    square = x * x
    return square.polynomial(ODD) * x, square.polynomial(EVEN)


@intrinsic
def gate(context, sums, filtered, gating, gated, to) -> Compiled:
    """Sets `gated[to:]` to `tanh(sums[filtered:]) * sigmoid(sums[gating:])`, 16 elements of 1-D float32 arrays."""

    def generate(context, builder, signature, arguments):
        _, filtered, gating, _, to = arguments
        a, b = (
            Vector(builder, builder.load(_at(context, builder, signature, arguments, 0, first), align=4))
            for first in (filtered, gating)
        )
        (odd, even), (odd_of_half, even_of_half) = tanh(a), tanh(b * 0.5)
        result = odd * (odd_of_half + even_of_half) * 0.5 / (even * even_of_half)  # one division for both
        builder.store(result.value, _at(context, builder, signature, arguments, 3, to), align=4)
        return context.get_dummy_value()

    return types.void(sums, types.intp, types.intp, gated, types.intp), generate


@intrinsic
def exponential(context, x, first, lowest) -> Compiled:
    """Sets 16 elements of `x`, none positive, to `exp(x)`, those below `lowest` to 0, and returns their sum."""
    single = ir.FloatType()

    def generate(context, builder, signature, arguments):
        _, first, lowest = arguments
        place = _at(context, builder, signature, arguments, 0, first)
        wide = place.type.pointee
        given = builder.load(place, align=4)
        least = everywhere(builder, lowest, wide)
        exact = ("contract",)  # sums of parts of log(2) in this order
        x = Vector(builder, given, exact).at_least(_LOWEST)
        floor = builder.module.declare_intrinsic("llvm.floor.v16f32", (), ir.FunctionType(wide, [wide]))
        n = Vector(builder, builder.call(floor, [(x * _LOG2_E + 0.5).value]), exact)
        rest = x + n * -_LN_2[0] + n * -_LN_2[1]
        power = rest.polynomial(_EXP) * (rest * rest) + rest + 1.0
        whole = builder.fptosi(n.value, ir.VectorType(_INT, LANES))
        bias, shift = (ir.Constant(whole.type, [number] * LANES) for number in (127, 23))
        scale = builder.bitcast(builder.shl(builder.add(whole, bias), shift), wide)
        below = builder.fcmp_ordered("<", given, least)
        below = builder.or_(below, builder.fcmp_ordered("<", given, ir.Constant(wide, [_LOWEST] * LANES)))
        result = builder.select(below, ir.Constant(wide, [0.0] * LANES), builder.fmul(power.value, scale))
        builder.store(result, place, align=4)
        kind = ir.FunctionType(single, [single, wide])
        total = builder.module.declare_intrinsic("llvm.vector.reduce.fadd.v16f32", (), kind)
        return builder.call(total, [ir.Constant(single, 0.0), result], fastmath=_FAST)

    return types.float32(x, types.intp, types.float32), generate


@intrinsic
def highest(context, x, first) -> Compiled:
    """Returns the highest of 16 elements of `x`; NaN counts for nothing."""
    single, wide = ir.FloatType(), ir.VectorType(ir.FloatType(), LANES)

    def generate(context, builder, signature, arguments):
        value = builder.load(_at(context, builder, signature, arguments, 0, arguments[1]), align=4)
        kind = ir.FunctionType(single, [wide])
        return builder.call(builder.module.declare_intrinsic("llvm.vector.reduce.fmax.v16f32", (), kind), [value])

    return types.float32(x, types.intp), generate


@intrinsic
def split(context, x, first, halves, high, low) -> Compiled:
    """Splits 16 elements of `x` in two bfloat16 each, rounded: `halves[high:]` and `halves[low:]`, uint16."""
    half = ir.VectorType(ir.IntType(16), LANES)

    def generate(context, builder, signature, arguments):
        _, first, _, high, low = arguments
        value = builder.load(_at(context, builder, signature, arguments, 0, first), align=4)
        bits = ir.VectorType(_INT, LANES)
        rounding, mask, shift = (ir.Constant(bits, [n] * LANES) for n in (0x8000, 0xFFFF0000, 16))

        def rounded(number):
            return builder.add(builder.bitcast(number, bits), rounding)

        upper = rounded(value)
        rest = rounded(builder.fsub(value, builder.bitcast(builder.and_(upper, mask), value.type)))
        for to, part in ((high, upper), (low, rest)):
            place = _at(context, builder, signature, arguments, 2, to, half)
            builder.store(builder.trunc(builder.lshr(part, shift), half), place, align=2)
        return context.get_dummy_value()

    return types.void(x, types.intp, halves, types.intp, types.intp), generate


@intrinsic
def float_of(context, bits) -> Compiled:
    """Returns the float32 of the bits of a uint32."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate
