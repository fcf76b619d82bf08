"""Walking to a place: plan, turn, go, and learn from what the body runs into."""

import math
from collections import Counter

import numpy as np

from placecell.arrays import Point
from placecell.geometry import Pose, wrap_angle

from ..perception.embodiment import Embodiment
from ..perception.percept import Percept
from .actions import FORWARD, LEFT, RIGHT
from .ground_map import GroundMap, Route
from .policy import Decision

_PROGRESS_SHARE = 0.5  # of a step: moved less ahead after a collision, something is in the way
_ANY_STOREY_M = 1e4
_WIDEST_BUMP = 5  # cells to either side; the more a body has run into, the wider it believes obstacles to be
_RETURNS = 3  # visits to one place before the way that leads there is doubted
_WIDEST_DETOUR_RAD = math.radians(80)
_TURN_PRICE = 0.02  # radians off the bearing that a turn is worth
_PATIENCE = 4  # stuck steps in a row before breaking away


class Walker:
    """Leads a body over a map, through what has not been seen as if it were free.

    When a step does not move the body, it remembers an obstacle there; when that goes on, it breaks away in
    a random direction.
    """

    def __init__(self, ground: GroundMap, embodiment: Embodiment, voxel_size_m: float) -> None:
        self._map, self._body, self._size = ground, embodiment, voxel_size_m
        self.turns_around = round(2 * math.pi / embodiment.turn_rad)

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets the way and what it ran into."""
        self._rng = rng
        self._turn, self._breakaway, self._stuck, self._bumps = LEFT, 0, 0, 0
        self._visits: Counter[tuple[int, int, int]] = Counter()
        self._last: Pose | None = None
        self._goal: Point | None = None
        self._heading: float | None = None
        self.went_forward = False
        self.route: Route | None = None

    def notice(self, percept: Percept) -> None:
        """Marks what a step ran into: the map did not show it, or it would not have been walked into."""
        if not self.went_forward or self._last is None:
            return
        heading = np.array([math.cos(self._last.yaw_rad), math.sin(self._last.yaw_rad), 0.0])
        ahead = float((percept.pose.position - self._last.position) @ heading)
        if not percept.collided or ahead >= _PROGRESS_SHARE * self._body.forward_m:
            self._stuck = 0
            return
        self._stuck += 1
        self._bumps += 1
        ahead_m = self._body.radius_m + self._size
        self._map.bump(percept.pose, ahead_m, min(self._bumps, _WIDEST_BUMP))

    def remember(self, pose: Pose, action: int) -> None:
        """What was decided at a pose: the next percept shows whether it went well."""
        self._last, self.went_forward = pose, action == FORWARD

    def go(self, percept: Percept, goal: Point, *, careful: bool = False) -> Decision:
        """The next action on the way to a point; a random one where no way leads there.

        ``careful``: takes, of the headings that turns lead to, the best along which a step is free. A body
        that turns by 30 degrees and doesn't slide gets through doors so.
        """
        if self._breakaway:
            self._breakaway -= 1
            return Decision(self._turn if self._breakaway > 1 else FORWARD, {"mode": "break_away"})
        if self._stuck >= _PATIENCE:
            return self.break_away()
        if self._goal is None or not np.array_equal(goal, self._goal):
            self._goal, self.route = goal, None
        if self.route is None or self.went_forward:
            self._doubt_the_way(percept.pose)
            self.route, self._heading = self._plan(percept.pose, goal), None
        if self.route is None:
            return self.break_away()
        return self._follow(percept.pose, self.route, careful)

    def turn_to(self, pose: Pose, yaw_rad: float) -> int | None:
        """The turn that faces a direction better than now, or None if none does."""
        turn = wrap_angle(yaw_rad - pose.yaw_rad)
        if abs(turn) <= self._body.turn_rad / 2 + 1e-3:
            return None
        return LEFT if turn > 0 else RIGHT

    def break_away(self) -> Decision:
        """Some turns one way and a step, drawn at random."""
        self._stuck, self.route = 0, None
        self._turn = int(self._rng.choice([LEFT, RIGHT]))
        self._breakaway = int(self._rng.integers(2, self.turns_around // 2 + 2))
        return Decision(self._turn, {"mode": "break_away"})

    def _plan(self, pose: Pose, goal: Point) -> Route | None:
        """A route; with less and less room asked for where there is none."""
        route = self._map.route(pose, goal)
        if route is None:
            route = self._map.route(pose, goal, squeeze=True)
        if route is None:
            self._map.forgive()
            route = self._map.route(pose, goal, squeeze=True, storey_m=_ANY_STOREY_M)
        return route

    def _follow(self, pose: Pose, route: Route, careful: bool) -> Decision:
        ahead = route.target - pose.position
        trace = {
            "mode": "explore" if route.frontier is not None else "go",
            "target": route.target.tolist(),
            "frontier": None if route.frontier is None else route.frontier.tolist(),
            "plan": route.points[:: max(1, len(route.points) // 32)].tolist(),
        }
        bearing = math.atan2(ahead[1], ahead[0])
        if careful:
            # Kept until it has been tried: what a turn shows must not have the body turn back and forth.
            self._heading = self._free_heading(pose, bearing) if self._heading is None else self._heading
            bearing = self._heading
        turn = self.turn_to(pose, bearing)
        return Decision(FORWARD if turn is None else turn, trace)

    def _free_heading(self, pose: Pose, bearing_rad: float) -> float:
        """The heading nearest to a bearing along which a step is free; the bearing itself if none is."""
        turns = np.arange(self.turns_around)
        headings = pose.yaw_rad + turns * self._body.turn_rad
        off = np.abs((headings - bearing_rad + np.pi) % (2 * np.pi) - np.pi)
        off += _TURN_PRICE * np.minimum(turns, self.turns_around - turns)
        fit = (off <= _WIDEST_DETOUR_RAD) & self._map.free_steps(pose, headings, self._body.forward_m)
        return float(headings[np.argmin(np.where(fit, off, np.inf))]) if fit.any() else bearing_rad

    def _doubt_the_way(self, pose: Pose) -> None:
        """A way that brings the body back to where it has been leads nowhere: it costs more from now on."""
        if self.route is None:
            return
        size = self._body.forward_m / 2
        place = (round(pose.x / size), round(pose.y / size), round(pose.z / size))
        self._visits[place] += 1
        if self._visits[place] % _RETURNS == 0:
            self._map.doubt(self.route)
