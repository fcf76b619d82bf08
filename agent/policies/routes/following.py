"""Follows one route: at each panorama reached, which neighbour is next, or where to stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from placecell.arrays import Point
from placecell.memory.hypotheses import Hypotheses, Hypothesis

from .clauses import Route
from .intersections import Intersection, way_in, ways_on
from .stopping import Habits, outlooks, ready, where_to_stop
from .weighing import RouteWeights, Way, branches, chances, taken

STATE_WIDTH = 2  # clauses done, step at which the last was
_WORTH_TRYING = 0.02


@dataclass
class _Fork:
    """An intersection that was decided at: what is needed to decide there again."""

    step: int
    before: Mapping[str, np.ndarray]
    ways: list[Way]
    nodes: list[int]
    likely: Float64[np.ndarray, " n"]
    tried: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """What to do next.

    Args:
        node: the neighbour to walk to; None: stop here.
        mode: why: ``forward``, ``turn``, ``return`` (to a better place to stop), ``backtrack``, ``stop``.
    """

    node: int | None
    mode: str


class Follower:
    """One walk under an instruction.

    Args:
        route: the instruction as read.
        habits: how routes end here.
        weights: of what is expected at intersections.
        most_actions: that the walk may have, turns and stop included.
    """

    def __init__(self, route: Route, habits: Habits, weights: RouteWeights, most_actions: int) -> None:
        self._route, self._habits, self._weights, self._most = route, habits, weights, most_actions
        self.hypotheses = Hypotheses(STATE_WIDTH)
        self.hypotheses.begin({(0, -1): 1.0})
        self._nodes: list[int] = []
        self._places: list[Point] = []
        self._intersections: list[int] = []
        self._forks: list[_Fork] = []
        self._named_here: list[float] = []  # by step: how well what stands there fits the ending
        self._going_back: list[int] = []
        self._then_stop = False

    @property
    def clause(self) -> int:
        """The clause under way, as the heaviest guess has it; their number stands for the ending."""
        return self.hypotheses.present[0].state[0]

    @property
    def guesses(self) -> tuple[Hypothesis, ...]:
        """The guesses, the heaviest first."""
        return self.hypotheses.present

    def place_of(self, guess: Hypothesis) -> Point:
        """(3,) where a guess believes that its last clause was done; the start if none was."""
        return self._places[min(max(0, guess.state[1]), len(self._places) - 1)]

    def arrive(
        self,
        node: int,
        place: Point,
        yaw_rad: float,
        nodes: Sequence[int],
        headings: Float64[np.ndarray, " n"],
        used: int,
        landmarks: Float64[np.ndarray, " c"] | None = None,
    ) -> Plan:
        """What to do at a panorama that has just been entered.

        Args:
            node: it; ``place``: where it is, metres; ``yaw_rad``: what the walker looks along.
            nodes: its neighbours; ``headings``: the yaw to each in the frame of ``place``.
            used: actions so far.
            landmarks: (clauses + 1,) log-odds that each clause, and the ending, is meant here, from what
                stands around; None: nothing is known of that.
        """
        left = self._most - used - 1
        if self._going_back:
            if node == self._going_back[0]:
                self._going_back.pop(0)
            if self._going_back:
                return Plan(self._going_back[0], "return" if self._then_stop else "backtrack")
            return Plan(None, "stop") if self._then_stop else self._decide_again()
        self._nodes.append(node)
        self._places.append(place)
        self._named_here.append(0.0 if landmarks is None else float(landmarks[-1]))
        step = len(self._nodes) - 1
        behind = self._nodes[-2] if step else None
        on, turns = ways_on(nodes, headings, behind, way_in(self._places, yaw_rad))
        if not nodes or (len(nodes) < 2 and step):
            return self.blocked(used)
        following, mode = self._choose(step, [nodes[n] for n in on], turns, len(nodes), landmarks)
        stop = self._stop_at(step, left, len(nodes) > 2)
        if left <= 0 or stop is not None:
            return self._back_to(step if stop is None or left <= 0 else stop, then_stop=True)
        return Plan(following, mode)

    def blocked(self, used: int) -> Plan:
        """What to do where there is no way on: try another way at an intersection before, or stop."""
        left, step = self._most - used - 1, len(self._nodes) - 1
        if not ready(self._habits, self._done(), step):
            for fork in reversed(self._forks):
                untried = [n for n in range(len(fork.nodes)) if n not in fork.tried]
                if step - fork.step + 2 > left or not untried:
                    continue
                if max(fork.likely[n] for n in untried) >= _WORTH_TRYING:
                    return self._back_to(fork.step, then_stop=False)
        return self._back_to(step, then_stop=True)

    def _choose(
        self,
        step: int,
        nodes: list[int],
        turns: Float64[np.ndarray, " n"],
        neighbours: int,
        landmarks: Float64[np.ndarray, " c"] | None,
    ) -> tuple[int, str]:
        if neighbours <= 2 or len(nodes) < 2:
            if neighbours > 2:
                self._intersections.append(step)
            return nodes[int(np.abs(turns).argmin())], "forward"
        gap = step - self._intersections[-1] if self._intersections else None
        place = Intersection(turns, neighbours, gap, first=step == 0)
        self._intersections.append(step)
        ways = branches(self._route.clauses, self.guesses, place, step, self._weights, landmarks)
        fork = _Fork(step, self.hypotheses.pack(), ways, nodes, chances(ways))
        self._forks.append(fork)
        return self._take(fork)

    def _take(self, fork: _Fork) -> tuple[int, str]:
        open_ways = [n for n in range(len(fork.nodes)) if n not in fork.tried]
        best = max(open_ways, key=lambda n: fork.likely[n])
        fork.tried.add(best)
        self.hypotheses.grow(taken(fork.ways, best), fork.step)
        return fork.nodes[best], "turn" if fork.likely[best] < 1 else "forward"

    def _decide_again(self) -> Plan:
        """At an intersection that was come back to: as if the way that failed were not there."""
        step = len(self._nodes) - 1
        while self._forks[-1].step > step:
            self._forks.pop()
        fork = self._forks[-1]
        self.hypotheses.unpack(fork.before)
        return Plan(self._take(fork)[0], "backtrack")

    def _back_to(self, step: int, *, then_stop: bool) -> Plan:
        back = self._nodes[step:-1][::-1]
        del self._nodes[step + 1 :], self._places[step + 1 :], self._named_here[step + 1 :]
        self._intersections = [met for met in self._intersections if met <= step]
        if not back:
            return Plan(None, "stop")
        self._going_back, self._then_stop = back, then_stop
        return Plan(back[0], "return" if then_stop else "backtrack")

    def _stop_at(self, step: int, left: int, at_intersection: bool) -> int | None:
        done = self._done()
        if not ready(self._habits, done, step):
            return None
        views = outlooks(self._habits, self._route.ending.kind, self._intersections, done, self._named_here)
        return where_to_stop(views, step, left, at_intersection=at_intersection)

    def _done(self) -> dict[int, float]:
        """The share of belief that every clause is done, by the step at which the last was."""
        shares: dict[int, float] = {}
        for guess in self.guesses:
            if guess.state[0] == len(self._route.clauses):
                shares[guess.state[1]] = shares.get(guess.state[1], 0.0) + guess.weight
        return shares
