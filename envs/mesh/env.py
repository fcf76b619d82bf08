"""``placecell/MeshNav-v0``: a body with cameras in a mesh, or in many, behind Gymnasium's interface."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from placecell.arrays import generator
from placecell.errors import EnvironmentUseError, EpisodeError
from placecell.geometry import Pose, transform

from ..body import Action, Body
from ..episode_choice import episode_index
from ..frames import in_frame, plain_pose
from ..geodesic import NavigableArea
from ..task import Episodes, Task
from ..tour import Tour
from .camera import Camera
from .history import TourHistory, shown
from .info import step_info, tags_of
from .noise import Noise, PoseNoise
from .observation import Observation, Sensors
from .scene import Scene
from .survey import Elsewhere, Nowhere, Which, require_which, survey_poses
from .walk import Walk
from .world import World


class MeshNavEnv(gymnasium.Env):
    """PointNav, ObjectNav and tours in meshes.

    Observations (fresh arrays each step; the episode's frame has its origin at the start's feet, x along the
    start's heading, z up; the visits of a tour share the frame of the first):

    - ``rgb`` (h, w, 3) uint8 and ``depth`` (h, w) float32, planar metres, 0 = no return; further cameras
      add ``rgb_NAME`` and ``depth_NAME``; with ``semantics`` also ``instance`` and ``category`` (h, w) int32,
      the latter an index into ``categories``;
    - ``gps`` (3,) metres, ``compass`` (1,) and ``pitch`` (1,) radians: the body in the episode's frame;
    - ``pointgoal`` (3,) metres: the goal in the episode's frame (PointNav and tours; zeros for an object);
    - ``pointgoal_with_gps_compass`` (2,): from the body, the horizontal distance in metres and the bearing in
      radians, left positive, as Habitat's (the same tasks);
    - ``objectgoal`` (1,) int32: what to go to, an index into ``categories`` (ObjectNav and tours; 0 for a
      point);
    - ``collided`` (1,) int8: whether the last action met an obstacle.

    Actions: ``Discrete(6)``, see :class:`~placecell.envs.body.Action`. The reward is the progress towards the
    goal in metres, plus 1 for a success. ``terminated`` after ``stop``, ``truncated`` when the steps are
    spent. ``info`` is plain JSON with ``episode_id``, ``scene_id``, ``pose``, ``collided``, ``measures``;
    ``tags`` (``kind``: object, place or point; ``category``, ``tour``, ``visit``, ``repeat``,
    ``seen_before``, ``moved``, where they apply); ``goal_in_view``; and ``goal_positions`` in the
    episode's frame.

    ``reset(options={"episode": i})`` chooses the episode; without it, one is drawn.

    Args:
        worlds: the world of a scene id.
        body, task, cameras, semantics: who walks, what for, and what it is given to see.
        episodes: a dataset, drawn at once or as it is looked at.
        noise: of depth, actions, pose and labels.
        origins: what ``provenance()`` says of the worlds (plain JSON).
        elsewhere: the other houses of tours, for surveys.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self, worlds: Callable[[str], World], body: Body, task: Task, episodes: Episodes, *,
        cameras: tuple[Camera, ...], categories: tuple[str, ...], origins: Mapping[str, Any],
        semantics: bool = False, noise: Noise | None = None, elsewhere: Elsewhere | None = None,
        render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if not episodes:
            raise EpisodeError(
                expected="at least one episode", came="none", fix="pass a dataset that has some"
            )
        self.body, self.task, self.episodes, self.categories = body, task, episodes, categories
        self.cameras, self.semantics, self.render_mode = cameras, semantics, render_mode
        self.noise = noise or Noise()
        self._worlds, self._origins = worlds, dict(origins)
        self._elsewhere: Elsewhere = elsewhere or Nowhere()
        self._sensors = Sensors(cameras, task.goal_keys, semantics=semantics, noise=self.noise)
        self._max_steps = task.max_steps or body.max_steps
        self._history = TourHistory(worlds)
        self._walk: Walk | None = None
        self.action_space = spaces.Discrete(len(Action))
        self.observation_space = self._sensors.space()

    @property
    def number_of_episodes(self) -> int:
        """How many episodes ``options={"episode": i}`` can choose from."""
        return len(self.episodes)

    @property
    def visits_per_tour(self) -> int:
        """How many consecutive episodes make a tour; 1 where each stands for itself."""
        return self.task.goals if isinstance(self.task, Tour) else 1

    @property
    def world(self) -> World:
        """Where the episode under way takes place, or the first one before any."""
        if self._walk is not None:
            return self._walk.world
        return self._worlds(self.episodes[0].scene_id)

    @property
    def scene(self) -> Scene:
        """The scene of :attr:`world`."""
        return self.world.scene

    @property
    def area(self) -> NavigableArea:
        """The ground of :attr:`world`."""
        return self.world.area

    @property
    def oracle(self) -> tuple[str, ...]:
        """Inputs no agent has in the world: the perfect pose, and the simulator's labels if asked for."""
        pose = ("perfect_pose",) if self.noise.pose == "none" else ()
        return (*pose, "oracle_semantics") if self.semantics else pose

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

    @property
    def origin(self) -> dict[str, Any]:
        """Plain JSON: where the frame of the episode under way is in the world, as ``info["pose"]``."""
        return plain_pose(self._require_walk(over_too=True).origin)

    def shortest_path(self) -> list[list[float]]:
        """Corners of the shortest way from the body to the nearest goal, metres, the episode's frame.

        No agent knows it: for recordings, pictures and tests.
        """
        walk = self._require_walk(over_too=True)
        return transform(walk.T_episode_world, walk.to_goal.path(walk.standing)).tolist()

    def provenance(self) -> dict[str, Any]:
        """Plain JSON: what worlds these are, and what is asked for in them."""
        return {
            **self._origins, "body": self.body.name, "noise": self.noise.plain(), "task": self.task.name,
            "dataset": self.task.dataset,
        }  # fmt: skip

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode; raises :class:`EpisodeError` for one that cannot be walked."""
        super().reset(seed=seed)
        index = episode_index((options or {}).get("episode"), len(self.episodes), self.np_random)
        episode = self.episodes[index]
        self._walk = Walk.begin(
            episode, self._worlds(episode.scene_id), self.body, radius_m=self.task.radius_m(episode),
            noise=self.noise, seed=int(self.np_random.integers(2**62)),
        )  # fmt: skip
        self._history.enter(episode.tour)
        return self._observe(self._walk)

    # Any action comes in, illegal ones too, and is told so in one line.
    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One action; raises :class:`EnvironmentUseError` out of turn, or for one that does not exist."""
        walk = self._require_walk()
        if not self.action_space.contains(action):
            names = ", ".join(f"{a.value} {a.name.lower()}" for a in Action)
            raise EnvironmentUseError(
                expected=f"an action ({names})", came=repr(action), fix="pass one of these integers"
            )
        before = walk.distances[-1]
        walk.act(Action(int(action)))
        terminated = walk.stopped
        truncated = not terminated and walk.step >= self._max_steps
        walk.over = terminated or truncated
        observation, info = self._observe(walk)
        reward = before - walk.distances[-1] + info["measures"]["success"]
        return observation, float(reward), terminated, truncated, info

    def tour_so_far(self) -> dict[str, Any]:
        """Plain JSON for :meth:`go_on_with`: what visits and surveys have shown, the latest visit too."""
        return self._history.plain()

    def go_on_with(self, tour: Mapping[str, Any]) -> None:
        """Takes over a tour, so that the next reset to a later visit of it goes on as if it had not stopped.

        The episode under way is over; a reset to another tour's visit begins that one anew, as ever.

        Args:
            tour: what :meth:`tour_so_far` told, in whatever process that was.

        Raises:
            EnvironmentUseError: something that does not hold together; nothing is taken over then.
        """
        self._history.replace(tour)
        self._walk = None

    def survey(self, house: Which) -> Iterator[Observation]:
        """Observations that cover a whole house, for the tour of the episode under way, which goes on after.

        From points about 2 m apart, at six headings each, with the episode's keys (the goal's are zeros) and
        noise; the body finds out where it stands at each point as one that was carried there.

        Args:
            house: ``"same"``; ``"foreign"``, the split's next one, in the frame of its own tour; or
                ``"stale"``, this house before its furniture was moved. What this house shows counts as seen.

        Raises:
            EnvironmentUseError: before ``reset``, another house, or one that a single scene does not have.
        """
        walk = self._require_walk(over_too=True)
        require_which(house)
        if house == "foreign":
            return self._survey(walk, *self._elsewhere.foreign(walk.episode), house)
        world = walk.world if house == "same" else self._elsewhere.stale(walk.episode)
        return self._survey(walk, world, walk.origin, house)

    def _survey(self, walk: Walk, world: World, origin: Pose, house: Which) -> Iterator[Observation]:
        names: tuple[object, ...] = (walk.episode.scene_id, walk.episode.episode_id, house)
        carried = PoseNoise(self.noise.pose).carried
        for number, pose in enumerate(survey_poses(world.area)):

            def chance(purpose: str, number: int = number) -> np.random.Generator:
                return generator(walk.seed, "survey", purpose, *names, number)

            seen, images = self._sensors.look(world, pose, chance)
            if house != "foreign" and walk is self._walk:
                self._history.add(None, world, pose, shown(images))
            believed = carried(in_frame(origin, pose), chance("carried"))
            yield seen | self._sensors.feel(believed, False) | self._sensors.aim(0, None, believed)

    def expert_action(self) -> int:
        """What the shortest-path expert would do now: an oracle."""
        walk = self._require_walk()
        return int(walk.world.expert.action(walk.to_goal, walk.standing, walk.yaw_rad, walk.radius_m))

    @property
    def pose(self) -> Pose:
        """Where the body is, world frame: for tests and pictures; agents have ``gps`` and ``compass``."""
        return self._require_walk(over_too=True).pose

    def render(self) -> np.ndarray | None:
        """The first camera's colours, (h, w, 3) uint8."""
        if self.render_mode != "rgb_array":
            return None
        walk = self._require_walk(over_too=True)
        camera = self.cameras[0]
        return walk.world.renderer.render(camera, camera.T_world_camera(walk.pose)).rgb

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
        seen, images = self._sensors.look(walk.world, walk.pose, walk.chance)
        instances = shown(images)
        if walk.episode.tour is not None:
            self._history.add(walk.episode.tour.visit, walk.world, walk.pose, instances)
        goal = walk.episode.goals[0]
        point, category_id = None, 0
        if goal.category is None:
            point = transform(walk.T_episode_world, np.array(goal.position))
        else:
            category_id = self.categories.index(goal.category)
        seen |= self._sensors.feel(walk.believed, walk.just_collided)
        seen |= self._sensors.aim(category_id, point, walk.believed)
        edited = self._elsewhere if isinstance(self.task, Tour) and self.task.arm == "stale" else None
        tags = tags_of(walk, self._history, self.cameras, edited)
        return seen, step_info(walk, instances, self.cameras, tags)
