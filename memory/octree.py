"""A sparse voxel map: what is occupied, free and unknown, in which colour, seen when."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int32, Int64

from placecell.arrays import Point, Points, Transform

from .frame import Frame
from .growth import Growth, blocks_of, cells_at
from .upkeep.holdings import Evictable, Holdings, Rows
from .voxel.absorption import absorbed, require_alike
from .voxel.archive import packed, rebuilt, unpacked
from .voxel.block_pool import (
    AGENT_SHIFT,
    BLOCK,
    CELLS,
    PAGE,
    PAYLOAD,
    PLACE,
    empty_pool,
    features_of,
    grown,
)
from .voxel.changes import VoxelChanges
from .voxel.checks import fitting_features, require_agent, require_depths, require_settings, require_step
from .voxel.eviction import by_key, count_use, holdings_of, labels_in, nbytes_of, without
from .voxel.frame_merge import HIT, merge, missing_blocks
from .voxel.frame_reduction import empty_scratch, reduce_colours, reduce_frame, reduce_labels, reduce_points
from .voxel.frame_view import View, view_of, view_of_scan
from .voxel.free_space import carve_frame, carve_points
from .voxel.patch_features import fuse
from .voxel.reader import EVERYWHERE, OctreeReader
from .voxel.state_queries import FREE as FREE
from .voxel.state_queries import OCCUPIED as OCCUPIED
from .voxel.state_queries import UNKNOWN as UNKNOWN
from .voxel.state_queries import indices_of, occupied_handles, payload_rows


class SparseOctree(OctreeReader, Evictable):
    """Voxels by Morton key in hashed 8x8x8 blocks; about 2**20 voxels each way from the origin.

    A voxel is ``UNKNOWN`` until a frame hits it or looks through it, then ``OCCUPIED`` or ``FREE`` by bounded
    evidence: one hit makes free space occupied, three looks through clear a voxel hit once, nine any voxel.
    Counts, positions, colours and times do not depend on the order of frames; evidence lets the later ones
    weigh more.

    An occupied voxel has the label that most frames gave it (each frame one vote, the label of most of the
    voxel's labelled pixels) and a bounded lead of votes; a voxel that becomes free loses both, and keeps the
    rest until :meth:`prune`.

    One octree holds the maps of up to 512 agents, each as if it were alone. Work arrays of the size of a
    frame are kept beside the map; ``nbytes`` does not count them.

    Args:
        voxel_size_m: edge length of a voxel.
        feature_width: of the fused features; 0 keeps none, and ignores those of frames.
        feature_dtype: what they are kept as, ``"float16"`` or ``"float32"``.

    Raises:
        ConfigError: a voxel size that is not positive and finite, or features of another kind.
    """

    def __init__(
        self, voxel_size_m: float = 0.1, feature_width: int = 0, feature_dtype: str = "float16"
    ) -> None:
        require_settings(voxel_size_m, feature_width, feature_dtype)
        self.voxel_size_m = float(voxel_size_m)
        self.feature_width, self.feature_dtype = int(feature_width), feature_dtype
        self._scratch = empty_scratch()
        self._changes = VoxelChanges()
        self.clear()

    def clear(self, agent: int | None = None) -> None:
        """Forgets everything, or everything of one agent."""
        if agent is not None:
            self._clear_one(require_agent(agent))
            return
        self._pool = empty_pool(width=self.feature_width, dtype=self.feature_dtype)
        self._start_anew()

    def insert(
        self,
        frame: Frame,
        max_depth_m: float,
        min_depth_m: float = 0.0,
        step_offset: int = 0,
        *,
        carve: bool = True,
        agent: int = 0,
    ) -> None:
        """Adds what a frame saw: surfaces where pixels end and what they are, free space on the way there.

        A pixel of depth 0, or not above ``min_depth_m``, says nothing. One at or beyond ``max_depth_m``
        carves free space up to that depth and hits nothing. Within the frame a hit wins over any ray that
        passes. A voxel held to be occupied loses evidence only if every pixel over it ends behind it, since
        rays that graze a wall pass through its voxels.

        Args:
            frame: the posed depth image, with or without colour, labels and patch features.
            max_depth_m: planar depth from which a return is no surface.
            min_depth_m: planar depth up to which a return is ignored.
            step_offset: added to the frame's step: the map's clock outlives episodes.
            carve: whether to mark free space; surfaces alone are many times faster.
            agent: whose map it is entered in.

        Raises:
            FrameError: depth that is not finite, points beyond the range of indices, labels that do not fit,
                features of another width than the map's, depth limits that leave nothing, or a step out of
                range. The map is unchanged.
        """
        require_agent(agent)
        require_depths(min_depth_m, max_depth_m)
        step = frame.step + step_offset
        require_step(step)
        labels = frame.label_image()
        features = fitting_features(frame, self.feature_width)
        view = view_of(frame, self.voxel_size_m, min_depth_m, max_depth_m)
        asked = frame.rgb is not None or labels is not None or features is not None
        rows = self._room_for_pixels(view.depth.shape, keep=asked)
        self._scratch = reduce_frame(view, self._scratch, rows)
        if carve:
            self._scratch = carve_frame(view, self._scratch)
        flat = rows.reshape(-1)
        if frame.rgb is not None:
            reduce_colours(self._scratch, flat, np.ascontiguousarray(frame.rgb).reshape(-1, 3))
        if labels is not None:
            reduce_labels(self._scratch, flat, labels.reshape(-1))
        into = self._merge(view, agent, frame.rgb is not None, labels is not None, step)
        if features is not None:
            fuse(features_of(self._pool), self._pool.weight, into, rows, features)

    def insert_points(
        self, points: Points, origin: Point | None = None, *, step: int = 0, agent: int = 0
    ) -> None:
        """Adds a scan, as of a laser: surfaces where its points are, free space from the origin to them.

        Within the scan a hit wins over any ray that passes. Unlike a frame's, one ray through a voxel is
        evidence that it is free.

        Args:
            points: (n, 3) metres, world frame.
            origin: (3,) where the sensor was; without it no free space is marked.
            step: when it was taken, by the map's clock.
            agent: whose map it is entered in.

        Raises:
            FrameError: points or an origin that are not finite or beyond the range of indices, or a step out
                of range. The map is unchanged.
        """
        require_agent(agent)
        require_step(step)
        view = view_of_scan(points, origin, self.voxel_size_m)
        axes = np.ascontiguousarray(points.T, np.float64)
        rows = self._room_for_pixels((1, len(points)))[0]
        self._scratch = reduce_points(axes, self.voxel_size_m, self._scratch, rows)
        if origin is not None:
            self._scratch = carve_points(axes, view.origin, self.voxel_size_m, self._scratch)
        self._merge(view, agent, False, False, step)

    def absorb(self, other: "SparseOctree", T_this_other: Transform, *, step_offset: int = 0) -> None:
        """Takes in what another map of the same place holds, agent by agent.

        A translation by whole voxels loses nothing: counts, colours and votes add up, times are the later
        ones; evidence adds up within its bounds, but for free space beside a surface. By any other transform
        surfaces go where their mean points come to lie, and free space is sampled anew.

        Args:
            other: of voxels and features of the same size; unchanged.
            T_this_other: (4, 4) the other's points, in this map.
            step_offset: added to the other's steps.

        Raises:
            FrameError: no rigid transform, or steps out of range.
            PlacecellError: voxels or features of another size, or beyond the range of indices. The map is
                unchanged.
        """
        require_alike(self.voxel_size_m, other.voxel_size_m, self.feature_width, other.feature_width)
        self._pool = absorbed(self._pool, other._pool, T_this_other, self.voxel_size_m, step_offset)
        self._start_anew()

    def prune(self) -> int:
        """Gives up what is held of voxels that are no longer occupied, and blocks of which nothing is known.

        No answer about occupied, free and unknown changes; handles do.

        Returns:
            Of how many voxels something was given up.
        """
        pool, (used, pages) = self._pool, self._pool.counts
        known = pool.cells[:used].any(1)
        lost = int(np.count_nonzero(pool.evidence[: PAGE * pages] < 0))
        slots = np.flatnonzero(known)
        for agent in np.unique(pool.keys[:used][~known] >> AGENT_SHIFT).tolist():
            # A reader who has not yet heard that such a block emptied would never hear of it.
            self._changes.start_agent(agent)
        self._pool = rebuilt(pool, slots[np.argsort(pool.keys[slots])], only_occupied=True)
        return lost

    def decay(self, before_step: int, agent: int = 0) -> int:
        """Lets surfaces fade that were not seen for long: those last seen before a step of the map's clock.

        Each loses what one frame adds to its evidence; one that has none left becomes unknown, and what was
        held of it is deleted. What is seen through becomes free by :meth:`insert` alone.

        Returns:
            How many voxels became unknown.
        """
        pool, slots = self._pool, self._slots_of(require_agent(agent))
        handles = occupied_handles(pool, slots, *EVERYWHERE)
        rows = payload_rows(pool, handles)
        old = pool.last_hit[rows] <= before_step
        handles, rows = handles[old], rows[old]
        pool.evidence[rows] = np.maximum(pool.evidence[rows] - HIT, 0)
        gone = pool.evidence[rows] == 0
        if not gone.any():
            return 0
        change = self._changes.tick()
        self._changes.labels_of(agent)[pool.label[rows[gone]]] = change
        pool.changed[handles[gone] // CELLS] = change
        self._pool = rebuilt(pool, np.arange(pool.counts[0]))
        return int(np.count_nonzero(gone))

    def last_change(self, category: int, agent: int = 0) -> int:
        """A number that differs from an earlier one whenever :meth:`labelled` may give something else."""
        return self._changes.last_change(category, require_agent(agent))

    def forget_labels(self, agent: int | None = None) -> None:
        """Keeps surfaces, colours and free space, and forgets what they belong to; for all, or one agent."""
        for one in self._agents() if agent is None else [require_agent(agent)]:
            slots = self._slots_of(one)
            handles = occupied_handles(self._pool, slots, *EVERYWHERE)
            rows = payload_rows(self._pool, handles)
            labelled = self._pool.label[rows] > 0
            self._pool.label[rows], self._pool.votes[rows] = 0, 0
            self._pool.changed[handles[labelled] // CELLS] = self._changes.tick()
            self._changes.forget_labels(one)

    def growth(self, since: int = 0, *, agent: int = 0) -> Growth:
        """The blocks of which a voxel became occupied or free, or got another label, after ``since``.

        After :meth:`clear` and :meth:`unpack` it begins anew, and holds everything. Free space is not in it.

        Args:
            since: the ``clock`` of an earlier growth of this octree and agent; 0 gives everything.
            agent: whose map.
        """
        changes, pool, slots = self._changes, self._pool, self._slots_of(require_agent(agent))
        restart = changes.restarts(since, agent)
        slots = slots[pool.changed[slots] > (0 if restart else since)]
        handles = occupied_handles(pool, slots, *EVERYWHERE)
        if restart:
            slots = slots[np.isin(slots, handles // CELLS)]
        keys = np.union1d(pool.keys[slots], changes.gone_since(changes.clock if restart else since, agent))
        return Growth(
            clock=changes.clock,
            cell_m=self.voxel_size_m,
            blocks=blocks_of(keys & PLACE),
            cells=indices_of(pool, handles).astype(np.int32),
            labels=pool.label[payload_rows(pool, handles)],
            restart=restart,
        )

    def note_use(self, points: Points, agent: int = 0) -> None:
        """Something at each of these points, (n, 3) metres, was given: its block counts one use more."""
        count_use(self._pool, cells_at(points, self.voxel_size_m) // BLOCK, require_agent(agent))

    def holdings(self) -> Holdings:
        """A row is a block of 8x8x8 voxels of any agent; by rising key. Its items are its occupied voxels.

        It was last seen when a frame last reached it, free space alone as well. A block is the more redundant
        the fewer occupied and labelled voxels it has for its bytes: those of free space alone go first.
        """
        return holdings_of(self._pool, self.voxel_size_m)

    def drop(self, rows: Rows) -> None:
        """Blocks become unknown; handles change. Readers of :meth:`growth` see them empty.

        Of the latest 16,384 that is; a reader who missed more begins anew.
        """
        if len(rows) == 0:
            return
        pool, slots = self._pool, by_key(self._pool)[rows]
        change, owners = self._changes.tick(), pool.keys[slots] >> AGENT_SHIFT
        for agent in np.unique(owners).tolist():
            self._changes.labels_of(agent)[labels_in(pool, slots[owners == agent])] = change
        self._changes.note_gone(pool.keys[slots[pool.changed[slots] > 0]])
        self._pool = without(pool, slots)

    @property
    def items(self) -> int:
        """How many voxels are occupied, as :func:`len` says."""
        return len(self)

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks and the rows in use and of their index."""
        return nbytes_of(self._pool)

    @property
    def payload_nbytes(self) -> int:
        """Bytes of what is held of the occupied voxels."""
        return len(self) * sum(getattr(self._pool, name)[:1].nbytes for name in PAYLOAD)

    @property
    def index_nbytes(self) -> int:
        """All other bytes: what finding those and knowing free from unknown costs, and slack."""
        return self.nbytes - self.payload_nbytes

    def pack(self) -> dict[str, np.ndarray]:
        """The content as arrays, voxels by rising key: maps that answer alike pack alike."""
        used = int(self._pool.counts[0])
        known = np.flatnonzero(self._pool.cells[:used].any(1))
        return packed(self._pool, known[np.argsort(self._pool.keys[known])])

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Replaces the content by what :meth:`pack` gave, or a map of before it kept rows.

        Raises:
            ArchiveError: arrays that are missing or of another type or shape, or that do not hold together.
                The map is unchanged.
        """
        self._pool = unpacked(arrays, self.feature_width, self.feature_dtype)
        self._start_anew()

    def __len__(self) -> int:
        """How many voxels are occupied, in the maps of all agents."""
        return int(np.count_nonzero(self._pool.evidence[: PAGE * self._pool.counts[1]] > 0))

    def _merge(
        self, view: View, agent: int, coloured: bool, labelled: bool, step: int
    ) -> Int64[np.ndarray, " n"]:
        """Enters what the work arrays say; the pool's row of each of their rows."""
        blocks, rows = self._scratch.counts.tolist()
        used, pages = self._pool.counts.tolist()
        added = blocks
        if used + blocks > len(self._pool.keys):
            added = missing_blocks(self._pool, self._scratch, agent)
        self._pool = grown(self._pool, used + added, pages + blocks + rows // PAGE, agent + 1)
        change = self._changes.tick()
        most = int(self._scratch.labels[:rows].max(initial=0)) if labelled else 0
        of_labels = self._changes.labels_of(agent, most)
        into: Int64[np.ndarray, " n"] = merge(
            self._pool, self._scratch, view, agent, coloured, labelled, step, of_labels, change
        )
        return into

    def _room_for_pixels(self, shape: tuple[int, int], keep: bool = True) -> Int32[np.ndarray, "_ w"]:
        """Room for each pixel's row, in work arrays that can take as many; for one line if not kept."""
        height, width = shape
        if height * width > len(self._scratch.at):
            self._scratch = empty_scratch(height * width)
        lines = height if keep else min(1, height)
        return self._scratch.pixels[: lines * width].reshape(lines, width)

    def _start_anew(self) -> None:
        """After all maps were replaced: readers and those who count changes of labels begin again."""
        pool, used = self._pool, int(self._pool.counts[0])
        pool.changed[:used] = self._changes.start_anew()
        for agent in self._agents():
            handles = occupied_handles(pool, self._slots_of(agent), *EVERYWHERE)
            self._changes.labels_of(agent, int(pool.label[payload_rows(pool, handles)].max(initial=0)))

    def _clear_one(self, agent: int) -> None:
        used = int(self._pool.counts[0])
        self._pool = rebuilt(self._pool, np.flatnonzero(self._pool.keys[:used] >> AGENT_SHIFT != agent))
        self._changes.start_agent(agent)
        self._changes.clear_labels(agent)

    def _agents(self) -> list[int]:
        keys = self._pool.keys[: self._pool.counts[0]]
        found: list[int] = np.unique(keys >> AGENT_SHIFT).tolist()
        return found

    def _slots_of(self, agent: int) -> Int64[np.ndarray, " b"]:
        """The slots of an agent's blocks, by rising key."""
        keys = self._pool.keys[: self._pool.counts[0]]
        slots = np.flatnonzero(keys >> AGENT_SHIFT == agent)
        return slots[np.argsort(keys[slots])]
