"""``info`` of a step: measures, and what analyses sort episodes by. Plain JSON; no agent reads it."""

from typing import Any

import numpy as np

from placecell.geometry import transform

from ..frames import plain_pose
from .action_spaces import Stand
from .objects import ScanObjects, labelled_on_path
from .panorama_graph import PanoramaGraph
from .walk import Walk


def step_info(walk: Walk, measures: dict[str, float], tags: dict[str, Any]) -> dict[str, Any]:
    """What is told after ``reset`` and every step.

    Args:
        walk: the episode under way.
        measures: so far.
        tags: see :func:`tags_of`.
    """
    goal = walk.goal
    return {
        "episode_id": walk.episode.episode_id,
        "scene_id": walk.episode.scene_id,
        "pose": plain_pose(walk.pose),
        "collided": walk.collided,
        "measures": measures,
        "tags": tags,
        "goal_in_view": goal is not None and (goal == walk.stand.node or goal in _ways(walk)),
        "goal_positions": [] if goal is None else positions(walk, (goal,)),
        "viewpoint": walk.graph.names[walk.stand.node],
        "walked": [_entered(walk.graph, stand) for stand in walk.entered],
    }


def tags_of(walk: Walk, objects: ScanObjects | None, seen_before: bool | None) -> dict[str, Any]:
    """What kind of episode this is; what does not apply is left out.

    ``labelled``: the instruction names an object that is labelled at a panorama of its path, hidden ones
    among them (needs labels). ``seen_before``: the goal's panorama was stood at on an earlier visit of the
    tour, was passed between two visits, or was surveyed.
    """
    episode = walk.episode
    tags: dict[str, Any] = {"kind": "instruction", "path": episode.path_id, "language": episode.language}
    if episode.tour is not None:
        tags |= {"tour": episode.tour.tour, "visit": episode.tour.visit, "repeat": episode.tour.repeat}
    if seen_before is not None:
        tags["seen_before"] = seen_before
    if objects is not None and walk.goal is not None:
        tags["labelled"] = labelled_on_path(episode.instruction, objects.names_along(walk.gold))
    return tags


def positions(walk: Walk, nodes: tuple[int, ...]) -> list[list[float]]:
    """Where panoramas are in the episode's frame."""
    return transform(walk.T_episode_world, walk.graph.positions[np.array(nodes, np.int64)]).tolist()


def _ways(walk: Walk) -> list[int]:
    return walk.graph.neighbours(walk.stand.node).tolist()


def _entered(graph: PanoramaGraph, stand: Stand) -> list[Any]:
    return [graph.names[stand.node], stand.yaw_rad, stand.pitch_rad]
