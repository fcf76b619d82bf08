"""The face of the spatial memory: write frames, ask what is around a place, save and load."""

from collections.abc import Mapping

import numpy as np

from placecell.errors import ConfigError
from placecell.geometry import require_rigid, transform

from . import archive, morton
from .archive import Archive
from .clock import Clock
from .frame import Frame
from .graph.place_graph import PlaceGraph
from .growth import Content, Growth, cells_at
from .memory import Memory, Start
from .noted_growth import NotedGrowth
from .octree import SparseOctree
from .recall.recollection import Recollection
from .retrieval import Query, Retrieval
from .short_term import ShortTermMemory
from .sight.embedding_widths import EmbeddingWidths
from .sight.intake import Intake
from .sight.seen import NO_SPREADS, WIDTH, Seen, Spreads, seen_in
from .topology import TopologyGraph

_SETTINGS = ("voxel_size_m", "max_depth_m", "min_depth_m")
_LATER_SETTINGS = ("octree", "topology", "short_term", "feature_width", "short_term_capacity")
"""Those that archives of before there were parts do not name."""
_FARTHEST_M = 1000.0
_SPREADS, _WIDTHS = "sight.spreads", "sight.widths"
_PREFIXES = ("topology.", "short_term.", "sight.")


class SpatialMemory(Memory):
    """Remembers surfaces, free space, labels, places and what was seen of late.

    Three parts, each of which can be switched off: an octree of voxels (``octree``), a graph of places and
    landmarks (``topology``), and a short-term memory (``short_term``). A part that is off is None, and the
    others answer without it. Where the octree knows a thing its answer stands; the others add what it lacks.

    Args:
        voxel_size_m: edge length of a voxel.
        max_depth_m: planar depth from which a return is no surface, and to which free space is carved.
        min_depth_m: planar depth up to which a return is ignored.
        octree: whether there is one.
        topology: whether there is a graph.
        short_term: whether there is a short-term memory.
        feature_width: of the frames' patch features, which the octree then keeps a voxel; 0: it keeps none.
        short_term_capacity: entries of the short-term memory.

    Raises:
        ConfigError: depths that are not 0 <= min < max < infinity, a voxel size that is not positive, or no
            part at all.
    """

    def __init__(
        self,
        voxel_size_m: float = 0.1,
        max_depth_m: float = 5.0,
        min_depth_m: float = 0.0,
        octree: bool = True,
        topology: bool = True,
        short_term: bool = True,
        feature_width: int = 0,
        short_term_capacity: int = 128,
    ) -> None:
        if not 0 <= min_depth_m < max_depth_m < float("inf"):
            raise ConfigError(
                expected="depths with 0 <= min_depth_m < max_depth_m, both finite",
                came=f"min_depth_m {min_depth_m:g}, max_depth_m {max_depth_m:g}",
                fix="set them to the range in which the depth sensor can be trusted, for example 0.5 and 5",
            )
        if not (octree or topology or short_term):
            raise ConfigError(
                expected="one part at least: octree, topology or short_term",
                came="all switched off",
                fix="use NoMemory (memory=none) to remember nothing",
            )
        self.max_depth_m, self.min_depth_m = float(max_depth_m), float(min_depth_m)
        self.feature_width, self.short_term_capacity = int(feature_width), int(short_term_capacity)
        self.octree = SparseOctree(voxel_size_m, self.feature_width) if octree else None
        self.topology = TopologyGraph() if topology else None
        self.short_term = ShortTermMemory(self.short_term_capacity) if short_term else None
        depths = min(self.max_depth_m, _FARTHEST_M), min(self.min_depth_m, _FARTHEST_M / 2)
        self._intake = Intake(WIDTH, float(voxel_size_m), *depths)
        self.voxel_size_m = self._intake.voxel_size_m
        self._recollection = Recollection(
            self.octree, self.topology, self.short_term, self.voxel_size_m, self.feature_width
        )
        self._clock, self._noted = Clock(), NotedGrowth(self.voxel_size_m)
        self._spreads = NO_SPREADS

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            for part in (self.octree, self.topology, self.short_term):
                if part is not None:
                    part.clear()
            self._recollection.widths, self._spreads = EmbeddingWidths(), NO_SPREADS
            self._noted.start_anew()
        elif self.topology is not None:
            self.topology.begin_walk()

    def write(self, frame: Frame) -> None:
        """Maps the frame's surfaces, colours, labels and free space; notes the place and what is seen of it.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        # All that can be refused is, before any part has changed. A frame is checked when it is made, but may
        # have been written to since.
        if not bool(np.isfinite(frame.T_world_camera).all()):
            require_rigid(frame.T_world_camera)
        seen = None
        if self.topology is not None or self.short_term is not None:
            widths = self._recollection.widths.after(frame)
            seen = seen_in(frame, self._intake, self._spreads)
        if self.octree is not None:
            self.octree.insert(frame, self.max_depth_m, self.min_depth_m, self._clock.episode_start)
        self._clock.tick(frame.step)
        if seen is None:
            return
        self._recollection.widths, self._spreads = widths, seen.spreads
        step = self._clock.at(frame.step)
        if self.topology is not None:
            _visit(self.topology, frame, seen, step)
        if self.short_term is not None:
            _recall_later(self.short_term, frame, seen, step)

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """At most ``k`` items within the query's radius, the best first; each says which part it came from.

        - With a category: the objects that the octree's voxels of that label make up, the surest first, and
          the landmarks and short-term entries of it that the octree neither has nor sees to be gone.
        - Without: the ``k`` occupied voxels that are nearest; where those are fewer, also the places and
          the short-term entries.
        - With an embedding: by the cosine with it (below 0: 0), as far as the parts hold vectors of its
          width. Objects take over that of the landmark or entry at which they lie.

        A short-term entry that is given, or lies at something that is, counts as used and stays for longer.
        Nothing else changes by asking.

        Raises:
            PlacecellError: ``k`` below 1, or an embedding of a width that nothing here has.
        """
        return self._recollection.answer(query, k, self._clock.now)

    def forget_labels(self) -> None:
        """Keeps the map and the places and forgets what things are; landmarks are nothing else."""
        self._spreads = NO_SPREADS
        for part in (self.octree, self.topology, self.short_term):
            if part is not None:
                part.forget_labels()

    def stats(self) -> dict[str, float]:
        """``bytes`` of content and index, ``items``: occupied voxels, places, landmarks and entries.

        Beside these sums the same for each part that there is, for example ``octree_bytes``.
        """
        parts: dict[str, float] = {}
        if self.octree is not None:
            parts |= {"octree_bytes": float(self.octree.nbytes), "octree_items": float(len(self.octree))}
        if self.topology is not None:
            told = self.topology.stats()
            parts["topology_bytes"] = float(self.topology.packed_nbytes)
            parts["topology_items"] = told["places"] + told["landmarks"]
        if self.short_term is not None:
            parts |= {
                "short_term_bytes": float(self.short_term.nbytes),
                "short_term_items": float(len(self.short_term)),
            }
        sums = {
            what: sum(value for name, value in parts.items() if name.endswith(what))
            for what in ("bytes", "items")
        }
        return {**sums, **parts}

    def growth(self, since: int = 0) -> Growth:
        """The octree's; see :meth:`SparseOctree.growth`. Without one: the cells of landmarks, places and
        entries.
        """
        if self.octree is not None:
            return self.octree.growth(since)
        return self._noted.growth(since, self._content())

    def places(self) -> PlaceGraph:
        """The graph's places and edges."""
        return PlaceGraph.nothing() if self.topology is None else self.topology.drawn()

    def pack(self) -> Archive:
        """A snapshot of settings, clock and all parts."""
        arrays: dict[str, np.ndarray] = {} if self.octree is None else dict(self.octree.pack())
        if self.topology is not None:
            arrays |= self.topology.pack()
        if self.short_term is not None:
            arrays |= {f"short_term.{name}": array for name, array in self.short_term.pack().items()}
        if self.topology is not None or self.short_term is not None:
            arrays[_SPREADS] = self._spreads.array()
            arrays[_WIDTHS] = self._recollection.widths.array()
        manifest = {**self._settings(), **self._clock.pack()}
        return Archive(type(self).__name__, manifest, arrays)

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave; the parts stay the same objects.

        What an archive of before there were parts does not hold is empty.

        Raises:
            ArchiveError: an archive of another class, or of other settings, or one that does not hold
                together; the memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        own = self._settings()
        archive.require_settings(stored, {name: own[name] for name in _named(stored)})
        clock, before_parts = Clock.read(stored.manifest), "octree" not in stored.manifest
        recent = {
            name.removeprefix("short_term."): array
            for name, array in stored.arrays.items()
            if name.startswith("short_term.")
        }
        spreads, widths = NO_SPREADS, EmbeddingWidths()
        if not before_parts and (self.topology is not None or self.short_term is not None):
            spreads = Spreads.read(stored.arrays, _SPREADS)
            widths = EmbeddingWidths.read(stored.arrays, _WIDTHS)
        # What can be refused is, by empty parts, before any that is not has changed.
        if not before_parts:
            _unpack(TopologyGraph(), self.topology, stored.arrays)
            if self.topology is not None:
                widths.require_those_of(stored.arrays)
            _unpack(ShortTermMemory(self.short_term_capacity), self.short_term, recent)
        if self.octree is not None:
            self.octree.unpack(_of_octree(stored.arrays))
        for part, arrays in ((self.topology, stored.arrays), (self.short_term, recent)):
            if part is not None and before_parts:
                part.clear()
            elif part is not None:
                part.unpack(arrays)
        self._clock, self._recollection.widths, self._spreads = clock, widths, spreads
        self._noted.start_anew()

    @classmethod
    def for_archive(cls, stored: Archive) -> "SpatialMemory":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, _named(stored))

    def _settings(self) -> dict[str, int | float]:
        return {
            "voxel_size_m": self.voxel_size_m,
            "max_depth_m": self.max_depth_m,
            "min_depth_m": self.min_depth_m,
            "octree": self.octree is not None,
            "topology": self.topology is not None,
            "short_term": self.short_term is not None,
            "feature_width": self.feature_width,
            "short_term_capacity": self.short_term_capacity,
        }

    def _content(self) -> Content:
        """Cells of landmarks, places and entries."""
        points, labels = [np.zeros((0, 3))], [np.zeros(0, np.int64)]
        if self.topology is not None:
            if len(self.topology):
                places = self.topology.nearest_places(np.zeros(3), len(self.topology)).places
                points.append(np.array([place.position for place in places]))
                labels.append(np.zeros(len(places), np.int64))
            for mark in self.topology.landmarks():
                points.append((morton.decode(mark.voxels) + 0.5) * self.voxel_size_m)
                labels.append(np.full(len(mark.voxels), mark.category))
        if self.short_term is not None:
            for entry in self.short_term.entries():
                points.append(transform(self.short_term.T_world_agent, entry.points))
                labels.append(np.full(len(entry.points), entry.category))
        return Content(cells_at(np.concatenate(points), self.voxel_size_m), np.concatenate(labels))


def _visit(topology: TopologyGraph, frame: Frame, seen: Seen, step: int) -> None:
    topology.visit(frame.T_world_camera[:3, 3].astype(np.float64), seen.descriptor, step, seen.voxel_keys)
    topology.see_all(seen.things, step)
    if len(seen.exits):
        topology.note_exits(seen.exits)


def _recall_later(short_term: ShortTermMemory, frame: Frame, seen: Seen, step: int) -> None:
    short_term.follow(frame.T_world_camera.astype(np.float64))
    short_term.add(np.zeros((1, 3)), step, embedding=seen.descriptor)
    short_term.see_all(seen.things, step)


def _unpack(
    trial: TopologyGraph | ShortTermMemory,
    part: TopologyGraph | ShortTermMemory | None,
    arrays: Mapping[str, np.ndarray],
) -> None:
    if part is not None:
        trial.unpack(arrays)


def _of_octree(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in arrays.items() if not name.startswith(_PREFIXES)}


def _named(stored: Archive) -> tuple[str, ...]:
    """The settings that an archive has to name, and those of the later ones that it does name."""
    return (*_SETTINGS, *(name for name in _LATER_SETTINGS if name in stored.manifest))
