"""Many walks on panorama graphs at once, in one process: arrays over all of them, looked up in tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float, Float32, Int, Int8, Int32

from placecell.errors import ConfigError, EnvironmentUseError
from placecell.geometry import invert

from ..episode_choice import episode_index
from .action_spaces import STOP, ActionSpace, Global, Local, Stand
from .env import GraphNavEnv, InstructionTask
from .make import make_graph_env
from .matterport import views_of
from .panorama_graph import PanoramaGraph
from .walk import Walk

Observations = dict[str, Any]
Flags = Bool[np.ndarray, " b"]
_SUPPORTED = frozenset({
    "instruction", "gps", "compass", "pitch", "node", "collided", "candidates", "candidate_heading",
    "candidate_elevation", "candidate_distance", "candidate_view",
})  # fmt: skip
_KEPT_MOVES = 1 << 16


def make_graph_vector_env(num_envs: int = 1, world: str = "r2r", **options: Any) -> "GraphNavVectorEnv":
    """What ``gymnasium.make_vec("placecell/GraphNav-v0", num_envs=..., world=...)`` calls.

    Args:
        num_envs: how many walks.
        world: ``r2r`` or ``streets``.
        **options: of :func:`~placecell.envs.graph.make.make_graph_env`.

    Raises:
        ConfigError: what a batch has not (tours, action space ``global``, labels, features, points of
            interest), and what ``make_graph_env`` raises.
    """
    return GraphNavVectorEnv(make_graph_env(world, **options), num_envs)


@dataclass(frozen=True)
class NodeTables:
    """What is seen of the ways on from each panorama of several graphs, one row a panorama.

    Args:
        begins: the first row of each graph, by its name.
        ways: ``(n,)`` how many edges leave it.
        positions: ``(n, 3)`` metres, world frame.
        candidates: ``(n, c)`` where they lead, then -1.
        yaw, pitch: ``(n, c)`` their directions, radians, world frame, then 0.
        elevation, distance: the same as they are observed.
        view: ``(n, c)`` which of Matterport's views they lie in, then 0.
    """

    begins: dict[str, int]
    ways: Int[np.ndarray, " n"]
    positions: Float[np.ndarray, "n 3"]
    candidates: Int32[np.ndarray, "n c"]
    yaw: Float[np.ndarray, "n c"]
    pitch: Float[np.ndarray, "n c"]
    elevation: Float32[np.ndarray, "n c"]
    distance: Float32[np.ndarray, "n c"]
    view: Int8[np.ndarray, "n c"]

    @classmethod
    def of(cls, graphs: Iterable[PanoramaGraph], most: int) -> "NodeTables":
        """Tables of graphs of which no panorama has more than ``most`` neighbours."""
        graphs = list(graphs)
        sizes = [len(graph) for graph in graphs]
        ways = np.concatenate([np.diff(graph.first) for graph in graphs])
        filled = np.arange(most) < ways[:, None]

        def table(parts: Sequence[np.ndarray], kind: Any, rest: int = 0) -> np.ndarray:
            whole = np.full(filled.shape, rest, kind)
            whole[filled] = np.concatenate(parts)
            return whole

        yaw, pitch = (
            table([getattr(graph, key) for graph in graphs], np.float64) for key in ("yaw", "pitch")
        )
        return cls(
            dict(zip((graph.name for graph in graphs), np.cumsum([0, *sizes[:-1]]).tolist(), strict=True)),
            ways, np.concatenate([graph.positions for graph in graphs]),
            table([graph.other for graph in graphs], np.int32, -1), yaw, pitch, pitch.astype(np.float32),
            table([graph.length_m for graph in graphs], np.float32),
            table([views_of(graph.yaw, graph.pitch) for graph in graphs], np.int8),
        )  # fmt: skip


class GraphNavVectorEnv(gymnasium.vector.VectorEnv):
    """A batch of :class:`~placecell.envs.graph.env.GraphNavEnv`: the same numbers, stacked.

    It goes as ``gymnasium.vector.SyncVectorEnv`` of single environments goes, seed for seed: an episode that
    has ended is reset by the next step, whose action for it is ignored (``AutoresetMode.NEXT_STEP``).
    ``infos`` hold ``episode_id`` and ``episode``, its index in the dataset, at every step, and ``measures``
    where an episode ends, each with Gymnasium's mask. ``options={"episode": i}``, or one index a walk,
    chooses episodes.

    Args:
        env: one environment, whose dataset, actions and rules are taken. It is not stepped.
        num_envs: how many walks, 1 or more.

    Raises:
        ConfigError: see :func:`make_graph_vector_env`.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": [],
        "autoreset_mode": gymnasium.vector.AutoresetMode.NEXT_STEP,
    }

    def __init__(self, env: GraphNavEnv, num_envs: int) -> None:
        _require_supported(env, num_envs)
        self.num_envs, self.episodes, self.max_steps = num_envs, env.episodes, env.max_steps
        self.rules, self.actions, self.render_mode = env.rules, env.actions, None
        self.single_action_space, self.single_observation_space = env.action_space, env.observation_space
        self.action_space = batch_space(env.action_space, num_envs)
        self.observation_space = batch_space(env.observation_space, num_envs)
        self._graphs = env.graphs()
        seen = _parts(env.observation_space)
        self._keys = tuple(seen)
        self._tables = NodeTables.of(self._graphs.values(), _number_of(seen["candidates"]))
        self._generators: list[np.random.Generator | None] = [None] * num_envs
        self._walks: list[Walk | None] = [None] * num_envs
        self._lefts: list[np.ndarray] = [np.zeros(0)] * num_envs
        self._nodes: list[list[int]] = [[] for _ in range(num_envs)]
        self._texts = [""] * num_envs
        self._ids = np.full(num_envs, None, object)
        self._episode, self._begin, self._node, self._came, self._step = np.zeros((5, num_envs), np.int64)
        self._yaw, self._pitch, self._left, self._origin_yaw = np.zeros((4, num_envs))
        self._T_episode_world = np.zeros((num_envs, 4, 4))
        self._collided, self._over = np.zeros((2, num_envs), bool)
        self._turn = lru_cache(_KEPT_MOVES)(_turns(self.actions, self._graphs))

    @property
    def number_of_episodes(self) -> int:
        """How many episodes ``options={"episode": i}`` can choose from."""
        return len(self.episodes)

    @property
    def action_names(self) -> tuple[str, ...]:
        """What the actions are called, by number."""
        return self.actions.names

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Starts an episode in each walk; walk ``i`` of one seed is seeded ``seed + i``.

        Raises:
            EpisodeError: an episode outside the dataset, or one that cannot be walked.
        """
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        for i, one in enumerate(_one_each(seeds, self.num_envs, "seed")):
            if one is not None or self._generators[i] is None:
                self._generators[i] = seeding.np_random(one)[0]
        chosen = (options or {}).get("episode")
        if isinstance(chosen, int | np.integer):
            chosen = [chosen] * self.num_envs
        for i, index in enumerate(_one_each(chosen, self.num_envs, "episode")):
            self._start(i, index)
        return self._observe(), self._infos()

    def step(
        self, actions: Any
    ) -> tuple[Observations, Float[np.ndarray, " b"], Flags, Flags, dict[str, Any]]:
        """One action for each walk, or the reset of one that is over.

        Raises:
            EnvironmentUseError: before ``reset``, or actions that are not one of the space for each walk.
        """
        chosen = self._checked(actions)
        resets = np.flatnonzero(self._over)
        acting = ~self._over
        terminated = acting & (chosen == STOP)
        self._collided[:] = False
        self._move(acting & ~terminated, chosen)
        self._step += acting
        truncated = acting & ~terminated & (self._step >= self.max_steps)
        before = self._left.copy()
        self._left = np.array([left[n] for left, n in zip(self._lefts, self._node.tolist(), strict=True)])
        rewards = before - self._left
        self._over = terminated | truncated
        infos: dict[str, Any] = {}
        for i in np.flatnonzero(self._over).tolist():
            measures = self._measures(i)
            rewards[i] += measures.get(self.rules.succeeds, 0.0)
            infos = self._add_info(infos, {"measures": measures}, i)
        for i in resets.tolist():
            self._start(i, None)
        return self._observe(), rewards, terminated, truncated, {**infos, **self._infos()}

    def _start(self, i: int, asked: Any) -> None:
        rng = self._generators[i]
        assert rng is not None
        index = episode_index(asked, len(self.episodes), rng)
        episode = self.episodes[index]
        walk = Walk.begin(episode, self._graphs[episode.scene_id], self.actions, self.rules)
        self._walks[i], self._nodes[i], self._texts[i] = walk, [walk.stand.node], episode.instruction
        node = walk.stand.node
        self._lefts[i] = (
            np.zeros(len(walk.graph)) if walk.goal is None else self.rules.left(walk.graph, walk.goal)
        )
        self._episode[i], self._ids[i], self._step[i] = index, episode.episode_id, 0
        self._begin[i], self._node[i], self._came[i] = self._tables.begins[walk.graph.name], node, -1
        self._yaw[i], self._pitch[i] = walk.stand.yaw_rad, walk.stand.pitch_rad
        self._left[i], self._origin_yaw[i] = self._lefts[i][node], walk.origin.yaw_rad
        self._T_episode_world[i] = invert(walk.origin.T_world_body())
        self._collided[i] = self._over[i] = False

    def _move(self, moving: Flags, actions: Int[np.ndarray, " b"]) -> None:
        """Moves those that move; who cannot is marked as collided."""
        before = self._node.copy()
        if isinstance(self.actions, Local):
            moved = self._along_candidates(moving, actions)
        else:
            moved = self._by_turns(moving, actions)
        self._came[moving] = before[moving]
        self._collided = moving & ~moved
        for i in np.flatnonzero(self._node != before).tolist():
            self._nodes[i].append(int(self._node[i]))

    def _along_candidates(self, moving: Flags, actions: Int[np.ndarray, " b"]) -> Flags:
        rows = self._begin + self._node
        moved = moving & (actions <= self._tables.ways[rows])
        place = rows[moved], actions[moved] - 1
        self._node[moved] = self._tables.candidates[place]
        self._yaw[moved], self._pitch[moved] = self._tables.yaw[place], self._tables.pitch[place]
        return moved

    def _by_turns(self, moving: Flags, actions: Int[np.ndarray, " b"]) -> Flags:
        moved = np.zeros(self.num_envs, bool)
        for i in np.flatnonzero(moving).tolist():
            walk = self._walks[i]
            assert walk is not None
            came = int(self._came[i])
            there = self._turn(
                walk.graph.name, int(self._node[i]), float(self._yaw[i]), None if came < 0 else came,
                int(actions[i]),
            )  # fmt: skip
            if there is not None:
                moved[i], self._node[i] = True, there.node
                self._yaw[i], self._pitch[i] = there.yaw_rad, there.pitch_rad
        return moved

    def _measures(self, i: int) -> dict[str, float]:
        walk = self._walks[i]
        assert walk is not None
        return self.rules.measures(walk.graph, self._nodes[i], walk.gold)

    def _observe(self) -> Observations:
        tables, rows = self._tables, self._begin + self._node
        positions = np.einsum("bij,bj->bi", self._T_episode_world[:, :3, :3], tables.positions[rows])
        heading = _wrapped(tables.yaw[rows] - self._yaw[:, None])
        heading[np.arange(heading.shape[1]) >= tables.ways[rows][:, None]] = 0.0
        seen: Observations = {
            "instruction": tuple(self._texts),
            "gps": (positions + self._T_episode_world[:, :3, 3]).astype(np.float32),
            "compass": _wrapped(self._yaw - self._origin_yaw)[:, None].astype(np.float32),
            "pitch": self._pitch[:, None].astype(np.float32),
            "node": self._node[:, None].astype(np.int32),
            "collided": self._collided[:, None].astype(np.int8),
            "candidates": tables.candidates[rows],
            "candidate_heading": heading.astype(np.float32),
            "candidate_elevation": tables.elevation[rows],
            "candidate_distance": tables.distance[rows],
            "candidate_view": tables.view[rows],
        }
        return {key: seen[key] for key in self._keys}

    def _infos(self) -> dict[str, Any]:
        told = {"episode": self._episode.copy(), "episode_id": self._ids.copy()}
        return told | {f"_{key}": np.ones(self.num_envs, bool) for key in told}

    def _checked(self, actions: Any) -> Int[np.ndarray, " b"]:
        if self._walks[0] is None:
            raise EnvironmentUseError(
                expected="reset() before step()", came="step() first", fix="call env.reset()"
            )
        chosen, most = np.asarray(actions), len(self.actions.names) - 1
        fits = chosen.shape == (self.num_envs,) and np.issubdtype(chosen.dtype, np.integer)
        if not fits or chosen.min() < 0 or chosen.max() > most:
            raise EnvironmentUseError(
                expected=f"{self.num_envs} actions from 0 to {most}, an integer for each walk",
                came=f"{chosen.dtype} {chosen.shape}: {np.array2string(chosen, threshold=8)}",
                fix="pass an array of the action space",
            )
        return chosen.astype(np.int64)


def random_walks(env: GraphNavVectorEnv, batches: int, seed: int = 0) -> int:
    """Walks at random for so many batches and tells the steps taken: what a benchmark times.

    Args:
        env: of any size; it is reset first.
        batches: steps of the whole batch.
        seed: of the episodes and the actions.
    """
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    choices = rng.integers(len(env.action_names), size=(batches, env.num_envs))
    for actions in choices:
        env.step(actions)
    return batches * env.num_envs


def _turns(actions: ActionSpace, graphs: dict[str, PanoramaGraph]) -> Any:
    def turn(scene: str, node: int, yaw_rad: float, came_from: int | None, action: int) -> Stand | None:
        entered = actions.moves(graphs[scene], Stand(node, yaw_rad, 0.0, came_from), (), action)
        return entered[-1] if entered else None

    return turn


def _parts(space: gymnasium.Space) -> dict[str, gymnasium.Space]:
    assert isinstance(space, gymnasium.spaces.Dict)
    return space.spaces


def _number_of(space: gymnasium.Space) -> int:
    assert space.shape is not None
    return space.shape[0]


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return (angles + np.pi) % (2 * np.pi) - np.pi


def _one_each(values: Sequence[Any] | None, count: int, name: str) -> Sequence[Any]:
    if values is None:
        return [None] * count
    if len(values) != count:
        raise EnvironmentUseError(
            expected=f"one {name} for each of {count} walks", came=f"{len(values)}", fix="pass as many"
        )
    return values


def _require_supported(env: GraphNavEnv, num_envs: int) -> None:
    if num_envs < 1:
        raise ConfigError(expected="num_envs of 1 or more", came=str(num_envs), fix="pass num_envs=64")
    extra = sorted(set(_parts(env.observation_space)) - _SUPPORTED)
    wrong = {
        "env.actions=global": isinstance(env.actions, Global),
        f"task={env.task.name}": not isinstance(env.task, InstructionTask),
        f"the observation {extra[0] if extra else ''}": bool(extra),
    }
    for came, is_wrong in wrong.items():
        if is_wrong:
            raise ConfigError(
                expected="a batch of single instructions, walked by local, orar or velma actions, without"
                " labels, features or points of interest",
                came=came,
                fix="take single environments (vectorization_mode='sync') for these",
            )
