"""What has been shown in the tour under way: which things, and from where."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np

from placecell.arrays import Point
from placecell.errors import EnvironmentUseError
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
    """One visit's, or one survey's: instances, and where the body stood, by the world's name."""

    instances: set[int] = field(default_factory=set)
    views: dict[str, dict[Pose, None]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON; a pose is ``[x, y, z, yaw_rad, pitch_rad]``, to the last bit."""
        views = {
            world: [list(map(float, astuple(pose))) for pose in poses] for world, poses in self.views.items()
        }
        return {"instances": sorted(self.instances), "views": views}

    @classmethod
    def read(cls, plain: object, scene: str | None) -> "_Seen":
        """What :meth:`plain` gave, of a scene and its edits (``SCENE~...``)."""
        instances, views = _keys(plain, "instances", "views")
        if not isinstance(instances, list) or not all(_whole(instance) for instance in instances):
            raise _damaged("instances as whole numbers from 0", instances)
        if not isinstance(views, Mapping):
            raise _damaged("views by the name of their world", views)
        for world in views:
            if scene is None or not (world == scene or world.startswith(f"{scene}~")):
                raise _damaged(f"views of {scene}", f"views of {world}")
            if not isinstance(views[world], list):
                raise _damaged("lists of poses", views[world])
        found = {world: dict.fromkeys(map(_pose, poses)) for world, poses in views.items()}
        return cls(set(instances), found)


class TourHistory:
    """What earlier visits of the tour under way have shown, and surveys of its house.

    It knows one tour at a time: another tour's visit begins it anew, and so does, but for surveys, visit 0.

    Args:
        worlds: the world of a name.
    """

    def __init__(self, worlds: Callable[[str], World]) -> None:
        self._worlds = worlds
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
        seen.views.setdefault(world.scene_id, {})[pose] = None

    def object_seen(self, visit: int, instances: Collection[int]) -> bool:
        """Whether one of these was shown before this visit."""
        return any(not seen.instances.isdisjoint(instances) for seen in self._before(visit))

    def place_seen(self, visit: int, point: Point, cameras: Sequence[Camera]) -> bool:
        """Whether this point of the floor was in view before this visit."""
        asked = (visit, sum(map(len, self._surveyed.views.values())))
        if asked not in self._answers:
            self._answers[asked] = any(
                in_view(self._worlds(world), cameras, pose, point)
                for seen in self._before(visit)
                for world, poses in seen.views.items()
                for pose in poses
            )
        return self._answers[asked]

    def plain(self) -> dict[str, Any]:
        """As JSON, for :meth:`replace` in another process."""
        visits = [{"visit": visit, **seen.plain()} for visit, seen in sorted(self._visits.items())]
        return {"tour": self._tour, "visits": visits, "surveyed": self._surveyed.plain()}

    def replace(self, plain: Mapping[str, Any]) -> None:
        """Becomes the history that :meth:`plain` told; what that one had is what this one has.

        Raises:
            EnvironmentUseError: something that does not hold together; the history is as it was before.
        """
        tour, entries, surveyed = _keys(plain, "tour", "visits", "surveyed")
        if not (tour is None or (isinstance(tour, str) and ":" in tour)):
            raise _damaged("the name of a tour, as SCENE:NUMBER", tour)
        scene = None if tour is None else tour.rsplit(":", 1)[0]
        if not isinstance(entries, list):
            raise _damaged("a list of visits", entries)
        visits: dict[int, _Seen] = {}
        for entry in entries:
            visit, *_ = _keys(entry, "visit", "instances", "views")
            if not _whole(visit) or visit in visits:
                raise _damaged("visits counted from 0, each once", visit)
            visits[visit] = _Seen.read({name: entry[name] for name in ("instances", "views")}, scene)
        before = _Seen.read(surveyed, scene)
        self._tour, self._visits, self._surveyed, self._answers = tour, visits, before, {}

    def _before(self, visit: int) -> list[_Seen]:
        return [self._surveyed, *(seen for earlier, seen in self._visits.items() if earlier < visit)]


def _keys(plain: object, *names: str) -> list[Any]:
    if not isinstance(plain, Mapping) or plain.keys() != set(names):
        came = ", ".join(map(str, plain)) or "none" if isinstance(plain, Mapping) else plain
        raise _damaged(f"the keys {', '.join(names)}", came)
    return [plain[name] for name in names]


# What was a file may be anything.
def _pose(plain: Any) -> Pose:
    numbers = plain if isinstance(plain, list) else []
    if len(numbers) != 5 or not all(isinstance(n, float) and math.isfinite(n) for n in numbers):
        raise _damaged("poses of five finite numbers", plain)
    return Pose(*numbers)


def _whole(plain: Any) -> bool:
    return isinstance(plain, int) and not isinstance(plain, bool) and plain >= 0


def _damaged(what: str, came: object) -> EnvironmentUseError:
    shown = came if isinstance(came, str) else repr(came)
    return EnvironmentUseError(
        expected=f"a tour as tour_so_far() told it, with {what}",
        came=shown if len(shown) <= 80 else f"{shown[:77]}...",
        fix="pass it as it was, or walk the tour from its first visit",
    )
