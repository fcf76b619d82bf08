"""Reference agents of panorama graphs: what any follower of instructions must beat, and the gold path.

None of them reads the instruction. The published figures that they have to come out at are those of R2R's
``val_seen``.
"""

import math
from collections.abc import Callable

import gymnasium
import numpy as np

from placecell.errors import ConfigError
from placecell.geometry import wrap_angle
from placecell.memory import Retrieval

from ..perception.panorama import PanoramaPercept, panorama_of, straightest
from ..perception.percept import Percept
from .policy import Decision, Policy

STOP, FORWARD = 0, 1
HOPS = 5
_TURN_RAD = math.pi / 6
_SIGHT_RAD = math.radians(40)
_MOST_ACTIONS = 30


class RandomHeadingPolicy(Policy):
    """R2R's random agent: a random heading, then five moves forward, and stop.

    As the random agent of the Matterport3D simulator's R2R task (Anderson et al. 2018, Table 1): 0 to 11
    turns to the right by 30 degrees, then forward to the panorama that is nearest to the middle of the view,
    among those up to 40 degrees to either side, five times; where there is none it turns right. At most 30
    actions, turns included. The camera looks level, at multiples of 30 degrees from north, and keeps its
    heading as it moves: unlike the body of this environment, so the policy keeps a heading of its own.

    Args:
        north_rad: gives the yaw of north in the frame of the episode that begins.
    """

    def __init__(self, north_rad: Callable[[], float]) -> None:
        self._north_rad = north_rad

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Draws the turns."""
        self._turns, self._hops = int(rng.integers(12)), 0
        self._yaw: float | None = None
        self._left = _MOST_ACTIONS - self._turns

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The panorama ahead, after as many turns as that takes."""
        seen = panorama_of(percept)
        if self._yaw is None:
            north = self._north_rad()
            away = round((north - seen.pose.yaw_rad) / _TURN_RAD) + self._turns
            self._yaw = wrap_angle(north - away * _TURN_RAD)
        while self._hops < HOPS and self._left > 0:
            self._left -= 1
            ahead = self._ahead(seen, self._yaw)
            if ahead is not None:
                self._hops += 1
                return Decision(int(seen.actions[ahead]), {"mode": "forward"})
            self._yaw = wrap_angle(self._yaw - _TURN_RAD)
        return Decision(STOP, {"mode": "stop"})

    def _ahead(self, seen: PanoramaPercept, yaw_rad: float) -> int | None:
        off = (seen.headings + seen.pose.yaw_rad - yaw_rad + math.pi) % (2 * math.pi) - math.pi
        away = np.where(np.abs(off) <= _SIGHT_RAD, np.hypot(off, seen.elevations), np.inf)
        return int(away.argmin()) if len(away) and math.isfinite(away.min()) else None


class UniformPolicy(Policy):
    """Five moves, each to a neighbour drawn with equal chance, the one that it came from too; then stop."""

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Takes the episode's source of chance."""
        self._rng, self._hops = rng, 0

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """Any neighbour, or stop."""
        seen = panorama_of(percept)
        if self._hops == HOPS or not len(seen.actions):
            return Decision(STOP, {"mode": "stop"})
        self._hops += 1
        return Decision(int(self._rng.choice(seen.actions)), {"mode": "random"})


class StraightOnPolicy(Policy):
    """Five moves, each to the neighbour straightest ahead of where the body looks, then stop.

    It starts with the heading that the dataset gives, and after a move looks along the way that it came.
    """

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Counts anew."""
        self._hops = 0

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The neighbour ahead, or stop."""
        seen = panorama_of(percept)
        if self._hops == HOPS or not len(seen.actions):
            return Decision(STOP, {"mode": "stop"})
        self._hops += 1
        return Decision(int(seen.actions[straightest(seen.headings)]), {"mode": "forward"})


class RandomTurnsPolicy(Policy):
    """On streets: every action but stop with equal chance, till the steps are spent.

    A walk is scored where it ends, whether or not stop was said. After Touchdown's random agent (Chen et al.
    2019, section 7), which draws from the actions that are not stop.

    Args:
        actions: how many there are, stop among them.
    """

    def __init__(self, actions: int) -> None:
        self._actions = actions

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Takes the episode's source of chance."""
        self._rng = rng

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """Any action but stop; where candidates are the actions, any that is there."""
        seen = panorama_of(percept)
        if seen.ways != "turning":
            return Decision(int(self._rng.choice(seen.actions)), {"mode": "random"})
        return Decision(int(self._rng.integers(1, self._actions)), {"mode": "random"})


class StreetAheadPolicy(Policy):
    """On streets: straight on till the steps are spent, the most frequent action of the street tasks."""

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Nothing to forget."""

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """Forward; where candidates are the actions, the one straightest ahead."""
        seen = panorama_of(percept)
        action = FORWARD if seen.ways == "turning" else int(seen.actions[straightest(seen.headings)])
        return Decision(action, {"mode": "forward"})


class GoldPolicy(Policy):
    """Walks the path that the instruction describes: an oracle.

    On streets many routes are longer than the shortest path, which the expert takes.
    """

    oracle = ("gold_path",)

    def __init__(self, env: gymnasium.Env) -> None:
        if not env.has_wrapper_attr("gold_action"):
            raise ConfigError(
                expected="an environment with a gold_action() (env=r2r or env=streets)",
                came=type(env.unwrapped).__name__,
                fix="choose agent=expert, which takes the shortest path",
            )
        self._gold_action = env.get_wrapper_attr("gold_action")

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Nothing to forget."""

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The next move along the path, or stop at its end."""
        return Decision(self._gold_action(), {"mode": "gold"})
