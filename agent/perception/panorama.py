"""From an observation at a panorama to a percept: where one can go, what stands around, what is asked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import Point, Points
from placecell.errors import ConfigError, EnvironmentUseError
from placecell.geometry import Pose
from placecell.memory import Query

from .lookout import NOTHING_SEEN, frame_of_objects
from .percept import InstructionGoal, Percept

Ways = Literal["local", "global", "turning"]
AROUND_M = 6.0
_UNKNOWN_M = 1.5  # an object of unknown distance: the median of those that are known
_READS = (
    "instruction", "gps", "compass", "pitch", "node", "collided",
    "candidates", "candidate_heading", "candidate_elevation", "candidate_distance",
)  # fmt: skip


@dataclass(frozen=True)
class SeenThing:
    """A labelled object, or a point of interest, as seen from a panorama.

    Args:
        category: its id, from 1, and ``name``.
        heading_rad: from where the body looks, left positive.
        elevation_rad: above the horizon.
        distance_m: from the panorama's camera.
        position: (3,) metres, the episode's frame.
    """

    category: int
    name: str
    heading_rad: float
    elevation_rad: float
    distance_m: float
    position: Point


@dataclass(frozen=True)
class PanoramaPercept(Percept):
    """One observation at a panorama, understood. Its pose is that of the panorama's camera.

    Args:
        node: the panorama, an index into its graph.
        candidates: (n,) nodes one step away, by rising yaw in the world.
        headings: (n,) of the ways there from where the body looks, radians, left positive.
        elevations: (n,) of the ways there, above the horizon.
        distances: (n,) metres.
        positions: (n, 3) of the candidates, metres, the episode's frame.
        slots: (n,) where each stands in the observation's arrays.
        actions: (n,) what goes to each in one action; -1 where the world is walked by turns.
        ways: how the world is walked: a candidate or stop, any known place, or forward and turns.
        objects: labelled, and in view. ``points``: of interest, near the panorama.
        features: (36, d) or (d,) of the panorama's images, or None.
    """

    node: int
    candidates: Int64[np.ndarray, " n"]
    headings: Float64[np.ndarray, " n"]
    elevations: Float64[np.ndarray, " n"]
    distances: Float64[np.ndarray, " n"]
    positions: Points
    slots: Int64[np.ndarray, " n"]
    actions: Int64[np.ndarray, " n"]
    ways: Ways
    objects: tuple[SeenThing, ...] = ()
    points: tuple[SeenThing, ...] = ()
    features: Float32[np.ndarray, "..."] | None = None

    @property
    def instruction(self) -> str:
        """The text that is to be followed."""
        assert isinstance(self.goal, InstructionGoal)
        return self.goal.text


def panorama_of(percept: Percept) -> PanoramaPercept:
    """The percept, of a policy for panorama graphs.

    Raises:
        ConfigError: it is of another world.
    """
    if not isinstance(percept, PanoramaPercept):
        raise ConfigError(
            expected="percepts of a panorama graph (env=r2r or env=streets)",
            came=f"a {type(percept).__name__} of another world",
            fix="choose an agent for this environment: modular, random, forward, expert",
        )
    return percept


class PanoramaPerception:
    """Reads the observations of :class:`~placecell.envs.graph.GraphNavEnv`.

    What is remembered is in the episode's frame. Objects are written as the frame of a small virtual camera
    (:mod:`~placecell.agent.perception.lookout`), a panorama's features as their mean. The memory is asked for
    what is around the body; where a policy says what an instruction is after, for that category, wherever.

    Args:
        env: gives the names of categories and of actions.
        around_m: how far from the body the memory is asked about.
        asks_for: the category that an instruction's goal is known by, or None where it names none.

    Raises:
        ConfigError: the environment's actions are those of no panorama graph.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        around_m: float = AROUND_M,
        *,
        asks_for: Callable[[str], int | None] | None = None,
    ) -> None:
        self._names, self._ways = tuple(env.get_wrapper_attr("categories")), ways_of(env)
        self._around_m, self._asks_for = around_m, asks_for
        space = env.observation_space
        # An empty panorama of a labelled world is seen from above too: places keep their distances so.
        self._labelled = isinstance(space, gymnasium.spaces.Dict) and "object_category" in space.spaces

    def __call__(self, observation: Mapping[str, Any], step: int) -> PanoramaPercept:
        """The percept of step ``step``.

        Raises:
            EnvironmentUseError: the observation lacks something.
        """
        missing = [name for name in _READS if name not in observation]
        if missing:
            raise EnvironmentUseError(
                expected=f"an observation with {', '.join(_READS)}",
                came=f"one without {', '.join(missing)}",
                fix="add them to the environment (see GraphNavEnv), or use another perception",
            )
        x, y, z = (float(c) for c in observation["gps"])
        pose = Pose(x, y, z, float(observation["compass"][0]), float(observation["pitch"][0]))
        slots = np.flatnonzero(observation["candidates"] >= 0).astype(np.int64)
        nodes = observation["candidates"][slots].astype(np.int64)
        headings, elevations, distances = (
            observation[f"candidate_{name}"][slots].astype(np.float64)
            for name in ("heading", "elevation", "distance")
        )
        objects = self._seen(observation, "object", pose)
        features = observation.get("features")
        frame = frame_of_objects(
            pose,
            [(thing.position, thing.category) for thing in objects] if self._labelled else NOTHING_SEEN,
            step=step,
            embedding=None if features is None else features.reshape(-1, features.shape[-1]).mean(0),
        )
        text = str(observation["instruction"])
        return PanoramaPercept(
            frame=frame,
            query=self._query(pose, text),
            pose=pose,
            goal=InstructionGoal(text),
            collided=bool(observation["collided"][0]),
            step=step,
            node=int(observation["node"][0]),
            candidates=nodes,
            headings=headings,
            elevations=elevations,
            distances=distances,
            positions=pose.position + directions(pose.yaw_rad + headings, elevations) * distances[:, None],
            slots=slots,
            actions=self._actions(slots, nodes),
            ways=self._ways,
            objects=objects,
            points=self._seen(observation, "poi", pose),
            features=features,
        )

    def _actions(
        self, slots: Int64[np.ndarray, " n"], nodes: Int64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, " n"]:
        if self._ways == "turning":
            return np.full(len(slots), -1, np.int64)
        return 1 + (slots if self._ways == "local" else nodes)

    def _seen(self, observation: Mapping[str, Any], kind: str, pose: Pose) -> tuple[SeenThing, ...]:
        """The things of a kind that are there, in the observation's order."""
        if f"{kind}_category" not in observation:
            return ()
        categories = observation[f"{kind}_category"]
        rows = np.flatnonzero(categories > 0)
        headings = observation[f"{kind}_heading"][rows].astype(np.float64)
        distances = observation[f"{kind}_distance"][rows].astype(np.float64)
        elevations = np.zeros(len(rows))
        if f"{kind}_elevation" in observation:
            elevations = observation[f"{kind}_elevation"][rows].astype(np.float64)
        reach = np.where(distances > 0, distances, _UNKNOWN_M)
        places = pose.position + directions(pose.yaw_rad + headings, elevations) * reach[:, None]
        return tuple(
            SeenThing(
                int(categories[row]), self._name(int(categories[row])), float(headings[n]),
                float(elevations[n]), float(distances[n]), places[n],
            )
            for n, row in enumerate(rows)
        )  # fmt: skip

    def _name(self, category: int) -> str:
        return self._names[category] if category < len(self._names) else str(category)

    def _query(self, pose: Pose, text: str) -> Query:
        category = None if self._asks_for is None or not text else self._asks_for(text)
        if category is None:
            return Query(position=pose.position, radius_m=self._around_m)
        return Query(position=pose.position, radius_m=1e3, category=category)


def ways_of(env: gymnasium.Env) -> Ways:
    """How a panorama graph is walked, by the names of its actions.

    Raises:
        ConfigError: by none of the ways that are known.
    """
    names = tuple(env.get_wrapper_attr("action_names"))
    second = names[1] if len(names) > 1 else ""
    ways: dict[str, Ways] = {"candidate": "local", "node": "global", "forward": "turning"}
    found = ways.get(second.partition("_")[0])
    if found is None:
        raise ConfigError(
            expected=f"actions of a panorama graph, walked {', '.join(get_args(Ways))}",
            came=f"actions {', '.join(names[:4])}",
            fix="choose an agent for this environment",
        )
    return found


def directions(yaw_rad: Float64[np.ndarray, " n"], pitch_rad: Float64[np.ndarray, " n"]) -> Points:
    """(n, 3) unit vectors of yaws and elevations."""
    flat = np.cos(pitch_rad)
    return np.stack([np.cos(yaw_rad) * flat, np.sin(yaw_rad) * flat, np.sin(pitch_rad)], -1)


def straightest(headings: Float64[np.ndarray, " n"], heading_rad: float = 0.0) -> int:
    """Which of some ways, one or more, leads nearest to a heading; the first of equals."""
    off = np.abs((headings - heading_rad + math.pi) % (2 * math.pi) - math.pi)
    return int(np.round(off, 9).argmin())
