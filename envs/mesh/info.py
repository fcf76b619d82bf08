"""``info`` of a step: measures, and what analyses sort episodes by. Plain JSON; no agent reads it."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from placecell.geometry import transform

from ..episode import Goal
from .camera import Camera
from .history import TourHistory, in_view
from .survey import Elsewhere
from .walk import Walk


def step_info(
    walk: Walk, shown: Collection[int], cameras: Sequence[Camera], tags: dict[str, Any]
) -> dict[str, Any]:
    """What is told after ``reset`` and every step.

    Args:
        walk: the episode under way.
        shown: the instances that this observation shows.
        cameras: what it was seen with.
        tags: see :func:`tags_of`.
    """
    positions = np.array([goal.position for goal in walk.episode.goals])
    if walk.episode.goals[0].category is None:
        visible = any(in_view(walk.world, cameras, walk.pose, point) for point in positions)
    else:
        visible = not things_of(walk.episode.goals).isdisjoint(shown)
    return {
        "episode_id": walk.episode.episode_id,
        "scene_id": walk.episode.scene_id,
        "pose": walk.where(),
        "collided": walk.just_collided,
        "measures": walk.measures(),
        "tags": tags,
        "goal_in_view": visible,
        "goal_positions": transform(walk.T_episode_world, positions).tolist(),
    }


def tags_of(
    walk: Walk, history: TourHistory, cameras: Sequence[Camera], elsewhere: Elsewhere | None
) -> dict[str, Any]:
    """What kind of episode this is; what does not apply is left out.

    ``seen_before``: an instance of the goal had 20 pixels of an image, or the place was in view, in an
    earlier visit of the tour or in a survey of its house. ``moved``: see ``Elsewhere``, where there is one.
    """
    episode, goal = walk.episode, walk.episode.goals[0]
    stop = episode.tour
    if stop is None:
        return {"kind": "point"} if goal.category is None else {"kind": "object", "category": goal.category}
    tags: dict[str, Any] = {"tour": stop.tour, "visit": stop.visit, "repeat": stop.repeat}
    if goal.category is None:
        seen = history.place_seen(stop.visit, np.array(goal.position), cameras)
        return {"kind": "place", **tags, "seen_before": seen}
    tags = {"kind": "object", "category": goal.category, **tags}
    tags["seen_before"] = history.object_seen(stop.visit, things_of(episode.goals))
    if elsewhere is not None:
        tags["moved"] = elsewhere.moved(episode)
    return tags


def things_of(goals: Sequence[Goal]) -> set[int]:
    """The instances that goals are."""
    return {goal.object_id for goal in goals if goal.object_id is not None}
