"""Rows of a short-term memory: which points one keeps, which is nearest, what an archive may hold."""

from collections.abc import Mapping
from functools import lru_cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

from .archive import damaged

POINTS = 24
"""So many points of an entry's surface are kept at most."""


def thinned(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "_ 3"]:
    """At most ``POINTS`` of them, evenly."""
    return points if len(points) <= POINTS else points[_chosen(len(points))]


@lru_cache(maxsize=1024)
def _chosen(count: int) -> Int64[np.ndarray, " n"]:
    return np.linspace(0, count - 1, POINTS).astype(np.int64)


@njit(cache=True)
@no_type_check
def nearest_row(numbers, categories, middles, used, middle, category, radius_m):
    """The row of the entry of a category that is nearest to a point and no farther than ``radius_m``; -1 for
    none, of equals the older.
    """
    found, least = -1, radius_m * radius_m
    for row in range(used):
        if categories[row] != category:
            continue
        x, y, z = middles[row, 0] - middle[0], middles[row, 1] - middle[1], middles[row, 2] - middle[2]
        square = x * x + y * y + z * z
        if square < least or (square == least and (found < 0 or numbers[row] < numbers[found])):
            found, least = row, square
    return found


def require_whole(rows: Mapping[str, np.ndarray], points: np.ndarray, used: int, following: int) -> None:
    """Raises :class:`ArchiveError` unless the first ``used`` rows are entries that there can be."""
    held = {name: column[:used] for name, column in rows.items()}
    whole = (
        bool(np.isfinite(points[:used]).all())
        and bool(((held["count"] >= 1) & (held["count"] <= POINTS)).all())
        and bool((held["width"] >= 0).all() and (held["category"] >= 0).all())
        and bool((np.diff(held["number"], append=following) > 0).all())
    )
    if not whole:
        raise damaged("entries by rising number, each of finite points", "others")


def checked(
    arrays: Mapping[str, np.ndarray], name: str, kind: np.dtype, shape: tuple[int, ...]
) -> np.ndarray:
    """An archive's array; raises :class:`ArchiveError` unless it is of this type and shape."""
    came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
    if came != f"{kind} {shape}":
        raise damaged(f"a short-term {name} of {kind} {shape}", came)
    return arrays[name]
