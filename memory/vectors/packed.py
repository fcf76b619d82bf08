"""Rows as plain arrays and back; what cannot be rows is refused before anything changes."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64

from ..archive import damaged
from .vector_rows import COLUMNS, FARTHEST_M, LEAF, NODE, NONE, NUMBER, OBSERVATIONS, USES, WIDEST, VectorRows

_AT_ONCE, _LONGEST = 4096, 1.002
Arrays = Mapping[str, np.ndarray]


def by_number(rows: VectorRows) -> Int64[np.ndarray, " n"]:
    """(n,) the rows, the oldest first."""
    order: Int64[np.ndarray, " n"] = np.argsort(rows.columns[:, NUMBER])
    return order


def pack(rows: VectorRows) -> dict[str, np.ndarray]:
    """Copies of the columns by name; rows stay which they are, for ties in what goes first are by that."""
    return {
        "vectors": rows.vectors.copy(),
        "positions": rows.positions.copy(),
        **{name: rows.columns[:, n].copy() for n, name in enumerate(COLUMNS)},
        "next": np.array([rows.next_number], np.int64),
    }


def unpack(arrays: Arrays) -> VectorRows:
    """The rows that :func:`pack` gave; the vectors are not copied.

    Raises:
        ArchiveError: arrays that are missing, of another type or shape, or that contradict each other.
    """
    vectors = array_of(arrays, "vectors", np.float16, (None, None))
    count, width = vectors.shape
    positions = array_of(arrays, "positions", np.float64, (count, 3))
    columns = np.stack([array_of(arrays, name, np.int64, (count,)) for name in COLUMNS], axis=1)
    following = int(array_of(arrays, "next", np.int64, (1,))[0])
    numbers = columns[:, NUMBER]
    whole = (
        width <= WIDEST
        and _are_short(vectors)
        and bool((np.abs(positions) <= FARTHEST_M).all())
        and bool((np.diff(np.sort(numbers), prepend=-1, append=following) > 0).all())
        and bool((columns[:, [LEAF, NODE]] >= NONE).all())
        and bool((columns[:, OBSERVATIONS] >= 1).all() and (columns[:, USES] >= 0).all())
    )
    if not whole:
        raise damaged("long-term rows of numbers of their own, finite vectors and positions", "others")
    rows = VectorRows(width)
    rows.restore(np.ascontiguousarray(vectors).view(np.uint16), positions, columns, following)
    return rows


def _are_short(vectors: np.ndarray) -> bool:
    """Whether all are finite and of length 1 at most, which bounds of cosines are built on."""
    for start in range(0, len(vectors), _AT_ONCE):
        some = vectors[start : start + _AT_ONCE].astype(np.float32)
        if not bool((np.einsum("nd,nd->n", some, some) <= _LONGEST).all()):
            return False
    return True


def array_of(arrays: Arrays, name: str, kind: type, shape: tuple[int | None, ...]) -> np.ndarray:
    """An archive's array.

    Raises:
        ArchiveError: there is none of this type and shape (None: any length).
    """
    array = arrays.get(name)
    fits = (
        array is not None
        and array.dtype == kind
        and array.ndim == len(shape)
        and all(wanted in (None, held) for wanted, held in zip(shape, array.shape))
    )
    if array is None or not fits:
        came = "none" if array is None else f"{array.dtype} {array.shape}"
        wanted = " x ".join("n" if length is None else f"{length}" for length in shape)
        raise damaged(f"a long-term {name} of {np.dtype(kind)} ({wanted})", came)
    return array
