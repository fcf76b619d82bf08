"""A pool of voxels as arrays without slack, and back: for archives, and for maps that lose something.

Version 2 holds rows of payload for what was hit only; ``seen`` and ``uses`` of its blocks came later, and are
made up where they are missing. Archives of before have no ``version``; theirs are
dense, a row for each cell of each block, without positions, features and agents.
"""

from collections.abc import Mapping
from typing import no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit

from ..archive import damaged
from ..morton import gather
from .block_pool import (
    AGENT_SHIFT,
    CELLS,
    EMPTY,
    FRACTION,
    MOST_POINTS,
    OF_BLOCKS,
    PAGE,
    PAYLOAD,
    BlockPool,
    add_row,
    agent_of,
    block_corner,
    empty_pool,
    features_of,
    index_blocks,
    row_of,
)
from .frame_merge import LEAST, MOST, MOST_VOTES, widen
from .patch_features import MOST_WEIGHT

VERSION = 2
Arrays = Mapping[str, np.ndarray]

_DENSE = {"evidence": np.int8, "hits": np.uint32, "last_hit": np.int32, "label": np.uint16, "votes": np.uint8}
_LABELS = ("label", "votes")
_UPKEEP = ("seen", "uses")
_NUMBERED = "cells that number the voxels of their blocks"


@njit(cache=True)
@no_type_check
def _list_rows(pool, slots, only_occupied, cells, rows):
    """Writes the rows of some blocks by rising cell, and their cells as if the rows were numbered so.

    Voxels of evidence 0 are left out, and free ones if ``only_occupied``. The number of rows.
    """
    count = 0
    for n in range(len(slots)):
        local = 0
        for cell in range(CELLS):
            row = row_of(pool, slots[n], cell)
            cells[n, cell] = pool.cells[slots[n], cell]
            if row == EMPTY:
                continue
            evidence = pool.evidence[row]
            if evidence == 0 or (only_occupied and evidence < 0):
                cells[n, cell] = evidence
                continue
            local += 1
            cells[n, cell] = local
            rows[count] = row
            count += 1
    return count


@njit(cache=True)
@no_type_check
def _number_rows(pool, rows):
    """Gives the cells of a pool without rows theirs, in order; False unless the cells number them so."""
    count = 0
    for slot in range(pool.counts[0]):
        for cell in range(CELLS):
            local = pool.cells[slot, cell]
            if local <= 0:
                continue
            if local != pool.rows[slot] + 1 or count == len(rows):
                return False
            rows[count] = add_row(pool.counts, pool.cells, pool.rows, pool.pages, pool.cell, slot, cell)
            count += 1
    return count == len(rows)


@njit(cache=True)
@no_type_check
def measure(pool):
    """Makes the extents those of what is known now."""
    pool.extent[:] = 0
    for slot in range(pool.counts[0]):
        i, j, k = block_corner(pool.keys[slot])
        for cell in range(CELLS):
            if pool.cells[slot, cell] != 0:
                x, y, z = i + gather(cell), j + gather(cell >> 1), k + gather(cell >> 2)
                widen(pool.extent[agent_of(pool.keys[slot])], x, y, z)


def packed(
    pool: BlockPool, slots: Int64[np.ndarray, " b"], only_occupied: bool = False
) -> dict[str, np.ndarray]:
    """These blocks in this order, and their rows of payload by rising cell.

    Args:
        pool: where they are.
        slots: (b,) which.
        only_occupied: without the payload of voxels that were seen through since.
    """
    cells, rows = np.zeros((len(slots), CELLS), np.int16), np.zeros(PAGE * int(pool.counts[1]), np.int64)
    rows = rows[: _list_rows(pool, slots, only_occupied, cells, rows)]
    arrays = {name: getattr(pool, name)[rows] for name in PAYLOAD if name != "feature"}
    arrays["feature"] = features_of(pool)[rows]
    of_blocks = {name: getattr(pool, name)[slots] for name in ("keys", *_UPKEEP)}
    return {"version": np.array([VERSION]), **of_blocks, "cells": cells, **arrays}


def rebuilt(pool: BlockPool, slots: Int64[np.ndarray, " b"], only_occupied: bool = False) -> BlockPool:
    """A pool of these blocks only, in this order, without slack; see :func:`packed`."""
    arrays = packed(pool, slots, only_occupied)
    smaller = _pool_of(arrays, len(pool.extent))
    if smaller is None:
        raise AssertionError  # packed numbers the rows itself
    smaller.changed[: len(slots)] = pool.changed[slots]
    return smaller


def _pool_of(arrays: Arrays, agents: int) -> BlockPool | None:
    """The pool that holds these arrays; None unless cells number the rows of payload in order."""
    blocks, feature = len(arrays["keys"]), arrays["feature"]
    local = np.count_nonzero(arrays["cells"] > 0, axis=1)
    pages = int(((local + PAGE - 1) // PAGE).sum())
    pool = empty_pool(blocks, pages, agents=agents, width=feature.shape[1], dtype=str(feature.dtype))
    pool.keys[:blocks], pool.cells[:blocks], pool.counts[0] = arrays["keys"], arrays["cells"], blocks
    rows = np.zeros(len(arrays["evidence"]), np.int64)
    if not _number_rows(pool, rows):
        return None
    for name in PAYLOAD:
        (features_of(pool) if name == "feature" else getattr(pool, name))[rows] = arrays[name]
    for name in _UPKEEP:
        getattr(pool, name)[:blocks] = arrays[name]
    index_blocks(pool.hash_keys, pool.hash_slots, pool.keys, blocks)
    measure(pool)
    return pool


def unpacked(arrays: Arrays, width: int, dtype: str) -> BlockPool:
    """The pool of an archive's arrays, of this version or of before.

    Args:
        arrays: what the map was packed as.
        width: of the map's features.
        dtype: of the map's features.

    Raises:
        ArchiveError: arrays that are missing, of another type or shape, or that do not hold together.
    """
    if "version" not in arrays:
        arrays = _from_dense(arrays, width, dtype)
    elif arrays["version"].shape != (1,) or arrays["version"][0] != VERSION:
        came = f"version {arrays['version'].reshape(-1)[:1].tolist()}"
        raise damaged(f"voxels of version {VERSION} or before", came)
    blocks, rows = _length(arrays, "keys"), _length(arrays, "evidence")
    model = empty_pool(width=width, dtype=dtype)
    for name in (*OF_BLOCKS[:2], *PAYLOAD):
        like = features_of(model) if name == "feature" else getattr(model, name)
        _require(arrays, name, like.dtype, (blocks if name in OF_BLOCKS else rows, *like.shape[1:]))
    _require_sense(arrays)
    if int(np.count_nonzero(arrays["cells"] > 0)) != rows:
        raise damaged(_NUMBERED, "others")  # before there is room for what they claim
    arrays = {**_made_up(arrays), **arrays}
    for name in _UPKEEP:
        _require(arrays, name, getattr(model, name).dtype, (blocks,))
    if int(arrays["seen"].min(initial=0)) < 0:
        raise damaged("steps of 0 or more at which blocks were seen", "others")
    agents = 1 + int(arrays["keys"].max(initial=0) >> AGENT_SHIFT)
    pool = _pool_of(arrays, agents)
    if pool is None:
        raise damaged(_NUMBERED, "others")
    return pool


def _made_up(arrays: Arrays) -> dict[str, np.ndarray]:
    """What archives of before did not note of a block: its latest hit stands for when it was seen."""
    held = np.count_nonzero(arrays["cells"] > 0, axis=1)
    seen, has = np.zeros(len(held), np.int32), held > 0
    starts = (np.cumsum(held) - held)[has]
    if len(starts) and int(held.sum()) == len(arrays["last_hit"]):
        seen[has] = np.maximum.reduceat(arrays["last_hit"], starts)
    return {"seen": seen, "uses": np.zeros(len(held), np.uint32)}


def _require_sense(arrays: Arrays) -> None:
    """Raises :class:`ArchiveError` unless the arrays could be those of a map."""
    keys, cells, evidence = arrays["keys"], arrays["cells"], arrays["evidence"]
    if bool((np.diff(keys) <= 0).any()) or int(keys.min(initial=0)) < 0:
        raise damaged("block keys that rise", "one twice, out of order, or negative")
    if int(cells.min(initial=0)) < LEAST or bool(
        ((evidence < LEAST) | (evidence > MOST) | (evidence == 0)).any()
    ):
        raise damaged(f"evidence from {LEAST} to {MOST}, not 0 where something is held", "other")
    hits = arrays["hits"].astype(np.int64)
    if int(hits.min(initial=1)) < 1 or int(arrays["last_hit"].min(initial=1)) < 1:
        raise damaged("hits of each voxel that payload is held of", "none")
    if bool((arrays["offset"] > ((FRACTION - 1) * np.minimum(hits, MOST_POINTS))[:, None]).any()):
        raise damaged("mean positions within their voxels", "one outside")
    colour = arrays["colour"].astype(np.int64)
    if bool((colour[:, :3] > 255 * colour[:, 3:]).any()):
        raise damaged("mean colours to 255", "one beyond")
    label, votes = arrays["label"], arrays["votes"]
    if bool(((label > 0) != (votes > 0)).any()) or int(votes.max(initial=0)) > MOST_VOTES:
        raise damaged(f"1 to {MOST_VOTES} votes where there is a label", "others")
    if bool((evidence[label > 0] <= 0).any()):
        raise damaged("labels of occupied voxels", "that of a free one")
    weight, feature = arrays["weight"], arrays["feature"]
    if not bool(((weight >= 0) & (weight <= MOST_WEIGHT)).all()):
        raise damaged(f"weights of features from 0 to {MOST_WEIGHT:g}", "another")
    if not bool(np.isfinite(feature).all()):
        raise damaged("features of finite numbers", "NaN or infinite")


def _from_dense(arrays: Arrays, width: int, dtype: str) -> dict[str, np.ndarray]:
    """The arrays of this version for those of a dense archive; mean positions are the voxels' middles."""
    blocks = _length(arrays, "keys")
    _require(arrays, "keys", np.dtype(np.int64), (blocks,))
    _require(arrays, "colour", np.dtype(np.uint32), (blocks, CELLS, 4))
    dense: dict[str, np.ndarray] = {}
    for name, kind in _DENSE.items():
        if name in _LABELS and not arrays.keys() & set(_LABELS):
            dense[name] = np.zeros((blocks, CELLS), kind)  # older still
            continue
        _require(arrays, name, np.dtype(kind), (blocks, CELLS))
        dense[name] = arrays[name]
    held = dense["hits"] > 0
    if bool((dense["evidence"][~held] > 0).any()) or bool((dense["label"][~held] > 0).any()):
        raise damaged("hits of each occupied voxel", "none")
    order = np.argsort(arrays["keys"], kind="stable")
    held, colour = held[order], arrays["colour"][order]
    cells = np.where(held, np.cumsum(held, axis=1), dense["evidence"][order]).astype(np.int16)
    rows = {name: values[order][held] for name, values in dense.items()}
    middle = np.minimum(rows["hits"].astype(np.int64), MOST_POINTS) * (FRACTION - 1) // 2
    return {
        "keys": arrays["keys"][order],
        "cells": cells,
        **rows,
        "colour": colour[held],
        "offset": np.repeat(middle.astype(np.uint32)[:, None], 3, axis=1),
        "weight": np.zeros(len(middle), np.float32),
        "feature": np.zeros((len(middle), width), dtype),
    }


def _length(arrays: Arrays, name: str) -> int:
    return len(arrays[name]) if name in arrays and arrays[name].ndim else 0


def _require(arrays: Arrays, name: str, kind: np.dtype, shape: tuple[int, ...]) -> None:
    came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
    if came != f"{kind} {shape}":
        raise damaged(f"{name} of {kind} {shape}", came)
