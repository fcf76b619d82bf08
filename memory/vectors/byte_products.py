"""Products of bytes by the processor's own instruction for them, for tiles of rows and queries.

Rows stand in blocks of 16: of each row four neighbouring bytes, then the next four. So one instruction
multiplies four components of 16 rows with those of one query and adds them up.
"""

from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .processor import processor_has

LANES, GROUP = 16, 4
"""Rows of a block, and components of a group."""
FEATURE = "avx512vnni"
_WORD, _INT = ir.IntType(64), ir.IntType(32)
_INTS = ir.VectorType(_INT, LANES)


def has_byte_products() -> bool:
    """Whether this processor has the instruction, as far as Numba may use it."""
    return processor_has(FEATURE)


@no_type_check
def _tile(blocks: int, queries: int):
    """A compiled function for so many blocks of rows and queries at a time, all sums in registers."""

    @intrinsic
    def products(typing_context, rows, stride, codes, width, out):
        def generate(context, builder, signature, values):
            rows, stride, codes, width, out = values
            tile = _Tile(builder, rows, stride, codes, width)
            sums = [
                [cgutils.alloca_once_value(builder, ir.Constant(_INTS, None)) for _ in range(blocks)]
                for _ in range(queries)
            ]
            step = ir.Constant(_WORD, GROUP)
            with cgutils.for_range_slice(builder, ir.Constant(_WORD, 0), width, step) as (start, _):
                own = [tile.row_bytes(block, start) for block in range(blocks)]
                for query in range(queries):
                    theirs = tile.query_bytes(query, start)
                    for block in range(blocks):
                        tile.add(sums[query][block], own[block], theirs)
            for place, total in enumerate(total for of_query in sums for total in of_query):
                address = builder.add(out, ir.Constant(_WORD, place * LANES * 4))
                builder.store(builder.load(total), builder.inttoptr(address, _INTS.as_pointer()), align=4)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 5), generate

    return products


class _Tile:
    """Loads and the one instruction, as LLVM code."""

    def __init__(self, builder: Any, rows: Any, stride: Any, codes: Any, width: Any) -> None:
        self._builder, self._rows, self._stride = builder, rows, stride
        self._codes, self._width = codes, width

    def row_bytes(self, block: int, start: Any) -> Any:
        """Of 16 rows the group that begins with the component ``start``."""
        builder = self._builder
        offset = builder.add(
            builder.mul(self._stride, ir.Constant(_WORD, block)),
            builder.mul(start, ir.Constant(_WORD, LANES)),
        )
        address = builder.add(self._rows, offset)
        return builder.load(builder.inttoptr(address, _INTS.as_pointer()), align=4)

    def query_bytes(self, query: int, start: Any) -> Any:
        """A query's group, once for each of 16 rows."""
        builder = self._builder
        offset = builder.add(builder.mul(self._width, ir.Constant(_WORD, query)), start)
        address = builder.add(self._codes, offset)
        four = builder.load(builder.inttoptr(address, _INT.as_pointer()), align=4)
        lane = builder.insert_element(ir.Constant(_INTS, ir.Undefined), four, ir.Constant(_INT, 0))
        return builder.shuffle_vector(lane, lane, ir.Constant(_INTS, None))

    def add(self, total: Any, rows: Any, query: Any) -> None:
        """Adds the products of unsigned and signed bytes, four to a sum."""
        builder = self._builder
        kind = ir.FunctionType(_INTS, [_INTS] * 3)
        name = "llvm.x86.avx512.vpdpbusd.512"
        products = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.store(builder.call(products, [builder.load(total), rows, query]), total)


SINGLE_BLOCKS, BATCH_BLOCKS, BATCH_QUERIES = 4, 2, 10
single_products = _tile(SINGLE_BLOCKS, 1)
"""``single_products(rows, stride, codes, width, out)``: 64 rows with one query, all by address.

``rows`` are blocks ``stride`` bytes apart, unsigned; ``codes`` are ``width`` signed bytes, a multiple of
four; ``out`` takes an int32 a row.
"""
batch_products = _tile(BATCH_BLOCKS, BATCH_QUERIES)
"""The same for 32 rows with 10 queries; ``out`` takes 32 int32 of the first query, then of the next."""
