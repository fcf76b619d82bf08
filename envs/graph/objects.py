"""What stands around a panorama, by people's labels: category, direction, and the place where rays meet.

An oracle (``oracle_semantics``): people drew the boxes, and a distance takes an object's boxes at every
viewpoint, also those not yet walked to. A box's direction is the ray through its centre in a pinhole view of
640x480 pixels and 60 degrees height. That is what the Matterport3D simulator renders, and the boxes bear it
out: the rays to one object from different viewpoints pass each other at 0.02 m (median).
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int16, Int32, Int64

from placecell.arrays import Points, content_hash
from placecell.errors import EpisodeError

from .matterport import view_direction
from .object_files import HEIGHT, HIDDEN, VIEWS, WIDTH, LabelTable, load_labels
from .panorama_graph import PanoramaGraph

VFOV_RAD = math.radians(60)
ALONE_M = 1.5
"""How far an object is taken to be whose place no two viewpoints tell: the median of those they do."""

_LEAST_ANGLE_RAD = math.radians(5)
_MOST_MISS_M = 0.5
_FARTHEST_M = 4.0  # labels reach 3 m, to an object's nearest part
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, eq=False)
class ScanObjects:
    """The labels of one scan; what node ``i`` sees are the rows ``first[i]`` to ``first[i + 1]``.

    Args:
        graph: the scan's panoramas.
        categories: what ``category`` indexes; the same in every scan of a folder.
        first: ``(n + 1,)`` where a node's rows begin.
        instance: ``(k,)`` the object's id, unique within the scan; rows of a node rise by it.
        category: ``(k,)`` index into ``categories``, above 0.
        view: ``(k,)`` the view that shows it best, 0..35.
        box: ``(k, 4)`` left, top, width, height in that view, pixels of 640x480.
        yaw: ``(k,)`` direction of the box's centre from the panorama, radians, world frame.
        pitch: ``(k,)`` its elevation, radians, up positive.
        distance_m: ``(k,)`` from the panorama's camera to ``position``.
        position: ``(k, 3)`` metres, world frame: where the rays of an object come nearest to each other.
        triangulated: ``(k,)`` False where no two viewpoints tell it; ``position`` is ``ALONE_M`` away then.
        labelled: ``(n,)`` which nodes have a file of labels.
        listed_first: ``(n + 1,)`` as ``first``, for ``listed``.
        listed: ``(l,)`` categories of all that is within 3 m, what no view shows among it.
    """

    graph: PanoramaGraph
    categories: tuple[str, ...]
    first: Int64[np.ndarray, " _"]
    instance: Int32[np.ndarray, " k"]
    category: Int32[np.ndarray, " k"]
    view: Int8[np.ndarray, " k"]
    box: Int16[np.ndarray, "k 4"]
    yaw: Float64[np.ndarray, " k"]
    pitch: Float64[np.ndarray, " k"]
    distance_m: Float64[np.ndarray, " k"]
    position: Float64[np.ndarray, "k 3"]
    triangulated: Bool[np.ndarray, " k"]
    labelled: Bool[np.ndarray, " n"]
    listed_first: Int64[np.ndarray, " _"]
    listed: Int32[np.ndarray, " l"]

    def at(self, node: int) -> slice:
        """The rows that a node sees; none where all that is near is hidden.

        Raises:
            EpisodeError: the viewpoint has no labels, which is not the same as nothing near.
        """
        self._require(node)
        return slice(int(self.first[node]), int(self.first[node + 1]))

    def names_along(self, nodes: Sequence[int], *, visible: bool = False) -> frozenset[str]:
        """The names of what is labelled at any of some nodes.

        Args:
            nodes: of the scan's graph.
            visible: leaves out what is within 3 m and in no view.

        Raises:
            EpisodeError: one of the viewpoints has no labels.
        """
        found: set[int] = set()
        for node in nodes:
            self._require(node)
            rows = self.listed[self.listed_first[node] : self.listed_first[node + 1]]
            found.update((self.category[self.at(node)] if visible else rows).tolist())
        return frozenset(self.categories[n] for n in found)

    def _require(self, node: int) -> None:
        if not self.labelled[node]:
            raise EpisodeError(
                expected=f"object labels of viewpoint {self.graph.names[node]} of scan {self.graph.name}",
                came="a folder without its file",
                fix="add the file, or leave out what visits it, or set env.semantics=false",
            )


class ObjectLabels:
    """The labels of a folder, by scan.

    Args:
        folder: of REVERIE's ``BBox`` files; None takes ``PLACECELL_DATA/reverie_bbox``.

    Raises:
        DataError: as :func:`load_labels`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._table: LabelTable = load_labels(folder)
        self._rows = {name: n for n, name in enumerate(self._table.viewpoints)}

    @property
    def categories(self) -> tuple[str, ...]:
        """All names of the folder, sorted; ``""`` is index 0."""
        return self._table.categories

    @cached_property
    def scans(self) -> tuple[str, ...]:
        """The scans that have labels, sorted."""
        return tuple(sorted({name.partition("_")[0] for name in self._rows}))

    @cached_property
    def most(self) -> int:
        """The most objects that one viewpoint of the folder sees."""
        seen = np.concatenate([[0], np.cumsum(self._table.view != HIDDEN)])[self._table.first]
        return int(np.diff(seen).max(initial=0))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all labels, for provenance."""
        table = self._table
        rows = (table.first, table.instance, table.category, table.view, table.box)
        return content_hash(table.categories, table.viewpoints, *rows)

    def of(self, graph: PanoramaGraph) -> ScanObjects:
        """The labels of a scan.

        Args:
            graph: of the scan; its name is the scan's.

        Raises:
            EpisodeError: the folder has no labels of this scan.
        """
        if graph.name not in self.scans:
            raise EpisodeError(
                expected=f"a scan with object labels (there are {len(self.scans)})",
                came=f"no labels for scan {graph.name}",
                fix="set env.semantics=false, or take episodes of the training scans",
            )
        table = self._table
        files = np.array([self._rows.get(f"{graph.name}_{name}", -1) for name in graph.names], np.int64)
        begins = np.where(files < 0, 0, table.first[files])
        counts = np.where(files < 0, 0, table.first[files + 1] - begins)
        node = np.repeat(np.arange(len(files)), counts)
        listed_first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.repeat(begins - listed_first[:-1], counts) + np.arange(len(node))
        seen = table.view[rows] != HIDDEN
        node, visible = node[seen], rows[seen]
        view, box = table.view[visible].astype(np.int8), table.box[visible]
        rays = box_rays(view, box)
        position, told = meeting_points(graph.positions[node], rays, table.instance[visible])
        return ScanObjects(
            graph, table.categories, np.searchsorted(node, np.arange(len(files) + 1)).astype(np.int64),
            table.instance[visible], table.category[visible], view, box,
            np.arctan2(rays[:, 1], rays[:, 0]), np.arcsin(np.clip(rays[:, 2], -1.0, 1.0)),
            np.linalg.norm(position - graph.positions[node], axis=1), position, told,
            files >= 0, listed_first, table.category[rows],
        )  # fmt: skip


def box_rays(view: Int8[np.ndarray, " k"], box: Int16[np.ndarray, "k 4"]) -> Points:
    """``(k, 3)`` unit vectors, world frame, through the centres of boxes in the simulator's views.

    Args:
        view: ``(k,)`` 0..35.
        box: ``(k, 4)`` left, top, width, height, pixels of 640x480.
    """
    yaw, pitch = np.array([view_direction(n) for n in range(VIEWS)])[view].T
    forward = np.stack([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)], -1)
    right = np.stack([np.sin(yaw), -np.cos(yaw), np.zeros_like(yaw)], -1)
    centre = box[:, :2] + box[:, 2:] / 2 - (WIDTH / 2, HEIGHT / 2)
    x, y = (centre * math.tan(VFOV_RAD / 2) / (HEIGHT / 2)).T
    rays = forward + x[:, None] * right + y[:, None] * np.cross(forward, right)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def meeting_points(
    origin: Points, ray: Points, instance: Int32[np.ndarray, " n"]
) -> tuple[Points, Bool[np.ndarray, " n"]]:
    """For each ray the point that is nearest to all rays to its object (least squares of their distances).

    Where an object has one ray, rays within 5 degrees, a point behind one of them, beyond 4 m or more than
    0.5 m (root mean square) off them, each ray has a point of its own, ``ALONE_M`` along it.

    Args:
        origin: ``(n, 3)`` where the rays begin.
        ray: ``(n, 3)`` unit vectors.
        instance: ``(n,)`` the object that each of them points to.

    Returns:
        ``(n, 3)`` points, and ``(n,)`` whether its object's rays meet in it.
    """
    which, of = np.unique(instance, return_inverse=True)
    across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
    total, pull = np.zeros((len(which), 3, 3)), np.zeros((len(which), 3))
    np.add.at(total, of, across)
    np.add.at(pull, of, np.einsum("nij,nj->ni", across, origin))
    # Two unit rays at an angle a leave 1 - cos a as the least eigenvalue; parallel ones leave none.
    wide = np.linalg.eigvalsh(total)[:, 0] > 1 - math.cos(_LEAST_ANGLE_RAD)
    point = np.zeros_like(pull)
    point[wide] = np.linalg.solve(total[wide], pull[wide][..., None])[..., 0]
    away = point[of] - origin
    miss = np.einsum("nij,nj->ni", across, away)
    square = np.bincount(of, (miss**2).sum(1), len(which)) / np.maximum(
        np.bincount(of, minlength=len(which)), 1
    )
    along = (away * ray).sum(1)
    beyond = np.bincount(of, (along <= 0) | (along > _FARTHEST_M), len(which)) > 0
    told = (wide & ~beyond & (square <= _MOST_MISS_M**2))[of]
    return np.where(told[:, None], point[of], origin + ALONE_M * ray), told


def names_in(instruction: str, names: Iterable[str]) -> tuple[str, ...]:
    """Which names an instruction says, sorted: as whole words, in the singular or with an ``s`` or ``es``.

    >>> names_in("Pass the chairs and wait by the door.", ["chair", "dining chair", "doorway"])
    ('chair',)
    """
    said = f" {_words(instruction)} "
    return tuple(sorted(name for name in names if _says(said, _words(name))))


def labelled_on_path(instruction: str, names: Iterable[str]) -> bool:
    """Whether an instruction names an object that is labelled on its path: a stratum to report apart.

    Args:
        instruction: in English.
        names: of what is labelled there, see :meth:`ScanObjects.names_along`.
    """
    return bool(names_in(instruction, names))


def _says(said: str, name: str) -> bool:
    return bool(name) and any(f" {name}{end} " in said for end in ("", "s", "es"))


@lru_cache(maxsize=4096)
def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
