"""A frame's reduction, merged into a torch map: one update a voxel, by the rules of ``frame_merge``."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..frame import MOST_LABEL
from ..voxel.block_pool import MOST_POINTS
from ..voxel.frame_merge import HIT, LEAST, MISS, MOST, MOST_VOTES
from .features import fuse, pair_counts
from .keys import block_keys, cell_corners
from .levels import elected
from .pool import TorchPool
from .reduction import Cells, TorchReduction
from .view import TorchView
from .window import looks_past

_MOST_COUNT = (1 << 32) - 1


@dataclass(frozen=True)
class Change:
    """What the merge notes beside the map itself.

    Args:
        number: of this change, for the pool's ``changed``.
        labels: (labels,) gets the number for each label of whose voxels one was hit, won or lost.
    """

    number: int
    labels: Tensor


def merge(
    pool: TorchPool, reduction: TorchReduction, view: TorchView, agent: int, step: int, change: Change
) -> None:
    """Enters what a frame, or a scan, says."""
    rows = _hit(pool, reduction, view, agent, step, change)
    if view.features is not None:
        fuse(pool, rows, reduction.pixels.view(view.depth.shape), view.features)
    if reduction.missed is not None:
        _miss(pool, reduction.missed, view, agent, step, change)


def _handles(pool: TorchPool, cells: Cells, agent: int, step: int) -> Tensor:
    """The handles of some cells; afterwards the pool has their blocks, and the agent's extent holds them."""
    slots = pool.find_or_add(block_keys(agent, cells.blocks))
    pool.seen[slots] = pool.seen[slots].clamp_(min=step + 1)
    corners, (lower, upper) = cells.blocks * 8, pool.extent[agent]
    sticks_out = ((corners < lower) | (corners + 8 > upper)).any(1)
    out = sticks_out.index_select(0, cells.block).nonzero()[:, 0]
    if len(out):
        indices = corners[cells.block[out]] + cell_corners(pool.device)[cells.cell[out]]
        pool.widen(agent, indices.amin(0), indices.amax(0) + 1)
    return (slots << 9).index_select(0, cells.block) | cells.cell


def _hit(
    pool: TorchPool, reduction: TorchReduction, view: TorchView, agent: int, step: int, change: Change
) -> Tensor:
    handles = _handles(pool, reduction.hit, agent, step)
    cells = pool.cells.view(-1).index_select(0, handles)
    rows, fresh = cells.long() - 1, (cells <= 0).nonzero()[:, 0]
    before = pool.evidence_of(cells)
    rows[fresh] = pool.add_rows(handles[fresh])
    pool.changed[handles[before <= 0] >> 9] = change.number
    change.labels[pool["label"].index_select(0, rows)] = change.number
    pool["evidence"][rows] = (before + HIT).clamp_(max=MOST).to(torch.int8)
    pool["last_hit"][rows] = pool["last_hit"].index_select(0, rows).clamp_(min=step + 1)
    _add_points(pool, rows, reduction)
    if view.rgb is not None:
        _add_colour(pool, rows, reduction, view.rgb)
    if view.labels is not None:
        _vote(pool, rows, _elected(reduction, view.labels.view(-1)), change)
    return rows


def _add_points(pool: TorchPool, rows: Tensor, reduction: TorchReduction) -> None:
    """A voxel's mean position is that of its first ``MOST_POINTS`` points."""
    before, points = pool["hits"].index_select(0, rows), reduction.points
    room, offsets = (MOST_POINTS - before).clamp_(min=0), reduction.offsets
    if bool((room < points).any()):
        offsets = offsets * torch.minimum(room, points)[:, None] // points[:, None]
    pool["hits"][rows] = (before + points).clamp_(max=_MOST_COUNT)
    pool["offset"].index_add_(0, rows, offsets)


def _add_colour(pool: TorchPool, rows: Tensor, reduction: TorchReduction, rgb: Tensor) -> None:
    # One rounded mean a frame keeps the sums whole numbers: no order of frames changes them.
    points, sums = reduction.points[:, None], _colour_sums(reduction, rgb)
    added = torch.cat([(2 * sums + points) // (2 * points), torch.ones_like(points)], 1)
    before = pool["colour"][rows]
    pool["colour"][rows] = torch.where(before[:, 3:] == MOST_POINTS, before, before + added)


def _colour_sums(reduction: TorchReduction, rgb: Tensor) -> Tensor:
    """(n, 3) the sums of each voxel's pixels."""
    count = len(reduction.points)
    at = torch.where(reduction.pixels < 0, count, reduction.pixels)
    sums = torch.zeros((3, count + 1), dtype=torch.int64, device=rgb.device)
    for channel in range(3):
        sums[channel].index_add_(0, at, rgb[..., channel].reshape(-1).long())
    return sums[:, :count].T


def _elected(reduction: TorchReduction, labels: Tensor) -> Tensor:
    """(n,) each voxel's most frequent label, the lower one where two are; 0 where none was counted."""
    hit = reduction.pixels >= 0
    voxels, found, counts = pair_counts(reduction.pixels[hit], labels[hit], MOST_LABEL + 1)
    return elected(voxels, found, counts, len(reduction.points))[0]


def _vote(pool: TorchPool, rows: Tensor, elected: Tensor, change: Change) -> None:
    """One frame's votes: the majority by Boyer and Moore, "MJRTY" (1991), with a bounded lead."""
    voting = (elected > 0).nonzero()[:, 0]
    rows, elected = rows[voting], elected[voting].to(torch.int32)
    labels, votes = pool["label"][rows], pool["votes"][rows]
    wins, agrees = votes == 0, labels == elected
    ahead = torch.where(wins | agrees, votes + 1, votes - 1).clamp_(max=MOST_VOTES)
    pool["votes"][rows] = ahead
    voted = torch.where(wins, elected, torch.where(ahead == 0, 0, labels))
    pool["label"][rows] = voted
    other = rows[voted != labels]
    pool.changed[pool["handle"][other] >> 9] = change.number
    change.labels[pool["label"][other]] = change.number


def _miss(pool: TorchPool, missed: Cells, view: TorchView, agent: int, step: int, change: Change) -> None:
    handles = _handles(pool, missed, agent, step)
    cells = pool.cells.view(-1).index_select(0, handles)
    bare = cells <= 0
    pool.cells.view(-1)[handles[bare]] = (cells[bare] + MISS).clamp_(min=LEAST)
    rows = cells[~bare].long() - 1
    evidence = pool["evidence"][rows]
    standing = (evidence > 0).nonzero()[:, 0]
    worn = torch.ones_like(evidence, dtype=torch.bool)
    worn[standing] = looks_past(view, pool.indices_of(pool["handle"][rows[standing]]))
    rows, evidence = rows[worn], evidence[worn]
    # 0 is kept for voxels that nothing is known of.
    pool["evidence"][rows] = torch.where(evidence == 1, -1, (evidence + MISS).clamp_(min=LEAST))
    cleared = rows[evidence == 1]
    change.labels[pool["label"][cleared]] = change.number
    pool.changed[pool["handle"][cleared] >> 9] = change.number
    pool["label"][cleared], pool["votes"][cleared] = 0, 0
