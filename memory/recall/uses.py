"""What stands behind the items of an answer: what is given counts as used, and is dropped later."""

from collections.abc import Sequence

import numpy as np

from .. import morton
from ..growth import BLOCK, cells_at
from ..long_term import LongTermMemory
from ..octree import SparseOctree
from ..retrieval import MemoryItem, Retrieval
from ..topology import TopologyGraph
from .recalled_items import AnyPoints, points_of

_BLOCK_BITS = 9


class Behind:
    """The node of the graph, or the row of the long term, behind each item that may be given."""

    def __init__(self) -> None:
        self._nodes: list[tuple[MemoryItem, int]] = []
        self._rows: list[tuple[MemoryItem, int]] = []

    def node(self, node: int, item: MemoryItem) -> MemoryItem:
        """The item, which is a place or a landmark."""
        self._nodes.append((item, node))
        return item

    def row(self, row: int, item: MemoryItem) -> MemoryItem:
        """The item, which is a row of the long term."""
        self._rows.append((item, row))
        return item

    def note_use(
        self,
        found: Retrieval,
        octree: SparseOctree | None,
        topology: TopologyGraph | None,
        long_term: LongTermMemory | None,
    ) -> None:
        """Each part that is named learns what of it is in an answer."""
        given = set(map(id, found.items))
        if octree is not None:
            points = [points_of(item) for item in found.items if item.source == "octree"]
            if points:
                octree.note_use(_one_a_block(np.concatenate(points), octree.voxel_size_m))
        if topology is not None and (nodes := _given(self._nodes, given)):
            topology.note_use(nodes)
        if long_term is not None and (rows := _given(self._rows, given)):
            long_term.use(rows)


def _one_a_block(points: AnyPoints, voxel_size_m: float) -> AnyPoints:
    """(n, 3) the middle of each of the blocks in which the points are: they are many, the blocks few."""
    blocks = np.unique(morton.encode(cells_at(points, voxel_size_m).astype(np.int64)) >> _BLOCK_BITS)
    return (morton.decode(blocks << _BLOCK_BITS) + BLOCK / 2) * voxel_size_m


def _given(behind: Sequence[tuple[MemoryItem, int]], given: set[int]) -> list[int]:
    return [number for item, number in behind if id(item) in given]
