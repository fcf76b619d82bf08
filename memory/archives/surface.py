"""What two maps are laid on each other by: points of the surface, their normals, walls and free floor."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64
from scipy.spatial import cKDTree

from placecell.arrays import Points, Transform
from placecell.geometry import transform

from ..voxel.reader import OctreeReader
from ..voxel.state_queries import FREE

NEAR = 1.5
"""Surfaces of two maps that are so many voxels apart at most are one."""
FACING_M = 0.25
"""Two faces of a thin wall, which face away from each other, are as if twice so far apart."""
_NEIGHBOURS = 12
_SLAB = 64
_FREE_M = 0.5
"""A column of which so much is free is floor to walk on, in the bird's-eye map."""


@dataclass(frozen=True)
class Surface:
    """The occupied voxels of a map.

    Args:
        octree: the map.
        points: (n, 3) their mean points, metres.
        normals: (n, 3) unit: the direction in which the points around spread least, to the side on which
            there is more free space.
    """

    octree: OctreeReader
    points: Points
    normals: Points

    @classmethod
    def of(cls, octree: OctreeReader) -> "Surface":
        """The surface of a map; of fewer than four voxels the normals point upwards."""
        voxels = octree.read(octree.occupied())
        normals = _normals(voxels.points)
        return cls(octree, voxels.points, normals * _sides(octree, voxels.points, normals))

    @cached_property
    def tree(self) -> cKDTree:
        """To look up the nearest of the points."""
        return cKDTree(self.points)

    @cached_property
    def facing_tree(self) -> cKDTree:
        """As ``tree``, of points beside their normals times ``FACING_M``: what faces away is far."""
        return cKDTree(self.facing(np.eye(4)))

    def facing(self, T: Transform, which: np.ndarray | slice = slice(None)) -> Float64[np.ndarray, "m 6"]:
        """Transformed points, and their normals times ``FACING_M``."""
        normals = self.normals[which] @ T[:3, :3].T
        return np.hstack([transform(T, self.points[which]), FACING_M * normals])

    @cached_property
    def upright(self) -> Bool[np.ndarray, " n"]:
        """(n,) whether a point is of a wall or a side: what tells where one is in a house."""
        return np.abs(self.normals[:, 2]) < 0.5

    @cached_property
    def flat(self) -> Bool[np.ndarray, " n"]:
        """(n,) whether a point is of a floor, a ceiling or a top."""
        return np.abs(self.normals[:, 2]) > 0.9

    @cached_property
    def free_columns(self) -> Float64[np.ndarray, "m 2"]:
        """(m, 2) the middles of the columns of voxels that are free over half a metre together, metres."""
        lower, upper = self.octree.bounds()
        enough = _FREE_M / self.octree.voxel_size_m
        found = [np.zeros((0, 2), np.int64)]
        for x in range(int(lower[0]), int(upper[0]), _SLAB):
            low = np.array([x, lower[1], lower[2]])
            high = np.array([min(x + _SLAB, upper[0]), upper[1], upper[2]])
            free = (self.octree.states_in_box(low, high) == FREE).sum(2) >= enough
            found.append(np.argwhere(free) + low[:2])
        return (np.concatenate(found) + 0.5) * self.octree.voxel_size_m


def _sides(octree: OctreeReader, points: Points, normals: Points) -> Float64[np.ndarray, "n 1"]:
    """1 where there is more free space before a surface than behind it, -1 where less."""
    free = np.zeros(len(points), np.int64)
    for step in (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0):
        seen = octree.state(points + step * octree.voxel_size_m * normals) == FREE
        free += int(np.sign(step)) * seen
    return np.where(free < 0, -1.0, 1.0)[:, None]


def _normals(points: Points) -> Points:
    """By the eigenvectors of each point's neighbourhood."""
    if len(points) <= 3:
        return np.tile([0.0, 0.0, 1.0], (len(points), 1))
    _, near = cKDTree(points).query(points, min(_NEIGHBOURS, len(points)))
    around = points[near] - points[near].mean(1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
    return np.ascontiguousarray(axes[:, :, 0])


def near_surface(octree: OctreeReader, points: Points) -> Bool[np.ndarray, " n"]:
    """(n,) whether a point is within one and a half voxels of the mean point of an occupied voxel."""
    surface = octree.read(octree.occupied()).points
    if len(surface) == 0:
        return np.zeros(len(points), np.bool_)
    away, _ = cKDTree(surface).query(points, distance_upper_bound=NEAR * octree.voxel_size_m)
    return np.isfinite(away)
