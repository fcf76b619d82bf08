"""Approaching a recalled object: to where it is within reach and in sight, looking whether it is there."""

import math

import numpy as np

from placecell.arrays import Point, Points
from placecell.geometry import Pose

from ..perception.embodiment import Embodiment
from ..perception.percept import CategoryGoal, Percept
from .actions import LEFT, RIGHT, STOP, near
from .candidates import Candidate
from .flood import Flood
from .ground_map import GroundMap
from .policy import Decision
from .standing import Place, StandingPlaces
from .verify import fills_the_view, look_at
from .walking import Walker

_WANTED_M, _WITHIN_M, _AT_MOST_M = 0.6, 0.8, 0.95  # from the object's nearest part, over the ground
_TRUST_M = (0.5, 2.8)  # depths between which a look counts
_SURE, _SURER, _GONE = 2, 4, -3  # looks for it less looks against it
_REPLAN = 3  # steps forward after which the standing place is chosen anew
_ARRIVED_M = 0.15
_ATTEMPTS = 4  # standing places tried
_FACED = 4  # steps it is looked at from its place before that settles it
_PATIENCE = 120  # steps without coming nearer, along the way
_GAP_M = 1.5


class Approach:
    """One candidate's approach. ``decide`` gives None when the candidate is given up."""

    def __init__(
        self, walker: Walker, ground: GroundMap, places: StandingPlaces, embodiment: Embodiment
    ) -> None:
        self._walker, self._map, self._places, self._body = walker, ground, places, embodiment

    def begin(self) -> None:
        """Heads for another candidate."""
        self._evidence = self._faced = self._attempts = self._forwards = self._steps = 0
        self._place: Place | None = None
        self._left = math.inf

    def decide(self, percept: Percept, candidate: Candidate) -> Decision | None:
        """The next action; ``stop`` only where the object is confirmed, within reach and in sight."""
        self._steps += 1
        self._weigh(percept, candidate.points)
        if self._evidence <= _GONE or self._steps > _PATIENCE:
            return None
        if self._in_reach(percept.pose, candidate.points):
            return self._settle(percept.pose, candidate.points)
        self._forwards += self._walker.went_forward
        arrived = self._place is not None and near(percept.pose, self._place.position, _ARRIVED_M)
        self._attempts += arrived
        if self._attempts > _ATTEMPTS:
            return None
        if self._place is None or arrived or self._forwards >= _REPLAN:
            self._forwards = 0
            self._place = self._choose_place(percept.pose, candidate.points)
        if self._place is None:
            return None
        decision = self._walker.go(percept, self._place.position, careful=True)
        left = math.inf if self._walker.route is None else len(self._walker.route.points)
        if left < self._left - 1:
            self._left, self._steps = left, 0
        return Decision(decision.action, {**decision.trace, "mode": f"approach/{decision.trace['mode']}"})

    def _weigh(self, percept: Percept, points: Points) -> None:
        """Adds what this frame says of the candidate."""
        assert isinstance(percept.goal, CategoryGoal)
        category = percept.goal.category
        verdict = look_at(percept.frame, points, category, *_TRUST_M).verdict
        if not verdict and self._places.distance(percept.pose, points) < 1.0:
            facing = self._walker.turn_to(percept.pose, _yaw_to(percept.pose, points)) is None
            verdict = int(facing and fills_the_view(percept.frame, category))
        self._evidence = int(np.clip(self._evidence + verdict, _GONE, _SURER))

    def _in_reach(self, pose: Pose, points: Points) -> bool:
        within_m = _WITHIN_M
        if self._place is not None:
            within_m = max(within_m, min(self._place.distance_m + 0.05, _AT_MOST_M))
        return self._places.distance(pose, points) <= within_m and self._places.sees(pose, points)

    def _settle(self, pose: Pose, points: Points) -> Decision | None:
        """At its place: stops if sure, else faces it and looks a few times more."""
        if self._evidence >= _SURE:
            return Decision(STOP, {"mode": "stop"})
        turn = self._walker.turn_to(pose, _yaw_to(pose, points))
        if turn is None:
            self._faced += 1
            if self._faced >= _FACED:
                return Decision(STOP, {"mode": "stop"}) if self._evidence > 0 else None
            # Each frame errs for itself: a step of the eye aside gives another opinion.
            turn = LEFT if self._faced % 2 else RIGHT
        return Decision(turn, {"mode": "verify"})

    def _choose_place(self, pose: Pose, points: Points) -> Place | None:
        """The cheapest standing place, with ever less asked for where there is none."""
        wanted_m = max(0.2, _WANTED_M - 0.15 * self._attempts)
        for gap_m, squeeze in ((_GAP_M, False), (_GAP_M, True), (math.inf, False)):
            reached = self._map.flood(pose, gap_m, squeeze=squeeze)
            for within_m in (_WITHIN_M, _AT_MOST_M):
                place = self._places.best(reached, points, wanted_m, within_m)
                if place is not None:
                    return place
        return None


def price_of(places: StandingPlaces, flood: Flood, candidate: Candidate, here: Point) -> float:
    """Metres of way to a candidate; through wholly unknown ground by the straight line, and half as much."""
    place = places.best(flood, candidate.points, _WANTED_M, _AT_MOST_M)
    if place is not None:
        return place.cost_m
    return 1.5 * float(np.linalg.norm(candidate.points - here, axis=1).min()) + 2.0


def _yaw_to(pose: Pose, points: Points) -> float:
    """The direction of an object's nearest part."""
    away = points[:, :2] - pose.position[:2]
    x, y = away[int(np.argmin(np.hypot(*away.T)))].tolist()
    return math.atan2(y, x)
