"""One voxel map taken into another: two sessions of one place become one map.

A translation by whole voxels loses nothing: counts, sums and votes are added, times are the later ones, and
evidence is added within its bounds, but for free space beside a surface, which rays may have grazed. Any
other transform samples the other map anew first: see :func:`resampled`.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit

from placecell.arrays import Transform
from placecell.errors import PlacecellError
from placecell.geometry import require_rigid, transform

from .. import morton
from .archive import measure
from .block_pool import (
    AGENT_SHIFT,
    BLOCK,
    CELLS,
    EMPTY,
    MOST_POINTS,
    PAGE,
    PLACE,
    BlockPool,
    add_row,
    agent_of,
    block_corner,
    block_key,
    evidence_of,
    features_of,
    find_or_add,
    find_slot,
    grown,
    row_of,
)
from .checks import require_step
from .frame_merge import LEAST, MOST, MOST_VOTES
from .patch_features import MOST_WEIGHT
from .resampling import note_upkeep, resampled
from .state_queries import CELL_X, CELL_Y, CELL_Z, cell_of

Rows = Int64[np.ndarray, " n"]
_EXACT = 1e-6
_THEIRS, _OURS = 1, 2
_MOST_COUNT = (1 << 32) - 1
_ROWS_AT_A_TIME = 1 << 14
_CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])


def absorbed(
    pool: BlockPool, other: BlockPool, T_this_other: Transform, voxel_size_m: float, step_offset: int = 0
) -> BlockPool:
    """The pool once it holds another one's voxels too, agent by agent; itself, or one with more room.

    Args:
        pool: what they are taken into; changed.
        other: unchanged, of features as wide.
        T_this_other: (4, 4) where the other's points are in this map.
        voxel_size_m: of both.
        step_offset: added to the other's times.

    Raises:
        FrameError: no rigid transform, or times out of range.
        PlacecellError: voxels beyond the range of indices. The pool is unchanged.
    """
    require_rigid(T_this_other, "T_this_other")
    require_step(step_offset + int(max(other.last_hit.max(initial=0), other.seen.max(initial=0))))
    _require_range(other, T_this_other, voxel_size_m)
    shift = whole_voxels(T_this_other, voxel_size_m)
    if shift is None:
        other, shift = resampled(other, T_this_other, voxel_size_m), np.zeros(3, np.int64)
    pool = _with_room(pool, other, shift)
    into = np.full(PAGE * int(other.counts[1]), EMPTY, np.int64)
    ignored = np.zeros((int(other.counts[0]), CELLS), np.uint8)
    _grazed(pool, other, shift, ignored)
    _place_rows(pool, other, shift, step_offset, ignored, into)
    held = np.flatnonzero(into != EMPTY)
    _add_payload(pool, other, into[held], held, step_offset)
    measure(pool)
    return pool


def require_alike(voxel_size_m: float, other_size_m: float, width: int, other_width: int) -> None:
    """Raises :class:`PlacecellError` for maps of which one cannot be taken into the other."""
    for what, own, came in (
        ("voxels of {:g} m", voxel_size_m, other_size_m),
        ("features of width {:g}", width, other_width),
    ):
        if own != came:
            raise PlacecellError(
                expected=f"a map with {what.format(own)}, as the one that it is taken into",
                came=what.format(came),
                fix="merge maps that were built with the same settings and the same encoder",
            )


def whole_voxels(T: Transform, voxel_size_m: float) -> Int64[np.ndarray, "3"] | None:
    """The translation in voxels, if the transform is one by whole voxels (to a millionth); else None."""
    shift = T[:3, 3] / voxel_size_m
    if np.abs(T[:3, :3] - np.eye(3)).max() > _EXACT or np.abs(shift - np.rint(shift)).max() > _EXACT:
        return None
    return np.rint(shift).astype(np.int64)


def _require_range(other: BlockPool, T: Transform, voxel_size_m: float) -> None:
    for extent in other.extent[other.extent[:, 1, 0] > other.extent[:, 0, 0]]:
        corners = np.where(_CORNERS == 0, extent[0], extent[1]) * voxel_size_m
        reach = float(np.abs(transform(T, corners)).max()) / voxel_size_m
        if reach >= morton.SIGN_OFFSET - BLOCK:
            raise PlacecellError(
                expected=f"voxels within {morton.SIGN_OFFSET} of the origin",
                came=f"{reach:.0f} once transformed",
                fix="check the translation of the transform",
            )


def _with_room(pool: BlockPool, other: BlockPool, shift: Int64[np.ndarray, "3"]) -> BlockPool:
    """The pool with room for the other's blocks, moved by ``shift`` voxels."""
    (used, pages), (others, other_pages) = pool.counts.tolist(), other.counts.tolist()
    keys = other.keys[:others]
    lower = morton.decode((keys & PLACE) << 9)
    touched = [
        (keys & ~np.int64(PLACE)) | (morton.encode(lower + shift + corner * (BLOCK - 1)) >> 9)
        for corner in _CORNERS
    ]
    wanted = np.unique(np.concatenate(touched))
    missing = int(np.count_nonzero(~np.isin(wanted, pool.keys[:used])))
    agents = 1 + int(keys.max(initial=0) >> AGENT_SHIFT)
    return grown(pool, used + missing, pages + other_pages + len(wanted), agents)


@njit(cache=True)
@no_type_check
def _sum(held, came):
    """Evidence and more evidence; of equals the later decides, since 0 is what nothing is known of."""
    total = min(max(held + came, LEAST), MOST)
    if total == 0 and (held != 0 or came != 0):
        return 1 if came > 0 else -1
    return total


@njit(cache=True)
@no_type_check
def _near_surface(pool, agent, i, j, k):
    """Whether one of the 26 voxels around a voxel is occupied."""
    for x in range(i - 1, i + 2):
        for y in range(j - 1, j + 2):
            for z in range(k - 1, k + 2):
                key = block_key(agent, x >> 3, y >> 3, z >> 3)
                slot = find_slot(pool.hash_keys, pool.hash_slots, key)
                if slot != EMPTY and evidence_of(pool, slot, cell_of(x, y, z)) > 0:
                    return True
    return False


@njit(cache=True)
@no_type_check
def _grazed(pool, other, shift, ignored):
    """Writes whose evidence of a voxel does not count: ``_THEIRS`` or ``_OURS`` that it is free.

    Of a voxel that the one map holds to be occupied and the other free, and that lies beside surface of that
    other: rays graze along a surface through voxels that it is in.
    """
    for theirs in range(other.counts[0]):
        agent = agent_of(other.keys[theirs])
        i, j, k = block_corner(other.keys[theirs])
        for cell in range(CELLS):
            came = evidence_of(other, theirs, cell)
            if came == 0:
                continue
            u, v, w = i + np.int64(CELL_X[cell]), j + np.int64(CELL_Y[cell]), k + np.int64(CELL_Z[cell])
            x, y, z = u + shift[0], v + shift[1], w + shift[2]
            slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(agent, x >> 3, y >> 3, z >> 3))
            held = np.int64(0) if slot == EMPTY else evidence_of(pool, slot, cell_of(x, y, z))
            if held > 0 and came < 0 and _near_surface(other, agent, u, v, w):
                ignored[theirs, cell] = _THEIRS
            elif held < 0 and came > 0 and _near_surface(pool, agent, x, y, z):
                ignored[theirs, cell] = _OURS


@njit(cache=True)
@no_type_check
def _place_rows(pool, other, shift, step_offset, ignored, into):
    """Adds up the evidence of all known voxels, and writes the row into which each of the other's goes."""
    counts, hash_keys, hash_slots, keys = pool.counts, pool.hash_keys, pool.hash_slots, pool.keys
    cells, rows, pages, cell_of_row = pool.cells, pool.rows, pool.pages, pool.cell
    for theirs in range(other.counts[0]):
        agent = agent_of(other.keys[theirs])
        i, j, k = block_corner(other.keys[theirs])
        i, j, k = i + shift[0], j + shift[1], k + shift[2]
        for cell in range(CELLS):
            source = row_of(other, theirs, cell)
            came = evidence_of(other, theirs, cell)
            if came == 0:
                continue
            x, y, z = i + np.int64(CELL_X[cell]), j + np.int64(CELL_Y[cell]), k + np.int64(CELL_Z[cell])
            slot = find_or_add(counts, hash_keys, hash_slots, keys, block_key(agent, x >> 3, y >> 3, z >> 3))
            note_upkeep(pool, slot, other, theirs, step_offset)
            here = cell_of(x, y, z)
            row = row_of(pool, slot, here)
            if ignored[theirs, cell] == _THEIRS:
                came = 0
            if row == EMPTY and source == EMPTY:
                cells[slot, here] = _sum(np.int64(cells[slot, here]), came)
                continue
            if row == EMPTY:
                held = np.int64(cells[slot, here])
                row = add_row(counts, cells, rows, pages, cell_of_row, slot, here)
                pool.evidence[row] = held
            if ignored[theirs, cell] == _OURS:
                pool.evidence[row] = 0
            pool.evidence[row] = _sum(np.int64(pool.evidence[row]), came)
            if source != EMPTY:
                into[source] = row
            elif pool.evidence[row] < 0:
                pool.label[row], pool.votes[row] = 0, 0


def _add_payload(pool: BlockPool, other: BlockPool, into: Rows, rows: Rows, step_offset: int) -> None:
    """Adds what the other holds in ``rows`` to the pool's rows ``into``, none of them twice."""
    before, came = pool.hits[into].astype(np.int64), other.hits[rows].astype(np.int64)
    counted = np.minimum(came, MOST_POINTS)
    room = np.minimum(counted, np.maximum(MOST_POINTS - before, 0))
    shares = other.offset[rows].astype(np.int64) * room[:, None] // np.maximum(counted, 1)[:, None]
    pool.offset[into] += shares.astype(np.uint32)
    pool.hits[into] = np.minimum(before + came, _MOST_COUNT)
    colours = other.colour[rows].astype(np.int64)
    room = np.minimum(colours[:, 3], MOST_POINTS - pool.colour[into, 3].astype(np.int64))[:, None]
    pool.colour[into] += (colours * room // np.maximum(colours[:, 3:], 1)).astype(np.uint32)
    last_hit = np.where(came > 0, other.last_hit[rows] + np.int32(step_offset), 0)
    pool.last_hit[into] = np.maximum(pool.last_hit[into], last_hit)
    _add_votes(pool, other, into, rows)
    _add_features(pool, other, into, rows)


def _add_votes(pool: BlockPool, other: BlockPool, into: Rows, rows: Rows) -> None:
    """Leads of one label add up, those of two are set off; what is not occupied has no label."""
    label, votes = pool.label[into], pool.votes[into].astype(np.int64)
    came, more = other.label[rows], other.votes[rows].astype(np.int64)
    lead = np.where(label == came, votes + more, votes - more)
    label = np.where(lead >= 0, label, came)
    lead = np.minimum(np.abs(lead), MOST_VOTES)
    nothing = (lead == 0) | (pool.evidence[into] <= 0)
    pool.label[into] = np.where(nothing, 0, label)
    pool.votes[into] = np.where(nothing, 0, lead)


def _add_features(pool: BlockPool, other: BlockPool, into: Rows, rows: Rows) -> None:
    """Means by weight, some rows at a time."""
    held, theirs = features_of(pool), features_of(other)
    if held.shape[1] == 0:
        return
    weighed = other.weight[rows] > 0
    into, rows = into[weighed], rows[weighed]
    most = float(np.finfo(held.dtype).max)
    for start in range(0, len(into), _ROWS_AT_A_TIME):
        a, b = into[start : start + _ROWS_AT_A_TIME], rows[start : start + _ROWS_AT_A_TIME]
        before, came = pool.weight[a].astype(np.float64), other.weight[b].astype(np.float64)
        sums = held[a].astype(np.float64) * before[:, None] + theirs[b].astype(np.float64) * came[:, None]
        held[a] = np.clip(sums / (before + came)[:, None], -most, most)
        pool.weight[a] = np.minimum(before + came, MOST_WEIGHT)
