"""Closed solids that furniture is built of: boxes, turned bodies, prisms, rods and leaves.

All faces are counter-clockwise from outside. Texture coordinates are in metres along the surface; what is
built of them divides by the size of its texture.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float, Int

# Whole numbers are lengths too, also to a checker that tells int from float.
Real = float | int
Corner = tuple[Real, Real, Real]
Profile = tuple[tuple[Real, Real], ...]

_UNIT = np.array([(x, y, z) for z in (0, 1) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
_QUADS = np.array(((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)))
_BOX = _UNIT[_QUADS].reshape(24, 3)
_BOX_FACES = (np.array([(0, 1, 2), (0, 2, 3)]) + 4 * np.arange(6)[:, None, None]).reshape(12, 3)
_NORMAL_AXIS = np.repeat([2, 2, 1, 0, 1, 0], 4)


@dataclass(frozen=True)
class Mesh:
    """One closed solid.

    Args:
        vertices: (n, 3) metres.
        faces: (m, 3) indices into ``vertices``.
        uv: (n, 2) metres along the surface.
    """

    vertices: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    uv: Float[np.ndarray, "n 2"]

    def moved(self, x: Real = 0.0, y: Real = 0.0, z: Real = 0.0) -> "Mesh":
        """Shifted by (x, y, z)."""
        return replace(self, vertices=self.vertices + np.array((x, y, z)))

    def scaled(self, x: Real = 1.0, y: Real = 1.0, z: Real = 1.0) -> "Mesh":
        """Stretched about the origin by positive factors."""
        return replace(self, vertices=self.vertices * (x, y, z))

    def turned(self, axis: str, degrees: Real, about: Corner = (0.0, 0.0, 0.0)) -> "Mesh":
        """Turned counter-clockwise about a line along ``axis`` (x, y or z) through ``about``."""
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, -s, s, c
        return replace(self, vertices=(self.vertices - about) @ turn.T + about)


@cache
def _box_axes(longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Which coordinate is u and which v at each of a box's corners; -1: u lies level."""
    u, v = [], []
    for normal in _NORMAL_AXIS.tolist():
        first, second = (axis for axis in range(3) if axis != normal)
        swap = second == longest
        u.append(second if swap else first)
        v.append(first if swap else second)
    return np.array(u), np.array(v)


def box(x: Real, y: Real, z: Real, width: Real, depth: Real, height: Real, grain: bool = False) -> Mesh:
    """A box centred at (x, y) that stands at ``z``; with ``grain`` its texture's u runs along its length."""
    size = (width, depth, height)
    vertices = _BOX * size + (x, y, z)
    u, v = _box_axes(int(np.argmax(size)) if grain else -1)
    rows = np.arange(24)
    return Mesh(vertices, _BOX_FACES, np.stack([vertices[rows, u], vertices[rows, v]], -1))


def panel(x: Real, y: Real, z: Real, width: Real, depth: Real, height: Real) -> Mesh:
    """A box whose front (+y) shows a texture once, upright: uv from (0, 0) to (1, 1)."""
    mesh = box(x, y, z, width, depth, height)
    u = (x + width / 2 - mesh.vertices[:, 0]) / width
    return replace(mesh, uv=np.stack([u, (mesh.vertices[:, 2] - z) / height], -1))


def sheet(x: Real, y: Real, z: Real, width: Real, depth: Real, height: Real) -> Mesh:
    """A box whose top shows a texture once: uv from (0, 0) to (1, 1)."""
    mesh = box(x, y, z, width, depth, height)
    low = (x - width / 2, y - depth / 2)
    return replace(mesh, uv=(mesh.vertices[:, :2] - low) / (width, depth))


@cache
def _circle(sides: int) -> np.ndarray:
    angle = 2 * np.pi * (np.arange(sides + 1) % sides) / sides
    return np.stack([np.cos(angle), np.sin(angle)], -1)


@cache
def _lathe_faces(flat: tuple[bool, ...], sides: int, closed: bool) -> np.ndarray:
    """Faces of the side between rings of ``sides + 1`` vertices; ``flat`` marks rings shrunk to a point."""
    i = np.arange(sides)
    faces = []
    for ring in range(len(flat) - 1):
        a, b = ring * (sides + 1) + i, (ring + 1) * (sides + 1) + i
        if not flat[ring]:
            faces.append(np.stack([a, a + 1, b + 1], -1))
        if not flat[ring + 1]:
            faces.append(np.stack([a, b + 1, b], -1))
    if not closed:
        k = np.arange(1, sides - 1)
        low, high = len(flat) * (sides + 1), (len(flat) + 1) * (sides + 1)
        if not flat[0]:
            faces.append(np.stack([np.full_like(k, low), low + k + 1, low + k], -1))
        if not flat[-1]:
            faces.append(np.stack([np.full_like(k, high), high + k, high + k + 1], -1))
    return np.concatenate(faces)


def lathe(profile: Profile, sides: int = 12, closed: bool = False) -> Mesh:
    """A body turned about the z axis.

    Args:
        profile: (radius, z) from the axis' bottom up the outside (and down the inside, if it is hollow).
            Ends off the axis are capped.
        sides: corners of its round.
        closed: the profile's last point joins its first: a ring.
    """
    rows = np.array((*profile, profile[0]) if closed else profile, np.float64)
    circle = _circle(sides)
    rings = np.empty((len(rows), sides + 1, 3))
    rings[..., :2] = rows[:, None, :1] * circle
    rings[..., 2] = rows[:, 1:]
    steps = np.hypot(*np.diff(rows, axis=0).T)
    wound = np.empty((len(rows), sides + 1, 2))
    # Along the axis first, as the grain of turned wood runs.
    wound[..., 0] = np.concatenate([[0.0], np.cumsum(steps)])[:, None]
    wound[..., 1] = np.arange(sides + 1) / sides * (2 * math.pi * float(rows[:, 0].max()))
    flat = tuple((rows[:, 0] < 1e-9).tolist())
    faces = _lathe_faces(flat, sides, closed)
    vertices, uv = rings.reshape(-1, 3), wound.reshape(-1, 2)
    if not closed:
        caps = np.concatenate([vertices[: sides + 1], vertices[-sides - 1 :]])
        vertices, uv = np.concatenate([vertices, caps]), np.concatenate([uv, caps[:, :2]])
    return Mesh(vertices, faces, uv)


def tube(radius: Real, height: Real, top: Real | None = None, sides: int = 12) -> Mesh:
    """An upright cylinder, or a frustum (a cone where ``top`` is 0), standing at the origin."""
    return lathe(((radius, 0.0), (radius if top is None else top, height)), sides)


def ball(rx: Real, ry: Real, rz: Real, sides: int = 10, rings: int = 5) -> Mesh:
    """An ellipsoid about the origin."""
    angle = np.pi * np.arange(rings + 1) / rings
    radius, z = np.sin(angle), -np.cos(angle)
    radius[0] = radius[-1] = 0.0
    return lathe(tuple(zip(radius.tolist(), z.tolist(), strict=True)), sides).scaled(rx, ry, rz)


def rod(start: Corner, stop: Corner, radius: Real, top: Real | None = None, sides: int = 6) -> Mesh:
    """A cylinder or frustum from one point to another."""
    mesh = tube(radius, 1.0, top, sides)
    along = np.subtract(stop, start)
    length = float(np.sqrt(along @ along))
    ahead = along / length
    # Any direction across it will do; the world's axis that it is farthest from is never along it.
    side = np.cross(np.eye(3)[int(np.argmin(np.abs(ahead)))], ahead)
    side /= np.sqrt(side @ side)
    frame = np.stack([side, np.cross(ahead, side), along])
    return replace(mesh, vertices=mesh.vertices @ frame + start, uv=mesh.uv * (length, 1.0))


def prism(outline: Profile, start: Real, stop: Real, axis: str = "z") -> Mesh:
    """An outline carried along an axis from ``start`` to ``stop``.

    Args:
        outline: corners, counter-clockwise, all seen from the first: (x, y) for axis z, (y, z) for axis x,
            (x, z) for axis y.
        start: lower end.
        stop: upper end.
        axis: x, y or z.
    """
    flat = np.array(outline, np.float64)
    n = len(flat)
    order = {"z": [0, 1, 2], "x": [2, 0, 1], "y": [0, 2, 1]}[axis]
    ends = [np.column_stack([flat, np.full(n, at)]) for at in (start, stop)]
    ring = np.concatenate([flat, flat[:1]])
    around = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    sides = np.concatenate([np.column_stack([ring, np.full(n + 1, at)]) for at in (start, stop)])
    vertices = np.concatenate([*ends, sides])[:, order]
    uv = np.concatenate(
        [flat, flat, *(np.column_stack([around, np.full(n + 1, at)]) for at in (start, stop))]
    )
    k, i, base = np.arange(1, n - 1), np.arange(n), 2 * n
    faces = np.concatenate(
        [
            np.stack([np.zeros_like(k), k + 1, k], -1),
            np.stack([np.full_like(k, n), n + k, n + k + 1], -1),
            np.stack([base + i, base + i + 1, base + n + 2 + i], -1),
            np.stack([base + i, base + n + 2 + i, base + n + 1 + i], -1),
        ]
    )
    return Mesh(vertices, faces[:, ::-1] if axis == "y" else faces, uv)


def leaf(start: Corner, stop: Corner, width: Real, thick: Real = 0.01) -> Mesh:
    """A blade from one point to another, widest past the middle, its face turned up."""
    a, b = np.array(start, np.float64), np.array(stop, np.float64)
    along = b - a
    level = np.array([-along[1], along[0], 0.0])
    size = float(np.sqrt(level @ level))
    across = np.array([1.0, 0.0, 0.0]) if size < 1e-6 else level / size
    up = np.cross(along, across)
    up *= thick / 2 / float(np.sqrt(up @ up))
    middle = a + 0.55 * along
    ring = [middle + across * width / 2, middle + up, middle - across * width / 2, middle - up]
    vertices = np.array([a, *ring, b])
    faces = np.array(
        [f for i in range(4) for f in ((0, 1 + (i + 1) % 4, 1 + i), (5, 1 + i, 1 + (i + 1) % 4))]
    )
    return Mesh(vertices, faces, vertices[:, :2].copy())


def arch(width: Real, low: Real, high: Real, steps: int = 6) -> Profile:
    """An outline about x = 0, standing on 0, whose top rises from ``low`` to ``high`` in the middle."""
    angle = [math.pi * i / steps for i in range(steps + 1)]
    top = [(width / 2 * math.cos(t), low + (high - low) * math.sin(t)) for t in angle]
    return ((-width / 2, 0.0), (width / 2, 0.0), *top)


def rounded(width: Real, depth: Real, corner: Real, steps: int = 3) -> Profile:
    """A rectangle about the origin with round corners, counter-clockwise."""
    points = []
    for i, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        for step in range(steps + 1):
            angle = math.pi / 2 * (i + step / steps)
            x = sx * (width / 2 - corner) + corner * math.cos(angle)
            points.append((x, sy * (depth / 2 - corner) + corner * math.sin(angle)))
    return tuple(points)
