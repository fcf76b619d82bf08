"""Landmarks of a city near its panoramas, from a list that people made of the same map.

An oracle (``oracle_landmarks``). A line is ``id,lat,lng,tags``: an id of the list's own (the landmark's, or
the panorama's it was seen from; it need not be unique), degrees, and the rest of the line, commas included.
Tags are parted by ``;``, each a ``key=value`` of OpenStreetMap or plain words::

    248,40.7411,-73.9897,amenity=cafe;name=Mille Miglia;outdoor_seating=yes
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int32, Int64
from scipy.spatial import cKDTree

from placecell.arrays import generator
from placecell.errors import ConfigError, DataError

from .manhattan import metres_from_degrees
from .panorama_graph import PanoramaGraph

COLUMNS = "id,lat,lng,tags"
RADIUS_M = 30.0
MOST = 16


@dataclass(frozen=True)
class PointOfInterest:
    """One landmark.

    Args:
        point_id: as the list names it.
        latitude: degrees north.
        longitude: degrees east.
        tags: as they stand in the list.
    """

    point_id: str
    latitude: float
    longitude: float
    tags: str

    @property
    def text(self) -> str:
        """What its tags say, in lower-case words: the values, and the keys of those that are ``yes``.

        >>> PointOfInterest("1", 0.0, 0.0, "amenity=fast_food;name=Joe's;takeaway=yes").text
        "fast food joe's takeaway"
        """
        pairs = [tag.partition("=") for tag in self.tags.split(";")]
        said = [value if sign and value.strip() != "yes" else key for key, sign, value in pairs]
        return " ".join(" ".join(said).replace("_", " ").lower().split())


@dataclass(frozen=True, eq=False)
class PointsOnGraph:
    """Which landmarks are near which panorama; node ``i``'s are the rows ``first[i]`` to ``first[i + 1]``.

    Args:
        texts: what landmarks say, sorted, ``""`` before them.
        first: ``(n + 1,)`` where a node's rows begin.
        point: ``(r,)`` the landmark, by its place in the list; those of a node by rising distance.
        yaw: ``(r,)`` its direction from the panorama, radians in [-pi, pi], world frame.
        distance_m: ``(r,)`` how far it is, over the ground.
        text_of: ``(p,)`` what each landmark of the list says, index into ``texts``.
    """

    texts: tuple[str, ...]
    first: Int64[np.ndarray, " _"]
    point: Int32[np.ndarray, " r"]
    yaw: Float64[np.ndarray, " r"]
    distance_m: Float64[np.ndarray, " r"]
    text_of: Int32[np.ndarray, " p"]

    @classmethod
    def of(
        cls,
        graph: PanoramaGraph,
        points: tuple[PointOfInterest, ...],
        *,
        radius_m: float = RADIUS_M,
        most: int = MOST,
    ) -> "PointsOnGraph":
        """The landmarks of a list around the panoramas of a street graph.

        Args:
            graph: with an origin in degrees.
            points: the list.
            radius_m: how near a landmark must be.
            most: of one panorama, the nearest.

        Raises:
            ConfigError: the graph has no degrees, or a number is not above 0.
        """
        if graph.origin_degrees is None:
            raise ConfigError(
                expected="a street graph for points of interest",
                came=f"graph {graph.name}, whose positions are not on the globe",
                fix="leave points_of_interest out, or take env=streets",
            )
        if not (radius_m > 0 and most > 0):
            raise ConfigError(
                expected="points of interest within more than 0 m, 1 of a panorama at least",
                came=f"radius_m {radius_m:g}, most {most}",
                fix="raise them",
            )
        degrees = np.array([[one.latitude, one.longitude] for one in points], np.float64).reshape(-1, 2)
        flat, panoramas = metres_from_degrees(degrees, graph.origin_degrees), graph.positions[:, :2]
        node, point, distance = _near(panoramas, flat, radius_m, most)
        away = flat[point] - panoramas[node]
        said = [one.text for one in points]
        texts = ("", *sorted(set(said)))
        return cls(
            texts, np.searchsorted(node, np.arange(len(graph) + 1)).astype(np.int64), point.astype(np.int32),
            np.arctan2(away[:, 1], away[:, 0]), distance,
            np.searchsorted(np.array(texts), np.array(said, str)).astype(np.int32),
        )  # fmt: skip

    @cached_property
    def text(self) -> Int32[np.ndarray, " r"]:
        """``(r,)`` what each row's landmark says, index into ``texts``."""
        return self.text_of[self.point]

    @property
    def most(self) -> int:
        """The most landmarks near one panorama."""
        return int(np.diff(self.first).max(initial=0))

    def at(self, node: int) -> slice:
        """The rows of a node, the nearest landmark first."""
        return slice(int(self.first[node]), int(self.first[node + 1]))

    def permuted(self, seed: int, route: tuple[int, ...]) -> "PointsOnGraph":
        """The control for what landmarks bring: along a route each says what another one there says.

        As many stand at the same places; of two or more none keeps its own tags (those that it gets may read
        the same). Landmarks away from the route stay as they are.

        Args:
            seed: of the permutation, which is one cycle, drawn uniformly.
            route: nodes; the landmarks near any of them take part.
        """
        rows = [self.point[self.at(node)] for node in route]
        there = np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int32)
        order = generator(seed, "permuted points of interest", *map(int, route)).permutation(there)
        text_of = self.text_of.copy()
        text_of[order] = self.text_of[np.roll(order, 1)]
        return replace(self, text_of=text_of)


def _near(
    panoramas: Float64[np.ndarray, "n 2"], points: Float64[np.ndarray, "p 2"], radius_m: float, most: int
) -> tuple[Int64[np.ndarray, " r"], Int64[np.ndarray, " r"], Float64[np.ndarray, " r"]]:
    """Pairs of a panorama and a point near it with their distance: by panorama, distance and point."""
    if not len(points):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    found = cKDTree(points).query_ball_point(panoramas, radius_m)
    node = np.repeat(np.arange(len(panoramas)), [len(one) for one in found])
    point = np.array([n for one in found for n in one], np.int64)
    distance = np.hypot(*(points[point] - panoramas[node]).T)
    order = np.lexsort((point, distance, node))
    begins = np.searchsorted(node, node)
    kept = order[np.arange(len(order)) - begins < most]
    return node[kept], point[kept], distance[kept]


def read_points(path: Path | str) -> tuple[PointOfInterest, ...]:
    """The landmarks of a file of ``id,lat,lng,tags`` lines without a header; empty lines are passed over.

    Raises:
        DataError: the file cannot be read, or a line is malformed; its number is named.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            expected=f"a file of points of interest ({COLUMNS}), {path}",
            came=f"{type(error).__name__}: {error}",
            fix="name one that can be read",
        ) from None
    lines = enumerate(text.split("\n"), 1)
    return tuple(_point(line.strip(), f"{path} line {number}") for number, line in lines if line.strip())


def _point(line: str, where: str) -> PointOfInterest:
    point_id, *rest = line.split(",", 3)
    try:
        latitude, longitude = float(rest[0]), float(rest[1])
        point = PointOfInterest(point_id, latitude, longitude, rest[2])
    except (IndexError, ValueError):
        raise _malformed(line, where) from None
    if not (point_id and abs(latitude) <= 90 and abs(longitude) <= 180 and point.text):
        raise _malformed(line, where)
    return point


def _malformed(line: str, where: str) -> DataError:
    return DataError(expected=f"{COLUMNS} in {where}", came=repr(line[:80]), fix="correct the line")
