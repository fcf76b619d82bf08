"""Bodies and percepts made by hand."""

import math
from dataclasses import replace

import numpy as np

from placecell.agent.perception.embodiment import Embodiment
from placecell.agent.perception.percept import Percept, PointGoal
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query

BODY = Embodiment(
    forward_m=0.25,
    turn_rad=math.radians(30),
    radius_m=0.1,
    height_m=1.5,
    max_climb_m=0.2,
    camera=Pinhole.from_hfov(8, 8, math.radians(90)),
    camera_height_m=1.25,
    success_distance_m=0.2,
)


def body(**changes):
    """The body above with some of it changed."""
    return replace(BODY, **changes)


def percept(
    position=(0.0, 0.0, 0.0), goal=(5.0, 0.0, 0.0), *, yaw_rad=0.0, collided=False, step=0, depth_m=0.0
):
    """A percept of a wall ``depth_m`` ahead (0: of nothing)."""
    pose = Pose(*(float(c) for c in position), yaw_rad)
    depth = np.full((8, 8), depth_m, np.float32)
    frame = Frame(pose.T_world_camera(BODY.camera_height_m), BODY.camera, depth, step=step)
    there = PointGoal(np.array(goal, np.float64))
    return Percept(frame, Query(pose.position, 3.0), pose, there, collided, step)
