"""Map, plan, go: the classical agent. What it knows of homes is counted; all else its memory holds."""

from collections.abc import Sequence

import numpy as np

from placecell.errors import ConfigError
from placecell.geometry import Pose
from placecell.memory import Memory, MemoryItem, Retrieval, SparseOctree, SpatialMemory

from ..perception.embodiment import Embodiment
from ..perception.percept import CategoryGoal, Percept, PointGoal
from ..picture import Picture, walk_map
from .approaching import Approach
from .expectation import Expectation
from .exploring import Explorer
from .ground_map import GroundMap
from .object_seeking import ObjectSeeker
from .point_seeking import PointSeeker
from .policy import Decision, Policy
from .standing import StandingPlaces
from .things import ThingsSeen
from .walking import Walker

_WIDEST_VIEW = 1000  # voxels; a map of finer ones would take gigabytes
_MARGIN_M = 0.5  # around what a frame changed: steepness asks the neighbours
_CANDIDATES = 16
_OWN_VOXEL_M = 0.1


class ModularPolicy(Policy):
    """Plans on its own map, through what it has not seen as if it were free, and corrects itself on the way.

    Points it seeks by :class:`PointSeeker`, objects by :class:`ObjectSeeker`. With a memory that keeps an
    octree it plans on that; with any other, a spatial memory without its octree among them, it writes its
    frames into a map of its own, emptied each episode, which also recalls what this episode has shown of the
    goal's category.
    """

    def __init__(
        self,
        memory: Memory,
        embodiment: Embodiment,
        range_m: float,
        *,
        expectation: Expectation | None = None,
        categories: Sequence[str] = (),
    ) -> None:
        kept = _octree_of(memory)
        self._own = None
        if kept is None:
            self._own = SpatialMemory(
                _OWN_VOXEL_M, max_depth_m=10.0, topology=False, short_term=False, long_term=False
            )
            kept = _octree_of(self._own)
        assert kept is not None
        octree = self._octree = kept
        self._names = tuple(categories)
        self._map, self._things = GroundMap(octree, embodiment, range_m), ThingsSeen()
        places = StandingPlaces(octree, embodiment)
        self._walker = Walker(self._map, embodiment, octree.voxel_size_m)
        self._points = PointSeeker(self._walker, embodiment)
        self._explorer = Explorer(self._walker, self._map, self._things, expectation, self._names)
        approach = Approach(self._walker, self._map, places, embodiment)
        self._objects = ObjectSeeker(self._map, places, approach, self._explorer)

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Reads its map anew from what the memory holds now: nothing of it after a cold start."""
        if self._own is not None:
            self._own.begin_episode("cold")
        self._map.clear()
        self._map.read_all()
        self._things.clear()
        self._things.recall(self._octree, len(self._names) - 1)
        self._walker.begin_episode(rng)
        self._points.begin_episode()
        self._explorer.begin_episode(rng)
        self._objects.begin_episode()
        self._walked: list[Pose] = []

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The next action, with the route and the frontier in its trace."""
        self._walked.append(percept.pose)
        self._goal = percept.goal
        if self._own is not None:
            self._own.write(percept.frame)
        self._map.look(percept.pose, _sight_m(percept))
        self._walker.notice(percept)
        decision = self._choose(percept, retrieval)
        self._walker.remember(percept.pose, decision.action)
        return decision

    def top_down(self) -> Picture | None:
        """The map so far, the walk, the plan and the goal; None before the first step."""
        if not self._walked:
            return None
        route, candidate = self._walker.route, self._objects.candidate
        goal = None if candidate is None else candidate.middle
        if isinstance(self._goal, PointGoal):
            goal = self._goal.position
        return walk_map(
            self._map.top_down(self._walked[-1].z),
            walked=self._walked,
            goal=goal,
            plan=[] if route is None else list(route.points),
            frontier=None if route is None else route.frontier,
        )

    def _choose(self, percept: Percept, retrieval: Retrieval) -> Decision:
        if isinstance(percept.goal, PointGoal):
            return self._points.decide(percept)
        if not isinstance(percept.goal, CategoryGoal):
            raise ConfigError(
                expected="a point or a thing to go to",
                came="an instruction",
                fix="set agent=graph or agent=streets",
            )
        self._require_labels(percept, percept.goal)
        self._things.see(percept.frame)
        return self._objects.decide(percept, self._recalled(percept, retrieval), self._walker.went_forward)

    def _recalled(self, percept: Percept, retrieval: Retrieval) -> tuple[MemoryItem, ...]:
        """What the memory recalled, and what the map of this episode's own frames does."""
        if self._own is None:
            return retrieval.items
        return (*retrieval.items, *self._own.retrieve(percept.query, _CANDIDATES).items)

    @staticmethod
    def _require_labels(percept: Percept, goal: CategoryGoal) -> None:
        if percept.frame.labels is None:
            raise ConfigError(
                expected=f"frames with labels to look for a {goal.name} in",
                came="frames without",
                fix="set perception=segmenter (learned) or perception=oracle (the simulator's)",
            )


def _octree_of(memory: Memory) -> SparseOctree | None:
    return memory.octree if isinstance(memory, SpatialMemory) else None


def _sight_m(percept: Percept) -> float:
    """How far over the ground a frame can have changed the map."""
    frame = percept.frame
    farthest = float(frame.depth.max())
    corner = np.hypot(max(frame.camera.cx, frame.camera.width - frame.camera.cx), 1e-9) / frame.camera.fx
    return farthest * float(np.hypot(1.0, corner)) + _MARGIN_M


def make_modular_policy(
    memory: Memory,
    embodiment: Embodiment,
    range_m: float,
    *,
    expectation: Expectation | None = None,
    categories: Sequence[str] = (),
) -> ModularPolicy:
    """The policy for any memory: see :class:`ModularPolicy`.

    Args:
        memory: what the agent's frames are written into.
        embodiment: the body.
        range_m: how far around itself it reads its map anew at every step.
        expectation: what is near what; None: every frontier promises as much as any other.
        categories: names by category id.

    Raises:
        ConfigError: a range that is none, or a map too fine to plan on.
    """
    if not range_m > 0:
        raise ConfigError(
            expected="a range_m above 0 metres",
            came=f"{range_m:g}",
            fix="set agent.range_m=10, or leave it out",
        )
    octree = _octree_of(memory)
    size = _OWN_VOXEL_M if octree is None else octree.voxel_size_m
    across = 2 * range_m / size
    if across > _WIDEST_VIEW:
        raise ConfigError(
            expected=f"a view of at most {_WIDEST_VIEW} voxels across to plan on",
            came=f"{across:.0f} (agent.range_m {range_m:g}, memory.voxel_size_m {size:g})",
            fix="set memory.voxel_size_m to 0.05 or more, or agent.range_m to less",
        )
    return ModularPolicy(memory, embodiment, range_m, expectation=expectation, categories=categories)
