"""The face of the spatial memory: write frames, ask what is around a place, save and load."""

from collections.abc import Mapping

import numpy as np

from placecell.arrays import Point, Transform
from placecell.errors import ArchiveError, ConfigError
from placecell.geometry import require_rigid

from . import archive
from .archive import Archive
from .budget import Budget, Upkeep
from .clock import Clock
from .frame import Frame
from .graph.place_graph import PlaceGraph
from .growth import Growth
from .memory import Memory, Start
from .noted_growth import NotedGrowth
from .recall.recollection import Recollection
from .retrieval import Gate, Query, Retrieval
from .sight import descriptor
from .sight.embedding_widths import EmbeddingWidths
from .sight.intake import Intake
from .sight.seen import NO_SPREADS, WIDTH, Spreads, seen_in
from .spatial.noted import noted_content
from .spatial.parts import Parts, leaf_of
from .spatial.settings import SpatialSettings, named
from .upkeep.usage import Dropped, Usage

_FARTHEST_M = 1000.0
_SPREADS, _WIDTHS = "sight.spreads", "sight.widths"


class SpatialMemory(Memory):
    """Remembers surfaces, free space, labels, places, what was seen of late, and every view for good.

    Four parts, each of which can be switched off: an octree of voxels (``octree``), a graph of places and
    landmarks (``topology``), a short-term memory (``short_term``), and a long-term memory of observations
    (``long_term``). A part that is off is None, and the others answer without it. Where the octree knows a
    thing its answer stands; the others add what it lacks.

    Args:
        voxel_size_m: edge length of a voxel.
        max_depth_m: planar depth from which a return is no surface, and to which free space is carved.
        min_depth_m: planar depth up to which a return is ignored.
        octree: whether there is one.
        topology: whether there is a graph.
        short_term: whether there is a short-term memory.
        feature_width: of the frames' patch features, which the octree then keeps a voxel; 0: it keeps none.
        short_term_capacity: entries of the short-term memory.
        long_term: whether there is a long-term memory, which answers what is asked by embedding.
        long_term_tokens: how it keeps observations; see :class:`~placecell.memory.LongTermMemory`.
        leaf_level: an observation belongs to the cell, ``2**leaf_level`` voxels wide, that the camera was in.
        gate: the cosine from which the short term alone answers an embedding; below it all else does.
        encoder: name of the model that the frames' embeddings are of; empty: none, or the built-in
            descriptor of views. Memories of two encoders do not mix.
        max_bytes: cap of what is held; None: none.
        max_items: likewise, of occupied voxels, places, landmarks and observations.
        max_prompt_tokens: of the text that a retrieval is told in, for whoever calls ``describe``.
        budget_policy: what goes first under a cap; see :class:`~placecell.memory.Budget`.

    Raises:
        ConfigError: depths that are not 0 <= min < max < infinity, a voxel size that is not positive, no part
            at all, a gate that is no cosine, or a cap that is smaller than one item.
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
        *,
        long_term: bool = True,
        long_term_tokens: str = "flat",
        leaf_level: int = 4,
        gate: float = 0.9,
        encoder: str = "",
        max_bytes: int | None = None,
        max_items: int | None = None,
        max_prompt_tokens: int | None = None,
        budget_policy: str = "oldest",
    ) -> None:
        self.settings = SpatialSettings(
            voxel_size_m=float(voxel_size_m),
            max_depth_m=float(max_depth_m),
            min_depth_m=float(min_depth_m),
            octree=bool(octree),
            topology=bool(topology),
            short_term=bool(short_term),
            feature_width=int(feature_width),
            short_term_capacity=int(short_term_capacity),
            long_term=bool(long_term),
            long_term_tokens=long_term_tokens,
            leaf_level=int(leaf_level),
            gate=float(gate),
            encoder=encoder,
            max_bytes=max_bytes,
            max_items=max_items,
            max_prompt_tokens=max_prompt_tokens,
            budget_policy=budget_policy,
        )
        self.max_depth_m, self.min_depth_m = self.settings.max_depth_m, self.settings.min_depth_m
        self.feature_width, self.encoder = self.settings.feature_width, encoder
        self.short_term_capacity = self.settings.short_term_capacity
        self._parts = Parts.built(self.settings)
        self.octree, self.topology = self._parts.octree, self._parts.topology
        self.short_term, self.long_term = self._parts.short_term, self._parts.long_term
        depths = min(self.max_depth_m, _FARTHEST_M), min(self.min_depth_m, _FARTHEST_M / 2)
        self._intake = Intake(WIDTH, self.settings.voxel_size_m, *depths)
        self.voxel_size_m, self.budget = self._intake.voxel_size_m, self.settings.budget()
        self._recollection = Recollection(
            self.octree,
            self.topology,
            self.short_term,
            self.voxel_size_m,
            self.feature_width,
            self.long_term,
            Gate(self.settings.gate),
            self.budget.asks_for_uses,
        )
        self._upkeep = Upkeep(self.budget)
        self._upkeep.require_room(*self._parts.least(EmbeddingWidths()))
        self._clock, self._noted = Clock(), NotedGrowth(self.voxel_size_m)
        self._spreads = NO_SPREADS

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            self._parts.clear()
            self._upkeep.clear()
            self._recollection.widths, self._spreads = EmbeddingWidths(), NO_SPREADS
            self._noted.start_anew()
        elif self.topology is not None:
            self.topology.begin_walk()

    def write(self, frame: Frame) -> None:
        """Maps the frame's surfaces, colours, labels and free space; notes the place and what is seen of it.

        Under a budget it then drops what goes first, so that no cap is ever exceeded.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
            ConfigError: a budget that is spent by what vectors of the first frame's width take in the short
                term; the memory is as it was before.
        """
        # All that can be refused is, before any part has changed. A frame is checked when it is made, but may
        # have been written to since.
        if not bool(np.isfinite(frame.T_world_camera).all()):
            require_rigid(frame.T_world_camera)
        seen, leaf = None, 0
        if self.long_term is not None:
            leaf = leaf_of(frame, self.voxel_size_m, self.settings.leaf_level)
        if self._parts.need_sight:
            widths = self._recollection.widths.after(frame)
            seen = seen_in(frame, self._intake, self._spreads)
            self._require_room(widths)
            self._parts.require_fit(frame, seen, leaf, self.settings)
        if self.octree is not None:
            self.octree.insert(frame, self.max_depth_m, self.min_depth_m, self._clock.episode_start)
        self._clock.tick(frame.step)
        if seen is not None:
            self._recollection.widths, self._spreads = widths, seen.spreads
            self._parts.take(frame, seen, self._clock.at(frame.step), leaf)
        self._keep_within_budget(frame.T_world_camera[:3, 3].astype(np.float64))

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """At most ``k`` items within the query's radius, the best first; each says which part it came from.

        - With a category: the objects that the octree's voxels of that label make up, the surest first, and
          the landmarks and short-term entries of it that the octree neither has nor sees to be gone.
        - Without: the ``k`` occupied voxels that are nearest; where those are fewer, also the places and
          the short-term entries.
        - With an embedding alone: by the cosine with it (below 0: 0), as far as the parts hold vectors of its
          width. Where there is a long-term memory, the :class:`~placecell.memory.Gate` decides whether the
          short term answers or all else does: observations, places, landmarks and voxels. Without one, all
          do. Of the views from one spot the best is given.
        - With both: the category's objects take over the embedding and the cosine of the landmark or entry at
          which they lie.

        What is given counts as used, as does a short-term entry that lies at something that is: it stays for
        longer. Blocks of the octree count only where ``budget_policy`` is ``"least_used"``. Nothing else
        changes by asking.

        Raises:
            PlacecellError: ``k`` below 1, or an embedding of a width that nothing here has.
        """
        return self._recollection.answer(query, k, self._clock.now)

    def absorb(self, other: "SpatialMemory", T_this_other: Transform) -> None:
        """Takes in what another memory of the same place holds, as if it had been written after this one.

        What becomes of map, graph and observations: see the parts' ``absorb``. The short term is the other's,
        which is the later; the books of :meth:`usage` stay this one's.

        Args:
            other: unchanged.
            T_this_other: (4, 4) the other's points, in this memory's frame.

        Raises:
            FrameError: no rigid transform, or steps or points out of range.
            PlacecellError: a memory of other settings, another encoder or another width of embeddings, or
                (``ConfigError``) a budget that has no room for them. In any case the memory is as it was
                before.
        """
        require_rigid(T_this_other, "T_this_other")
        self.settings.require_like(other.settings)
        widths = self._recollection.widths.plus(other._recollection.widths)
        self._parts.require_reach(other._parts, T_this_other)
        if other._clock.now < 0:
            return
        self._require_room(widths)
        T, offset = T_this_other.astype(np.float64), self._clock.now + 1
        self._parts.absorb(other._parts, T, self.settings, offset)
        self._recollection.widths, self._spreads = widths, self._spreads.plus(other._spreads)
        self._clock.now, self._clock.episode_start = (
            offset + other._clock.now,
            offset + other._clock.episode_start,
        )
        pose = T if self.short_term is None else self.short_term.T_world_agent
        self._keep_within_budget(pose[:3, 3])

    def forget_labels(self) -> None:
        """Keeps the map and the places and forgets what things are; landmarks are nothing else.

        The long term keeps its observations, for what they answer is where a view was had. Those of the
        built-in descriptor also say which labels were in it: that part of them becomes zeros (of tokens of
        many observations, which have no such part, nothing is kept). Encoders' embeddings stay as they are.
        """
        self._spreads = NO_SPREADS
        self._parts.forget_labels(not self.encoder and self._recollection.widths.place == descriptor.WIDTH)

    def stats(self) -> dict[str, float]:
        """``bytes`` of content and index, ``items``: occupied voxels, places, landmarks, entries and rows.

        Beside these sums the same for each part that there is, for example ``octree_bytes``; and
        ``dropped_bytes`` and ``dropped_items``, what the budget made it drop since it was empty.
        """
        parts, lost = self._parts.stats(), self.usage().dropped_in_all
        sums = {
            what: sum(value for name, value in parts.items() if name.endswith(what))
            for what in ("bytes", "items")
        }
        dropped = {"dropped_bytes": float(lost.nbytes), "dropped_items": float(lost.items)}
        return {**sums, **parts, **dropped}

    def trim(self, budget: Budget, position: Point) -> Mapping[str, Dropped]:
        """Drops, this once, what another budget than its own has no room for; see :meth:`usage`.

        Args:
            budget: the other.
            position: (3,) where the agent counts as being, metres, world frame.

        Returns:
            What went, of each part of which something did.

        Raises:
            ConfigError: a budget without room for what always remains, or a position that is not finite.
                Nothing is dropped.
        """
        empty = sum(part.nbytes for part in Parts.built(self.settings).evictable.values())
        return self._upkeep.trim(
            budget, self._parts.evictable, position, fixed=self._parts.fixed, empty_bytes=empty
        )

    def usage(self) -> Usage:
        """How much was held as it went on, and what was dropped of which part."""
        return self._upkeep.usage()

    def growth(self, since: int = 0) -> Growth:
        """The octree's; see :meth:`SparseOctree.growth`. Without one: the cells of landmarks, places and
        entries; of a long-term memory alone those of its observations.
        """
        if self.octree is not None:
            return self.octree.growth(since)
        return self._noted.growth(since, noted_content(self._parts, self.voxel_size_m))

    def places(self) -> PlaceGraph:
        """The graph's places and edges."""
        return PlaceGraph.nothing() if self.topology is None else self.topology.drawn()

    def pack(self) -> Archive:
        """A snapshot of settings, clock and all parts."""
        arrays = {**self._parts.pack(), **self._upkeep.pack()}
        if self._parts.need_sight:
            arrays[_SPREADS] = self._spreads.array()
            arrays[_WIDTHS] = self._recollection.widths.array()
        manifest = {**self.settings.manifest(), **self._clock.pack()}
        return Archive(type(self).__name__, manifest, arrays)

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave; the parts stay the same objects.

        What an archive of before there was a part does not hold is empty. The gate and the budget stay this
        memory's own; what is over a cap goes with the next write.

        Raises:
            ArchiveError: an archive of another class, of other settings of what is held, or of another
                encoder, or one that does not hold together, or whose vectors this budget has no room for; the
                memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        self.settings.require_those_of(stored)
        clock = Clock.read(stored.manifest)
        spreads, widths = NO_SPREADS, EmbeddingWidths()
        later = ("topology", "short_term", "long_term")
        held = [name for name in later if stored.manifest.get(name)]
        if held:
            spreads = Spreads.read(stored.arrays, _SPREADS)
            widths = EmbeddingWidths.read(stored.arrays, _WIDTHS)
        upkeep = Upkeep(self.budget)
        upkeep.unpack(stored.arrays)
        self._parts.require_whole(stored.arrays, held, self.settings, widths)
        self._recollection.widths.require_same(widths)
        try:
            self._require_room(widths)
        except ConfigError as error:
            raise ArchiveError(expected=error.expected, came=error.came, fix=error.fix) from error
        self._parts.unpack(stored.arrays, held)
        self._upkeep = upkeep
        self._clock, self._recollection.widths, self._spreads = clock, widths, spreads
        self._noted.start_anew()

    @classmethod
    def for_archive(cls, stored: Archive) -> "SpatialMemory":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, named(stored))

    def _require_room(self, widths: EmbeddingWidths) -> None:
        """Raises :class:`ConfigError` for a budget that vectors of other widths than so far spend."""
        if widths != self._recollection.widths and self.budget.caps_content:
            self._upkeep.require_room(*Parts.built(self.settings).least(widths))

    def _keep_within_budget(self, at: Point) -> None:
        nbytes, items = self._parts.fixed
        self._upkeep.enforce(
            self._parts.evictable, self._clock.now, at, fixed_bytes=nbytes, fixed_items=items
        )
