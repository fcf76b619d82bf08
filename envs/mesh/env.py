"""``placecell/MeshNav-v0``: a body with cameras in a mesh, behind Gymnasium's interface."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from placecell.arrays import Depth
from placecell.errors import EnvironmentUseError, EpisodeError
from placecell.geometry import Pose, invert, transform, wrap_angle

from ..body import Action, Body
from ..episode import Episode
from ..expert import ShortestPathExpert
from ..geodesic import DistanceField, NavigableArea, Standing
from ..measures import navigation_measures
from ..pointnav import PointNav, require_walkable
from .camera import Camera
from .noise import ActuationNoise, DepthNoise, Displacement, Level
from .renderer import Renderer
from .scene import Scene

Observation = dict[str, np.ndarray]

# Farther than any scene reaches. Finite, as Gymnasium asks of bounds; the same in every scene, so that
# environments of several scenes make one vector.
_FAR_M = 100_000.0


@dataclass
class _Walk:
    """The episode under way: all that changes from step to step."""

    episode: Episode
    field: DistanceField
    standing: Standing
    yaw_rad: float
    pitch_rad: float
    held: bool
    points: list[np.ndarray]
    distances: list[float]
    collided: list[bool]
    stopped: bool = False
    over: bool = False


class MeshNavEnv(gymnasium.Env):
    """PointNav in a mesh.

    Observations (fresh arrays each step; the episode's frame has its origin at the start's feet, x along the
    start's heading, z up):

    - ``rgb`` (h, w, 3) uint8 and ``depth`` (h, w) float32, planar metres, 0 = no return; further cameras
      add ``rgb_NAME`` and ``depth_NAME``; with ``semantics`` also ``instance`` and ``category`` (h, w) int32;
    - ``gps`` (3,) metres, ``compass`` (1,) and ``pitch`` (1,) radians: the body in the episode's frame;
    - ``pointgoal`` (3,) metres: the goal in the episode's frame;
    - ``pointgoal_with_gps_compass`` (2,): from the body, the horizontal distance in metres and the bearing in
      radians, left positive, as Habitat's;
    - ``collided`` (1,) int8: whether the last action met an obstacle.

    Actions: ``Discrete(6)``, see :class:`~placecell.envs.body.Action`. The reward is the progress towards the
    goal in metres, plus 1 for a success. ``info`` is plain JSON with ``episode_id``, ``scene_id``, ``pose``,
    ``collided`` and ``measures``. ``terminated`` after ``stop``, ``truncated`` when the steps are spent.

    ``reset(options={"episode": i})`` chooses the episode; without it, one is drawn.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self, scene: Scene, area: NavigableArea, body: Body, task: PointNav, episodes: tuple[Episode, ...], *,
        cameras: tuple[Camera, ...], semantics: bool = False, noise: Level = "none",
        render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if not episodes:
            raise EpisodeError(
                expected="at least one episode", came="none", fix="pass a dataset that has some"
            )
        self.scene, self.area, self.body, self.task, self.episodes = scene, area, body, task, episodes
        self.cameras, self.semantics, self.render_mode = cameras, semantics, render_mode
        self._renderer = Renderer(scene)
        self._expert = ShortestPathExpert(area, body)
        self._noise_level = noise
        self._depth_noise, self._actuation_noise = DepthNoise(noise), ActuationNoise(noise)
        self._max_steps = task.max_steps or body.max_steps
        self._walk: _Walk | None = None
        self.action_space = spaces.Discrete(len(Action))
        self.observation_space = spaces.Dict(self._spaces())

    def _spaces(self) -> dict[str, spaces.Space]:
        found: dict[str, spaces.Space] = {}
        for index, camera in enumerate(self.cameras):
            size = (camera.height, camera.width)
            suffix = f"_{camera.name}" if index else ""
            found[f"rgb{suffix}"] = spaces.Box(0, 255, (*size, 3), np.uint8)
            found[f"depth{suffix}"] = spaces.Box(0, min(camera.max_depth_m, _FAR_M), size, np.float32)
            if self.semantics:
                found[f"instance{suffix}"] = spaces.Box(0, 2**31 - 1, size, np.int32)
                found[f"category{suffix}"] = spaces.Box(0, 2**31 - 1, size, np.int32)
        for name in ("gps", "pointgoal"):
            found[name] = spaces.Box(-_FAR_M, _FAR_M, (3,), np.float32)
        low, high = np.array([(0, -math.pi), (_FAR_M, math.pi)], np.float32)
        found["pointgoal_with_gps_compass"] = spaces.Box(low, high, dtype=np.float32)
        for name in ("compass", "pitch"):
            found[name] = spaces.Box(-math.pi, math.pi, (1,), np.float32)
        found["collided"] = spaces.Box(0, 1, (1,), np.int8)
        return found

    @property
    def number_of_episodes(self) -> int:
        """How many episodes ``options={"episode": i}`` can choose from."""
        return len(self.episodes)

    @property
    def oracle(self) -> tuple[str, ...]:
        """Inputs no agent has in the world: the perfect pose, and the simulator's labels if asked for."""
        return ("perfect_pose", "oracle_semantics") if self.semantics else ("perfect_pose",)

    @property
    def embodiment(self) -> dict[str, Any]:
        """Plain JSON: what the driver of this body knows of it. Lengths in metres, angles in degrees."""
        b, eye = self.body, self.cameras[0]
        return {
            "name": b.name, "forward_m": b.forward_m, "turn_deg": b.turn_deg, "radius_m": b.radius_m,
            "height_m": b.height_m, "max_climb_m": b.max_climb_m, "sliding": b.sliding,
            "success_distance_m": self.task.success_distance_m, "max_steps": self._max_steps,
            "camera": {
                "width": eye.width, "height": eye.height, "hfov_deg": eye.hfov_deg, "height_m": eye.height_m,
            },
        }  # fmt: skip

    def provenance(self) -> dict[str, Any]:
        """Plain JSON: what world this is."""
        return {
            "environment": "placecell/MeshNav-v0", "scene": self.scene.name,
            "scene_hash": self.scene.content_hash, "body": self.body.name, "noise": self._noise_level,
            "dataset": self.task.dataset,
        }  # fmt: skip

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; raises :class:`EpisodeError` for one that cannot be walked."""
        super().reset(seed=seed)
        index = (options or {}).get("episode")
        if index is None:
            index = int(self.np_random.integers(len(self.episodes)))
        whole = isinstance(index, int | np.integer) and not isinstance(index, bool)
        if not whole or not 0 <= index < len(self.episodes):
            raise EpisodeError(
                expected=f"an episode from 0 to {len(self.episodes) - 1}", came=repr(index),
                fix="pass options={'episode': i} within the dataset",
            )  # fmt: skip
        episode = self.episodes[index]
        require_walkable(self.area, episode)
        standing = self.area.stand(episode.start.position)
        field = self.area.field(*(np.array(goal.position) for goal in episode.goals))
        point = self.area.point(standing)
        self._walk = _Walk(
            episode, field, standing, episode.start.yaw_rad, episode.start.pitch_rad, False,
            [point], [field.distance(standing)], [],
        )  # fmt: skip
        return self._observe(self._walk), self._info(self._walk)

    # Any action comes in, illegal ones too, and is told so in one line.
    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One action; raises :class:`EnvironmentUseError` out of turn, or for one that does not exist."""
        walk = self._require_walk()
        if not self.action_space.contains(action):
            names = ", ".join(f"{a.value} {a.name.lower()}" for a in Action)
            raise EnvironmentUseError(
                expected=f"an action ({names})", came=repr(action), fix="pass one of these integers"
            )
        before, chosen = walk.distances[-1], Action(int(action))
        self._act(walk, chosen)
        walk.points.append(self.area.point(walk.standing))
        walk.distances.append(walk.field.distance(walk.standing))
        walk.stopped = chosen == Action.STOP
        terminated = walk.stopped
        truncated = not terminated and len(walk.collided) >= self._max_steps
        walk.over = terminated or truncated
        info = self._info(walk)
        reward = before - walk.distances[-1] + info["measures"]["success"]
        return self._observe(walk), float(reward), terminated, truncated, info

    def _act(self, walk: _Walk, action: Action) -> None:
        slip, collided = Displacement(), False
        if action == Action.MOVE_FORWARD:
            slip = self._actuation_noise.forward(self.body.forward_m, self.np_random)
            collided = walk.held or self._move(walk, slip)
        elif action in (Action.TURN_LEFT, Action.TURN_RIGHT):
            turn = self.body.turn_rad if action == Action.TURN_LEFT else -self.body.turn_rad
            slip = self._actuation_noise.turn(turn, self.np_random)
        elif action in (Action.LOOK_UP, Action.LOOK_DOWN):
            look = math.radians(self.body.look_deg if action == Action.LOOK_UP else -self.body.look_deg)
            limit = math.radians(self.body.look_limit_deg)
            walk.pitch_rad = min(max(walk.pitch_rad + look, -limit), limit)
        walk.yaw_rad = wrap_angle(walk.yaw_rad + slip.turn_rad)
        walk.collided.append(collided)

    def _move(self, walk: _Walk, slip: Displacement) -> bool:
        heading = walk.yaw_rad + math.atan2(slip.left_m, slip.forward_m)
        distance = math.hypot(slip.left_m, slip.forward_m)
        step = self.area.step(
            walk.standing, heading, distance, sliding=self.body.sliding, sticky=self.body.sticky
        )
        walk.standing, walk.held = step.standing, step.held
        return step.collided

    def expert_action(self) -> int:
        """What the shortest-path expert would do now: an oracle."""
        walk = self._require_walk()
        return int(self._expert.action(walk.field, walk.standing, walk.yaw_rad, self.task.success_distance_m))

    @property
    def pose(self) -> Pose:
        """Where the body is, world frame: for tests and pictures; agents have ``gps`` and ``compass``."""
        return self._pose(self._require_walk(over_too=True))

    def render(self) -> np.ndarray | None:
        """The first camera's colours, (h, w, 3) uint8."""
        if self.render_mode != "rgb_array":
            return None
        walk = self._require_walk(over_too=True)
        camera = self.cameras[0]
        return self._renderer.render(camera, camera.T_world_camera(self._pose(walk))).rgb

    def _require_walk(self, over_too: bool = False) -> _Walk:
        if self._walk is None:
            raise EnvironmentUseError(
                expected="reset() before anything else", came="no episode", fix="call env.reset() first"
            )
        if self._walk.over and not over_too:
            raise EnvironmentUseError(
                expected="reset() after an episode has ended", came="another step", fix="call env.reset()"
            )
        return self._walk

    def _pose(self, walk: _Walk) -> Pose:
        x, y, z = (float(c) for c in walk.points[-1])
        return Pose(x, y, z, walk.yaw_rad, walk.pitch_rad)

    def _observe(self, walk: _Walk) -> Observation:
        pose = self._pose(walk)
        seen: Observation = {}
        for index, camera in enumerate(self.cameras):
            suffix = f"_{camera.name}" if index else ""
            image = self._renderer.render(camera, camera.T_world_camera(pose))
            seen[f"rgb{suffix}"] = image.rgb
            seen[f"depth{suffix}"] = self._sense(camera, image.depth)
            if self.semantics:
                seen[f"instance{suffix}"], seen[f"category{suffix}"] = image.instance, image.category
        start = replace(walk.episode.start, pitch_rad=0.0)
        feet = walk.points[0]
        T_start_world = invert(replace(start, x=feet[0], y=feet[1], z=feet[2]).T_world_body())
        goal = np.array(walk.episode.goals[0].position)
        in_body = transform(invert(pose.T_world_body()), goal)
        seen["gps"] = transform(T_start_world, pose.position).astype(np.float32)
        seen["compass"] = np.array([wrap_angle(pose.yaw_rad - start.yaw_rad)], np.float32)
        seen["pitch"] = np.array([pose.pitch_rad], np.float32)
        seen["pointgoal"] = transform(T_start_world, goal).astype(np.float32)
        seen["pointgoal_with_gps_compass"] = np.array(
            [math.hypot(in_body[0], in_body[1]), math.atan2(in_body[1], in_body[0])], np.float32
        )
        seen["collided"] = np.array([bool(walk.collided and walk.collided[-1])], np.int8)
        return seen

    def _sense(self, camera: Camera, depth: Depth) -> Depth:
        """Depth with noise; a reading that the noise took out of the camera's range is no return."""
        sensed = self._depth_noise.apply(depth, self.np_random)
        if self._noise_level != "none":
            sensed[(sensed < camera.min_depth_m) | (sensed > camera.max_depth_m)] = 0
        return sensed

    def _info(self, walk: _Walk) -> dict[str, Any]:
        pose = self._pose(walk)
        measures = navigation_measures(
            points=np.stack(walk.points), distances_to_goal_m=np.array(walk.distances),
            collided=np.array(walk.collided, bool), stopped=walk.stopped,
            radius_m=self.task.success_distance_m,
        )  # fmt: skip
        return {
            "episode_id": walk.episode.episode_id,
            "scene_id": walk.episode.scene_id,
            "pose": {
                "position": pose.position.tolist(),
                "yaw_rad": pose.yaw_rad,
                "pitch_rad": pose.pitch_rad,
            },
            "collided": bool(walk.collided and walk.collided[-1]),
            "measures": measures,
        }
