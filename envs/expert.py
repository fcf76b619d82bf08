"""The shortest-path expert: the action that brings a body nearest to its goal. An oracle."""

import math

from placecell.geometry import wrap_angle

from .body import Action, Body
from .geodesic import DistanceField, NavigableArea, Standing

_AHEAD = 1e-3  # metres a step must gain to count as one
_BUMP_M = 0.1  # metres that running into something counts for: whoever bumps now is often blocked next


class ShortestPathExpert:
    """Follows a distance field with a body's own actions.

    Every heading the body can turn to is tried with one step, walls and sliding included, and the one that
    ends nearest to the goal is turned to; so it also finds its way round corners that its path touches. It
    bumps into things only where there is no other way, never walks to where a sticky body is held, and stops
    as soon as that counts, as Habitat's followers do.
    """

    def __init__(self, area: NavigableArea, body: Body) -> None:
        self._area, self._body = area, body
        turns = round(360 / body.turn_deg)
        order = sorted(range(turns), key=lambda k: min(k, turns - k))
        self._headings = [wrap_angle(k * body.turn_rad) for k in order]

    def action(
        self, field: DistanceField, standing: Standing, yaw_rad: float, stop_within_m: float
    ) -> Action:
        """The next action of a body at ``standing``; stops nearer to the goal than ``stop_within_m``."""
        here = field.distance(standing)
        if here < stop_within_m:
            return Action.STOP
        best, best_turn = math.inf, 0.0
        for turn in self._headings:
            step = self._area.step(
                standing, yaw_rad + turn, self._body.forward_m,
                sliding=self._body.sliding, sticky=self._body.sticky,
            )  # fmt: skip
            reached = field.distance(step.standing)
            if reached >= here - _AHEAD or (step.held and reached >= stop_within_m):
                continue
            cost = reached + _BUMP_M if step.collided and reached >= stop_within_m else reached
            if cost < best - _AHEAD:
                best, best_turn = cost, turn
        if math.isinf(best):
            return Action.STOP
        if abs(best_turn) < self._body.turn_rad / 2:
            return Action.MOVE_FORWARD
        return Action.TURN_LEFT if best_turn > 0 else Action.TURN_RIGHT
