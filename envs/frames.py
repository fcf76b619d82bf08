"""Poses between the world and an episode's own frame, which counts from where the episode began."""

from dataclasses import replace
from typing import Any

from placecell.geometry import Pose, invert, transform, wrap_angle


def in_frame(origin: Pose, pose: Pose) -> Pose:
    """A pose of the world in the frame of ``origin``: at its feet, x along its heading, z up."""
    x, y, z = transform(invert(origin.T_world_body()), pose.position).tolist()
    return Pose(x, y, z, wrap_angle(pose.yaw_rad - origin.yaw_rad), pose.pitch_rad)


def plain_pose(pose: Pose) -> dict[str, Any]:
    """A pose as plain JSON, metres and radians."""
    return {"position": pose.position.tolist(), "yaw_rad": pose.yaw_rad, "pitch_rad": pose.pitch_rad}


def level(pose: Pose) -> Pose:
    """The same, looking straight ahead."""
    return replace(pose, pitch_rad=0.0)
