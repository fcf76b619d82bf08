"""What has been shown in the tour under way: which things, and from where."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from placecell.arrays import Point
from placecell.geometry import Pose, invert, transform

from ..episode import TourStop
from .camera import Camera
from .world import World

SHOWN_PIXELS = 20
_OVER_FLOOR_M = 0.03
_HIDDEN_M = 0.05


def shown(images: Sequence[np.ndarray]) -> set[int]:
    """The instances that have 20 pixels or more in one of the images."""
    found: set[int] = set()
    for image in images:
        found.update(np.flatnonzero(np.bincount(image.ravel()) >= SHOWN_PIXELS).tolist())
    return found - {0}


def in_view(world: World, cameras: Iterable[Camera], pose: Pose, point: Point) -> bool:
    """Whether a point of the floor is in an image of a body's cameras at ``pose``, with nothing before it."""
    target = point + np.array([0.0, 0.0, _OVER_FLOOR_M])
    for camera in cameras:
        T_world_camera = camera.T_world_camera(pose)
        eye = T_world_camera[:3, 3]
        if camera.kind == "pinhole":
            u, v = camera.pinhole().project(transform(invert(T_world_camera), target)).tolist()
            if not (0 <= u < camera.width and 0 <= v < camera.height):
                continue
        away = float(np.linalg.norm(target - eye))
        (reached,), _ = world.renderer.rays.cast(eye[None], (target - eye)[None])
        if (1 - reached) * away < _HIDDEN_M:
            return True
    return False


@dataclass
class _Seen:
    """One visit's, or one survey's: instances, and where the body stood in which world."""

    instances: set[int] = field(default_factory=set)
    views: list[tuple[World, Pose]] = field(default_factory=list)


class TourHistory:
    """What earlier visits of the tour under way have shown, and surveys of its house.

    It knows one tour at a time: another tour's visit begins it anew, and so does, but for surveys, visit 0.
    """

    def __init__(self) -> None:
        self._tour: str | None = None
        self._visits: dict[int, _Seen] = {}
        self._surveyed = _Seen()
        self._answers: dict[tuple[int, int], bool] = {}

    def enter(self, stop: TourStop | None) -> None:
        """A visit begins; what this one and later ones had shown is forgotten."""
        name = None if stop is None else stop.tour
        if name != self._tour:
            self._tour, self._visits, self._surveyed = name, {}, _Seen()
        self._answers = {}
        visit = 0 if stop is None else stop.visit
        self._visits = {earlier: seen for earlier, seen in self._visits.items() if earlier < visit}

    def add(self, visit: int | None, world: World, pose: Pose, instances: Collection[int]) -> None:
        """One observation of a visit, or, with None, of a survey."""
        seen = self._surveyed if visit is None else self._visits.setdefault(visit, _Seen())
        seen.instances.update(instances)
        seen.views.append((world, pose))

    def object_seen(self, visit: int, instances: Collection[int]) -> bool:
        """Whether one of these was shown before this visit."""
        return any(not seen.instances.isdisjoint(instances) for seen in self._before(visit))

    def place_seen(self, visit: int, point: Point, cameras: Sequence[Camera]) -> bool:
        """Whether this point of the floor was in view before this visit."""
        asked = (visit, len(self._surveyed.views))
        if asked not in self._answers:
            views = (view for seen in self._before(visit) for view in seen.views)
            self._answers[asked] = any(in_view(world, cameras, pose, point) for world, pose in views)
        return self._answers[asked]

    def _before(self, visit: int) -> list[_Seen]:
        return [self._surveyed, *(seen for earlier, seen in self._visits.items() if earlier < visit)]
