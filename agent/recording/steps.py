"""One line of ``steps.jsonl``: a step, or the end."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from placecell.arrays import Point
from placecell.errors import PlacecellError
from placecell.geometry import Pose
from placecell.memory import Query

from ..loop import Step
from ..results import Result
from .frames import FrameEntry
from .plain import Entered, name_of, numbers, pose_of, to_line, walked_of


@dataclass(frozen=True)
class RecordedItem:
    """One thing that the memory recalled, see :class:`~placecell.memory.MemoryItem`.

    ``position`` is (3,) metres, rounded to millimetres; ``score`` is rounded to six digits.
    """

    position: Point
    score: float
    source: str
    age_steps: int
    category: int | None


@dataclass(frozen=True)
class RecordedStep:
    """One step as it was recorded.

    Args:
        index: from 0.
        action: that was taken.
        pose: where the body believed to be when it decided, the episode's frame.
        observation_hash: of what was decided on, see :func:`~placecell.agent.recording.observation_hash`.
        true_pose: plain JSON, where the body was after the action, world frame (``position`` in metres,
            ``yaw_rad``, ``pitch_rad``); None where the environment doesn't tell.
        collided: whether the action met an obstacle; None where the environment doesn't tell.
        goal_in_view: whether the goal was in view after the action; None likewise.
        reward: of the action, the environment's; NaN for what is not finite.
        measures: after the action; NaN for what is not finite.
        query: what the memory was asked, the header's ``k`` items at most.
        recalled: what it gave for the decision, best first.
        trace: why the decision was taken, plain JSON.
        memory: the memory's ``bytes`` and ``items`` when it decided.
        entry: where its arrays are; None for a step without.
        viewpoint: name of the panorama that the body was at after the action; None where the environment
            has none.
        walked: the panoramas that the action entered, in order: name, yaw and pitch in radians, world frame;
            None where the environment doesn't tell.
    """

    index: int
    action: int
    pose: Pose
    observation_hash: str
    true_pose: Mapping[str, Any] | None
    collided: bool | None
    goal_in_view: bool | None
    reward: float
    measures: Mapping[str, float]
    query: Query
    recalled: tuple[RecordedItem, ...]
    trace: Mapping[str, Any]
    memory: Mapping[str, float]
    entry: FrameEntry | None
    viewpoint: str | None = None
    walked: tuple[Entered, ...] | None = None

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> "RecordedStep":
        """The step that :func:`step_line` wrote; keys that it doesn't know are left alone.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        if type(line["step"]) is not int or type(line["action"]) is not int:
            raise ValueError(f"step {line['step']!r}, action {line['action']!r}")
        frame = line.get("frame")
        return cls(
            index=line["step"],
            action=line["action"],
            pose=pose_of(line["pose"]),
            observation_hash=str(line["observation"]),
            true_pose=_told_pose(line["true_pose"]),
            collided=_flag(line["collided"]),
            goal_in_view=_flag(line["goal_in_view"]),
            reward=numbers([line["reward"]], 1)[0],
            measures=_floats(line["measures"]),
            query=_query(line["query"]),
            recalled=tuple(_item(item) for item in line["recalled"]),
            trace=dict(line["trace"]),
            memory=_floats(line["memory"]),
            entry=None if frame is None else FrameEntry.from_json(frame),
            viewpoint=name_of(line.get("viewpoint")),
            walked=walked_of(line.get("walked")),
        )


def step_line(
    step: Step, observation_hash: str, memory: Mapping[str, float], policy: str, frame: FrameEntry | None
) -> bytes:
    """The line of a step, with its newline.

    Args:
        step: as the loop gives it.
        observation_hash: of its observation.
        memory: the memory's ``stats()``.
        policy: the class of the policy, to be named where its trace is no plain JSON.
        frame: where its arrays are.

    Raises:
        PlacecellError: a trace, or something of the environment's info, that is no plain JSON.
    """
    pose, query, info = step.percept.pose, step.percept.query, step.info
    parts: dict[str, object] = {
        "step": step.index,
        "action": int(step.decision.action),
        "pose": {"position": [pose.x, pose.y, pose.z], "yaw_rad": pose.yaw_rad, "pitch_rad": pose.pitch_rad},
        "observation": observation_hash,
        "true_pose": _true_pose(info.get("pose")),
        "collided": info.get("collided"),
        "goal_in_view": info.get("goal_in_view"),
        "reward": step.reward,
        "measures": info.get("measures", {}),
        "query": {
            "position": query.position.tolist(),
            "radius_m": query.radius_m,
            "category": query.category,
        },
        "recalled": [
            {
                "position": [round(c, 3) for c in item.position.tolist()],
                "score": round(item.score, 6),
                "source": item.source,
                "age_steps": item.age_steps,
                "category": item.category,
            }
            for item in step.retrieval.items
        ],
        "trace": dict(step.decision.trace),
        "memory": {"bytes": memory["bytes"], "items": memory["items"]},
    }
    parts |= _on_a_graph(info)
    if frame is not None:
        parts["frame"] = frame.to_json()
    return to_line(parts, {"trace": f"the trace of {policy}", **_OF_ENVIRONMENT})


def _on_a_graph(info: Mapping[str, Any]) -> dict[str, object]:
    """What an environment of panoramas tells beside; nothing of others, whose lines stay what they were."""
    try:
        for name, read in _OF_A_GRAPH.items():
            read(info.get(name))
    except ValueError as error:
        raise PlacecellError(
            expected="the environment's info['viewpoint'] to be text, info['walked'] a list of "
            "[name, yaw_rad, pitch_rad]",
            came=str(error),
            fix="convert them (str(x), float(x)), or leave them out",
        ) from error
    return {name: info[name] for name in _OF_A_GRAPH if info.get(name) is not None}


def _true_pose(told: object) -> object:
    """What an environment tells of the body's pose: what no reader would take is refused while it is new."""
    try:
        return _told_pose(told)
    except ValueError as error:
        raise PlacecellError(
            expected="the environment's info['pose'] to be plain JSON: position, yaw_rad, pitch_rad",
            came=str(error),
            fix="convert it (float(x), array.tolist()), or leave it out",
        ) from error


_OF_A_GRAPH: Mapping[str, Callable[[Any], object]] = {"viewpoint": name_of, "walked": walked_of}
_OF_ENVIRONMENT = {
    "collided": "the environment's info['collided']",
    "goal_in_view": "the environment's info['goal_in_view']",
    "measures": "the environment's info['measures']",
}


def end_line(result: Result) -> bytes:
    """The last line: how the episode went, without its seconds, so that equal episodes leave equal files."""
    end = {
        "status": result.status,
        "truncated": result.truncated,
        "steps": result.steps,
        "measures": dict(result.measures),
        "tags": dict(result.tags),
        "failure": result.failure,
        "reason": result.reason,
    }
    return to_line({"end": end}, {"end": "the result"})


def _floats(values: Any) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in values.items()}


def _told_pose(plain: Any) -> Mapping[str, Any] | None:
    if plain is not None:
        pose_of(plain)
    return plain


def _flag(value: Any) -> bool | None:
    if not isinstance(value, int | None):
        raise ValueError(f"{value!r} where true or false belongs")
    return value if value is None else bool(value)


def _query(query: Any) -> Query:
    (radius_m,), category = numbers([query["radius_m"]], 1), query["category"]
    if type(category) not in (int, type(None)):
        raise ValueError(f"the category {category!r}")
    return Query(np.array(numbers(query["position"], 3)), radius_m, category)


def _item(item: Mapping[str, Any]) -> RecordedItem:
    return RecordedItem(
        position=np.array(numbers(item["position"], 3)),
        score=numbers([item["score"]], 1)[0],
        source=str(item["source"]),
        age_steps=int(item["age_steps"]),
        category=item["category"],
    )
