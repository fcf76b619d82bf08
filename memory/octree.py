"""A sparse voxel map: what is occupied, free and unknown, in which colour, seen when."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64, Int8, Int64

from placecell.arrays import Point, Points
from placecell.errors import ConfigError, FrameError

from . import morton
from .archive import damaged
from .block_pool import CELLS, LABELS, PAYLOAD, BlockPool, count_missing, empty_pool, grown, index_blocks
from .frame import MOST_LABEL, Frame
from .frame_merge import MOST_VOTES, merge
from .frame_reduction import BAD_DEPTH, OUT_OF_RANGE, View, reduce_frame
from .growth import Growth, blocks_of
from .retrieval import require_k
from .voxel_queries import FREE as FREE
from .voxel_queries import OCCUPIED as OCCUPIED
from .voxel_queries import UNKNOWN as UNKNOWN
from .voxel_queries import fill_states, nearest_rows, occupied_rows, rows_at, slots_in_box, states_at
from .voxels import Voxels

Index = Int64[np.ndarray, "3"]
Indices = Int64[np.ndarray, "n 3"]

_EVERYWHERE = np.array([[-morton.SIGN_OFFSET] * 3, [morton.SIGN_OFFSET] * 3])
_NO_COLOUR, _NO_LABELS = np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.uint16)


class SparseOctree:
    """Voxels by Morton key in hashed 8x8x8 blocks; about 2**20 voxels each way from the origin.

    A voxel is ``UNKNOWN`` until a frame hits it or looks through it, then ``OCCUPIED`` or ``FREE`` by bounded
    evidence: one hit makes free space occupied, three looks through clear a voxel hit once, nine any voxel.
    Counts, colours and times do not depend on the order of frames; evidence lets the later ones weigh more.

    An occupied voxel has the label that most frames gave it (each frame one vote, the label of most of the
    voxel's labelled pixels) and a bounded lead of votes; a voxel that becomes free loses both.

    Args:
        voxel_size_m: edge length of a voxel.

    Raises:
        ConfigError: a voxel size that is not positive and finite.
    """

    def __init__(self, voxel_size_m: float = 0.1) -> None:
        if not 0 < voxel_size_m < float("inf"):
            raise ConfigError(
                expected="a voxel size above 0 and finite",
                came=f"{voxel_size_m:g}",
                fix="pass voxel_size_m in metres, for example 0.1 indoors",
            )
        self.voxel_size_m = float(voxel_size_m)
        self._change, self._changed, self._started = 0, np.zeros(1, np.int64), 0
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._pool: BlockPool = empty_pool()
        self._used = 0
        self._touch_all_labels()
        self._started = self._change

    def insert(
        self, frame: Frame, max_depth_m: float, min_depth_m: float = 0.0, step_offset: int = 0
    ) -> None:
        """Adds what a frame saw: surfaces where pixels end and what they are, free space on the way there.

        A pixel of depth 0, or not above ``min_depth_m``, says nothing. One at or beyond ``max_depth_m``
        carves free space up to that depth and hits nothing. Within the frame a hit wins over any ray that
        passes. A voxel held to be occupied loses evidence only if every pixel over it ends behind it, since
        rays that graze a wall pass through its voxels.

        Args:
            frame: the posed depth image, with or without colour and labels.
            max_depth_m: planar depth from which a return is no surface.
            min_depth_m: planar depth up to which a return is ignored.
            step_offset: added to the frame's step: the map's clock outlives episodes.

        Raises:
            FrameError: depth that is not finite, points beyond the range of indices, or labels that do not
                fit. The map is unchanged.
        """
        labels = frame.label_image()
        view = View(
            np.ascontiguousarray(frame.depth, np.float32),
            _NO_COLOUR if frame.rgb is None else np.ascontiguousarray(frame.rgb),
            _NO_LABELS if labels is None else labels,
            np.ascontiguousarray(frame.T_world_camera[:3, :3], np.float64),
            np.ascontiguousarray(frame.T_world_camera[:3, 3], np.float64),
            float(frame.camera.fx),
            float(frame.camera.fy),
            float(frame.camera.cx),
            float(frame.camera.cy),
            self.voxel_size_m,
            float(min_depth_m),
            float(max_depth_m),
        )
        reduction = reduce_frame(view)
        self._refuse(reduction.status)
        missing = count_missing(self._pool.hash_keys, reduction.keys, reduction.used)
        self._pool = grown(self._pool, self._used, self._used + missing)
        self._change += 1
        if labels is not None and (more := int(labels.max()) + 1 - len(self._changed)) > 0:
            self._changed = np.pad(self._changed, (0, more))
        step = frame.step + step_offset
        self._used = merge(self._pool, self._used, reduction, view, step, self._changed, self._change)

    def _refuse(self, status: int) -> None:
        if status == BAD_DEPTH:
            raise FrameError(
                expected="depth in metres, finite and not negative",
                came="a NaN, infinite or negative pixel",
                fix="set invalid pixels to 0 before writing the frame",
            )
        if status == OUT_OF_RANGE:
            raise FrameError(
                expected=f"points within {self.voxel_size_m * morton.SIGN_OFFSET:.0f} m of the origin",
                came="a camera or a point beyond",
                fix="move the world's origin closer, or use larger voxels",
            )

    def index_of(self, points: Points) -> Indices:
        """(n, 3) the voxel that holds each point: floor(point / voxel size)."""
        return np.floor(points / self.voxel_size_m).astype(np.int64)

    def centre_of(self, indices: Indices) -> Float64[np.ndarray, "n 3"]:
        """(n, 3) the middle of each voxel, metres, world frame."""
        return (indices + 0.5) * self.voxel_size_m

    def state(self, points: Points) -> Int8[np.ndarray, " n"]:
        """(n,) ``UNKNOWN``, ``FREE`` or ``OCCUPIED`` at each world point."""
        return states_at(self._pool, self.index_of(points))

    def states_in_box(self, lower: Index, upper: Index) -> Int8[np.ndarray, "x y z"]:
        """The dense states of the voxels with indices in [lower, upper)."""
        states = np.zeros(np.maximum(upper - lower, 0), np.int8)
        fill_states(self._pool, lower, states)
        return states

    def occupied(self) -> Indices:
        """(n, 3) the indices of all occupied voxels, by rising Morton key."""
        return self._indices(self._occupied_rows(*_EVERYWHERE))

    def box(self, lower_m: Point, upper_m: Point) -> Voxels:
        """The occupied voxels whose centres lie in the world box [lower, upper), by rising Morton key."""
        low, high = (
            np.clip(np.ceil(corner / self.voxel_size_m - 0.5), *_EVERYWHERE).astype(np.int64)
            for corner in (lower_m, upper_m)
        )
        return self._voxels(self._occupied_rows(low, high))

    def nearest(self, point: Point, k: int, radius_m: float) -> tuple[Voxels, Float64[np.ndarray, " n"]]:
        """The occupied voxels whose centres are nearest, at most ``k`` and none beyond the radius.

        Returns:
            The voxels, nearest first (ties by Morton key), and their distances (n,) in metres.

        Raises:
            PlacecellError: ``k`` below 1.
        """
        require_k(k)
        rows, distances = nearest_rows(
            self._pool, self._used, np.asarray(point, np.float64), k, float(radius_m), self.voxel_size_m
        )
        return self._voxels(rows), distances

    def labelled(self, category: int) -> Voxels:
        """The occupied voxels of a category, by rising Morton key; none for 0, which is no category."""
        if not 0 < category <= MOST_LABEL:
            return self._voxels(np.zeros(0, np.int64))
        rows = np.flatnonzero(self._pool.label[: self._used].ravel() == np.uint16(category))
        keys = (self._pool.keys[rows // CELLS] << 9) | (rows % CELLS)
        return self._voxels(rows[np.argsort(keys)])

    def last_change(self, category: int) -> int:
        """A number that differs from an earlier one whenever :meth:`labelled` may give something else."""
        return int(self._changed[category]) if 0 < category < len(self._changed) else 0

    def forget_labels(self) -> None:
        """Keeps surfaces, colours and free space, and forgets what they belong to."""
        labelled = np.flatnonzero(self._pool.label[: self._used].any(1))
        self._pool.label[: self._used], self._pool.votes[: self._used] = 0, 0
        self._touch_all_labels()
        self._pool.changed[labelled] = self._change

    def growth(self, since: int = 0) -> Growth:
        """The blocks of which a voxel became occupied or free, or got another label, after ``since``.

        After :meth:`clear` and :meth:`unpack` it begins anew, and holds everything. Free space is not in it.

        Args:
            since: the ``clock`` of an earlier growth of this octree; 0 gives everything.
        """
        restart, pool = not self._started <= since <= self._change, self._pool
        slots = np.flatnonzero(pool.changed[: self._used] > (0 if restart else since))
        if restart:
            slots = slots[(pool.evidence[slots] > 0).any(1)]
        slots = slots[np.argsort(pool.keys[slots])]
        rows = occupied_rows(pool, slots, *_EVERYWHERE)
        return Growth(
            clock=self._change,
            cell_m=self.voxel_size_m,
            blocks=blocks_of(pool.keys[slots]),
            cells=self._indices(rows).astype(np.int32),
            labels=pool.label.reshape(-1)[rows],
            restart=restart,
        )

    def read(self, indices: Indices) -> Voxels:
        """What is held of these voxels, in their order; zeros and ``last_seen`` -1 where nothing is."""
        return self._voxels(rows_at(self._pool, indices), indices)

    def bounds(self) -> tuple[Index, Index]:
        """The index range [lower, upper) of all voxels that are not unknown; (0, 0, 0) twice if none."""
        return self._pool.extent[0].copy(), self._pool.extent[1].copy()

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks in use and of their index."""
        blocks = sum(getattr(self._pool, name)[: self._used].nbytes for name in PAYLOAD)
        blocks += self._pool.changed[: self._used].nbytes
        return blocks + self._pool.hash_keys.nbytes + self._pool.hash_slots.nbytes

    def pack(self) -> dict[str, np.ndarray]:
        """The content as arrays, blocks by rising key: maps that answer alike pack alike."""
        order = np.argsort(self._pool.keys[: self._used])
        arrays = {name: getattr(self._pool, name)[: self._used][order] for name in PAYLOAD}
        return {**arrays, "extent": self._pool.extent.copy()}

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Replaces the content by what :meth:`pack` gave.

        Raises:
            ArchiveError: arrays that are missing or of another type or shape. The map is unchanged.
        """
        used = len(arrays["keys"]) if "keys" in arrays and arrays["keys"].ndim == 1 else 0
        pool = empty_pool(used)
        for name in (*PAYLOAD, "extent"):
            wanted = getattr(pool, name)[:used] if name in PAYLOAD else pool.extent
            if name in LABELS and not arrays.keys() & set(LABELS):
                continue  # an archive of before there were labels has none
            if name not in arrays or (arrays[name].dtype, arrays[name].shape) != (wanted.dtype, wanted.shape):
                came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
                raise damaged(f"{name} of {wanted.dtype} {wanted.shape}", came)
            wanted[:] = arrays[name]
        if len(np.unique(pool.keys[:used])) < used or (used and int(pool.keys[:used].min()) < 0):
            raise damaged("block keys that differ", "one twice, or a negative one")
        if bool(((pool.label > 0) != (pool.votes > 0)).any()) or int(pool.votes.max()) > MOST_VOTES:
            raise damaged(f"1 to {MOST_VOTES} votes where there is a label", "others")
        if bool((pool.evidence[pool.label > 0] <= 0).any()):
            raise damaged("labels of occupied voxels", "that of a free one")
        index_blocks(pool.hash_keys, pool.hash_slots, pool.keys, used)
        self._pool, self._used = pool, used
        self._touch_all_labels()
        self._pool.changed[:used] = self._started = self._change

    def __len__(self) -> int:
        """How many voxels are occupied."""
        return int(np.count_nonzero(self._pool.evidence[: self._used] > 0))

    def _touch_all_labels(self) -> None:
        self._change += 1
        self._changed = np.full(1 + int(self._pool.label[: self._used].max(initial=0)), self._change)

    def _occupied_rows(self, lower: Index, upper: Index) -> Int64[np.ndarray, " n"]:
        slots = slots_in_box(self._pool, self._used, lower, upper)
        return occupied_rows(self._pool, slots[np.argsort(self._pool.keys[slots])], lower, upper)

    def _indices(self, rows: Int64[np.ndarray, " n"]) -> Indices:
        return morton.decode((self._pool.keys[rows // CELLS] << 9) | (rows % CELLS))

    def _voxels(self, rows: Int64[np.ndarray, " n"], indices: Indices | None = None) -> Voxels:
        pool, (slot, cell), held = self._pool, np.divmod(rows, CELLS), rows >= 0
        sums = np.where(held[:, None], pool.colour[slot, cell], 0).astype(np.int64)
        frames = np.maximum(sums[:, 3:], 1)
        found = self._indices(rows) if indices is None else indices
        return Voxels(
            indices=found,
            centres=self.centre_of(found),
            hits=np.where(held, pool.hits[slot, cell], 0).astype(np.int64),
            misses=np.where(held, pool.misses[slot, cell], 0).astype(np.int64),
            colours=((2 * sums[:, :3] + frames) // (2 * frames)).astype(np.uint8),
            coloured=sums[:, 3] > 0,
            last_seen=np.where(held, pool.last_hit[slot, cell], 0).astype(np.int64) - 1,
            labels=np.where(held, pool.label[slot, cell], 0).astype(np.int64),
            votes=np.where(held, pool.votes[slot, cell], 0).astype(np.int64),
        )
