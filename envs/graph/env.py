"""``placecell/GraphNav-v0``: instructions to follow on panorama graphs, behind Gymnasium's interface."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import gymnasium
import numpy as np
from gymnasium import spaces

from placecell.errors import EnvironmentUseError, EpisodeError
from placecell.geometry import Pose

from ..episode_choice import episode_index
from ..frames import plain_pose
from .action_spaces import ActionSpace, Stand
from .guide import TourGuide
from .info import positions, step_info, tags_of
from .instructed import InstructedEpisode
from .observation import Observation, Sensors, World
from .panorama_graph import PanoramaGraph
from .tours import InstructionTour
from .walk import Rules, Walk

AROUND_M = 150.0
Which = Literal["same", "foreign"]


class InstructionTask:
    """Instructions one by one; what counts as success is the dataset's own."""

    name: ClassVar[str] = "instruction"


class GraphNavEnv(gymnasium.Env):
    """Human instructions on panorama graphs: rooms (R2R, R4R, RxR) and streets (Touchdown, Map2Seq).

    Observations (fresh arrays each step; the episode's frame has its origin at the start's panorama, x along
    the start's heading, z up; the visits of a tour share the frame of the first). With c the most neighbours
    of a panorama, m the most objects and p the most points of interest at one:

    - ``instruction``: the text; ``node`` (1,) int32: the panorama, an index into its graph;
    - ``gps`` (3,) metres, ``compass`` (1,), ``pitch`` (1,) radians: the camera in the episode's frame;
    - ``collided`` (1,) int8: whether the last action did nothing;
    - ``candidates`` (c,) int32: where one can go, nodes by rising yaw in the world, then -1;
      ``candidate_heading`` (c,) radians from where the body looks, left positive;
      ``candidate_elevation`` (c,) above the horizon; ``candidate_distance`` (c,) metres;
      indoors ``candidate_view`` (c,) int8, 0..35;
    - with labels ``object_category``, ``object_id`` (m,) int32 (category 0: none), ``object_heading``,
      ``object_elevation``, ``object_distance`` (m,) float32, ``object_view`` (m,) int8, ``object_box`` (m, 4)
      int16; with points of interest ``poi_category`` (p,) int32, ``poi_heading``, ``poi_distance`` (p,)
      float32; with features ``features`` (36, d) or (d,) float32.

    Actions: see :mod:`~placecell.envs.graph.action_spaces` and ``action_names``; one that is not possible
    spends a step. The reward is the progress towards the goal, in metres or hops, plus 1 for a success at the
    end. ``terminated`` after stop, ``truncated`` when the steps are spent. ``info`` is plain JSON:
    ``episode_id``, ``scene_id``, ``pose``, ``collided``, ``measures``, ``tags``, ``goal_in_view``,
    ``goal_positions`` (none where the goal is secret), ``viewpoint`` and ``walked``, the poses that the
    action entered, as ``[viewpoint, yaw_rad, pitch_rad]``, world frame.

    Args:
        worlds: the world of an episode.
        episodes: the dataset.
        actions, sensors, rules: what can be done, what is seen, how it is counted.
        max_steps: of an episode, stop included.
        categories: names of objects, or texts of points of interest, by their index.
        origins: what ``provenance()`` says (plain JSON).
        oracle: inputs no agent has in the world.
        task: instructions, or tours of them; ``visits_per_tour``: how many each tour has; 1 outside of tours.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "render_fps": 1}

    def __init__(
        self,
        worlds: Callable[[InstructedEpisode], World],
        episodes: Sequence[InstructedEpisode],
        *,
        actions: ActionSpace,
        sensors: Sensors,
        rules: Rules,
        max_steps: int,
        categories: tuple[str, ...],
        origins: Mapping[str, Any],
        oracle: tuple[str, ...],
        task: InstructionTask | InstructionTour,
        visits_per_tour: int | tuple[int, ...] = 1,
        render_mode: str | None = None,
    ) -> None:
        if not episodes:
            raise EpisodeError(
                expected="at least one episode", came="none", fix="pass a dataset that has some"
            )
        self.episodes, self.actions, self.rules, self.task = episodes, actions, rules, task
        self.categories, self.visits_per_tour, self.oracle = categories, visits_per_tour, oracle
        self.max_steps, self.render_mode = max_steps, render_mode
        self._worlds, self._sensors, self._origins = worlds, sensors, dict(origins)
        self._guide = TourGuide(episodes, lambda episode: worlds(episode).graph, rules, visits_per_tour)
        self._walk: Walk | None = None
        self._tags: dict[str, Any] = {}
        self.action_space = spaces.Discrete(len(actions.names))
        self.observation_space = sensors.space()

    @property
    def number_of_episodes(self) -> int:
        """How many episodes ``options={"episode": i}`` can choose from."""
        return len(self.episodes)

    @property
    def action_names(self) -> tuple[str, ...]:
        """What the actions are called, by number."""
        return self.actions.names

    @property
    def embodiment(self) -> dict[str, Any]:
        """Plain JSON: what is known of the body. It has no camera: a panorama shows all around."""
        return {"name": "panorama", "family": self.rules.name, "max_steps": self.max_steps}

    @property
    def graph(self) -> PanoramaGraph:
        """The graph of the episode under way: for agents that are given the map, and for tests."""
        return self._require_walk(over_too=True).graph

    @property
    def instruction(self) -> str:
        """The text of the episode under way."""
        return self._require_walk(over_too=True).episode.instruction

    @property
    def origin(self) -> dict[str, Any]:
        """Plain JSON: where the frame of the episode under way is in the world, as ``info["pose"]``."""
        return plain_pose(self._require_walk(over_too=True).origin)

    @property
    def pose(self) -> Pose:
        """Where the body is, world frame: for tests and pictures; agents have ``gps`` and ``compass``."""
        return self._require_walk(over_too=True).pose

    def graphs(self) -> dict[str, PanoramaGraph]:
        """The graphs of the dataset by scene, for a batch of walks."""
        first = {episode.scene_id: episode for episode in reversed(self.episodes)}
        return {scene: self._worlds(first[scene]).graph for scene in sorted(first)}

    def provenance(self) -> dict[str, Any]:
        """Plain JSON: what worlds these are, and what is asked for in them."""
        return {**self._origins, "task": self.task.name}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; raises :class:`EpisodeError` for one that cannot be walked."""
        super().reset(seed=seed)
        index = episode_index((options or {}).get("episode"), len(self.episodes), self.np_random)
        episode = self.episodes[index]
        world = self._worlds(episode)
        self._walk = Walk.begin(episode, world.graph, self.actions, self.rules, self._guide.origin(index))
        self._guide.enter(index)
        self._guide.remember(self._walk)
        self._tags = tags_of(self._walk, world.objects, self._guide.seen_before(self._walk))
        return self._observe(self._walk)

    # Any action comes in, illegal ones too, and is told so in one line.
    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One action; raises :class:`EnvironmentUseError` out of turn, or for one that does not exist."""
        walk = self._require_walk()
        if not self.action_space.contains(action):
            first = ", ".join(f"{n} {name}" for n, name in enumerate(self.action_names[:5]))
            raise EnvironmentUseError(
                expected=f"an action from 0 to {len(self.action_names) - 1} ({first}...)", came=repr(action),
                fix="pass one of these integers",
            )  # fmt: skip
        before = walk.left
        walk.act(int(action))
        terminated = walk.stopped
        truncated = not terminated and walk.step >= self.max_steps
        walk.over = terminated or truncated
        self._guide.remember(walk)
        observation, info = self._observe(walk)
        won = info["measures"].get(self.rules.succeeds, 0.0) if walk.over else 0.0
        return observation, float(before - walk.left + won), terminated, truncated, info

    def expert_action(self) -> int:
        """What the shortest-path expert would do now: an oracle."""
        return self._require_walk().expert_action()

    def gold_action(self) -> int:
        """What leads along the path that the instruction describes: an oracle."""
        return self._require_walk().gold_action()

    def shortest_path(self) -> list[list[float]]:
        """Panoramas of the shortest way from the body to the goal, metres, the episode's frame.

        No agent knows it: for recordings, pictures and tests. Empty where the goal is secret.
        """
        walk = self._require_walk(over_too=True)
        if walk.goal is None:
            return []
        return positions(walk, walk.way_to(walk.goal))

    def surroundings(self) -> dict[str, Any]:
        """Plain JSON for pictures: panoramas, the edges between them, and the gold path, the episode's frame.

        Indoors the whole scan; of streets what lies within 150 m of the path.
        """
        walk = self._require_walk(over_too=True)
        shown = walk.near_gold(AROUND_M if self.rules.snaps else np.inf)
        place = {node: n for n, node in enumerate(shown)}
        pairs = {
            (min(place[a], place[b]), max(place[a], place[b]))
            for a in shown
            for b in walk.graph.neighbours(a).tolist()
            if b in place
        }
        return {
            "nodes": positions(walk, tuple(shown)),
            "edges": [list(pair) for pair in sorted(pairs)],
            "gold": positions(walk, walk.gold) if walk.goal is not None else [],
        }

    def tour_so_far(self) -> dict[str, Any]:
        """Plain JSON for :meth:`go_on_with`: what the visits of the tour have walked, the latest too."""
        return self._guide.plain()

    def go_on_with(self, tour: Mapping[str, Any]) -> None:
        """Takes over a tour, so that the next reset to a later visit of it goes on as if it had not stopped.

        The episode under way is over.

        Raises:
            EnvironmentUseError: something that does not hold together; nothing is taken over then.
        """
        self._guide.replace(tour)
        self._walk = None

    def carried(self) -> Iterator[Observation]:
        """What the oracle showed on its way here, between the visit before and this one, in the tour's frame.

        From where that visit stopped (left out) to its goal and on to this start (left out); none on a first
        visit. There is no instruction on the way: an empty text.
        """
        walk = self._require_walk(over_too=True)
        graph, way = walk.graph, self._guide.way_here(walk.graph)
        for before, node in pairwise(way[:-1]):
            edge = graph.edge(before, node)
            stand = Stand(node, float(graph.yaw[edge]), float(graph.pitch[edge]), before)
            yield self._sensors.look(self._worlds(walk.episode), stand, walk.origin, instruction="")

    def survey(self, house: Which) -> Iterator[Observation]:
        """Observations at all panoramas of a scan, for the tour of the episode under way, which goes on.

        Args:
            house: ``"same"``, whose goals then count as seen; or ``"foreign"``, the dataset's next scan, in
                the frame of its own first tour.

        Raises:
            EnvironmentUseError: before ``reset``, another word, or a dataset of one scan.
        """
        walk = self._require_walk(over_too=True)
        if house == "same":
            episode, origin = walk.episode, walk.origin
            self._guide.survey()
            self._tags |= {"seen_before": True} if "seen_before" in self._tags else {}
        elif house == "foreign":
            episode, origin = self._guide.foreign()
        else:
            raise EnvironmentUseError(
                expected="a survey of the scan same or foreign", came=repr(house), fix="pass one of them"
            )
        world = self._worlds(episode)
        return (
            self._sensors.look(world, Stand(node, 0.0), origin, instruction="")
            for node in range(len(world.graph))
        )

    def _require_walk(self, over_too: bool = False) -> Walk:
        if self._walk is None:
            raise EnvironmentUseError(
                expected="reset() before anything else", came="no episode", fix="call env.reset() first"
            )
        if self._walk.over and not over_too:
            raise EnvironmentUseError(
                expected="reset() after an episode has ended", came="another step", fix="call env.reset()"
            )
        return self._walk

    def _observe(self, walk: Walk) -> tuple[Observation, dict[str, Any]]:
        seen = self._sensors.look(
            self._worlds(walk.episode), walk.stand, walk.origin, instruction=walk.episode.instruction,
            collided=walk.collided,
        )  # fmt: skip
        measures = {**walk.measures(), **self._guide.measures(walk)}
        return seen, step_info(walk, measures, dict(self._tags))
