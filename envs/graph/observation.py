"""What a body at a panorama is given: the instruction, its pose, the ways on, and what is visible there."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from placecell.geometry import Pose

from ..frames import in_frame
from .action_spaces import Stand
from .features import FeatureSource
from .matterport import views_of
from .objects import ScanObjects
from .panorama_graph import PanoramaGraph
from .points_of_interest import PointsOnGraph
from .walk import pose_of

Observation = dict[str, Any]
FAR_M = 100_000.0
_MOST = 2**31 - 1


@dataclass(frozen=True)
class World:
    """A graph, and what is known of its panoramas.

    Args:
        graph: the panoramas.
        objects: labels, an oracle; None without.
        points: of interest, an oracle; None without.
        scan: what the features call it; None on streets.
    """

    graph: PanoramaGraph
    objects: ScanObjects | None = None
    points: PointsOnGraph | None = None
    scan: str | None = None


@dataclass(frozen=True)
class Sizes:
    """How long the arrays of an observation are, over all worlds of a dataset.

    Args:
        candidates: most neighbours of a panorama.
        objects, points: most at a panorama; None where none are observed.
    """

    candidates: int
    objects: int | None = None
    points: int | None = None


class Sensors:
    """Makes observations of one form, whatever the world.

    Args:
        sizes: of the arrays.
        instructions: all that may be given, for the space of texts.
        views: whether a panorama has the 36 views of Matterport.
        features: one array a panorama; None without.
    """

    def __init__(
        self,
        sizes: Sizes,
        instructions: Iterable[str],
        *,
        views: bool,
        features: FeatureSource[Any] | None = None,
    ) -> None:
        self.sizes, self.views, self.features = sizes, views, features
        letters, longest = set[str](), 1
        for text in instructions:
            letters.update(text)
            longest = max(longest, len(text))
        self._text = spaces.Text(longest, min_length=0, charset="".join(sorted(letters)))

    def space(self) -> spaces.Space:
        """The observation space."""
        c, (m, p) = self.sizes.candidates, (self.sizes.objects, self.sizes.points)
        found: dict[str, spaces.Space] = {
            "instruction": self._text,
            "gps": spaces.Box(-FAR_M, FAR_M, (3,), np.float32),
            "compass": _angle(1),
            "pitch": _angle(1),
            "node": _whole(1),
            "collided": spaces.Box(0, 1, (1,), np.int8),
            "candidates": spaces.Box(-1, _MOST, (c,), np.int32),
            "candidate_heading": _angle(c),
            "candidate_elevation": _angle(c),
            "candidate_distance": _metres(c),
        }
        if self.views:
            found["candidate_view"] = spaces.Box(0, 35, (c,), np.int8)
        if m is not None:
            found |= {
                "object_category": _whole(m), "object_id": _whole(m), "object_heading": _angle(m),
                "object_elevation": _angle(m), "object_distance": _metres(m),
                "object_view": spaces.Box(0, 35, (m,), np.int8),
                "object_box": spaces.Box(-(2**15), 2**15 - 1, (m, 4), np.int16),
            }  # fmt: skip
        if p is not None:
            found |= {"poi_category": _whole(p), "poi_heading": _angle(p), "poi_distance": _metres(p)}
        if self.features is not None:
            found["features"] = spaces.Box(-np.inf, np.inf, self.features.shape, np.float32)
        return spaces.Dict(found)

    def look(
        self, world: World, stand: Stand, origin: Pose, *, instruction: str, collided: bool = False
    ) -> Observation:
        """What a body at ``stand`` is given, in the frame of ``origin``; fresh arrays."""
        felt = in_frame(origin, pose_of(world.graph, stand))
        seen: Observation = {
            "instruction": instruction,
            "gps": felt.position.astype(np.float32),
            "compass": np.array([felt.yaw_rad], np.float32),
            "pitch": np.array([felt.pitch_rad], np.float32),
            "node": np.array([stand.node], np.int32),
            "collided": np.array([collided], np.int8),
        }
        seen |= self._candidates(world.graph, stand)
        if world.objects is not None and self.sizes.objects is not None:
            seen |= self._objects(world.objects, stand, self.sizes.objects)
        if world.points is not None and self.sizes.points is not None:
            seen |= self._points(world.points, stand, self.sizes.points)
        if self.features is not None:
            seen["features"] = self.features.of(world.scan, world.graph.names[stand.node])
        return seen

    def _candidates(self, graph: PanoramaGraph, stand: Stand) -> Observation:
        c, edges = self.sizes.candidates, slice(graph.first[stand.node], graph.first[stand.node + 1])
        yaw, pitch = graph.yaw[edges], graph.pitch[edges]
        seen = {
            "candidates": _padded(graph.other[edges], c, np.int32, -1),
            "candidate_heading": _padded(_relative(yaw, stand.yaw_rad), c, np.float32),
            "candidate_elevation": _padded(pitch, c, np.float32),
            "candidate_distance": _padded(graph.length_m[edges], c, np.float32),
        }
        if self.views:
            seen["candidate_view"] = _padded(views_of(yaw, pitch), c, np.int8)
        return seen

    def _objects(self, objects: ScanObjects, stand: Stand, m: int) -> Observation:
        rows = objects.at(stand.node)
        box = np.zeros((m, 4), np.int16)
        box[: rows.stop - rows.start] = objects.box[rows]
        return {
            "object_category": _padded(objects.category[rows], m, np.int32),
            "object_id": _padded(objects.instance[rows], m, np.int32),
            "object_heading": _padded(_relative(objects.yaw[rows], stand.yaw_rad), m, np.float32),
            "object_elevation": _padded(objects.pitch[rows], m, np.float32),
            "object_distance": _padded(objects.distance_m[rows], m, np.float32),
            "object_view": _padded(objects.view[rows], m, np.int8),
            "object_box": box,
        }

    def _points(self, points: PointsOnGraph, stand: Stand, p: int) -> Observation:
        rows = points.at(stand.node)
        return {
            "poi_category": _padded(points.text_of[points.point[rows]], p, np.int32),
            "poi_heading": _padded(_relative(points.yaw[rows], stand.yaw_rad), p, np.float32),
            "poi_distance": _padded(points.distance_m[rows], p, np.float32),
        }


def _padded(values: np.ndarray, size: int, kind: Any, rest: int = 0) -> np.ndarray:
    padded = np.full(size, rest, kind)
    padded[: len(values)] = values
    return padded


def _relative(yaw: np.ndarray, heading_rad: float) -> np.ndarray:
    """Angles from where the body looks, left positive, in [-pi, pi)."""
    return (yaw - heading_rad + np.pi) % (2 * np.pi) - np.pi


def _angle(size: int) -> spaces.Box:
    return spaces.Box(-math.pi, math.pi, (size,), np.float32)


def _metres(size: int) -> spaces.Box:
    return spaces.Box(0, FAR_M, (size,), np.float32)


def _whole(size: int) -> spaces.Box:
    return spaces.Box(0, _MOST, (size,), np.int32)
