"""Boxes of voxel states with floors, walls and air in them, as an octree and as the agent's columns."""

import numpy as np

from placecell.agent.policies.columns import Columns, mark_steep, read_columns
from placecell.memory import FREE, OCCUPIED, UNKNOWN, SparseOctree


def air(x, y, z):
    """Seen and free."""
    return np.full((x, y, z), FREE, np.int8)


def ground(heights, top=40):
    """Solid up to ``heights`` (x, y) of which only the surface was seen, free above."""
    z = np.arange(top)
    heights = np.asarray(heights)[..., None]
    return np.select([z == heights, z > heights], [OCCUPIED, FREE], UNKNOWN).astype(np.int8)


def read(states, *, z0=0, height=15, climb=2):
    """The columns of a box."""
    columns = Columns.empty(*states.shape[:2])
    read_columns(states, 0, 0, z0, height, columns)
    mark_steep(columns, 0, 0, *states.shape[:2], climb)
    return columns


class BoxOctree(SparseOctree):
    """An octree that holds one dense box whose corner is voxel ``lower``."""

    def __init__(self, states, lower, voxel_size_m=0.1):
        super().__init__(voxel_size_m)
        self.states, self.lower = states, np.array(lower, np.int64)

    def bounds(self):
        """The box."""
        return self.lower, self.lower + self.states.shape

    def states_in_box(self, lower, upper):
        """The box's states within [lower, upper), unknown around it."""
        found = np.full(upper - lower, UNKNOWN, np.int8)
        low, high = np.maximum(lower, self.lower), np.minimum(upper, self.lower + self.states.shape)
        if (high > low).all():
            inside = tuple(slice(a, b) for a, b in zip(low - self.lower, high - self.lower))
            found[tuple(slice(a, b) for a, b in zip(low - lower, high - lower))] = self.states[inside]
        return found
