"""What a page shows of a recording, as plain JSON; positions in the episode's frame, metres."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from placecell.errors import ArchiveError
from placecell.geometry import Pose
from placecell.memory import Growth, PlaceGraph

from ...recording import RecordedStep, Recording, points_of, pose_of
from .from_above import Layers, map_from_above
from .instruction import Clauses, beginning_of, hypotheses_of, told_of
from .panoramas import EYES_M, among_panoramas, graph_of, ways_of
from .places import changes_of
from .words import action_of, category_of, point_of, words_of

# Structure is drawn by height; everything else with a label is tinted.
STRUCTURE = ("wall", "floor", "ceiling", "door", "window", "stairs", "rug", "curtain")
_MOST_PLAN = 48


def scene_of(recording: Recording, seen: Callable[[int], None] = lambda step: None) -> dict[str, Any]:
    """Everything of a page but its images: what holds of the episode, its steps, the map from above.

    Args:
        recording: of any level, with a step at least.
        seen: is told of each step of a full recording while its arrays are at hand.

    Raises:
        ArchiveError: a recording without a step, or a damaged frame.
    """
    if not recording.steps:
        raise ArchiveError(
            expected=f"a recorded step in {recording.folder}",
            came="an episode that ended before its first step",
            fix="leave it out, or record the episode again",
        )
    header, steps = recording.header, recording.steps
    categories = header.get("categories") or []
    eyes_m = EYES_M if among_panoramas(recording) else 0.0
    layers = Layers.of([step.pose.z - eyes_m for step in steps])
    full = header["level"] == "full"
    above, places = None, None
    if full:
        path = np.array([step.pose.position[:2] for step in steps])
        known: list[PlaceGraph | None] = []
        above = map_from_above(_growths(recording, seen, known), layers, path)
        places = changes_of(known, layers)
    names = list(dict.fromkeys(name for step in steps for name in step.measures))
    goals, shortest = header.get("goal_positions"), header.get("shortest_path")
    clauses = Clauses.of(recording)
    return {
        "level": header["level"],
        "every": header.get("every", 1),
        "goals": [] if goals is None else _flat(points_of(goals).tolist()),
        "goalCategory": _goal_category(header, categories),
        "shortest": [] if shortest is None else _flat(points_of(shortest).tolist()),
        "measureNames": names,
        "floors": list(layers.floors_m),
        "map": None if above is None else above.to_json(),
        "places": places,
        "mapNames": [] if above is None else [_label(n, categories) for n in above.names],
        "structure": [] if above is None else [_label(n, categories) in STRUCTURE for n in above.names],
        "truth": _truth(recording),
        "graph": graph_of(recording, layers),
        "instruction": None if clauses is None else clauses.to_json(),
        "steps": [
            {**_step(step, layer, names, header.get("actions") or [], categories, clauses), "way": way}
            for step, layer, way in zip(steps, layers.of_step, ways_of(recording), strict=True)
        ],
    }


def _growths(
    recording: Recording, seen: Callable[[int], None], places: list[PlaceGraph | None]
) -> Iterator[Growth | None]:
    """Of each step, whose places and images are taken while its arrays are at hand."""
    for step in recording.steps:
        yield recording.growth(step.index)
        places.append(recording.places(step.index))
        seen(step.index)


def goal_of(header: Mapping[str, Any]) -> str:
    """What an episode is after, in words."""
    tags = header.get("tags") or {}
    if header.get("instruction"):
        return beginning_of(header["instruction"])
    if category := tags.get("category"):
        return f"find {str(category).replace('_', ' ')}"
    kind = tags.get("kind")
    return {"point": "go to a point", None: "no goal told"}.get(kind, f"goal: {kind}")


def _step(
    step: RecordedStep,
    layer: int,
    names: Sequence[str],
    actions: Sequence[str],
    categories: Sequence[str],
    clauses: Clauses | None,
) -> dict[str, object]:
    trace, pose = step.trace, step.pose
    return {
        "action": action_of(step.action, actions),
        "words": [*([] if clauses is None else told_of(step, clauses)), *words_of(step, categories)],
        "pose": [_cm(pose.x), _cm(pose.y), _cm(pose.z), round(pose.yaw_rad, 3)],
        "layer": layer,
        "bumped": bool(step.collided),
        "seen": bool(step.goal_in_view),
        "measures": [_number(step.measures.get(name, math.nan)) for name in names],
        "recalled": [
            [
                category_of(item.category, categories),
                _number(item.score),
                item.age_steps,
                _number(float(item.position[0])),
                _number(float(item.position[1])),
                item.source,
            ]
            for item in step.recalled
        ],
        "target": _point(trace.get("target")),
        "frontier": _point(trace.get("frontier")),
        "candidate": _point(trace.get("candidate")),
        "plan": _line(trace.get("plan")),
        "hypotheses": hypotheses_of(trace),
        "bytes": _number(step.memory.get("bytes", math.nan)),
        "items": _number(step.memory.get("items", math.nan)),
    }


def _truth(recording: Recording) -> list[list[float]] | None:
    """Where the body was before each step and after the last, [x, y]; None where nobody told."""
    told, start = recording.header.get("origin"), recording.header.get("start")
    after = [step.true_pose for step in recording.steps]
    if told is None or start is None or any(pose is None for pose in after):
        return None
    origin = pose_of(told)
    return [_seen_from(origin, pose_of(pose)) for pose in (start, *after)]


def _seen_from(origin: Pose, world: Pose) -> list[float]:
    """A position of the world's frame in that of the episode."""
    east, north = world.x - origin.x, world.y - origin.y
    cos, sin = math.cos(origin.yaw_rad), math.sin(origin.yaw_rad)
    return [_cm(cos * east + sin * north), _cm(cos * north - sin * east)]


def _goal_category(header: Mapping[str, Any], categories: Sequence[str]) -> str:
    """The name of the goal's category as the map's labels are called; empty where the goal is none."""
    name = str((header.get("tags") or {}).get("category", ""))
    return name if name in categories else ""


def _label(category: int, categories: Sequence[str]) -> str:
    return (
        categories[category] if 0 < category < len(categories) else f"category {category}" if category else ""
    )


def _point(value: object) -> list[float] | None:
    point = point_of(value)
    return None if point is None else [_cm(n) for n in point[:2]]


def _line(value: object) -> list[list[float]]:
    """The points of a plan, thinned, its end kept; none where it is no list of points."""
    points = [_point(item) for item in value] if isinstance(value, list) else []
    known = [point for point in points if point is not None]
    if len(known) < len(points):
        return []
    thin = known[:: max(1, -(-len(known) // _MOST_PLAN))]
    return thin if not known or thin[-1] == known[-1] else [*thin, known[-1]]


def _flat(points: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[_cm(n) for n in point[:2]] for point in points if all(map(math.isfinite, point))]


def _cm(value: float) -> float:
    return round(value, 2)


def _number(value: float) -> float | None:
    """Four decimals; None for what JSON has no number for."""
    return round(value, 4) if math.isfinite(value) else None
