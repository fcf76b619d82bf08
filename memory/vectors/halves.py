"""Half floats in compiled code: the change to them and back, and products of rows of them.

Numba knows no float16 on a CPU. Where the processor has instructions for them, LLVM is given vectors of 16
lanes; else they are taken apart as whole numbers, which is slower and gives the same bits. A product is added
up in one order, wherever it is called from: on one machine equal vectors give equal figures.
"""

from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .processor import processor_has

LANES = 16
_HALF, _SINGLE, _WORD = ir.HalfType(), ir.FloatType(), ir.IntType(64)
_SHORT, _INT = ir.IntType(16), ir.IntType(32)
_SINGLES = ir.VectorType(_SINGLE, LANES)
_SUMS = 4
_MANTISSA, _SIGN_UP = 13, 16
"""How far a half's mantissa and its sign are from those of a float32."""
_REBIASED = 2.0**112
_LEAST_NORMAL, _BEYOND, _INFINITE = 113 << 23, 143 << 23, 255 << 23
_AMONG_SUBNORMALS = 126 << 23


@no_type_check
def changes(native: bool):
    """``to_half`` and ``from_half``, by the processor's instructions or by whole numbers.

    ``to_half(value)`` gives the bits of the float16 nearest to a float32, of two the even one, as uint16;
    ``from_half(bits)`` the float32 of such bits, which are not those of infinity or of no number.
    """

    @intrinsic
    def to_half(typing_context, value):
        def generate(context, builder, signature, values):
            if native:
                return builder.bitcast(builder.fptrunc(values[0], _HALF), _SHORT)
            return _narrowed(builder, values[0])

        return types.uint16(types.float32), generate

    @intrinsic
    def from_half(typing_context, bits):
        def generate(context, builder, signature, values):
            if native:
                return builder.fpext(builder.bitcast(values[0], _HALF), _SINGLE)
            return _widened(builder, values[0], 1)

        return types.float32(types.uint16), generate

    return to_half, from_half


@no_type_check
def product(native: bool, fused: bool):
    """``half_dot(row, query, width)``: the float32 product of float16 and float32 at two addresses.

    Args:
        native: halves by the processor's instructions or by whole numbers.
        fused: products and sums rounded once, where the processor does that.
    """

    @intrinsic
    def half_dot(typing_context, row, query, width):
        def generate(context, builder, signature, values):
            row, query, width = values
            sums = [cgutils.alloca_once_value(builder, ir.Constant(_SINGLES, None)) for _ in range(_SUMS)]
            whole = builder.and_(width, ir.Constant(_WORD, -_SUMS * LANES))
            lined = builder.and_(width, ir.Constant(_WORD, -LANES))
            with _steps(builder, ir.Constant(_WORD, 0), whole, _SUMS * LANES) as start:
                for n, total in enumerate(sums):
                    _add_lanes(
                        builder,
                        total,
                        row,
                        query,
                        builder.add(start, ir.Constant(_WORD, n * LANES)),
                        native,
                        fused,
                    )
            with _steps(builder, whole, lined, LANES) as start:
                _add_lanes(builder, sums[0], row, query, start, native, fused)
            parts = [builder.load(total) for total in sums]
            lanes = builder.fadd(builder.fadd(parts[0], parts[1]), builder.fadd(parts[2], parts[3]))
            result = cgutils.alloca_once_value(builder, _lane_sum(builder, lanes))
            with _steps(builder, lined, width, 1) as start:
                a = _loaded(builder, row, start, 1, native)
                b = builder.load(_at(builder, query, start, _SINGLE, 4))
                builder.store(builder.fadd(builder.load(result), builder.fmul(a, b)), result)
            return builder.load(result)

        return types.float32(types.int64, types.int64, types.int64), generate

    return half_dot


to_half, from_half = changes(processor_has("f16c"))
half_dot = product(processor_has("f16c"), processor_has("fma"))


@intrinsic
@no_type_check
def prefetch(typing_context, address):
    """Has the cache line at an address fetched while other work goes on; any address will do."""

    def generate(context, builder, signature, values):
        pointer, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        settings = [ir.Constant(flag, number) for number in (0, 3, 1)]  # to read, into all caches, data
        builder.call(fetch, [builder.inttoptr(values[0], pointer), *settings])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@no_type_check
def _steps(builder, start, stop, step):
    return _Indices(builder, start, stop, step)


class _Indices:
    """``for index in range(start, stop, step)`` as a block of LLVM code."""

    def __init__(self, builder: Any, start: Any, stop: Any, step: int) -> None:
        self._loop = cgutils.for_range_slice(builder, start, stop, ir.Constant(_WORD, step))

    def __enter__(self) -> Any:
        return self._loop.__enter__()[0]

    def __exit__(self, *raised: Any) -> None:
        self._loop.__exit__(*raised)


@no_type_check
def _at(builder, address, index, kind, size):
    offset = builder.mul(index, ir.Constant(_WORD, size))
    return builder.inttoptr(builder.add(address, offset), kind.as_pointer())


@no_type_check
def _add_lanes(builder, total, row, query, start, native, fused):
    """``total += row[start : start + LANES] * query[start : start + LANES]``."""
    halves = _loaded(builder, row, start, LANES, native)
    singles = builder.load(_at(builder, query, start, _SINGLES, 4), align=4)
    if not fused:
        added = builder.fadd(builder.fmul(halves, singles), builder.load(total))
    else:
        kind = ir.FunctionType(_SINGLES, [_SINGLES] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        added = builder.call(fma, [halves, singles, builder.load(total)])
    builder.store(added, total)


@no_type_check
def _loaded(builder, row, start, lanes, native):
    """So many of a row's halves from ``start`` on, as float32."""
    if native:
        halves = builder.load(_at(builder, row, start, _lined(_HALF, lanes), 2), align=2)
        return builder.fpext(halves, _lined(_SINGLE, lanes))
    return _widened(builder, builder.load(_at(builder, row, start, _lined(_SHORT, lanes), 2), align=2), lanes)


@no_type_check
def _widened(builder, bits, lanes):
    """The halves of these bits as float32; a product moves the exponent, of subnormal ones as well."""
    ints, singles = _lined(_INT, lanes), _lined(_SINGLE, lanes)
    wide = builder.zext(bits, ints)
    sign = builder.shl(builder.and_(wide, _same(_INT, 0x8000, lanes)), _same(_INT, _SIGN_UP, lanes))
    size = builder.shl(builder.and_(wide, _same(_INT, 0x7FFF, lanes)), _same(_INT, _MANTISSA, lanes))
    moved = builder.fmul(builder.bitcast(size, singles), _same(_SINGLE, _REBIASED, lanes))
    return builder.bitcast(builder.or_(builder.bitcast(moved, ints), sign), singles)


@no_type_check
def _narrowed(builder, value):
    """The bits of the half nearest to a float32. Source: Giesen, float_to_half_fast3_rtne (2012)."""

    def number(of):
        return ir.Constant(_INT, of)

    bits = builder.bitcast(value, _INT)
    sign = builder.and_(bits, number(1 << 31))
    size = builder.xor(bits, sign)
    # Added to a number whose last place is a subnormal half's, the processor rounds to it.
    among = builder.fadd(builder.bitcast(size, _SINGLE), builder.bitcast(number(_AMONG_SUBNORMALS), _SINGLE))
    small = builder.sub(builder.bitcast(among, _INT), number(_AMONG_SUBNORMALS))
    odd = builder.and_(builder.lshr(size, number(_MANTISSA)), number(1))
    rounded = builder.add(builder.add(size, number(-(112 << 23) + 0xFFF)), odd)
    usual = builder.lshr(rounded, number(_MANTISSA))
    is_none = builder.icmp_unsigned(">", size, number(_INFINITE))
    large = builder.select(is_none, number(0x7E00), number(0x7C00))
    found = builder.select(builder.icmp_unsigned("<", size, number(_LEAST_NORMAL)), small, usual)
    found = builder.select(builder.icmp_unsigned(">=", size, number(_BEYOND)), large, found)
    return builder.trunc(builder.or_(found, builder.lshr(sign, number(_SIGN_UP))), _SHORT)


@no_type_check
def _lined(kind, lanes):
    return kind if lanes == 1 else ir.VectorType(kind, lanes)


@no_type_check
def _same(kind, value, lanes):
    return (
        ir.Constant(kind, value) if lanes == 1 else ir.Constant(ir.VectorType(kind, lanes), [value] * lanes)
    )


@no_type_check
def _lane_sum(builder, lanes):
    width = LANES
    while width > 1:
        width //= 2
        low, high = (
            ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(start, start + width)))
            for start in (0, width)
        )
        lanes = builder.fadd(
            builder.shuffle_vector(lanes, lanes, low), builder.shuffle_vector(lanes, lanes, high)
        )
    return builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))
