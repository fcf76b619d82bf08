"""``placecell-bench render``: colour, depth and ids a second, against the plain way on the same rays.

The plain way is kept here: embreex casts the rays, NumPy interpolates texture coordinates and colours,
samples textures bilinearly, applies the same light and looks up the ids. Both draw the same images (a test
holds that).
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from placecell.arrays import Transform, generator
from placecell.envs.mesh.builtin import builtin_scene, room_boxes
from placecell.envs.mesh.camera import Camera, Image
from placecell.envs.mesh.loading import load_scene
from placecell.envs.mesh.renderer import Renderer
from placecell.envs.mesh.scene import Scene
from placecell.envs.mesh.shading import light
from placecell.geometry import Pose

from .row import Row

SUITE_HELP = "RGB, depth and ids a second, by the call the sensors make, against embreex + NumPy"

TARGET_RATIO = 1.8
_SIZES = ((128, 128), (256, 256), (640, 480))
_PLAIN = "embreex + NumPy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--mesh", metavar="FILE", help="GLB, glTF, OBJ or PLY (default: the built-in scene)")
    parser.add_argument("--up", choices=("auto", "y", "z"), default="auto", help="its up axis")


def run(args: argparse.Namespace) -> list[Row]:
    """Both ways in turn on the same poses, in one process and one thread; medians of CPU time."""
    scene = builtin_scene() if args.mesh is None else load_scene(args.mesh, args.up)
    renderer, plain = Renderer(scene), PlainRenderer(scene)
    poses = viewpoints(scene, renderer, 12 if args.quick else 48)
    rows = [_compare(renderer, plain, poses, size, args.quick) for size in _SIZES]
    return rows + _cores(renderer, poses, 1.0 if args.quick else 4.0)


def viewpoints(scene: Scene, renderer: Renderer, count: int) -> list[Pose]:
    """Poses to look from: over the floor in the scene's rooms, or above what lies below random points."""
    rng = generator(0, "render bench")
    if scene.name.startswith("builtin scene"):
        boxes = [room_boxes()[i % 6] for i in range(count)]
        return [
            Pose((x0 + x1) / 2, (y0 + y1) / 2, 0.0, rng.uniform(-np.pi, np.pi)) for x0, y0, x1, y1 in boxes
        ]
    low, high = scene.bounds.astype(np.float64)
    poses: list[Pose] = []
    while len(poses) < count:
        point = rng.uniform(low, high)
        distance, _ = renderer.rays.cast(point[None], np.array([[0.0, 0.0, -1.0]]))
        if np.isfinite(distance[0]):
            poses.append(Pose(point[0], point[1], point[2] - float(distance[0]), rng.uniform(-np.pi, np.pi)))
        elif rng.random() < 1e-3:  # a scene that nothing lies below: look at it from anywhere
            poses.append(Pose(point[0], point[1], point[2], rng.uniform(-np.pi, np.pi)))
    return poses


class PlainRenderer:
    """The same images the plain way. Single rays by embreex, arrays by NumPy, temporaries where needed."""

    def __init__(self, scene: Scene) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self._scene, self._embree = scene, EmbreeScene()
        triangles = scene.vertices[scene.faces]
        TriangleMesh(self._embree, np.ascontiguousarray(triangles))
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30)
        self._normals, self._lights = normals, np.stack([light(normals), light(-normals)], -1)
        self._uv = scene.uv[scene.faces]
        base = np.array([material.color for material in scene.materials], np.float32)[scene.face_material]
        self._colors = np.rint(scene.vertex_colors[scene.faces] * base[:, None]).astype(np.float32)
        self._plain_color = (self._colors == self._colors[:, :1]).all()
        # All textures behind each other, a white texel last for faces without one (index -1).
        textures = [*scene.textures, np.full((1, 1, 3), 255, np.uint8)]
        sizes = np.array([texture.shape[:2] for texture in textures], np.intp)
        starts = np.concatenate([[0], np.cumsum(sizes.prod(-1))[:-1]])
        self._texels = np.concatenate([texture.reshape(-1, 3) for texture in textures]) / np.float32(255)
        texture = np.array([material.texture for material in scene.materials])[scene.face_material]
        self._start, (self._height, self._width) = starts[texture], sizes[texture].T
        self._textured = bool(scene.textures)
        self._cached: dict[Camera, np.ndarray] = {}

    def render(self, camera: Camera, T_world_camera: Transform) -> Image:
        """What :meth:`Renderer.render` gives, for a pinhole camera."""
        if camera not in self._cached:
            self._cached[camera] = camera.pinhole().rays().reshape(-1, 3).astype(np.float32)
        rays = self._cached[camera]
        # No matrix product here: BLAS threads that spin would count against the plain way.
        directions = np.einsum("nd,kd->nk", rays, T_world_camera[:3, :3].astype(np.float32))
        origins = np.broadcast_to(T_world_camera[:3, 3].astype(np.float32), directions.shape).copy()
        hits = self._embree.run(origins, directions, query="INTERSECT", output=1)
        missed = hits["primID"] < 0
        face = np.where(missed, 0, hits["primID"])
        u, v = hits["u"][:, None], hits["v"][:, None]
        weights = (1 - u - v, u, v)
        rgb = self._shade(face, weights)
        back = np.einsum("nd,nd->n", self._normals[face], directions) > 0
        rgb = rgb * self._lights[face, back.astype(np.intp)][:, None] + np.float32(0.5)
        depth = hits["tfar"].astype(np.float32)
        depth[missed | (depth < camera.min_depth_m) | (depth > camera.max_depth_m)] = 0
        rgb[missed] = 0
        instance, category = self._scene.instance_id[face], self._scene.category_id[face]
        instance[missed] = category[missed] = 0
        size = (camera.height, camera.width)
        return Image(
            rgb.astype(np.uint8).reshape(*size, 3),
            depth.reshape(size),
            instance.reshape(size),
            category.reshape(size),
        )

    def _shade(self, face: np.ndarray, weights: tuple[np.ndarray, ...]) -> np.ndarray:
        if self._plain_color:
            rgb = self._colors[face, 0]
        else:
            rgb = sum(weight * self._colors[face, corner] for corner, weight in enumerate(weights))
        if self._textured:
            uv = sum(weight * self._uv[face, corner] for corner, weight in enumerate(weights))
            rgb = rgb * self._bilinear(face, np.asarray(uv))
        return np.asarray(rgb)

    def _bilinear(self, face: np.ndarray, uv: np.ndarray) -> np.ndarray:
        width, height, start = self._width[face], self._height[face], self._start[face]
        half = np.float32(0.5)
        x, y = uv[:, 0] * width.astype(np.float32) - half, (1 - uv[:, 1]) * height.astype(np.float32) - half
        left, upper = np.floor(x), np.floor(y)
        fx, fy = (x - left)[:, None], (y - upper)[:, None]
        column, row = left.astype(np.intp) % width, upper.astype(np.intp) % height
        right = np.where(column + 1 < width, column + 1, 0)
        upper_row = start + row * width
        lower_row = start + np.where(row + 1 < height, row + 1, 0) * width
        texels = self._texels
        top = texels.take(upper_row + column, 0) * (1 - fx) + texels.take(upper_row + right, 0) * fx
        bottom = texels.take(lower_row + column, 0) * (1 - fx) + texels.take(lower_row + right, 0) * fx
        return np.asarray(top * (1 - fy) + bottom * fy)


def _camera(size: tuple[int, int]) -> Camera:
    return Camera(width=size[0], height=size[1], hfov_deg=79.0, height_m=1.25)


def _compare(
    renderer: Renderer, plain: PlainRenderer, poses: list[Pose], size: tuple[int, int], quick: bool
) -> Row:
    camera = _camera(size)
    transforms = [camera.T_world_camera(pose) for pose in poses]
    times: tuple[list[float], list[float]] = ([], [])
    calls: tuple[Callable[[Camera, Transform], Image], ...] = (renderer.render, plain.render)
    for call in calls:
        call(camera, transforms[0])
    for _ in range(1 if quick and size[0] > 256 else 3):
        for T in transforms:
            for call, spent in zip(calls, times, strict=True):
                start = time.process_time()
                call(camera, T)
                spent.append(time.process_time() - start)
    ours, theirs = (1 / float(np.median(spent)) for spent in times)
    judged = size == _SIZES[0]
    return Row(
        name=f"render_{size[0]}x{size[1]}",
        value=ours,
        unit="frames/s",
        peer=_PLAIN,
        peer_value=theirs,
        ratio=ours / theirs,
        target=f">= {TARGET_RATIO} x {_PLAIN}" if judged else None,
        passed=ours / theirs >= TARGET_RATIO if judged else None,
    )


def _cores(renderer: Renderer, poses: list[Pose], seconds: float) -> list[Row]:
    """Frames a second of wall time with one and with two threads; the kernel runs without Python's lock."""
    camera = _camera(_SIZES[0])
    transforms = [camera.T_world_camera(pose) for pose in poses]

    def work(stop: float) -> int:
        frames = 0
        while time.perf_counter() < stop:
            renderer.render(camera, transforms[frames % len(transforms)])
            frames += 1
        return frames

    rows = []
    for threads, name in ((1, "one_core"), (2, "two_cores")):
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            frames = sum(pool.map(work, [start + seconds] * threads))
            rows.append(Row(f"render_128x128_{name}", frames / (time.perf_counter() - start), "frames/s"))
    return rows
