"""The face of the spatial memory: write frames, ask what is around a place, save and load."""

from pathlib import Path

from placecell.errors import ConfigError

from . import archive
from .frame import Frame
from .memory import Memory, Start
from .octree import SparseOctree
from .retrieval import MemoryItem, Query, Retrieval


class SpatialMemory(Memory):
    """Remembers surfaces and free space in an octree of voxels, without bounds.

    The memory's clock counts steps over all episodes since it was last emptied, so that ages stay true when
    a warm episode starts to count from 0 again.

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
        self._episode_start = 0
        self._now = -1

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if start == "cold":
            self.octree.clear()
            self._episode_start, self._now = 0, -1
        elif start == "warm":
            self._episode_start = self._now + 1
        else:
            raise ConfigError(
                expected="a start of 'cold' or 'warm'", came=repr(start), fix="pass one of the two"
            )

    def write(self, frame: Frame) -> None:
        """Maps the frame's surfaces, colours and free space.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        self.octree.insert(frame, self.max_depth_m, self.min_depth_m, self._episode_start)
        self._now = max(self._now, self._episode_start + frame.step)

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """The ``k`` occupied voxels nearest to the query's position, within its radius."""
        voxels, distances = self.octree.nearest(query.position, k, query.radius_m)
        return Retrieval(
            tuple(
                MemoryItem(
                    position=voxels.centres[n],
                    score=1 - float(distances[n]) / query.radius_m,
                    source="octree",
                    age_steps=self._now - int(voxels.last_seen[n]),
                    colour=voxels.colour(n),
                )
                for n in range(len(voxels))
            )
        )

    def stats(self) -> dict[str, float]:
        """``bytes`` of content and index, ``items``: occupied voxels."""
        return {"bytes": float(self.octree.nbytes), "items": float(len(self.octree))}

    def save(self, path: Path) -> None:
        """Writes the memory as one file, atomically and without pickle.

        Raises:
            OutputError: the file cannot be written.
        """
        manifest = {
            "voxel_size_m": self.octree.voxel_size_m,
            "max_depth_m": self.max_depth_m,
            "min_depth_m": self.min_depth_m,
            "episode_start": self._episode_start,
            "now": self._now,
        }
        archive.save(archive.Archive(type(self).__name__, manifest, self.octree.pack()), path)

    @classmethod
    def load(cls, path: Path) -> "SpatialMemory":
        """The memory that :meth:`save` wrote: the same answers, and it goes on as that one would have.

        Raises:
            ArchiveError: a file that is missing, truncated, foreign or of a newer version.
        """
        stored = archive.load(path, cls.__name__)
        numbers = {name: value for name, value in stored.manifest.items() if isinstance(value, int | float)}
        try:
            memory = cls(numbers["voxel_size_m"], numbers["max_depth_m"], numbers["min_depth_m"])
            memory._episode_start, memory._now = int(numbers["episode_start"]), int(numbers["now"])
        except (KeyError, ConfigError) as error:
            raise archive.damaged("a manifest of valid settings", f"{error}") from error
        memory.octree.unpack(stored.arrays)
        return memory
