"""Where a body can stand and how far it is: islands, snapping, random points, shortest paths, steps."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Faces, Point, Points
from placecell.errors import NavigationError, SceneError
from placecell.heap import push

from .navmesh.anyangle import UNREACHED, grow, through_field
from .navmesh.cache import load_or_build
from .navmesh.ground import Ground, build_ground
from .navmesh.locate import height_at, nearest_cell
from .navmesh.settings import WalkSettings
from .navmesh.walk import advance, into_square, touches_straight_wall

SNAP_M = 2.0
_MARGIN_CELLS = 3


@dataclass(frozen=True)
class Standing:
    """A point on the ground: its cell, and its place in the grid in cells (rows run south)."""

    cell: int
    x: float
    y: float


@dataclass(frozen=True)
class Step:
    """What became of a step: where it ended, and whether something was in the way.

    ``collided`` is Habitat's: the body moved less far than it was told to. ``held``: see ``sticky``
    in :meth:`NavigableArea.step`.
    """

    standing: Standing
    collided: bool
    held: bool = False


@dataclass(frozen=True)
class NavigableArea:
    """The walkable ground of a scene for one body. Points are float64 ``(3,)``, world frame, metres.

    Distances are any-angle: the sum of the straight legs between the corners of a path. A leg over a slope
    or up stairs counts as its chord, as in Habitat, with whose distances they agree to a fraction of a
    percent. ``geodesic_distance`` of points on different islands is infinite.
    """

    ground: Ground

    @classmethod
    def from_mesh(cls, vertices: Points, faces: Faces, settings: WalkSettings) -> "NavigableArea":
        """Builds the ground of a mesh (world frame, z up), or takes it from the cache on disk.

        Raises:
            SceneError: nothing in the mesh can be stood on by this body.
        """
        ground = load_or_build(vertices, faces, settings, build_ground)
        if len(ground) == 0:
            raise SceneError(
                expected=f"a mesh with ground for a body of radius {settings.radius_m:g} m and height "
                f"{settings.height_m:g} m",
                came=f"{len(faces)} triangles, none with a square metre to stand on",
                fix="check that the right axis is up (env.up=y or z), that triangles face outwards "
                "(counter-clockwise), and that units are metres",
            )
        return cls(ground)

    @property
    def settings(self) -> WalkSettings:
        """The body and grid this area was made for."""
        return self.ground.settings

    @property
    def number_of_islands(self) -> int:
        """Connected pieces of ground; island 0 is the largest."""
        return int(self.ground.island.max()) + 1

    def island_area(self, island: int = 0) -> float:
        """Square metres of an island, seen from above."""
        return float((self.ground.island == island).sum()) * self.settings.cell_size_m**2

    def island_of(self, standing: Standing) -> int:
        """The island a standing point is on."""
        return int(self.ground.island[standing.cell])

    def point(self, standing: Standing) -> Point:
        """The world point of a standing."""
        g, size = self.ground, self.settings.cell_size_m
        z = height_at(g.neighbour, g.column, g.row, g.z, standing.cell, standing.x, standing.y)
        return np.array([g.origin[0] + standing.x * size, g.origin[1] - standing.y * size, z])

    def stand(self, point: Point, *, reach_m: float = SNAP_M, island: int | None = None) -> Standing:
        """The standing nearest to a point.

        Raises:
            NavigationError: no ground within ``reach_m``.
        """
        g, size = self.ground, self.settings.cell_size_m
        x, y = (point[0] - g.origin[0]) / size, (g.origin[1] - point[1]) / size
        wanted = -1 if island is None else island
        cell = -1
        if np.isfinite(point).all():
            cell = nearest_cell(
                g.first, g.columns, g.rows, g.z, x, y, point[2], size, self.settings.max_climb_m, reach_m,
                g.island, wanted,
            )  # fmt: skip
        if cell == -1:
            raise NavigationError(
                expected=f"a point within {reach_m:g} m of walkable ground",
                came=f"({point[0]:g}, {point[1]:g}, {point[2]:g}) in the z-up world frame",
                fix="move the point onto the floor, or check the scene's up axis and the episode's scene",
            )
        return Standing(int(cell), *into_square(x, y, g.column[cell], g.row[cell]))

    def snap(self, point: Point, *, reach_m: float = SNAP_M, island: int | None = None) -> Point:
        """The point of the ground nearest to ``point``; raises as :meth:`stand`."""
        return self.point(self.stand(point, reach_m=reach_m, island=island))

    def random_point(self, rng: np.random.Generator, island: int = 0) -> Point:
        """A point drawn evenly over an island.

        Raises:
            NavigationError: there is no such island.
        """
        cells = np.flatnonzero(self.ground.island == island)
        if len(cells) == 0:
            raise NavigationError(
                expected=f"an island from 0 to {self.number_of_islands - 1}",
                came=f"{island}",
                fix="0 is the largest; see NavigableArea.number_of_islands",
            )
        cell = int(cells[rng.integers(len(cells))])
        dx, dy = rng.random(2)
        return self.point(Standing(cell, self.ground.column[cell] + dx, self.ground.row[cell] + dy))

    def field(self, *goals: Point) -> "DistanceField":
        """Distances from anywhere to the nearest of ``goals``; raises as :meth:`stand`."""
        return DistanceField(self, goals)

    def geodesic_distance(self, start: Point, goal: Point) -> float:
        """Length of the shortest path in metres; infinite when there is none."""
        search = DistanceField(self, (goal,), guided=True)
        return search.distance(self.stand(start))

    def shortest_path(self, start: Point, goal: Point) -> Points:
        """Corner points of the shortest path from ``start`` to ``goal``.

        Raises:
            NavigationError: the two lie on different islands.
        """
        return DistanceField(self, (goal,), guided=True).path(self.stand(start))

    def step(
        self, standing: Standing, yaw_rad: float, distance_m: float, *, sliding: bool, sticky: bool = False
    ) -> Step:
        """Moves a body along its heading as far as the ground lets it.

        ``sticky`` reproduces an oddity of habitat-sim 0.3.4: a body that does not slide and has touched a
        wall along a grid axis never leaves it again (``held``). Leave it off for any other purpose.
        """
        g, size = self.ground, self.settings.cell_size_m
        x1 = standing.x + np.cos(yaw_rad) * distance_m / size
        y1 = standing.y - np.sin(yaw_rad) * distance_m / size
        cell, x, y = advance(
            g.neighbour, g.column, g.row, standing.cell, standing.x, standing.y, x1, y1, sliding
        )
        after = Standing(int(cell), float(x), float(y))
        moved = self.point(after) - self.point(standing)
        collided = bool(moved @ moved + 1e-5 < distance_m**2)
        held = bool(sticky and collided and touches_straight_wall(g.neighbour, g.column, g.row, cell, x, y))
        return Step(after, collided, held)


class DistanceField:
    """Distances to one or more goals, settled outwards only as far as has been asked for."""

    def __init__(self, area: NavigableArea, goals: tuple[Point, ...], *, guided: bool = False) -> None:
        if not goals:
            raise NavigationError(expected="at least one goal", came="none", fix="pass the goal's position")
        self._area, self._guided = area, guided
        g = area.ground
        self._x, self._y, self._z = g.column + 0.5, g.row + 0.5, g.z.copy()
        self._distance = np.full(len(g), np.inf)
        self._parent = np.full(len(g), UNREACHED, np.int32)
        self._closed = np.zeros(len(g), np.uint8)
        self._heap = (np.empty(4096), np.empty(4096, np.int32), 0)
        sources: dict[int, Standing] = {}
        crowded: list[Point] = []
        for goal in goals:
            source = area.stand(goal)
            if sources.setdefault(source.cell, source) != source:
                crowded.append(goal)
        # A cell has room for one source: goals that share it with another get a field of their own.
        self._rest = DistanceField(area, tuple(crowded), guided=guided) if crowded else None
        for cell, source in sources.items():
            self._x[cell], self._y[cell], self._z[cell] = source.x, source.y, area.point(source)[2]
            self._distance[cell], self._parent[cell] = 0.0, cell
            keys, items, size = self._heap
            if size == len(keys):
                keys, items = np.resize(keys, 2 * size), np.resize(items, 2 * size)
            self._heap = (keys, items, push(keys, items, size, 0.0, cell))
        self._islands = {int(g.island[cell]) for cell in sources}

    def _settle(self, cell: int) -> None:
        g, size = self._area.ground, self._area.settings.cell_size_m
        # All cells around the queried one, two climbs away at most, are settled with it: so the answer does
        # not depend on what was asked before.
        climb = self._area.settings.max_climb_m
        margin = 0.0 if self._guided else _MARGIN_CELLS * size + 2 * climb
        self._heap = grow(
            g.neighbour, g.column, g.row, self._x, self._y, self._z, size, self._distance, self._parent,
            self._closed, *self._heap, cell, margin, self._guided,
        )  # fmt: skip

    def _query(self, standing: Standing) -> tuple[float, int]:
        if self._area.island_of(standing) not in self._islands:
            return np.inf, UNREACHED
        self._settle(standing.cell)
        g = self._area.ground
        return through_field(
            g.neighbour, g.column, g.row, self._x, self._y, self._z, self._area.settings.cell_size_m,
            self._distance, self._parent, self._closed, standing.cell, standing.x, standing.y,
            float(self._area.point(standing)[2]),
        )  # fmt: skip

    def distance(self, at: Standing | Point) -> float:
        """Metres to the nearest goal; infinite from another island."""
        standing = self._stand(at)
        here = float(self._query(standing)[0])
        return here if self._rest is None else min(here, self._rest.distance(standing))

    def path(self, at: Standing | Point) -> Points:
        """Corner points from here to the nearest goal, both ends included.

        Raises:
            NavigationError: no goal can be reached from here.
        """
        standing = self._stand(at)
        distance, turn = self._query(standing)
        if self._rest is not None and self._rest.distance(standing) < distance:
            return self._rest.path(standing)
        if turn == UNREACHED:
            here = self._area.point(standing)
            raise NavigationError(
                expected="a goal on the same island as the start",
                came=f"a start at ({here[0]:g}, {here[1]:g}, {here[2]:g}) cut off from it",
                fix="choose both on one island (NavigableArea.island_of)",
            )
        points = [self._area.point(standing)]
        while True:
            points.append(self._area.point(Standing(int(turn), float(self._x[turn]), float(self._y[turn]))))
            if self._parent[turn] == turn:
                return np.stack(points)
            turn = self._parent[turn]

    def _stand(self, at: Standing | Point) -> Standing:
        return at if isinstance(at, Standing) else self._area.stand(at)
