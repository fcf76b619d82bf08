"""The parts of a spatial memory, those that are on, and how each is written to, packed and unpacked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Transform
from placecell.errors import FrameError
from placecell.geometry import transform

from .. import morton
from ..frame import Frame
from ..long_term import LongTermMemory
from ..octree import SparseOctree
from ..short_term import ShortTermMemory
from ..sight import descriptor
from ..sight.embedding_widths import EmbeddingWidths
from ..sight.seen import Seen
from ..topology import TopologyGraph
from ..upkeep.holdings import Evictable
from ..vectors.vector_rows import FARTHEST_M
from .settings import SpatialSettings

Arrays = Mapping[str, np.ndarray]

PREFIXES = ("topology.", "short_term.", "sight.", "long_term.", "upkeep.")
"""Of names of arrays; the octree's have none."""


@dataclass(frozen=True)
class Parts:
    """A part that is off is None."""

    octree: SparseOctree | None
    topology: TopologyGraph | None
    short_term: ShortTermMemory | None
    long_term: LongTermMemory | None

    @staticmethod
    def built(settings: SpatialSettings) -> "Parts":
        """Empty ones, as the settings say."""
        size = settings.voxel_size_m
        return Parts(
            SparseOctree(size, settings.feature_width) if settings.octree else None,
            TopologyGraph() if settings.topology else None,
            ShortTermMemory(settings.short_term_capacity) if settings.short_term else None,
            _long_term(settings) if settings.long_term else None,
        )

    @property
    def need_sight(self) -> bool:
        """Whether there is one that takes more of a frame than its pixels."""
        return self.topology is not None or self.short_term is not None or self.long_term is not None

    def clear(self) -> None:
        """Forgets everything."""
        for part in (self.octree, self.topology, self.short_term, self.long_term):
            if part is not None:
                part.clear()

    @property
    def evictable(self) -> dict[str, Evictable]:
        """Those that can drop what they hold; the short term is bounded by its capacity."""
        parts: dict[str, Evictable | None] = {
            "octree": self.octree,
            "topology": self.topology,
            "long_term": self.long_term,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def fixed(self) -> tuple[int, int]:
        """Bytes and items of what nothing is dropped of, which is the short term."""
        return (0, 0) if self.short_term is None else (self.short_term.nbytes, len(self.short_term))

    def least(self, widths: EmbeddingWidths) -> tuple[int, int]:
        """Bytes and items that a budget has to have room for: what these parts hold that are empty now, and
        at most the short term, with vectors of such widths.
        """
        empty = sum(part.nbytes for part in self.evictable.values())
        if self.short_term is None:
            return empty, 0
        width = max(widths.place or descriptor.WIDTH, widths.thing)
        return empty + self.short_term.most_nbytes(width), self.short_term.capacity

    def require_fit(self, frame: Frame, seen: Seen, leaf: int, settings: SpatialSettings) -> None:
        """Raises :class:`FrameError` for a first observation that the long term's tokens are not made for."""
        if self.long_term is not None and self.long_term.width is None and seen.descriptor is not None:
            at = frame.T_world_camera[:3, 3].astype(np.float64)
            _long_term(settings).write(seen.descriptor, at, frame.step, leaf=leaf, node=None)

    def take(self, frame: Frame, seen: Seen, step: int, leaf: int) -> None:
        """Takes in what a frame shows, all but its pixels; none of it can be refused.

        Args:
            frame: of the pose.
            seen: in it.
            step: the memory's clock.
            leaf: key of the cell in which its camera is.
        """
        at = frame.T_world_camera[:3, 3].astype(np.float64)
        node = None
        if self.topology is not None:
            visit = self.topology.visit(at, seen.descriptor, step, seen.voxel_keys)
            self.topology.see_all(seen.things, step)
            if len(seen.exits):
                self.topology.note_exits(seen.exits)
            node = visit.place
            if visit.absorbed and self.long_term is not None:
                self.long_term.relabel_nodes(dict.fromkeys(visit.absorbed, node))
        if self.short_term is not None:
            self.short_term.follow(frame.T_world_camera.astype(np.float64))
            self.short_term.add(np.zeros((1, 3)), step, embedding=seen.descriptor)
            self.short_term.see_all(seen.things, step)
        if self.long_term is not None and seen.descriptor is not None:
            self.long_term.write(seen.descriptor, at, step, leaf=leaf, node=node)

    def forget_labels(self, described: bool) -> None:
        """Keeps what was where, and forgets what it was.

        Args:
            described: whether the observations are of the built-in descriptor, which says which labels a view
                had: that part of them becomes zeros. Tokens of many observations have no such part; they are
                dropped.
        """
        for part in (self.octree, self.topology, self.short_term):
            if part is not None:
                part.forget_labels()
        kept = self.long_term
        if kept is None or not described:
            return
        if kept.tokens != "flat":
            kept.clear()
            return
        arrays = kept.pack()
        vectors = descriptor.without_labels(arrays["vectors"].astype(np.float32))
        kept.unpack({**arrays, "vectors": vectors.astype(np.float16)})

    def require_reach(self, other: "Parts", T_this_other: Transform) -> None:
        """Raises :class:`FrameError` where another memory's observations would lie beyond all cells."""
        if self.long_term is not None and other.long_term is not None:
            positions = transform(T_this_other, other.long_term.holdings().positions)
            if float(np.abs(positions).max(initial=0.0)) > _reach_m(self.long_term.leaf_cell_m):
                raise _beyond(self.long_term.leaf_cell_m)

    def absorb(
        self, other: "Parts", T_this_other: Transform, settings: SpatialSettings, step_offset: int
    ) -> None:
        """Takes in what the same parts of another memory hold; its short term is that from then on.

        Args:
            other: unchanged.
            T_this_other: (4, 4) the other's points, in this memory's frame.
            settings: of both.
            step_offset: added to the other's steps.

        Raises:
            PlacecellError: points beyond the range of indices; nothing has changed.
        """
        recent = _moved(other.short_term, T_this_other, settings, step_offset)
        later = _later(other.long_term, settings, step_offset)
        if self.octree is not None and other.octree is not None:
            self.octree.absorb(other.octree, T_this_other, step_offset=step_offset)
        nodes: Mapping[int, int] = {}
        if self.topology is not None and other.topology is not None:
            places = self.topology.absorb(
                other.topology, T_this_other, voxel_size_m=settings.voxel_size_m, step_offset=step_offset
            )
            nodes = places.nodes
            if self.long_term is not None:
                self.long_term.relabel_nodes(places.renamed)
        if self.long_term is not None and later is not None:
            self.long_term.absorb(later, T_this_other, nodes)
        if self.short_term is not None and recent is not None:
            self.short_term.unpack(recent.pack())

    def stats(self) -> dict[str, float]:
        """``bytes`` and ``items`` of each part, for example ``octree_bytes``."""
        told: dict[str, float] = {}
        if self.octree is not None:
            told |= {"octree_bytes": float(self.octree.nbytes), "octree_items": float(len(self.octree))}
        if self.topology is not None:
            counts = self.topology.stats()
            told["topology_bytes"] = float(self.topology.packed_nbytes)
            told["topology_items"] = counts["places"] + counts["landmarks"]
        for name, part in (("short_term", self.short_term), ("long_term", self.long_term)):
            if part is not None:
                told |= {f"{name}_bytes": float(part.nbytes), f"{name}_items": float(len(part))}
        return told

    def pack(self) -> dict[str, np.ndarray]:
        """All that they hold, by names with the prefixes of the parts."""
        arrays: dict[str, np.ndarray] = {} if self.octree is None else dict(self.octree.pack())
        if self.topology is not None:
            arrays |= self.topology.pack()
        for name, part in (("short_term", self.short_term), ("long_term", self.long_term)):
            if part is not None:
                arrays |= {f"{name}.{key}": array for key, array in part.pack().items()}
        return arrays

    def require_whole(
        self, arrays: Arrays, held: Collection[str], settings: SpatialSettings, widths: EmbeddingWidths
    ) -> None:
        """Raises :class:`ArchiveError` for arrays that the parts but the octree would not :meth:`unpack`.

        Args:
            arrays: by the names that :meth:`pack` gives, with others beside.
            held: the names of the parts that are in them, beside the octree.
            settings: what the parts were built with.
            widths: of the vectors that are in the arrays.
        """
        if self.topology is not None and "topology" in held:
            TopologyGraph().unpack(arrays)
            widths.require_those_of(arrays)
        if self.short_term is not None and "short_term" in held:
            ShortTermMemory(settings.short_term_capacity).unpack(of(arrays, "short_term."))
        if self.long_term is not None and "long_term" in held:
            trial = _long_term(settings)
            trial.unpack(of(arrays, "long_term."))
            widths.require_that_of(trial.width)

    def unpack(self, arrays: Arrays, held: Collection[str]) -> None:
        """Becomes what :meth:`pack` gave, once :meth:`require_whole` let it pass; what is not held is empty.

        Raises:
            ArchiveError: arrays of an octree that do not hold together; the parts are as they were before.
        """
        if self.octree is not None:
            self.octree.unpack(_of_octree(arrays))
        for name, part, own in (
            ("topology", self.topology, arrays),
            ("short_term", self.short_term, of(arrays, "short_term.")),
            ("long_term", self.long_term, of(arrays, "long_term.")),
        ):
            if part is not None and name in held:
                part.unpack(own)
            elif part is not None:
                part.clear()


def leaf_of(frame: Frame, voxel_size_m: float, level: int) -> int:
    """The Morton key of the cell, ``2**level`` voxels wide, in which the frame's camera is.

    Raises:
        FrameError: a camera beyond the range of cells.
    """
    size = voxel_size_m * 2**level
    at = frame.T_world_camera[:3, 3].astype(np.float64)
    if not float(np.abs(at).max()) <= _reach_m(size):
        raise _beyond(size)
    return int(morton.encode(np.floor(at / size).astype(np.int64)[None])[0])


def of(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """Those whose names begin with a prefix, by the rest of the name."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _reach_m(cell_m: float) -> float:
    return min(cell_m * (morton.SIGN_OFFSET - 1), FARTHEST_M)


def _beyond(cell_m: float) -> FrameError:
    return FrameError(
        expected=f"cameras within {_reach_m(cell_m):.0f} m of the origin",
        came="one beyond",
        fix="move the world's origin closer, or use larger voxels",
    )


def _of_octree(arrays: Arrays) -> dict[str, np.ndarray]:
    return {name: array for name, array in arrays.items() if not name.startswith(PREFIXES)}


def _moved(
    part: ShortTermMemory | None, T_this_other: Transform, settings: SpatialSettings, step_offset: int
) -> ShortTermMemory | None:
    """A copy of a short term whose agent is elsewhere, and later."""
    if part is None:
        return None
    arrays, moved = part.pack(), ShortTermMemory(settings.short_term_capacity)
    pose = T_this_other @ part.T_world_agent
    # Two transforms that are rigid enough may make one that is not.
    u, _, vt = np.linalg.svd(pose[:3, :3])
    pose[:3, :3] = u @ vt
    moved.unpack({**arrays, "step": arrays["step"] + step_offset, "T_world_agent": pose})
    return moved


def _later(part: LongTermMemory | None, settings: SpatialSettings, step_offset: int) -> LongTermMemory | None:
    """A copy of a long term, later."""
    if part is None:
        return None
    arrays, later = part.pack(), _long_term(settings)
    later.unpack({**arrays, "step": arrays["step"] + step_offset})
    return later


def _long_term(settings: SpatialSettings) -> LongTermMemory:
    leaf_m = settings.voxel_size_m * 2**settings.leaf_level
    return LongTermMemory(settings.long_term_tokens, leaf_cell_m=leaf_m)
