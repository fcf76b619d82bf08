"""Exploring for a kind of thing: to the frontier where most of it is to be expected for the least way."""

import math

import numpy as np

from placecell.arrays import Point
from placecell.geometry import Pose, wrap_angle

from ..perception.percept import Percept
from .actions import LEFT, near
from .expectation import NEAR_M, Expectation
from .flood import Flood
from .frontiers import Frontier
from .ground_map import GroundMap
from .policy import Decision
from .things import ThingsSeen
from .walking import Walker

_FEWEST_CELLS, _MOST_CELLS = 4, 15  # a frontier's length below which it is a crack, above which it is open
_GAP_M = 1.5
_MARGIN = 1.6  # how much better another frontier has to be to turn round for it
_RECONSIDER = 4  # steps forward between two thoughts about it
_NEAR_WAY_M = 1.5  # added to each way: all that lies at hand is alike
_ARRIVED_M = 0.35
_SAME_M = 0.6
_GLANCE_M, _GLANCE_CELLS = 3.0, 30  # a direction is worth a turn when so much unseen ground lies in it
_PATIENCE = 40  # steps without coming nearer, along the way
_HEADINGS = 12
_STROLL_M = 3.0


class Explorer:
    """Looks around where it begins, then visits frontiers; commits to one until it is seen or beaten."""

    def __init__(
        self, walker: Walker, ground: GroundMap, things: ThingsSeen, expectation: Expectation | None,
        categories: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._walker, self._map, self._things = walker, ground, things
        self._expectation, self._categories = expectation, categories

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets where it has been."""
        self._rng = rng
        self._turns_left = self._walker.turns_around
        self._done: list[Point] = []
        self._target: Point | None = None
        self._glanced: set[int] = set()
        self._forwards = self._steps = 0
        self._left = math.inf
        self._fewest = _FEWEST_CELLS

    def retry(self) -> None:
        """Gives every frontier another chance, cracks too."""
        self._done, self._fewest, self._target = [], 1, None

    def interrupt(self) -> None:
        """Something else was done in between."""
        self._target = None

    def decide(self, percept: Percept, target_name: str) -> Decision | None:
        """The next action, or None when there is nothing left to explore."""
        if self._turns_left:
            self._turns_left -= 1
            return Decision(LEFT, {"mode": "look_around"})
        self._forwards += self._walker.went_forward
        self._steps += 1
        if self._target is not None and near(percept.pose, self._target, _ARRIVED_M):
            turn = self._glance(percept.pose)
            if turn is not None:
                return Decision(turn, {"mode": "glance", "target": self._target.tolist()})
            self._done.append(self._target)
            self._target = None
            self._glanced.clear()
        if self._target is not None and self._steps > _PATIENCE:
            self._done.append(self._target)
            self._target = None
        if self._target is None or self._forwards >= _RECONSIDER:
            self._choose(percept.pose, target_name)
        if self._target is None:
            return None
        return self._on_the_way(percept, "explore")

    def wander(self, percept: Percept) -> Decision | None:
        """The next action on a way to some place that can be reached, drawn at random; None at its end."""
        self._steps += 1
        if self._target is not None:
            if near(percept.pose, self._target, _ARRIVED_M) or self._steps > _PATIENCE:
                self._target = None
                return None
        else:
            self._steps, self._left, self._target = 0, math.inf, self._any_place(percept.pose)
        if self._target is None:
            return self._walker.break_away()
        return self._on_the_way(percept, "wander")

    def _on_the_way(self, percept: Percept, mode: str) -> Decision:
        assert self._target is not None
        decision = self._walker.go(percept, self._target, careful=True)
        left = math.inf if self._walker.route is None else len(self._walker.route.points)
        if left < self._left - 1:
            self._left, self._steps = left, 0
        return Decision(decision.action, {**decision.trace, "mode": f"{mode}/{decision.trace['mode']}"})

    def _glance(self, pose: Pose) -> int | None:
        """The turn towards the nearest direction in which much is unseen; None if there is none."""
        headings = 2 * math.pi * np.arange(_HEADINGS) / _HEADINGS
        off = np.array([wrap_angle(float(heading) - pose.yaw_rad) for heading in headings])
        # What is unseen after a look that way is hidden: a second one would not show it.
        self._glanced.update(np.flatnonzero(np.abs(off) <= math.pi / _HEADINGS + 1e-3).tolist())
        worth = self._map.unseen_ahead(pose, headings, _GLANCE_M) >= _GLANCE_CELLS
        worth[list(self._glanced)] = False
        if not worth.any():
            return None
        nearest = int(np.argmin(np.where(worth, np.abs(off), np.inf)))
        return self._walker.turn_to(pose, float(headings[nearest]))

    def _choose(self, pose: Pose, target_name: str) -> None:
        """Sets the target: the old one, as long as it is still a frontier and none is much better."""
        self._forwards = 0
        found: list[Frontier] = []
        # At last through gaps, too, that leave the body no room.
        for squeeze in (False, True) if self._fewest == 1 else (False,):
            reached = self._map.flood(pose, _GAP_M, squeeze=squeeze)
            found = [f for f in self._map.frontiers(reached, self._fewest) if not self._visited(f.position)]
            if found:
                break
        if not found:
            self._target = None
            return
        values = [self._value(frontier, target_name) for frontier in found]
        best = int(np.argmax(values))
        kept = self._kept(found)
        if kept is not None and values[best] < _MARGIN * values[kept]:
            self._target = found[kept].position
            return
        if self._target is None or kept is None or best != kept:
            self._steps, self._left = 0, math.inf
        self._target = found[best].position

    def _kept(self, found: list[Frontier]) -> int | None:
        if self._target is None:
            return None
        away = [float(np.linalg.norm(f.position - self._target)) for f in found]
        return int(np.argmin(away)) if min(away) < 2 * _SAME_M else None

    def _visited(self, position: Point) -> bool:
        return any(float(np.linalg.norm(position - done)) < _SAME_M for done in self._done)

    def _value(self, frontier: Frontier, target_name: str) -> float:
        """Expected finds for the way."""
        chance = 1.0
        if self._expectation is not None:
            seen = self._things.around(frontier.position, NEAR_M)
            chance = self._expectation.chance(target_name, [self._name(int(c)) for c in seen])
        width = min(frontier.cells, _MOST_CELLS) / _MOST_CELLS
        return chance * math.sqrt(width) / (frontier.cost_m + _NEAR_WAY_M)

    def _name(self, category: int) -> str:
        return self._categories[category] if category < len(self._categories) else str(category)

    def _any_place(self, pose: Pose) -> Point | None:
        reached: Flood = self._map.flood(pose, _GAP_M)
        nodes = np.argwhere(np.isfinite(reached.nodes.cost))
        far = reached.nodes.cost[tuple(nodes.T)] * reached.size_m > _STROLL_M
        nodes = nodes[far] if far.any() else nodes
        x, y, node = nodes[int(self._rng.integers(len(nodes)))].tolist()
        return reached.point(x, y, node)
