"""The kit that pieces are put together with: draws sizes and colours, collects solids by material."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..scene import Part, Texture
from .looks import Color, color_for, texture_for
from .model import Model, Surface
from .solids import Corner, Mesh, Real, ball, box, rod, tube

# Which pattern a palette comes with, and how far one repeat of it reaches, metres.
_PATTERNS = {
    "wood": ("wood", 0.7),
    "cloth": ("cloth", 0.45),
    "stone": ("stone", 0.6),
    "brick": ("bricks", 0.9),
    "cane": ("cane", 0.25),
}


@dataclass(frozen=True, eq=False)
class Finish:
    """A colour, and the texture that it multiplies."""

    color: Color
    texture: Texture | None = None
    span_m: float = 1.0
    grain: bool = False


@dataclass(frozen=True)
class Shape:
    """A variant of a category: what builds it, and which houses it is kept for.

    Args:
        category: one of ``CATEGORIES``.
        variant: its name, unique in the category.
        build: adds its solids to a kit.
        test: only for test houses; others are only for train and val.
        stands_on: ``"floor"``, ``"wall"`` or ``"top"``.
        rooms: kinds of rooms it is made for; empty: any.
    """

    category: str
    variant: str
    build: Callable[["Kit"], None]
    test: bool = False
    stands_on: str = "floor"
    rooms: tuple[str, ...] = ()


@dataclass(eq=False)
class Kit:
    """A piece while it is built. Everything drawn comes from ``rng``; colours and patterns from ``split``."""

    split: str
    rng: np.random.Generator
    base_m: float = 0.0
    solids: list[tuple[Finish, Mesh]] = field(default_factory=list)
    surfaces: list[Surface] = field(default_factory=list)

    def between(self, low: Real, high: Real) -> float:
        """A length, to the millimetre."""
        return round(float(self.rng.uniform(low, high)), 3)

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def pick(self, *options: str) -> str:
        """One of several, equally likely."""
        return options[int(self.rng.integers(len(options)))]

    def finish(self, palette: str) -> Finish:
        """A colour of a palette, with its pattern if it has one."""
        color = color_for(palette, self.split, self.rng)
        if palette not in _PATTERNS:
            return Finish(color)
        pattern, span = _PATTERNS[palette]
        return Finish(color, texture_for(pattern, self.split, self.rng), span, palette == "wood")

    def hang(self, low: Real, high: Real) -> None:
        """The piece hangs on a wall at a height drawn between the two."""
        self.base_m = self.between(low, high)

    def add(self, finish: Finish, *meshes: Mesh) -> None:
        """Solids of one material."""
        self.solids += [(finish, mesh) for mesh in meshes]

    def box(self, finish: Finish, x: Real, y: Real, z: Real, w: Real, d: Real, h: Real) -> None:
        """A box centred at (x, y) that stands at ``z``."""
        self.solids.append((finish, box(x, y, z, w, d, h, finish.grain)))

    def tube(self, finish: Finish, at: Corner, radius: Real, h: Real, top: Real | None = None) -> None:
        """An upright cylinder or frustum standing at a point."""
        self.solids.append((finish, tube(radius, h, top, 12 if radius > 0.05 else 8).moved(*at)))

    def rod(self, finish: Finish, start: Corner, stop: Corner, radius: Real) -> None:
        """A thin cylinder from point to point."""
        self.solids.append((finish, rod(start, stop, radius)))

    def ball(self, finish: Finish, at: Corner, rx: Real, ry: Real, rz: Real) -> None:
        """An ellipsoid about a point."""
        self.solids.append((finish, ball(rx, ry, rz, 8 if max(rx, ry, rz) < 0.12 else 10, 4).moved(*at)))

    def legs(self, finish: Finish, w: Real, d: Real, h: Real, thick: Real, splay: Real = 0.0) -> None:
        """Four legs under a top of ``w`` by ``d``: square posts, or round ones that lean out by ``splay``."""
        for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            x, y = sx * (w - thick) / 2, sy * (d - thick) / 2
            if splay:
                foot = (x, y, 0.0)
                top = (x - sx * splay, y - sy * splay, h)
                self.add(finish, upright_rod(foot, top, thick / 2))
            else:
                self.box(finish, x, y, 0.0, thick, thick, h)

    def trough(self, finish: Finish, at: Corner, w: Real, d: Real, h: Real, wall: Real, floor: Real) -> None:
        """An open box: four walls and a bottom, its outside ``w`` by ``d`` by ``h`` about ``at``."""
        x, y, z = at
        self.box(finish, x, y, z, w, d, floor)
        for side in (-1, 1):
            self.box(finish, x + side * (w - wall) / 2, y, z + floor, wall, d, h - floor)
            self.box(finish, x, y + side * (d - wall) / 2, z + floor, w - 2 * wall, wall, h - floor)

    def fronts(
        self,
        finish: Finish,
        handle: Finish,
        span: tuple[Real, Real, Real, Real],
        y: Real,
        grid: tuple[int, int],
    ) -> None:
        """Drawers (or doors, where they stand higher than wide) on a front at ``y``, with handles.

        Args:
            finish: of the fronts.
            handle: of the handles.
            span: x0, z0, x1, z1 that they share.
            y: where the body ends; fronts stand out by 15 mm.
            grid: rows and columns.
        """
        x0, z0, x1, z1 = span
        rows, columns = grid
        w, h = (x1 - x0) / columns, (z1 - z0) / rows
        upright = h > 1.1 * w
        for row in range(rows):
            for column in range(columns):
                x, z = x0 + (column + 0.5) * w, z0 + row * h
                self.box(finish, x, y + 0.0075, z + 0.004, w - 0.008, 0.015, h - 0.008)
                if upright:
                    inner = -1 if column >= (columns + 1) // 2 else 1
                    if columns == 1:
                        inner = 1
                    grip, at = (0.012, 0.02, min(0.16, h * 0.4)), x + inner * (w / 2 - 0.05)
                    self.box(handle, at, y + 0.025, z + (h - grip[2]) / 2, *grip)
                else:
                    self.box(handle, x, y + 0.025, z + h * 0.6, min(0.14, w * 0.4), 0.02, 0.014)

    def surface(self, x: Real, y: Real, z: Real, w: Real, d: Real) -> None:
        """A place for small objects: ``w`` by ``d`` about (x, y) at ``z``."""
        self.surfaces.append(Surface((x - w / 2, y - d / 2, x + w / 2, y + d / 2), z))

    def model(self, shape: Shape) -> Model:
        """What has been built: centred on its footprint, a part for each material, to 0.1 mm."""
        every = np.concatenate([mesh.vertices for _, mesh in self.solids])
        low, high = every.min(0), every.max(0)
        # What stands does so exactly; what hangs keeps the height that it was built at.
        hung = self.base_m > 0
        shift = np.array([*(-(low + high)[:2] / 2), self.base_m if hung else -low[2]])
        base_m = round(self.base_m + float(low[2]), 4) if hung else 0.0
        groups: dict[int, list[Mesh]] = {}
        finishes = {}
        for finish, mesh in self.solids:
            finishes[id(finish)] = finish
            groups.setdefault(id(finish), []).append(mesh)
        parts = tuple(_part(finishes[key], meshes, shift, shape.category) for key, meshes in groups.items())
        width, depth, height = (round(value, 4) for value in (high - low).tolist())
        dx, dy, dz = shift.tolist()
        surfaces = []
        for surface in self.surfaces:
            x0, y0, x1, y1 = surface.box
            rectangle = (round(x0 + dx, 4), round(y0 + dy, 4), round(x1 + dx, 4), round(y1 + dy, 4))
            surfaces.append(Surface(rectangle, round(surface.z_m + dz, 4)))
        names, size = (shape.category, shape.variant), (width, depth, height)
        return Model(*names, *size, parts, tuple(surfaces), base_m, shape.stands_on)


def upright_rod(foot: Corner, top: Corner, radius: Real, sides: int = 6) -> Mesh:
    """A leaning leg whose ends are level, so that it stands flat."""
    mesh = tube(radius * 0.75, 1.0, radius, sides)
    z = mesh.vertices[:, 2:]
    lean = np.subtract(top, foot)
    vertices = mesh.vertices * (1, 1, 0) + z * lean + foot
    return Mesh(vertices, mesh.faces, mesh.uv)


def _part(finish: Finish, meshes: list[Mesh], shift: np.ndarray, category: str) -> Part:
    """Solids of one material in one part; each starts elsewhere on the texture, so that boards differ."""
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.round(np.concatenate([mesh.vertices for mesh in meshes]) + shift, 4)
    faces = np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)])
    if finish.texture is None:
        return Part(vertices, faces, finish.color, category=category)
    step = 0.0 if finish.span_m == 1.0 else 0.377
    uv = np.concatenate([mesh.uv / finish.span_m + i * step for i, mesh in enumerate(meshes)])
    return Part(vertices, faces, finish.color, finish.texture, np.round(uv, 4), category=category)
