"""The episode under way: all that changes from step to step, and what an action does to it."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from placecell.arrays import Point, Transform, generator
from placecell.geometry import Pose, invert, wrap_angle

from ..body import Action, Body
from ..episode import Episode
from ..frames import in_frame, level, plain_pose
from ..geodesic import DistanceField, Standing
from ..measures import navigation_measures, success
from ..objectnav import LOOSE_M
from ..pointnav import goal_points, require_walkable
from .noise import ActuationNoise, Displacement, Noise, PoseNoise
from .world import World


@dataclass
class Walk:
    """A body on its way through an episode.

    Args:
        episode: the task; ``world``: where; ``body``: who; ``radius_m``: how near to a goal counts.
        noise: of actions and of the pose it believes in.
        seed: of this walk's noise. Every step draws from generators of its own, so that the noise of a step
            does not depend on what was done before it.
    """

    episode: Episode
    world: World
    body: Body
    radius_m: float
    noise: Noise
    seed: int
    to_goal: DistanceField
    standing: Standing
    yaw_rad: float
    pitch_rad: float
    held: bool = False
    points: list[Point] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    collided: list[bool] = field(default_factory=list)
    stopped: bool = False
    over: bool = False

    @classmethod
    def begin(
        cls, episode: Episode, world: World, body: Body, *, radius_m: float, noise: Noise, seed: int
    ) -> "Walk":
        """A body at an episode's start.

        Raises:
            EpisodeError: the start or the goals are off the floor, no goal can be reached, or an object is
                not what the scene has under its id.
        """
        world.require_things(episode)
        require_walkable(world.area, episode)
        standing = world.area.stand(episode.start.position)
        walk = cls(
            episode, world, body, radius_m, noise, seed, world.area.field(*goal_points(episode)), standing,
            episode.start.yaw_rad, episode.start.pitch_rad,
        )  # fmt: skip
        walk._arrive()
        walk.believed = walk.true_pose
        if episode.tour is not None and episode.tour.visit > 0:
            walk.believed = PoseNoise(noise.pose).carried(walk.true_pose, walk.chance("carried"))
        return walk

    @cached_property
    def believed(self) -> Pose:
        """Where the body thinks that it is, in the episode's frame."""
        return self.true_pose

    @cached_property
    def T_episode_world(self) -> Transform:
        """World to the episode's frame: at its origin's feet, x along the origin's heading."""
        return invert(self.origin.T_world_body())

    @cached_property
    def origin(self) -> Pose:
        """Where the episode's frame is, in the world."""
        if self.episode.origin is not None:
            return level(self.episode.origin)
        x, y, z = self.points[0].tolist()
        return replace(self.episode.start, x=x, y=y, z=z, pitch_rad=0.0)

    @property
    def pose(self) -> Pose:
        """Where the body is, world frame."""
        x, y, z = (float(c) for c in self.points[-1])
        return Pose(x, y, z, self.yaw_rad, self.pitch_rad)

    @property
    def true_pose(self) -> Pose:
        """Where the body is, in the episode's frame."""
        return in_frame(self.origin, self.pose)

    @property
    def step(self) -> int:
        """How many actions were taken."""
        return len(self.collided)

    @property
    def just_collided(self) -> bool:
        """Whether the last action met an obstacle."""
        return bool(self.collided and self.collided[-1])

    def chance(self, purpose: str) -> np.random.Generator:
        """This step's generator for one purpose."""
        return generator(self.seed, purpose, self.episode.scene_id, self.episode.episode_id, self.step)

    def act(self, action: Action) -> None:
        """One action of the body."""
        before = self.true_pose
        slip, collided = Displacement(), False
        actuation, chance = ActuationNoise(self.noise.actuation), self.chance("actuation")
        if action == Action.MOVE_FORWARD:
            slip = actuation.forward(self.body.forward_m, chance)
            collided = self.held or self._move(slip)
        elif action in (Action.TURN_LEFT, Action.TURN_RIGHT):
            turn = self.body.turn_rad if action == Action.TURN_LEFT else -self.body.turn_rad
            slip = actuation.turn(turn, chance)
        elif action in (Action.LOOK_UP, Action.LOOK_DOWN):
            look = math.radians(self.body.look_deg if action == Action.LOOK_UP else -self.body.look_deg)
            limit = math.radians(self.body.look_limit_deg)
            self.pitch_rad = min(max(self.pitch_rad + look, -limit), limit)
        self.yaw_rad = wrap_angle(self.yaw_rad + slip.turn_rad)
        self.collided.append(collided)
        self._arrive()
        pose = PoseNoise(self.noise.pose)
        self.believed = pose.follow(self.believed, before, self.true_pose, self.chance("odometry"))
        self.stopped = action == Action.STOP

    def _move(self, slip: Displacement) -> bool:
        heading = self.yaw_rad + math.atan2(slip.left_m, slip.forward_m)
        distance = math.hypot(slip.left_m, slip.forward_m)
        step = self.world.area.step(
            self.standing, heading, distance, sliding=self.body.sliding, sticky=self.body.sticky
        )
        self.standing, self.held = step.standing, step.held
        return step.collided

    def _arrive(self) -> None:
        self.points.append(self.world.area.point(self.standing))
        self.distances.append(self.to_goal.distance(self.standing))

    def measures(self) -> dict[str, float]:
        """The measures so far, by Habitat's names; for objects also ``success_1m``, the looser rule."""
        found = navigation_measures(
            points=np.stack(self.points), distances_to_goal_m=np.array(self.distances),
            collided=np.array(self.collided, bool), stopped=self.stopped, radius_m=self.radius_m,
        )  # fmt: skip
        if self.episode.goals[0].category is not None:
            loose = success(self.distances[-1], stopped=self.stopped, radius_m=LOOSE_M)
            found["success_1m"] = float(loose)
        return found

    def where(self) -> dict[str, Any]:
        """The true pose in the world, plain JSON."""
        return plain_pose(self.pose)
