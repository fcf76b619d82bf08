"""Follows instructions through streets: reads the text, keeps several guesses of how far it has come.

No part of it is trained to see: it reads the instruction, the directions to the neighbours of the panorama it
stands at, and what it walked so far; with points of interest also their names. See :mod:`.routes`.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from placecell.memory import Retrieval
from placecell.memory.hypotheses import Hypothesis

from ..perception.panorama import PanoramaPercept, panorama_of
from ..perception.percept import Percept
from .policy import Decision, Policy
from .routes.clauses import Route
from .routes.following import Follower, Plan
from .routes.landmarks import Landmarks
from .routes.reading import read_route
from .routes.stopping import Habits
from .routes.weighing import RouteWeights

STOP, FORWARD, LEFT, RIGHT = range(4)
SHOWN = 16
_AHEAD_RAD = 1e-4


class StreetsPolicy(Policy):
    """Follows an instruction with a grammar, the geometry of intersections, and weighed guesses.

    It goes on where it cannot tell: an instruction that says nothing it knows is a straight walk of the usual
    length. It never asks for the graph beyond the neighbours of where it stands.

    Args:
        habits: how routes end here.
        weights: what is expected at intersections.
        most_actions: of an episode, turns and stop included.
        landmarks: the texts of all points of interest on the map; none: the world has no such.
    """

    def __init__(
        self,
        habits: Habits,
        weights: RouteWeights | None = None,
        most_actions: int = 55,
        landmarks: Sequence[str] = (),
    ) -> None:
        self._habits, self._weights, self._most = habits, weights or RouteWeights(), most_actions
        self._known = tuple(landmarks)

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets the route; nothing is left to chance."""
        self._route: Route | None = None
        self._at, self._used = -1, 0

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The next turn or move of the route, or stop."""
        seen = panorama_of(percept)
        first = self._route is None
        if first:
            self._begin(seen)
        if seen.node != self._at:
            self._at, self._plan = seen.node, self._arrive(seen)
        elif seen.collided and self._moved:
            self._plan = self._follower.blocked(self._used)
        self._used += 1
        action = self._action(seen, self._plan)
        return Decision(action, self._trace(self._plan, seen, first))

    def _begin(self, seen: PanoramaPercept) -> None:
        self._route = read_route(seen.instruction)
        self._follower = Follower(self._route, self._habits, self._weights, self._most)
        self._landmarks = Landmarks(seen.instruction, self._route, self._known)

    def _arrive(self, seen: PanoramaPercept) -> Plan:
        assert self._route is not None
        return self._follower.arrive(
            seen.node,
            seen.pose.position,
            seen.pose.yaw_rad,
            [int(node) for node in seen.candidates],
            seen.pose.yaw_rad + seen.headings,
            self._used,
            self._landmarks.odds([point.name for point in seen.points]) if self._known else None,
        )

    def _action(self, seen: PanoramaPercept, plan: Plan) -> int:
        self._moved = False
        if plan.node is None or plan.node not in seen.candidates:
            return STOP
        index = int(np.flatnonzero(seen.candidates == plan.node)[0])
        if seen.ways != "turning":
            self._moved = True
            return int(seen.actions[index])
        action = turn_towards(seen.headings, index)
        self._moved = action == FORWARD
        return action

    def _trace(self, plan: Plan, seen: PanoramaPercept, first: bool) -> dict[str, object]:
        assert self._route is not None
        spans = self._route.spans
        trace: dict[str, object] = {
            "mode": plan.mode,
            "clause": spans[min(self._follower.clause, len(spans) - 1)],
            "hypotheses": [self._shown(guess) for guess in self._follower.guesses[:SHOWN]],
        }  # fmt: skip
        if first:
            trace["clauses"] = spans
        return trace

    def _shown(self, guess: Hypothesis) -> list[float | int]:
        """Where it believes that its last clause was done, its weight, and the clause it is at."""
        x, y = (round(float(c), 2) for c in self._follower.place_of(guess)[:2])
        return [x, y, round(guess.weight, 4), guess.state[0]]


def turn_towards(headings: Float64[np.ndarray, " n"], index: int) -> int:
    """Forward if neighbour ``index`` is straight ahead, else the turn that gets there in fewer actions.

    A turn goes to the next neighbour on that side, so that what counts is how many lie between.

    Args:
        headings: (n,) of the neighbours from where the body looks, radians, left positive.
        index: of the one to walk to.
    """
    left = _sweep(headings, index, 1)
    right = _sweep(headings, index, -1)
    if left == 0 or right == 0:
        return FORWARD
    return LEFT if left <= right else RIGHT


def _sweep(headings: Sequence[float] | Float64[np.ndarray, " n"], index: int, sign: int) -> int:
    """Neighbours passed by turning one way until ``index`` is ahead, itself counted; 0: it is ahead."""
    turned = (sign * np.asarray(headings) + _AHEAD_RAD) % (2 * math.pi)
    ahead = turned <= 2 * _AHEAD_RAD
    if ahead[index]:
        return 0
    return int(((turned <= turned[index] + _AHEAD_RAD) & ~ahead).sum())
