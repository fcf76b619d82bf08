"""Why an episode failed: one of six names, decided from what happened in it.

The first that holds, in this order:

- ``stopped elsewhere``: it called stop, and not at the goal;
- ``reached but not stopped``: it came near enough, and walked on;
- ``stuck``: for the last hundred steps it tried to walk and hardly moved;
- ``never seen``: the goal was never in view, in this episode or in one that the memory keeps;
- ``seen but not retrieved``: the memory never recalled it;
- ``retrieved but not used``: it was recalled, and yet the agent was not there in time.

A point or a place needs no recall, for the agent is told where it is: it counts as retrieved.

Worlds of panoramas, where an instruction is followed, use the same names, for what is the same there:

- ``stopped elsewhere``: stop at a panorama that does not count (R2R: farther than 3 m; the streets: neither
  the goal nor a neighbour of it);
- ``reached but not stopped``: it stood where a stop would have counted, and was out of steps elsewhere;
- ``stuck``: for the last twenty steps it was at no more than two panoramas;
- ``never seen``: the goal's panorama was never in view, which the environment decides (``goal_in_view``);
- ``seen but not retrieved``: it was, and neither what the memory recalled nor a hypothesis of the policy
  (``hypotheses`` in its trace) was ever there, for an instruction does not say where its goal is;
- ``retrieved but not used``: one of them was.

An episode whose goal is secret has no failure.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from placecell.errors import EnvironmentUseError

from .loop import Step
from .policies.actions import FORWARD

Failure = Literal[
    "never seen",
    "seen but not retrieved",
    "retrieved but not used",
    "reached but not stopped",
    "stopped elsewhere",
    "stuck",
]
FAILURES: tuple[Failure, ...] = get_args(Failure)

NEAR_M = 1.0  # over the ground: what is remembered of a thing is the middle of the side that was seen
STOREY_M = 1.5
STUCK_STEPS, STUCK_FORWARDS, STUCK_M = 100, 20, 0.5
STUCK_HOPS, STUCK_PANORAMAS = 20, 2
NEIGHBOUR_HOPS = 1  # of the goal, from where a stop counts as task completion in the streets

_TO_BE_FOUND = ("object", "instruction")
Place = tuple[float, float, float]


@dataclass(frozen=True)
class Attempt:
    """What decides why an episode failed.

    Args:
        stopped: stop was called.
        reached: the goal's radius was entered (``oracle_success``; in the streets, which have no such
            measure, ``shortest_path_distance`` was one hop or none).
        stuck: see :func:`is_stuck` and, of panoramas, :func:`goes_round`.
        seen: the goal was in view, now or on a visit that the memory keeps; None: the environment doesn't
            say, and what follows from it stays undecided.
        retrieved: the goal was recalled, or needs no recall.
    """

    stopped: bool
    reached: bool
    stuck: bool
    seen: bool | None
    retrieved: bool


def failure_of(attempt: Attempt) -> Failure | None:
    """The name of the failure, for an episode that failed; None where it cannot be told.

    >>> failure_of(Attempt(stopped=True, reached=True, stuck=False, seen=True, retrieved=True))
    'stopped elsewhere'
    >>> failure_of(Attempt(stopped=False, reached=False, stuck=False, seen=True, retrieved=False))
    'seen but not retrieved'
    """
    if attempt.stopped:
        return "stopped elsewhere"
    if attempt.reached:
        return "reached but not stopped"
    if attempt.stuck:
        return "stuck"
    if attempt.seen is None:
        return None
    if not attempt.seen:
        return "never seen"
    return "retrieved but not used" if attempt.retrieved else "seen but not retrieved"


def is_stuck(places: Sequence[Place], actions: Sequence[int]) -> bool:
    """Whether the last hundred steps stayed within half a metre, with twenty tries or more to walk on.

    Args:
        places: where each decision was taken, metres; ``actions``: which.
    """
    if len(places) < STUCK_STEPS:
        return False
    tries = sum(action == FORWARD for action in actions[-STUCK_STEPS:])
    start, *rest = places[-STUCK_STEPS:]
    return tries >= STUCK_FORWARDS and all(math.dist(start, place) <= STUCK_M for place in rest)


def goes_round(panoramas: Sequence[str]) -> bool:
    """Whether the last twenty steps were spent at no more than two panoramas, by their names.

    >>> goes_round(["a", "b"] * 10), goes_round(["a", "b", "c"] * 7), goes_round(["a"] * 19)
    (True, False, False)
    """
    last = panoramas[-STUCK_HOPS:]
    return len(last) == STUCK_HOPS and len(set(last)) <= STUCK_PANORAMAS


def is_near(place: Sequence[float], goals: Iterable[Sequence[float]]) -> bool:
    """Whether a place is a goal, as far as a memory can tell: within a metre of it, on its storey.

    >>> is_near((0.0, 0.9, 0.4), [(0.0, 0.0, 0.0)]), is_near((0.0, 0.0, 2.6), [(0.0, 0.0, 0.0)])
    (True, False)
    """
    x, y, z = place
    return any(math.hypot(x - g[0], y - g[1]) <= NEAR_M and abs(z - g[2]) <= STOREY_M for g in goals)


class Witness:
    """Watches an episode, step by step, for what decides why it failed.

    Reads of ``info`` what is there of ``goal_in_view`` (bool), ``goal_positions`` (metres, the frame of the
    percepts), ``tags`` (``kind``, ``seen_before``) and ``viewpoint`` (name of a panorama); of the trace of a
    decision ``candidate``, the position of the recalled object that the agent heads for, and
    ``hypotheses``, [x, y, weight, ...] of the places where it may be.
    """

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._actions: list[int] = []
        self._panoramas: list[str] = []
        self._viewed: bool | None = None
        self._retrieved = self._was_near = False

    def __call__(self, step: Step) -> None:
        """Takes in one step."""
        x, y, z = step.percept.pose.position.tolist()
        self._places.append((x, y, z))
        self._actions.append(int(step.decision.action))
        if isinstance(panorama := step.info.get("viewpoint"), str):
            self._panoramas.append(panorama)
        self._was_near = self._was_near or _would_count(step.info.get("measures"))
        if "goal_in_view" in step.info:
            self._viewed = bool(self._viewed or step.info["goal_in_view"])
        if not self._retrieved:
            self._retrieved = _recalls_goal(step)

    def seen_at_start(self, info: Mapping[str, object]) -> None:
        """Takes in what the reset shows, before the first step."""
        if "goal_in_view" in info:
            self._viewed = bool(info["goal_in_view"])

    def attempt(self, last: Step, measures: Mapping[str, float], *, recalls: bool) -> Attempt:
        """What happened, once the episode is over.

        Args:
            last: its last step.
            measures: ``oracle_success`` of these.
            recalls: whether the memory keeps what was seen on earlier visits.
        """
        tags = last.info.get("tags", {})
        if not isinstance(tags, Mapping):
            raise EnvironmentUseError(
                expected="info['tags'] to map names to values", came=repr(tags), fix="return a dict"
            )
        before = recalls and bool(tags.get("seen_before", False))
        return Attempt(
            stopped=last.terminated,
            reached=measures.get("oracle_success", 0.0) >= 1 or self._was_near,
            stuck=goes_round(self._panoramas) if self._panoramas else is_stuck(self._places, self._actions),
            seen=True if before else self._viewed,
            retrieved=self._retrieved or tags.get("kind") not in _TO_BE_FOUND,
        )


def _recalls_goal(step: Step) -> bool:
    goals = step.info.get("goal_positions")
    if not isinstance(goals, Sequence):
        return False
    asked, panoramas = step.percept.query.category, "viewpoint" in step.info
    items = step.retrieval.items if panoramas or asked is not None else ()
    recalled = [item.position.tolist() for item in items if item.category == asked or panoramas]
    recalled += _supposed(step.decision.trace.get("hypotheses"), step)
    candidate = step.decision.trace.get("candidate")
    if isinstance(candidate, Sequence):
        recalled.append(list(candidate))
    return any(is_near(place, goals) for place in recalled)


def _supposed(hypotheses: object, step: Step) -> list[list[float]]:
    """Where the policy takes the goal or itself to be: on a plane, so on the body's own storey."""
    if not isinstance(hypotheses, Sequence) or isinstance(hypotheses, str):
        return []
    height_m = float(step.percept.pose.z)
    return [[float(one[0]), float(one[1]), height_m] for one in hypotheses if _is_place(one)]


def _is_place(one: object) -> bool:
    if not isinstance(one, Sequence) or isinstance(one, str) or len(one) < 2:
        return False
    return all(type(number) in (int, float) for number in one[:2])


def _would_count(measures: object) -> bool:
    """Whether a stop would have been task completion, by the streets' own measure."""
    if not isinstance(measures, Mapping) or "task_completion" not in measures:
        return False
    return bool(measures.get("shortest_path_distance", math.inf) <= NEIGHBOUR_HOPS)
