"""The episode under way on a panorama graph: all that changes from step to step, and what an action does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float

from placecell.arrays import Transform
from placecell.errors import EpisodeError
from placecell.geometry import Pose, invert

from ..frames import in_frame
from .action_spaces import STOP, ActionSpace, Stand, nearest
from .instructed import InstructedEpisode, nodes_of
from .measures import instruction_measures, street_measures
from .panorama_graph import PanoramaGraph

PerNode = Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Rules:
    """How a family of tasks counts.

    Args:
        name: of the family: ``r2r`` or ``streets``.
        measures: of nodes walked and of the path that the instruction describes.
        left: how far each node is from a goal: metres along the edges, or hops.
        by: what a shortest path is shortest in.
        succeeds: the measure that is 1 for a success.
        snaps: whether a start looks along the edge that is nearest to its heading.
    """

    name: str
    measures: Callable[[PanoramaGraph, Sequence[int], Sequence[int]], dict[str, float]]
    left: Callable[[PanoramaGraph, int], PerNode]
    by: Literal["metres", "hops"]
    succeeds: str
    snaps: bool


R2R = Rules("r2r", instruction_measures, PanoramaGraph.distances_to, "metres", "success", snaps=False)
STREETS = Rules("streets", street_measures, PanoramaGraph.hops_from, "hops", "task_completion", snaps=True)


@dataclass
class Walk:
    """A body on its way through an episode.

    Args:
        episode: the task; ``graph``: where; ``actions``: what it can do; ``rules``: how it is counted.
        gold: the nodes that the instruction describes; one or none where the goal is secret.
        origin: where the episode's frame is, in the world.
        stands: since the start, each action's last one; ``entered``: those of the latest action.
        nodes: panoramas, each only when it changes.
    """

    episode: InstructedEpisode
    graph: PanoramaGraph
    actions: ActionSpace
    rules: Rules
    gold: tuple[int, ...]
    origin: Pose
    stand: Stand
    entered: tuple[Stand, ...] = ()
    nodes: list[int] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)
    step: int = 0
    collided: bool = False
    stopped: bool = False
    over: bool = False
    _reached: int = 0

    @classmethod
    def begin(
        cls,
        episode: InstructedEpisode,
        graph: PanoramaGraph,
        actions: ActionSpace,
        rules: Rules,
        origin: Pose | None = None,
    ) -> "Walk":
        """A body at an episode's start, which looks where the dataset says, never along the gold path.

        Raises:
            EpisodeError: the path does not fit the graph, or its goal is out of reach of the start.
        """
        gold, start = nodes_of(graph, episode), start_of(graph, episode, rules)
        if len(gold) > 1 and not np.isfinite(rules.left(graph, gold[-1])[start.node]):
            raise EpisodeError(
                expected=f"a goal of episode {episode.episode_id!r} that can be reached from its start",
                came="one in another part of the graph",
                fix="leave the episode out",
            )
        return cls(
            episode, graph, actions, rules, gold, origin or pose_of(graph, start), start, (start,),
            [start.node], {start.node},
        )  # fmt: skip

    @property
    def goal(self) -> int | None:
        """Where the path ends; None where it is secret."""
        return self.gold[-1] if len(self.gold) > 1 else None

    @property
    def left(self) -> float:
        """How far the goal is, in what the rules count; 0 where it is secret."""
        return 0.0 if self.goal is None else float(self.rules.left(self.graph, self.goal)[self.stand.node])

    @cached_property
    def T_episode_world(self) -> Transform:
        """World to the episode's frame: at its origin's panorama, x along the origin's heading."""
        return invert(self.origin.T_world_body())

    @property
    def pose(self) -> Pose:
        """Where the body is, world frame: at the panorama's camera."""
        return pose_of(self.graph, self.stand)

    @property
    def felt(self) -> Pose:
        """The same in the episode's frame."""
        return in_frame(self.origin, self.pose)

    def act(self, action: int) -> None:
        """One action of the space; one that is not possible here spends a step and nothing else."""
        self.step += 1
        if action == STOP:
            self.entered, self.collided, self.stopped = (), False, True
            return
        self.entered = self.actions.moves(self.graph, self.stand, self.visited, action)
        self.collided = not self.entered
        for stand in self.entered:
            if stand.node != self.stand.node:
                self.nodes.append(stand.node)
                self.visited.add(stand.node)
                self._follow(stand.node)
            self.stand = stand
        if self.collided:  # no longer newly arrived: a navigator of turns looks at the latest action only
            self.stand = Stand(self.stand.node, self.stand.yaw_rad, self.stand.pitch_rad, self.stand.node)

    def measures(self) -> dict[str, float]:
        """The measures so far, by the task's own names."""
        return self.rules.measures(self.graph, self.nodes, self.gold)

    def expert_action(self) -> int:
        """Along a shortest path to the goal, and stop there: an oracle.

        Raises:
            EpisodeError: the goal is secret.
        """
        path = self.way_to(self._require_goal())
        return STOP if len(path) == 1 else self._towards(path[1])

    def gold_action(self) -> int:
        """Along the gold path, and stop at its end: an oracle. Off the path it goes back to where it left it.

        Raises:
            EpisodeError: the goal is secret.
        """
        self._require_goal()
        at = self.gold[self._reached]
        if self.stand.node != at:
            return self._towards(self.graph.shortest_path(self.stand.node, at, by="hops")[1])
        return STOP if self._reached + 1 == len(self.gold) else self._towards(self.gold[self._reached + 1])

    def way_to(self, node: int) -> tuple[int, ...]:
        """A shortest way there."""
        return self.graph.shortest_path(self.stand.node, node, by=self.rules.by)

    def near_gold(self, metres: float) -> list[int]:
        """The nodes within a distance of the box around the gold path, or around the start."""
        places = self.graph.positions[list(self.gold), :2]
        low, high = places.min(axis=0) - metres, places.max(axis=0) + metres
        flat = self.graph.positions[:, :2]
        return np.flatnonzero(((flat >= low) & (flat <= high)).all(axis=1)).tolist()

    def _towards(self, node: int) -> int:
        """The action that leads to a neighbour; stop where none does (a dead end that may not be entered)."""
        action = self.actions.towards(self.graph, self.stand, node)
        return STOP if action is None else action

    def _follow(self, node: int) -> None:
        """Counts how much of the gold path was walked, in its order."""
        if self._reached + 1 < len(self.gold) and self.gold[self._reached + 1] == node:
            self._reached += 1

    def _require_goal(self) -> int:
        if self.goal is None:
            raise EpisodeError(
                expected=f"a goal of episode {self.episode.episode_id!r}, for an oracle to lead to",
                came="a secret one",
                fix="take a split whose paths are known",
            )
        return self.goal


def start_of(graph: PanoramaGraph, episode: InstructedEpisode, rules: Rules) -> Stand:
    """Where an episode begins. On streets the heading as given is snapped to the nearest edge."""
    node, yaw = graph.index_of(episode.start), episode.start_yaw_rad
    edge = nearest(graph, node, yaw) if rules.snaps else None
    return Stand(node, yaw if edge is None else float(graph.yaw[edge]))


def pose_of(graph: PanoramaGraph, stand: Stand) -> Pose:
    """A stand as a pose of the world, at the panorama's camera."""
    x, y, z = graph.positions[stand.node].tolist()
    return Pose(x, y, z, stand.yaw_rad, stand.pitch_rad)
