"""Generated houses seen whole, frame by frame, with what is true of each frame beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Depth, Ids, generator
from placecell.envs.body import PRESETS
from placecell.envs.mesh.houses import CATEGORIES, make_house
from placecell.envs.mesh.make import make_cameras
from placecell.envs.mesh.noise import Level, Noise, PoseNoise
from placecell.envs.mesh.observation import Sensors
from placecell.envs.mesh.survey import survey_poses
from placecell.envs.mesh.world import World
from placecell.geometry import Pinhole, Pose, invert, transform
from placecell.memory import Frame

_BODY = PRESETS["habitat_objectnav"]
_THIN_M = 0.1
_BEHIND_M = 0.05
_BITS = 12
_CELLS = 1 << _BITS


@dataclass(frozen=True)
class View:
    """A frame as an agent gets it, and the truth.

    Args:
        frame: with noise, if there is any, and labels; its pose is what the body believes.
        truth: the frame without noise, at the true pose.
        instances: (h, w) the true instance of each pixel, 0 for walls and floors.
    """

    frame: Frame
    truth: Frame
    instances: Ids


def survey(number: int, size: tuple[int, int], noise: Level = "none") -> Iterator[View]:
    """A val house from points about 2 m apart, at six headings each.

    Args:
        number: which house.
        size: (rows, columns) of the camera.
        noise: on pose, depth and labels; the pose's is that of a body put down anew for each frame.
    """
    world = World.of(make_house("val", number).scene(), _BODY, CATEGORIES)
    cameras = make_cameras(_BODY, size[1], size[0], ())
    camera, levels = cameras[0].pinhole(), Noise.of(noise)
    clear = Sensors(cameras, (), semantics=True, noise=Noise())
    noisy = Sensors(cameras, (), semantics=True, noise=levels)
    for step, pose in enumerate(survey_poses(world.area)):

        def chance(purpose: str, step: int = step) -> np.random.Generator:
            return generator(0, "marker bench", number, purpose, step)

        seen, (instances,) = clear.look(world, pose, chance)
        truth = _frame(pose, camera, seen, step)
        if noise == "none":
            yield View(truth, truth, instances)
            continue
        believed = PoseNoise(levels.pose).carried(pose, chance("carried"))
        yield View(_frame(believed, camera, noisy.look(world, pose, chance)[0], step), truth, instances)


def _frame(pose: Pose, camera: Pinhole, seen: dict[str, np.ndarray], step: int) -> Frame:
    T_world_camera = pose.T_world_camera(_BODY.camera_height_m)
    return Frame(T_world_camera, camera, seen["depth"], seen["rgb"], seen["category"], step)


class Surfaces:
    """Each instance's surface as far as a survey showed it, to tell how much of it something else hides."""

    def __init__(self, views: list[View]) -> None:
        cells = np.unique(np.concatenate([_cells(view) for view in views]))
        x, y, z = ((cells >> shift & _CELLS - 1) - _CELLS // 2 for shift in (2 * _BITS, _BITS, 0))
        self._owner: Int64[np.ndarray, " n"] = cells >> 3 * _BITS
        self._points: Float64[np.ndarray, "n 3"] = (np.stack([x, y, z], -1) + 0.5) * _THIN_M

    def hidden(self, view: View) -> Float64[np.ndarray, " instances"]:
        """By instance, the share of its surface before the camera that something else is in front of."""
        truth, instances = view.truth, view.instances
        points = transform(invert(truth.T_world_camera), self._points)
        pixels = truth.camera.project(points)
        with np.errstate(invalid="ignore"):
            inside = (points[:, 2] > 0.1) & (pixels >= 0).all(1) & (pixels < instances.shape[::-1]).all(1)
        u, v = pixels[inside].astype(np.int64).T
        owner, z = self._owner[inside], points[inside, 2]
        other = (instances[v, u] != owner) & (truth.depth[v, u] > 0) & (truth.depth[v, u] < z - _BEHIND_M)
        count = int(self._owner.max()) + 1
        return np.bincount(owner, other, count) / np.maximum(np.bincount(owner, minlength=count), 1)


def _cells(view: View) -> Int64[np.ndarray, " n"]:
    """Instance and cell of 0.1 m of each of a frame's surface points, as one number, none twice."""
    depth, instances = view.truth.depth, view.instances
    seen = (depth > 0) & (instances > 0)
    points = transform(view.truth.T_world_camera, view.truth.camera.backproject(depth)[seen])
    x, y, z = np.floor(points / _THIN_M).astype(np.int64).T + _CELLS // 2
    return np.unique(((instances[seen].astype(np.int64) << _BITS | x) << _BITS | y) << _BITS | z)


def true_depth(depth: Depth, instances: Ids) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The instances of a frame, on how many pixels with depth each shows, and its mean depth there."""
    seen = depth > 0
    pixels = np.bincount(instances[seen])
    metres = np.bincount(instances[seen], depth[seen]) / np.maximum(pixels, 1)
    found = np.flatnonzero(pixels)
    found = found[found > 0]
    return found, pixels[found], metres[found]
