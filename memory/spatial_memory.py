"""The face of the spatial memory: write frames, ask what is around a place, save and load."""

import numpy as np

from placecell.errors import ConfigError

from . import archive
from .archive import Archive
from .clock import Clock
from .frame import Frame
from .growth import Growth
from .memory import Memory, Start
from .objects import RememberedObject, Sightings, find_objects, recall
from .octree import SparseOctree
from .retrieval import MemoryItem, Query, Retrieval


class SpatialMemory(Memory):
    """Remembers surfaces, free space and labels in an octree of voxels, without bounds.

    Args:
        voxel_size_m: edge length of a voxel.
        max_depth_m: planar depth from which a return is no surface, and to which free space is carved.
        min_depth_m: planar depth up to which a return is ignored.

    Raises:
        ConfigError: depths that are not 0 <= min < max < infinity, or a voxel size that is not positive.
    """

    def __init__(self, voxel_size_m: float = 0.1, max_depth_m: float = 5.0, min_depth_m: float = 0.0) -> None:
        if not 0 <= min_depth_m < max_depth_m < float("inf"):
            raise ConfigError(
                expected="depths with 0 <= min_depth_m < max_depth_m, both finite",
                came=f"min_depth_m {min_depth_m:g}, max_depth_m {max_depth_m:g}",
                fix="set them to the range in which the depth sensor can be trusted, for example 0.5 and 5",
            )
        self.octree = SparseOctree(voxel_size_m)
        self.max_depth_m, self.min_depth_m = float(max_depth_m), float(min_depth_m)
        self._clock = Clock()
        self._objects: dict[int, tuple[int, tuple[RememberedObject, ...]]] = {}

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            self.octree.clear()

    def write(self, frame: Frame) -> None:
        """Maps the frame's surfaces, colours, labels and free space.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        self.octree.insert(frame, self.max_depth_m, self.min_depth_m, self._clock.episode_start)
        self._clock.tick(frame.step)

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """The ``k`` occupied voxels nearest to the query's position, within its radius.

        With a category: the objects that the voxels of that label make up, the surest first.
        """
        if query.category is not None:
            return recall(self._objects_of(query.category), query, k, self._clock.now, "octree")
        voxels, distances = self.octree.nearest(query.position, k, query.radius_m)
        return Retrieval(
            tuple(
                MemoryItem(
                    position=voxels.centres[n],
                    score=1 - float(distances[n]) / query.radius_m,
                    source="octree",
                    age_steps=self._clock.now - int(voxels.last_seen[n]),
                    colour=voxels.colour(n),
                    category=int(voxels.labels[n]) or None,
                )
                for n in range(len(voxels))
            )
        )

    def forget_labels(self) -> None:
        """Keeps the map and forgets what its surfaces belong to."""
        self.octree.forget_labels()

    def stats(self) -> dict[str, float]:
        """``bytes`` of content and index, ``items``: occupied voxels."""
        return {"bytes": float(self.octree.nbytes), "items": float(len(self.octree))}

    def growth(self, since: int = 0) -> Growth:
        """The octree's; see :meth:`SparseOctree.growth`."""
        return self.octree.growth(since)

    def pack(self) -> Archive:
        """A snapshot of settings, clock and map."""
        return Archive(type(self).__name__, {**self._settings(), **self._clock.pack()}, self.octree.pack())

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave; the octree stays the same object.

        Raises:
            ArchiveError: an archive of another class, or of another voxel size or depth range, or one that
                does not hold together; the memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        archive.require_settings(stored, self._settings())
        clock = Clock.read(stored.manifest)
        self.octree.unpack(stored.arrays)
        self._clock = clock

    @classmethod
    def for_archive(cls, stored: Archive) -> "SpatialMemory":
        """An empty memory with the voxel size and the depths of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, ("voxel_size_m", "max_depth_m", "min_depth_m"))

    def _objects_of(self, category: int) -> tuple[RememberedObject, ...]:
        change, held = self.octree.last_change(category), self._objects.get(category)
        if held is None or held[0] != change:
            voxels = self.octree.labelled(category)
            colours = np.column_stack([voxels.colours, np.ones(len(voxels), np.uint8)]).astype(np.int64)
            seen = Sightings(
                voxels.centres, voxels.votes, voxels.last_seen, colours * voxels.coloured[:, None]
            )
            held = self._objects[category] = change, find_objects(seen)
        return held[1]

    def _settings(self) -> dict[str, int | float]:
        return {
            "voxel_size_m": self.octree.voxel_size_m,
            "max_depth_m": self.max_depth_m,
            "min_depth_m": self.min_depth_m,
        }
