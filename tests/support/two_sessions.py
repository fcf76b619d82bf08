"""Two sessions in the two rooms of the box world, in one frame or in two."""

import math

from placecell.geometry import Pose
from placecell.memory import Frame, SpatialMemory

from .box_world import BED, SINK, TABLE, Box, BoxWorld, two_rooms

THINGS = {
    "table": Box((1.9, 0.3, 0.0), (2.9, 1.1, 0.7), TABLE),
    "bed": Box((5.8, 2.5, 0.0), (7.8, 3.8, 0.5), BED),
    "sink": Box((7.2, 0.2, 0.0), (7.9, 0.9, 0.9), SINK),
    "box": Box((0.1, 3.0, 0.0), (0.9, 3.9, 1.6), SINK),
}
T_FIRST_SECOND = Pose(-3.21, 4.57, 0.83, 2.31).T_world_body()
"""Where the second session's frame lies in the first's, when they are two."""


def look_around(x, y, turns=8):
    return [(x, y, 2 * math.pi * n / turns) for n in range(turns)]


FIRST = [*look_around(1.4, 1.8), (3.0, 2.0, 0.0), *look_around(5.0, 2.0)]
SECOND = [*look_around(6.6, 1.5), (5.0, 1.9, math.pi), *look_around(2.6, 2.4)]


def frames(stands, T=None, things=None, boxes=None, step=0):
    """What is seen from where the body stands, ``T`` (4, 4) the world in the frames' frame."""
    world = BoxWorld(boxes or two_rooms(*(THINGS if things is None else things).values()), TABLE)
    for x, y, yaw in stands:
        world.pose = Pose(x, y, 0.0, yaw)
        seen = world.percept().frame
        pose = seen.T_world_camera if T is None else T @ seen.T_world_camera
        yield Frame(pose, seen.camera, seen.depth, seen.rgb, seen.labels, step=step)
        step += 1


def session(stands, T=None, things=None, boxes=None, **settings):
    """The memory of a session."""
    memory = SpatialMemory(**settings)
    for frame in frames(stands, T, things, boxes):
        memory.write(frame)
    return memory
