"""A plain list of frames: the simplest memory that can answer anything, and the dearest to ask."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int64

from placecell.arrays import Points
from placecell.errors import ConfigError, FrameError

from .. import archive
from ..archive import Archive
from ..clock import Clock
from ..frame import Frame
from ..growth import Changes, Content, Growth, cells_at
from ..memory import Memory, Start
from ..recall.objects import RememberedObject, find_objects, recall, thinned
from ..retrieval import Query, Retrieval
from ..sight.intake import SETTINGS, Intake
from .kept_frame import LEAST_BYTES, KeptFrame, pack_frames, unpack_frames
from .places import nearest_places


class FrameList(Memory):
    """Keeps posed frames at a reduced size, the latest that fit.

    A category is answered by back-projecting the pixels of that label and grouping the voxels in which they
    end; a position by the frames that were taken nearest to it. What was seen through is not forgotten.

    Args:
        max_bytes: of depth, labels, colour and poses; the oldest frames go first.
        width: frames are thinned to at most so many pixels across.
        voxel_size_m: how far apart two points of an answer are.
        max_depth_m: planar depth from which a return is no surface; a deeper one is kept as this.
        min_depth_m: planar depth up to which a return is ignored.
        colour: whether the frames' colour is kept (answers have none).

    Raises:
        ConfigError: a size or depths that make no sense.
    """

    def __init__(
        self,
        max_bytes: int = 16 << 20,
        width: int = 64,
        voxel_size_m: float = 0.1,
        max_depth_m: float = 10.0,
        min_depth_m: float = 0.0,
        colour: bool = False,
    ) -> None:
        if max_bytes < LEAST_BYTES:
            raise ConfigError(
                expected=f"max_bytes of {LEAST_BYTES} or more, which is one frame of one pixel",
                came=f"{max_bytes}",
                fix="raise max_bytes",
            )
        self.max_bytes, self.colour = int(max_bytes), bool(colour)
        self._intake = Intake(int(width), float(voxel_size_m), float(max_depth_m), float(min_depth_m))
        self._clock, self._changes = Clock(), Changes()
        self._replace([], 0)

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            self._replace([], 0)

    def write(self, frame: Frame) -> None:
        """Keeps the frame, and drops the oldest until all fit.

        Raises:
            FrameError: the frame cannot be taken in, or alone is larger than ``max_bytes``.
        """
        reduced = self._intake.reduced(frame)
        self._intake.surface(reduced)  # refuses points that no voxel holds before anything changes
        kept = KeptFrame.of(reduced, self._clock.at(frame.step), self._intake.max_depth_m, self.colour)
        if kept.nbytes > self.max_bytes:
            raise FrameError(
                expected=f"a frame of at most {self.max_bytes} bytes, which is all that the memory may take",
                came=f"{kept.nbytes} bytes for one reduced frame",
                fix="raise max_bytes, or lower width",
            )
        self._clock.tick(frame.step)
        self._frames.append(kept)
        self._voxels.append({})
        self._bytes += kept.nbytes
        self._changes.note(self._cells([kept]))
        self._forget_objects(kept)
        while self._bytes > self.max_bytes:
            self._drop_oldest()

    def frames(self) -> Iterator[Frame]:
        """The frames that are kept, the oldest first; their steps are the memory's clock."""
        return (kept.frame() for kept in self._frames)

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """Objects of the query's category, or the ``k`` frames whose cameras stood nearest."""
        if query.category is not None:
            return recall(self._objects_of(query.category), query, k, self._clock.now, "frames")
        positions = _positions(self._frames)
        steps = np.array([kept.step for kept in self._frames], np.int64)
        none = np.zeros(len(steps), np.int64)
        return nearest_places(positions, none, steps, query, k, self._clock.now, "frames")

    def forget_labels(self) -> None:
        """Keeps depth, colour and poses."""
        bare = [
            KeptFrame(kept.T_world_camera, kept.camera, kept.depth, kept.rgb, None, (), kept.step)
            for kept in self._frames
        ]
        self._replace(bare, self._dropped)

    def stats(self) -> dict[str, float]:
        """``bytes`` that count against the cap, ``items``: frames, and how many were ``dropped``."""
        return {
            "bytes": float(self._bytes),
            "items": float(len(self._frames)),
            "dropped": float(self._dropped),
        }

    def growth(self, since: int = 0) -> Growth:
        """The cells in which cameras stood, without labels; a cell is a voxel."""
        return self._changes.growth(since, self._intake.voxel_size_m, self._content)

    def pack(self) -> Archive:
        """A snapshot of settings, clock and frames."""
        manifest = {**self._settings(), "dropped": self._dropped, **self._clock.pack()}
        return Archive(type(self).__name__, manifest, pack_frames(list(self._frames)))

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave.

        Raises:
            ArchiveError: an archive of another class or of other settings, or one that does not hold
                together; the memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        archive.require_settings(stored, self._settings())
        clock, dropped = Clock.read(stored.manifest), archive.whole(stored, "dropped")
        self._replace(unpack_frames(stored.arrays, self._intake.max_depth_m), dropped)
        self._clock = clock

    @classmethod
    def for_archive(cls, stored: Archive) -> "FrameList":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, ("max_bytes", "colour", *SETTINGS))

    def _settings(self) -> dict[str, int | float]:
        return {"max_bytes": self.max_bytes, "colour": self.colour, **self._intake.settings()}

    def _replace(self, frames: list[KeptFrame], dropped: int) -> None:
        self._frames, self._bytes, self._dropped = deque(frames), sum(kept.nbytes for kept in frames), dropped
        # Answers, kept from one query to the next: of each frame its voxels by category, of each category
        # its objects.
        self._voxels: deque[dict[int, Int64[np.ndarray, "n 3"]]] = deque({} for _ in frames)
        self._objects: dict[int, tuple[RememberedObject, ...]] = {}
        self._changes.start_anew()

    def _drop_oldest(self) -> None:
        oldest = self._frames.popleft()
        self._voxels.popleft()
        self._bytes -= oldest.nbytes
        self._dropped += 1
        self._changes.note(self._cells([oldest]))
        self._forget_objects(oldest)

    def _cells(self, frames: Iterable[KeptFrame]) -> Int64[np.ndarray, "n 3"]:
        return cells_at(_positions(frames), self._intake.voxel_size_m)

    def _content(self) -> Content:
        cells = self._cells(self._frames)
        return Content(cells, np.zeros(len(cells), np.int64))

    def _forget_objects(self, kept: KeptFrame) -> None:
        for category in kept.categories:
            self._objects.pop(category, None)

    def _objects_of(self, category: int) -> tuple[RememberedObject, ...]:
        if category not in self._objects:
            indices, steps = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
            for kept, voxels in zip(self._frames, self._voxels):
                if category in kept.categories:
                    if category not in voxels:
                        voxels[category] = self._intake.surface(kept.frame(), category).indices
                    indices.append(voxels[category])
                    steps.append(np.full(len(voxels[category]), kept.step, np.int64))
            every = np.concatenate(indices)
            votes, size = np.ones(len(every), np.int64), self._intake.voxel_size_m
            self._objects[category] = find_objects(thinned(every, votes, np.concatenate(steps), size))
        return self._objects[category]


def _positions(frames: Iterable[KeptFrame]) -> Points:
    """(n, 3) where the cameras stood."""
    return np.array([kept.T_world_camera[:3, 3] for kept in frames]).reshape(-1, 3)
