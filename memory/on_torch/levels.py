"""Coarser levels of a torch map: sums of voxels by the prefix of their Morton key."""

import torch
from torch import Tensor

from ..frame import MOST_LABEL
from ..voxel.block_pool import FRACTION, MOST_POINTS
from ..voxel.levels import Level
from .keys import voxel_keys
from .pool import TorchPool
from .surface import TorchSurface


def sum_level(pool: TorchPool, surface: TorchSurface, level: int) -> Level:
    """The :class:`Level` of an agent's occupied voxels; sums of real numbers run in the order of the keys."""
    rows, indices = surface.rows, surface.indices
    keys, counts = torch.unique_consecutive(voxel_keys(indices) >> (3 * level), return_counts=True)
    cell = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    hits = pool["hits"][rows]
    total = _sums(hits, cell, len(keys))
    places = (indices + mean_points(pool, rows)) * surface.size
    points = _in_order(places * hits[:, None].double(), counts)
    labels, votes = elected(cell, pool["label"][rows].long(), pool["votes"][rows].long(), len(keys))
    last = torch.zeros_like(keys).scatter_reduce_(0, cell, pool["last_hit"][rows], "amax")
    weights = pool["weight"][rows].double()
    weight = _in_order(weights, counts)
    return Level(
        level=level,
        size_m=surface.size * 2**level,
        keys=keys.cpu().numpy(),
        indices=(indices[first] >> level).cpu().numpy(),
        voxels=counts.cpu().numpy(),
        hits=total.cpu().numpy(),
        points=(points / total[:, None]).cpu().numpy(),
        colour_sums=_sums(pool["colour"][rows], cell, len(keys)).cpu().numpy(),
        last_seen=(last - 1).cpu().numpy(),
        labels=labels.cpu().numpy(),
        votes=votes.cpu().numpy(),
        weights=weight.cpu().numpy(),
        features=_mean_features(pool, rows, weights, weight, first).cpu().numpy(),
    )


def mean_points(pool: TorchPool, rows: Tensor) -> Tensor:
    """(n, 3) float64: where in its voxel each row's points lie on average, 0 to 1 of an edge."""
    points = pool["hits"][rows].clamp(max=MOST_POINTS).double()[:, None]
    return (pool["offset"][rows].double() / points + 0.5) / FRACTION


def elected(groups: Tensor, labels: Tensor, counts: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """Of each group in [0, end) the label with the largest sum of counts, the lower one of two, and that sum.

    Args:
        groups: (n,) a group each; in any order.
        labels: (n,) what is counted; 0 is not.
        counts: (n,) how often.
        end: how many groups.
    """
    counted = (labels > 0).nonzero()[:, 0]
    pairs, which = torch.unique(groups[counted] << 16 | labels[counted], return_inverse=True)
    sums = _sums(counts[counted], which, len(pairs))
    ranks = (sums << 16) | (MOST_LABEL - (pairs & MOST_LABEL))
    best = groups.new_zeros(end).scatter_reduce_(0, pairs >> 16, ranks, "amax")
    return torch.where(best > 0, MOST_LABEL - (best & MOST_LABEL), 0), best >> 16


def _sums(values: Tensor, cell: Tensor, cells: int) -> Tensor:
    return values.new_zeros((cells, *values.shape[1:])).index_add_(0, cell, values)


def _in_order(values: Tensor, counts: Tensor) -> Tensor:
    """The sums of runs of rows of such lengths, in the order of the rows on every device."""
    return torch.segment_reduce(values, "sum", lengths=counts, axis=0) if len(counts) else values


def _mean_features(pool: TorchPool, rows: Tensor, weights: Tensor, weight: Tensor, first: Tensor) -> Tensor:
    width = pool["feature"].shape[1]
    if not width or not len(first):
        return torch.zeros((len(first), width), device=rows.device)
    sums = torch.nn.functional.embedding_bag(
        rows, pool["feature"].float(), first, mode="sum", per_sample_weights=weights.float()
    )
    return sums / weight.float().clamp(min=torch.finfo(torch.float32).tiny)[:, None]
