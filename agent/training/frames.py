"""Frames of a scene, as a body that stands in it would see them, with the names of what they show."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from placecell.arrays import Depth, Rgb
from placecell.envs.body import Body
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.envs.mesh.renderer import Renderer
from placecell.envs.mesh.scene import Scene
from placecell.errors import SceneError
from placecell.geometry import Pose

_WALKED_ON = ("floor", "rug", "stairs")
_STANDS = 300  # standing points a scene
_EYE_M = 0.88
_HEADROOM_M = 0.1  # how far above the feet something may lie on the floor (a rug, a door's sill)
_NEAREST_M, _FURTHEST_M = 0.8, 4.5  # how far away things are looked at from


@dataclass(frozen=True)
class LabelledFrame:
    """One view.

    Args:
        rgb: (h, w, 3).
        depth: (h, w) float32, planar, metres, 0 = no return.
        category: (h, w) ids of ``CATEGORIES``; 0 for nothing, and for what the vocabulary has no name for.
        instance: (h, w) the scene's instance ids, 0 none.
        camera: it was taken with.
        pitch_rad: how far it looked up.
    """

    rgb: Rgb
    depth: Depth
    category: UInt8[np.ndarray, "h w"]
    instance: np.ndarray
    camera: Camera
    pitch_rad: float


def camera_of(body: Body, size: int = 128) -> Camera:
    """The forward camera of a body, square."""
    return Camera(
        width=size, height=size, hfov_deg=body.hfov_deg, height_m=body.camera_height_m,
        min_depth_m=body.min_depth_m, max_depth_m=body.max_depth_m,
    )  # fmt: skip


class Views:
    """Draws views of one scene from points where a body can stand.

    Args:
        scene: its categories are looked up by name in ``CATEGORIES``.
        rng: of the standing points.
        radius_m: the body's.

    Raises:
        SceneError: there is nowhere to stand.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator, radius_m: float = 0.18) -> None:
        self._renderer = Renderer(scene)
        ids = {name: index for index, name in enumerate(CATEGORIES)}
        self._names = np.array([ids.get(name, 0) for name in scene.categories], np.uint8)
        self._faces = self._names[scene.category_id]
        self._instances = scene.instance_id
        self.stands = self._standing_points(scene, rng, radius_m)
        self._middles, self._of_category = _things(scene, self._faces)

    def draw(
        self, rng: np.random.Generator, camera: Camera, *, pitch_rad: float = 0.0, aimed: bool = False,
        towards: int | None = None,
    ) -> LabelledFrame:  # fmt: skip
        """A view from a random standing point, in a random direction.

        ``aimed``: of a category that is drawn evenly among those that the scene has, from a point that sees
        the middle of the thing if one is found. ``towards``: the same, of the category of this id.
        """
        found = self._aim(rng, camera, towards) if aimed or towards is not None else None
        if found is None:
            x, y, z = self.stands[rng.integers(len(self.stands))].tolist()
            found = Pose(x, y, z, rng.uniform(-math.pi, math.pi))
        pose = Pose(found.x, found.y, found.z, found.yaw_rad, pitch_rad)
        image = self._renderer.render(camera, camera.T_world_camera(pose))
        names = self._names[image.category]
        return LabelledFrame(image.rgb, image.depth, names, image.instance, camera, pitch_rad)

    @property
    def names(self) -> tuple[int, ...]:
        """The ids of the categories that the scene has things of."""
        return tuple(self._of_category)

    def _aim(self, rng: np.random.Generator, camera: Camera, towards: int | None) -> Pose | None:
        """A pose from which the middle of a thing is seen, or None where none was found."""
        if not self._of_category or (towards is not None and towards not in self._of_category):
            return None
        if towards is None:
            towards = self.names[rng.integers(len(self._of_category))]
        things = self._of_category[towards]
        thing = int(rng.choice(things))
        middle = self._middles[thing]
        away = np.linalg.norm(self.stands[:, :2] - middle[:2], axis=1)
        up = middle[2] - self.stands[:, 2]
        near = np.flatnonzero((away > _NEAREST_M) & (away < _FURTHEST_M) & (up > -0.5) & (up < 2.6))
        if not len(near):
            return None
        candidates = self.stands[rng.choice(near, size=min(8, len(near)), replace=False)]
        eyes = candidates + np.array([0, 0, camera.height_m])
        _, faces = self._renderer.rays.cast(eyes, middle - eyes)
        seen = np.flatnonzero((faces >= 0) & (self._instances[faces] == thing))
        if not len(seen):
            return None
        x, y, z = candidates[seen[0]].tolist()
        yaw = math.atan2(middle[1] - y, middle[0] - x)
        return Pose(x, y, z, yaw + rng.uniform(-0.35, 0.35) * math.radians(camera.hfov_deg))

    def _standing_points(
        self, scene: Scene, rng: np.random.Generator, radius_m: float
    ) -> Float64[np.ndarray, "n 3"]:
        """Points of the floor around which, as wide as the body, there is floor and nothing but floor."""
        floor = np.isin(self._faces, [CATEGORIES.index(name) for name in _WALKED_ON])
        corners = scene.vertices[scene.faces].astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.where(floor, normals[:, 2], 0.0).clip(0)
        if not area.sum() > 0:
            raise _nowhere(scene)
        chosen = rng.choice(len(area), size=8 * _STANDS, p=area / area.sum())
        weights = rng.dirichlet((1.0, 1.0, 1.0), size=len(chosen))
        points = (corners[chosen] * weights[..., None]).sum(1)
        eye = np.array([0, 0, _EYE_M])
        angles = np.arange(8) * math.pi / 4
        ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], -1) * radius_m
        ring = np.concatenate([np.zeros((1, 3)), ring])
        eyes = (points[:, None] + ring + eye).reshape(-1, 3)
        distance, faces = self._renderer.rays.cast(eyes, np.tile([0.0, 0.0, -1.0], (len(eyes), 1)))
        clear = (faces >= 0) & floor[faces] & (np.abs(distance - _EYE_M) < _HEADROOM_M)
        free = clear.reshape(-1, len(ring)).all(1)
        # Walls may be thinner than the ring's gaps: nothing may stand between the middle and the ring either.
        middle = np.repeat(points + eye, len(ring) - 1, axis=0)
        across, _ = self._renderer.rays.cast(middle, np.tile(ring[1:], (len(points), 1)))
        free &= (across.reshape(-1, len(ring) - 1) > 1).all(1)
        if not free.any():
            raise _nowhere(scene)
        return points[free][:_STANDS]


def _things(
    scene: Scene, names: UInt8[np.ndarray, " m"]
) -> tuple[np.ndarray, dict[int, Int64[np.ndarray, " n"]]]:
    """The middle of every instance, by its id; and the instances of each category that has any."""
    count = int(scene.instance_id.max()) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    corners = scene.vertices[scene.faces]
    np.minimum.at(low, scene.instance_id, corners.min(1))
    np.maximum.at(high, scene.instance_id, corners.max(1))
    category = np.zeros(count, np.uint8)
    category[scene.instance_id] = names
    category[0] = 0
    present = {name: np.flatnonzero(category == name) for name in range(1, len(CATEGORIES))}
    unused = ~np.isfinite(low)
    low[unused], high[unused] = 0, 0
    return (low + high) / 2, {name: ids for name, ids in present.items() if len(ids)}


def _nowhere(scene: Scene) -> SceneError:
    return SceneError(
        expected=f"a floor in {scene.name} that a body can stand on",
        came="none that is wide and clear enough",
        fix="give its floors the category 'floor', facing up",
    )
