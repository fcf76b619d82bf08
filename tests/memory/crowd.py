"""Maps of several agents in the same space, and all that they hold, read out voxel by voxel."""

import numpy as np

from placecell.geometry import Pinhole, Pose
from placecell.memory import OCCUPIED, Frame, SparseOctree, morton

SIZE = 0.1
LOW, HIGH = np.array([-56, -56, -56]), np.array([56, 56, 56])
AGENTS = (0, 3, 511)
WIDTH = 3


def frame(seed, far=4.0):
    """A camera with a free pose before random depth with gaps: colours, labels and patch features."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.05, far, (18, 24)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    pose = Pose(*rng.uniform(-0.8, 0.8, 3), rng.uniform(-3, 3), rng.uniform(-1, 1))
    return Frame(
        pose.T_world_camera(0.2),
        Pinhole.from_hfov(24, 18, 1.5),
        depth,
        rng.integers(0, 256, (18, 24, 3), dtype=np.uint8),
        rng.choice([0, 1, 2, 300], (18, 24)),
        seed,
        features=rng.normal(size=(6, 8, WIDTH)).astype(np.float32),
    )


def build(frames=4):
    """One octree of three agents that each saw something else."""
    octree = SparseOctree(SIZE, WIDTH)
    for number, agent in enumerate(AGENTS):
        for seed in range(frames):
            octree.insert(frame(100 * number + seed), 3.5, agent=agent)
    return octree


class Scan:
    """What one agent's map holds, by the state of every voxel in a box around it."""

    def __init__(self, octree, agent):
        self.octree, self.agent, self.size = octree, agent, octree.voxel_size_m
        self.states = octree.states_in_box(LOW, HIGH, agent=agent)
        indices = np.argwhere(self.states == OCCUPIED) + LOW
        self.keys = np.sort(morton.encode(indices))
        self.indices = morton.decode(self.keys)
        self.centres = (self.indices + 0.5) * self.size

    def squares(self, point):
        away = self.centres - point
        return away[:, 0] ** 2 + away[:, 1] ** 2 + away[:, 2] ** 2

    def within(self, point, radius):
        """Indices and distances, by rising Morton key."""
        squares = self.squares(point)
        near = squares <= radius * radius
        return self.indices[near], np.sqrt(squares[near])

    def nearest(self, point, k, radius):
        """Indices and distances, by distance and Morton key."""
        squares = self.squares(point)
        order = np.lexsort((self.keys, squares))
        order = order[squares[order] <= radius * radius][:k]
        return self.indices[order], np.sqrt(squares[order])


def of_voxels(indices, agent=0, size=SIZE):
    """A map of which just these voxels are occupied."""
    octree = SparseOctree(size)
    if len(indices):
        octree.insert_points((np.asarray(indices) + 0.5) * size, agent=agent)
    return octree
