"""Map, plan, go: the classical agent. It learns nothing and needs only what its memory holds."""

import math
from collections import Counter

import numpy as np

from placecell.errors import ConfigError
from placecell.geometry import Pose, wrap_angle
from placecell.memory import Memory, Retrieval, SpatialMemory

from ..perception.embodiment import Embodiment
from ..perception.percept import Percept
from ..picture import Picture, walk_map
from .actions import FORWARD, LEFT, RIGHT, STOP, reached
from .ground_map import GroundMap, Route
from .policy import Decision, Policy

_STOP_SHARE = 0.8  # of the success distance: a margin for the map's grain
_PROGRESS_SHARE = 0.5  # of a step: moved less ahead after a collision, something is in the way
_ANY_STOREY_M = 1e4
_WIDEST_BUMP = 5  # cells to either side; the more a body has run into, the wider it believes obstacles to be
_RETURNS = 3  # visits to one place before the way that leads there is doubted
_WIDEST_VIEW = 1000  # voxels; a map of finer ones would take gigabytes
_PATIENCE = 4  # stuck steps in a row before breaking away


class ModularPolicy(Policy):
    """Plans on its own map, through what it has not seen as if it were free, and corrects itself on the way.

    The first unknown point of the route is the frontier it heads for. It turns once around at the start,
    since turning costs no path. When a step does not move it, it remembers an obstacle there; when that goes
    on, it breaks away in a random direction.
    """

    def __init__(self, memory: SpatialMemory, embodiment: Embodiment, range_m: float) -> None:
        self._body, self._memory = embodiment, memory
        self._map = GroundMap(memory.octree, embodiment, range_m)
        self._look_around = round(2 * math.pi / embodiment.turn_rad)

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets the map's columns; the memory is emptied, or not, by whoever owns it."""
        self._rng = rng
        self._map.clear()
        self._turns_left = self._look_around
        self._turn, self._breakaway, self._stuck, self._bumps = LEFT, 0, 0, 0
        self._walked: list[Pose] = []
        self._visits: Counter[tuple[int, int, int]] = Counter()
        self._last: Pose | None = None
        self._went_forward = False
        self._route: Route | None = None

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The next action, with the route, the frontier and what was recalled in its trace."""
        self._walked.append(percept.pose)
        self._goal = percept.goal
        self._map.look(percept.pose)
        self._notice_obstacles(percept)
        decision = self._choose(percept)
        self._last, self._went_forward = percept.pose, decision.action == FORWARD
        recalled = [
            {"position": item.position.tolist(), "score": item.score, "age": item.age_steps}
            for item in retrieval.items
        ]
        return Decision(decision.action, {**decision.trace, "recalled": recalled})

    def top_down(self) -> Picture | None:
        """The map so far, the walk, the plan and the goal; None before the first step."""
        if not self._walked:
            return None
        route = self._route
        return walk_map(
            self._map.top_down(self._walked[-1].z),
            walked=self._walked,
            goal=self._goal,
            plan=[] if route is None else list(route.points),
            frontier=None if route is None else route.frontier,
        )

    def _choose(self, percept: Percept) -> Decision:
        if reached(percept, self._body.success_distance_m * _STOP_SHARE):
            return Decision(STOP, {"mode": "stop"})
        if self._turns_left:
            self._turns_left -= 1
            return Decision(LEFT, {"mode": "look_around"})
        if self._breakaway:
            self._breakaway -= 1
            return Decision(self._turn if self._breakaway > 1 else FORWARD, {"mode": "break_away"})
        if self._stuck >= _PATIENCE:
            return self._break_away()
        if self._route is None or self._went_forward:
            self._doubt_the_way(percept.pose)
            self._route = self._plan(percept)
        if self._route is None:
            return self._break_away()
        return self._follow(percept.pose, self._route)

    def _plan(self, percept: Percept) -> Route | None:
        """A route; with less and less room asked for where there is none."""
        route = self._map.route(percept.pose, percept.goal)
        if route is None:
            route = self._map.route(percept.pose, percept.goal, squeeze=True)
        if route is None:
            self._map.forgive()
            route = self._map.route(percept.pose, percept.goal, squeeze=True, storey_m=_ANY_STOREY_M)
        return route

    def _follow(self, pose: Pose, route: Route) -> Decision:
        ahead = route.target - pose.position
        turn = wrap_angle(math.atan2(ahead[1], ahead[0]) - pose.yaw_rad)
        trace = {
            "mode": "explore" if route.frontier is not None else "go",
            "target": route.target.tolist(),
            "frontier": None if route.frontier is None else route.frontier.tolist(),
            "plan": route.points[:: max(1, len(route.points) // 32)].tolist(),
        }
        if abs(turn) <= self._body.turn_rad / 2 + 1e-3:
            return Decision(FORWARD, trace)
        return Decision(LEFT if turn > 0 else RIGHT, trace)

    def _notice_obstacles(self, percept: Percept) -> None:
        """Marks what a step ran into: the map did not show it, or it would not have been walked into."""
        if not self._went_forward or self._last is None:
            return
        heading = np.array([math.cos(self._last.yaw_rad), math.sin(self._last.yaw_rad), 0.0])
        ahead = float((percept.pose.position - self._last.position) @ heading)
        if not percept.collided or ahead >= _PROGRESS_SHARE * self._body.forward_m:
            self._stuck = 0
            return
        self._stuck += 1
        self._bumps += 1
        ahead_m = self._body.radius_m + self._memory.octree.voxel_size_m
        self._map.bump(percept.pose, ahead_m, min(self._bumps, _WIDEST_BUMP))

    def _doubt_the_way(self, pose: Pose) -> None:
        """A way that brings the body back to where it has been leads nowhere: it costs more from now on."""
        if self._route is None:
            return
        size = self._body.forward_m / 2
        place = (round(pose.x / size), round(pose.y / size), round(pose.z / size))
        self._visits[place] += 1
        if self._visits[place] % _RETURNS == 0:
            self._map.doubt(self._route)

    def _break_away(self) -> Decision:
        self._stuck, self._route = 0, None
        self._turn = int(self._rng.choice([LEFT, RIGHT]))
        self._breakaway = int(self._rng.integers(2, self._look_around // 2 + 2))
        return Decision(self._turn, {"mode": "break_away"})


def make_modular_policy(memory: Memory, embodiment: Embodiment, range_m: float) -> ModularPolicy:
    """The policy for a memory that has an octree.

    Raises:
        ConfigError: the memory keeps no map to plan on, or one too fine for it; a range that is none.
    """
    if not isinstance(memory, SpatialMemory):
        raise ConfigError(
            expected="a memory with an octree to plan on",
            came=type(memory).__name__,
            fix="set memory=full, or choose an agent that needs no map (random, forward, expert)",
        )
    if not range_m > 0:
        raise ConfigError(
            expected="a range_m above 0 metres",
            came=f"{range_m:g}",
            fix="set agent.range_m=10, or leave it out",
        )
    size = memory.octree.voxel_size_m
    across = 2 * range_m / size
    if across > _WIDEST_VIEW:
        raise ConfigError(
            expected=f"a view of at most {_WIDEST_VIEW} voxels across to plan on",
            came=f"{across:.0f} (agent.range_m {range_m:g}, memory.voxel_size_m {size:g})",
            fix="set memory.voxel_size_m to 0.05 or more, or agent.range_m to less",
        )
    return ModularPolicy(memory, embodiment, range_m)
