"""Seeking any object of a category: recall it, approach it, make sure, or explore for it."""

from collections.abc import Sequence

import numpy as np

from placecell.geometry import Pose
from placecell.memory import MemoryItem

from ..perception.percept import CategoryGoal, Percept
from .approaching import Approach, price_of
from .candidates import Candidate, Rejected, candidates_of
from .exploring import Explorer
from .ground_map import GroundMap
from .policy import Decision
from .standing import StandingPlaces

_GAP_M = 1.5
_STAGES = (
    (0.15, 2),
    (0.02, 1),
)  # the confidence and the voxels that a candidate needs, while others are left
_NEAR_WAY_M = 2.0
_MOST_PRICED = 8
_MARGIN = 0.6  # of its price: another candidate has to be this much cheaper to turn round for it
_RECONSIDER = 6  # steps forward


class ObjectSeeker:
    """Heads for the cheapest confident candidate; explores while there is none.

    When all is explored, less confidence is asked for and rejected places get a second chance; then it
    wanders. It never stops without an object that its own eyes confirmed.
    """

    def __init__(
        self, ground: GroundMap, places: StandingPlaces, approach: Approach, explorer: Explorer
    ) -> None:
        self._map, self._places, self._approach, self._explorer = ground, places, approach, explorer
        self._rejected = Rejected()

    def begin_episode(self) -> None:
        """Forgets candidates and rejections."""
        self._rejected.forget()
        self._rejections = self._stage = self._forwards = 0
        self._second_chance = False
        self._candidate: Candidate | None = None

    @property
    def candidate(self) -> Candidate | None:
        """What it heads for now."""
        return self._candidate

    def decide(self, percept: Percept, items: Sequence[MemoryItem], went_forward: bool) -> Decision:
        """The next action, from what was recalled of the goal's category."""
        assert isinstance(percept.goal, CategoryGoal)
        self._forwards += went_forward
        found = candidates_of(items, percept.goal.category)
        decision = None
        # A candidate given up leaves this step to the next one.
        while decision is None and self._choose(percept.pose, found):
            assert self._candidate is not None
            decision = self._approach.decide(percept, self._candidate)
            if decision is None:
                self._reject(self._candidate)
        if decision is None:
            decision = self._explore(percept, percept.goal)
        if decision is None:
            return self.decide(percept, items, False)
        return self._traced(decision)

    def _explore(self, percept: Percept, goal: CategoryGoal) -> Decision | None:
        """An action without a candidate; None when the next stage has begun."""
        if self._stage < len(_STAGES):
            decision = self._explorer.decide(percept, goal.name)
            if decision is None:
                self._stage += 1
                self._explorer.retry()
                if not self._second_chance:
                    self._second_chance = True
                    self._rejected.forget()
            return decision
        decision = self._explorer.wander(percept)
        if decision is None:
            # Strolling shows new ground now and then.
            self._stage = len(_STAGES) - 1
            self._explorer.retry()
        return decision

    def _choose(self, pose: Pose, found: Sequence[Candidate]) -> bool:
        """Sets the candidate: the old one as it is recalled now, or a new one; False if there is none."""
        score, fewest = _STAGES[min(self._stage, len(_STAGES) - 1)]
        fit = [
            c for c in found if c.score >= score and len(c.points) >= fewest and not self._rejected.holds(c)
        ]
        old = self._candidate
        current = None if old is None else next((c for c in fit if old.same(c)), None)
        if current is not None and (self._forwards < _RECONSIDER or len(fit) == 1):
            self._candidate = current
            return True
        self._forwards = 0
        if not fit:
            self._candidate = None
            return False
        prices = self._prices(pose, fit)
        best = min(fit, key=lambda c: prices[id(c)])
        if current is None or prices[id(best)] < _MARGIN * prices[id(current)]:
            self._candidate = best
            self._approach.begin()
            self._explorer.interrupt()
        else:
            self._candidate = current
        return True

    def _prices(self, pose: Pose, fit: Sequence[Candidate]) -> dict[int, float]:
        """Metres of way for each candidate over its confidence; only the straight line for far-off ones."""
        here = pose.position
        straight = {id(c): float(np.linalg.norm(c.points - here, axis=1).min()) for c in fit}
        near = sorted(fit, key=lambda c: straight[id(c)] / c.score)
        ways = {id(c): 1.5 * straight[id(c)] + 2.0 for c in fit}
        if len(fit) > 1:
            flood = self._map.flood(pose, _GAP_M)
            ways |= {id(c): price_of(self._places, flood, c, here) for c in near[:_MOST_PRICED]}
        return {id(c): (ways[id(c)] + _NEAR_WAY_M) / c.score for c in fit}

    def _reject(self, candidate: Candidate) -> None:
        self._rejected.add(candidate.points)
        self._rejections += 1
        self._candidate = None

    def _traced(self, decision: Decision) -> Decision:
        candidate = None if self._candidate is None else self._candidate.middle.tolist()
        return Decision(
            decision.action, {**decision.trace, "candidate": candidate, "rejected": self._rejections}
        )
