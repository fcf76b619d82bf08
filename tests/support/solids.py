"""Meshes small enough to know by heart: floors, boxes, ramps, stairs. Metres, z up, faces outwards."""

import numpy as np
import trimesh

from placecell.envs.geodesic import NavigableArea
from placecell.envs.navmesh.settings import WalkSettings


def floor(x0, y0, x1, y1, z=0.0):
    """A rectangle that faces up."""
    return ramp(x0, y0, x1, y1, z, z)


def ramp(x0, y0, x1, y1, z0, z1):
    """A rectangle that faces up and rises (or falls) along x."""
    corners = [[x0, y0, z0], [x1, y0, z1], [x1, y1, z1], [x0, y1, z0]]
    return np.array(corners, np.float64), np.array([[0, 1, 2], [0, 2, 3]])


def box(x0, y0, z0, x1, y1, z1):
    """A closed box."""
    solid = trimesh.creation.box(bounds=[[x0, y0, z0], [x1, y1, z1]])
    return np.array(solid.vertices, np.float64), np.array(solid.faces, np.int64)


def stairs(x0, y0, y1, rise, tread, count):
    """Solid steps going up along x from ``x0``."""
    steps = [box(x0 + i * tread, y0, 0.0, x0 + (i + 1) * tread, y1, (i + 1) * rise) for i in range(count)]
    return join(*steps)


def join(*meshes):
    """Several meshes as one."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
    faces = [faces + offset for (_, faces), offset in zip(meshes, offsets)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)


def area(*meshes, **settings):
    """The ground on them."""
    return NavigableArea.from_mesh(*join(*meshes), WalkSettings(**settings))


def at(x, y, z=0.0):
    """A point."""
    return np.array([x, y, z], np.float64)
