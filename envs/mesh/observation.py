"""What the body is given to see and feel: spaces, images, pose, goal."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from gymnasium import spaces

from placecell.arrays import Depth, Ids, Point
from placecell.geometry import Pose, invert, transform

from .camera import Camera, Image
from .noise import DepthNoise, LabelNoise, Noise
from .world import World

Observation = dict[str, np.ndarray]
Chance = Callable[[str], np.random.Generator]

# Farther than any scene reaches. Finite, as Gymnasium asks of bounds; the same in every scene, so that
# environments of several scenes make one vector.
FAR_M = 100_000.0


class Sensors:
    """Cameras with their noise, the pose the body believes in, and the goal as the task gives it.

    Args:
        cameras: the body's, its forward one first.
        goal_keys: which of ``objectgoal``, ``pointgoal``, ``pointgoal_with_gps_compass`` the task gives.
        semantics: adds the simulator's ids.
        noise: on depth and labels.
    """

    def __init__(
        self, cameras: Sequence[Camera], goal_keys: Sequence[str], *, semantics: bool, noise: Noise
    ) -> None:
        self.cameras, self.goal_keys, self.semantics = tuple(cameras), tuple(goal_keys), semantics
        self._depth_noise, self._label_noise = DepthNoise(noise.depth), LabelNoise(noise.labels)

    def space(self) -> spaces.Space:
        """The observation space."""
        found: dict[str, spaces.Space] = {}
        for suffix, camera in self._named():
            size = (camera.height, camera.width)
            found[f"rgb{suffix}"] = spaces.Box(0, 255, (*size, 3), np.uint8)
            found[f"depth{suffix}"] = spaces.Box(0, min(camera.max_depth_m, FAR_M), size, np.float32)
            if self.semantics:
                found[f"instance{suffix}"] = spaces.Box(0, 2**31 - 1, size, np.int32)
                found[f"category{suffix}"] = spaces.Box(0, 2**31 - 1, size, np.int32)
        low, high = np.array([(0, -math.pi), (FAR_M, math.pi)], np.float32)
        goals = {
            "objectgoal": spaces.Box(0, 2**31 - 1, (1,), np.int32),
            "pointgoal": spaces.Box(-FAR_M, FAR_M, (3,), np.float32),
            "pointgoal_with_gps_compass": spaces.Box(low, high, dtype=np.float32),
        }
        found["gps"] = spaces.Box(-FAR_M, FAR_M, (3,), np.float32)
        found |= {key: goals[key] for key in self.goal_keys}
        for name in ("compass", "pitch"):
            found[name] = spaces.Box(-math.pi, math.pi, (1,), np.float32)
        found["collided"] = spaces.Box(0, 1, (1,), np.int8)
        return spaces.Dict(found)

    def look(self, world: World, pose: Pose, chance: Chance) -> tuple[Observation, tuple[np.ndarray, ...]]:
        """What the cameras of a body at ``pose`` (world frame) see; and the true instances in each image."""
        seen: Observation = {}
        instances = []
        for suffix, camera in self._named():
            image = world.renderer.render(camera, camera.T_world_camera(pose))
            instances.append(image.instance)
            seen[f"rgb{suffix}"] = image.rgb
            seen[f"depth{suffix}"] = self._sense(camera, image.depth, chance(f"depth{suffix}"))
            if self.semantics:
                named = self._label(world, image, chance("labels"))
                seen[f"instance{suffix}"], seen[f"category{suffix}"] = named
        return seen, tuple(instances)

    def feel(self, believed: Pose, collided: bool) -> Observation:
        """The pose that the body believes in (episode's frame), and whether it bumped into something."""
        return {
            "gps": believed.position.astype(np.float32),
            "compass": np.array([believed.yaw_rad], np.float32),
            "pitch": np.array([believed.pitch_rad], np.float32),
            "collided": np.array([collided], np.int8),
        }

    def aim(self, category_id: int, point: Point | None, believed: Pose) -> Observation:
        """The goal: a category id (0 for a point), or a point of the episode's frame (zeros for an object).

        Distance and bearing are from where the body believes to be.
        """
        polar = (0.0, 0.0)
        if point is not None:
            x, y, _ = transform(invert(believed.T_world_body()), point).tolist()
            polar = (math.hypot(x, y), math.atan2(y, x))
        goal = {
            "objectgoal": np.array([category_id], np.int32),
            "pointgoal": (np.zeros(3) if point is None else point).astype(np.float32),
            "pointgoal_with_gps_compass": np.array(polar, np.float32),
        }
        return {key: goal[key] for key in self.goal_keys}

    def _named(self) -> list[tuple[str, Camera]]:
        return [(f"_{camera.name}" if index else "", camera) for index, camera in enumerate(self.cameras)]

    def _sense(self, camera: Camera, depth: Depth, rng: np.random.Generator) -> Depth:
        """Depth with noise; a reading that the noise took out of the camera's range is no return."""
        sensed = self._depth_noise.apply(depth, rng)
        if self._depth_noise.level != "none":
            sensed[(sensed < camera.min_depth_m) | (sensed > camera.max_depth_m)] = 0
        return sensed

    def _label(self, world: World, image: Image, rng: np.random.Generator) -> tuple[Ids, Ids]:
        lookup = world.category_lookup
        category = image.category if lookup is None else lookup[image.category]
        most = int(world.scene.instance_id.max())
        return self._label_noise.apply(image.instance, category, most, len(world.categories), rng)
