"""A saved memory made smaller: what tells nothing any more goes, and what a budget has no room for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from placecell.arrays import Point
from placecell.errors import ConfigError

from ..archive import Archive, open_mapped, save
from ..budget import Budget
from ..spatial_memory import SpatialMemory
from ..upkeep.usage import Dropped


@dataclass(frozen=True)
class Pruned:
    """What went.

    Attributes:
        voxels: of how many voxels that are no longer occupied what was still held was given up.
        dropped: what the budget dropped, of each part of which it dropped something.
        stats: the memory's before and after.
        nbytes: the file's before and after; of a memory that was not saved (0, 0).
    """

    voxels: int
    dropped: Mapping[str, Dropped]
    stats: tuple[Mapping[str, float], Mapping[str, float]]
    nbytes: tuple[int, int] = field(default=(0, 0))


def prune_memory(
    memory: SpatialMemory, budget: Budget | None = None, position: Point | None = None
) -> Pruned:
    """Prunes a memory in place: :meth:`SparseOctree.prune`, then by a budget.

    The budget is this once; the memory's own settings stay. What it drops is in the memory's books, as all
    that it ever dropped; what tells nothing any more is not.

    Args:
        memory: what to prune.
        budget: what is to remain at most; None: nothing is dropped of what tells something.
        position: (3,) where the agent counts as being, for the policy ``"farthest"``; None: where it was.

    Raises:
        ConfigError: a budget that has no room for what always remains, or no known place of the agent.
    """
    before, dropped = memory.stats(), dict[str, Dropped]()
    voxels = 0 if memory.octree is None else memory.octree.prune()
    if budget is not None:
        at = _place_of(memory, budget) if position is None else position
        dropped.update(memory.trim(budget, at))
    return Pruned(voxels, dropped, (before, memory.stats()))


def prune(
    path: Path, out: Path | None = None, budget: Budget | None = None, position: Point | None = None
) -> Pruned:
    """Prunes a saved memory; the file is replaced as a whole, or left alone where that cannot be done.

    Args:
        path: of a :class:`SpatialMemory`.
        out: where to write; None replaces the file.
        budget: see :func:`prune_memory`.
        position: see :func:`prune_memory`.

    Raises:
        ArchiveError: a file that cannot be read.
        ConfigError: the archive of another class, or see :func:`prune_memory`.
        OutputError: ``out`` cannot be written.
    """
    stored = open_mapped(path)
    if stored.kind != SpatialMemory.__name__:
        raise ConfigError(
            expected="the archive of a SpatialMemory, whose parts can be pruned",
            came=f"that of a {stored.kind}: {path}",
            fix="build that memory anew with a smaller max_bytes",
        )
    memory = SpatialMemory.for_archive(stored)
    memory.unpack(stored)
    size = path.stat().st_size
    pruned = prune_memory(memory, budget, position)
    packed, target = memory.pack(), path if out is None else out
    save(Archive(packed.kind, packed.manifest, packed.arrays, stored.provenance), target)
    return Pruned(pruned.voxels, pruned.dropped, pruned.stats, (size, target.stat().st_size))


def _place_of(memory: SpatialMemory, budget: Budget) -> Point:
    if memory.short_term is not None:
        at: Point = memory.short_term.T_world_agent[:3, 3].astype(np.float64)
        return at
    if budget.policy == "farthest":
        raise ConfigError(
            expected="the place from which the policy 'farthest' counts",
            came="a memory without a short-term part, which would know where the agent was",
            fix="name it: position=(x, y, z), or --at X Y Z",
        )
    return np.zeros(3)
