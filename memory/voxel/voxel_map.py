"""What can be asked of a sparse voxel map, wherever it lies."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int8, Int64

from placecell.arrays import Point, Points

from .checks import finite_points
from .levels import Level
from .ray_queries import RayHits
from .voxels import Voxels

Index = Int64[np.ndarray, "3"]
Indices = Int64[np.ndarray, "n 3"]
Handles = Int64[np.ndarray, " n"]
Directions = Float[np.ndarray, "m 3"]

_FAR = 2.0**62


@dataclass(frozen=True)
class Neighbours:
    """The voxels around each of ``n`` points, one list after the other: compressed sparse rows.

    Those of point n are ``handles[starts[n] : starts[n + 1]]``, by rising Morton key.

    Args:
        starts: (n + 1) where each point's voxels begin.
        handles: (m,) the voxels.
        distances: (m,) metres from the point to the voxel's centre.
    """

    starts: Int64[np.ndarray, " n_and_one"]
    handles: Int64[np.ndarray, " m"]
    distances: Float64[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, n: int) -> tuple[Int64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Handles and distances of the n-th point's voxels."""
        part = slice(self.starts[n], self.starts[n + 1])
        return self.handles[part], self.distances[part]


class VoxelMap(ABC):
    """Every query of a sparse voxel map. What one agent asks never shows it another agent's voxels.

    A voxel's *handle* is an integer that names it while the map is not pruned or cleared: :meth:`at` tells
    what is held of it. Coordinates are metres in the world frame; a voxel counts where its centre is.
    """

    voxel_size_m: float

    def index_of(self, points: Points) -> Indices:
        """(n, 3) the voxel that holds each point: floor(point / voxel size).

        Raises:
            PlacecellError: points that are not finite.
        """
        indices = np.floor(finite_points(points) / self.voxel_size_m)
        return np.clip(indices, -_FAR, _FAR).astype(np.int64)

    def centre_of(self, indices: Indices) -> Float64[np.ndarray, "n 3"]:
        """(n, 3) the middle of each voxel, metres, world frame."""
        return (indices + 0.5) * self.voxel_size_m

    @abstractmethod
    def state(self, points: Points, *, agent: int = 0) -> Int8[np.ndarray, " n"]:
        """(n,) ``UNKNOWN``, ``FREE`` or ``OCCUPIED`` at each world point.

        Raises:
            PlacecellError: points that are not finite, or no such agent (as with every query).
        """

    @abstractmethod
    def states_in_box(self, lower: Index, upper: Index, *, agent: int = 0) -> Int8[np.ndarray, "x y z"]:
        """The dense states of the voxels with indices in [lower, upper)."""

    @abstractmethod
    def find(self, points: Points, *, agent: int = 0) -> Handles:
        """(n,) the handle of the occupied voxel that holds each point, -1 where there is none.

        Raises:
            PlacecellError: points that are not finite.
        """

    @abstractmethod
    def at(self, handles: Handles) -> Voxels:
        """What is held of voxels, in their order.

        Raises:
            PlacecellError: handles that no voxel of the map has, for example -1.
        """

    @abstractmethod
    def read(self, indices: Indices, *, agent: int = 0) -> Voxels:
        """What is held of these voxels, in their order; zeros and ``last_seen`` -1 where nothing is."""

    @abstractmethod
    def occupied(self, *, agent: int = 0) -> Indices:
        """(n, 3) the indices of all occupied voxels, by rising Morton key."""

    @abstractmethod
    def box(self, lower_m: Point, upper_m: Point, *, agent: int = 0) -> Voxels:
        """The occupied voxels whose centres lie in the world box [lower, upper), by rising Morton key."""

    @abstractmethod
    def labelled(self, category: int, *, agent: int = 0) -> Voxels:
        """The occupied voxels of a category, by rising Morton key; none for 0, which is no category."""

    @abstractmethod
    def nearest(
        self, point: Point, k: int, radius_m: float, *, agent: int = 0
    ) -> tuple[Voxels, Float64[np.ndarray, " n"]]:
        """The occupied voxels whose centres are nearest, at most ``k`` and none beyond the radius.

        Returns:
            The voxels, nearest first (ties by Morton key), and their distances (n,) in metres.

        Raises:
            PlacecellError: ``k`` below 1, or a radius or a point that is no number.
        """

    @abstractmethod
    def nearest_many(
        self, points: Points, k: int, radius_m: float = float("inf"), *, agent: int = 0
    ) -> tuple[Int64[np.ndarray, "n k"], Float64[np.ndarray, "n k"]]:
        """For each point the ``k`` occupied voxels whose centres are nearest, none beyond the radius.

        Returns:
            Handles (n, k), nearest first, ties by Morton key, and distances (n, k) in metres: -1 and
            infinite where there are fewer than ``k``.

        Raises:
            PlacecellError: ``k`` below 1, a radius that is negative or NaN, or points that are not finite.
        """

    @abstractmethod
    def within(self, points: Points, radius_m: float, *, agent: int = 0) -> Neighbours:
        """All occupied voxels whose centres are no farther than the radius from each point.

        Raises:
            PlacecellError: a radius that is negative or NaN, or points that are not finite.
        """

    @abstractmethod
    def cast(self, origins: Points, directions: Directions, max_m: float, *, agent: int = 0) -> RayHits:
        """Follows rays to the first occupied voxel in which they run for some way, however short.

        Args:
            origins: (n, 3) where the rays start.
            directions: (n, 3) where they go; of any length but 0.
            max_m: how far at most; may be infinite.
            agent: whose map.

        Raises:
            PlacecellError: points or directions that are not finite or not as many, a direction of length 0,
                or a length that is negative or NaN.
        """

    @abstractmethod
    def level(self, level: int, *, agent: int = 0) -> Level:
        """The map in cells of ``2**level`` voxels an edge, each the sum of its occupied voxels.

        Raises:
            PlacecellError: a level below 0 or above 20, where there is one cell an octant.
        """

    @abstractmethod
    def bounds(self, *, agent: int = 0) -> tuple[Index, Index]:
        """The index range [lower, upper) of all voxels that are not unknown; (0, 0, 0) twice if none."""
