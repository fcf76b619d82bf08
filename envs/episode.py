"""One navigation task, and Habitat's PointNav files (``.json.gz``) of many.

Habitat's frame is y up; ours is z up. The readers are the boundary: nothing behind them sees a y-up number.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from placecell.errors import EpisodeError
from placecell.geometry import Pose, z_up_from_y_up

from .habitat_files import (
    Entry,
    content_files,
    plain_info,
    position_entry,
    read_document,
    require_level,
    require_once,
    rotation_entry,
    vertical_yaw,
    write_document,
)

_ASK_FOR_POINTNAV = "pass a dataset of Habitat's PointNav form: {'episodes': [{'episode_id': ...}, ...]}"

Position = tuple[float, float, float]


@dataclass(frozen=True)
class Goal:
    """A point to reach, or an object with the points that one may stand at to have found it.

    Args:
        position: (x, y, z), world frame; of an object its middle.
        radius_m: how near counts, as the dataset states it.
        object_id: the object's instance id in the scene; None for a point.
        category: what the object is called; None for a point.
        view_points: where a body within reach of the object can stand and see it.
    """

    position: Position
    radius_m: float | None = None
    object_id: int | None = None
    category: str | None = None
    view_points: tuple[Position, ...] = ()

    @property
    def stands(self) -> tuple[Position, ...]:
        """Where one stands to have reached it: its view points, or the point itself."""
        return self.view_points or (self.position,)


@dataclass(frozen=True)
class TourStop:
    """Which visit of which tour an episode is.

    Args:
        tour: the tour's name, unique in its dataset.
        visit: 0 for its first goal, and so on.
        repeat: whether the same goal was visited before in this tour.
    """

    tour: str
    visit: int
    repeat: bool = False


@dataclass(frozen=True)
class Episode:
    """One task: a scene, where the body starts, and the goals of which any one counts.

    Args:
        episode_id: unique within its scene and dataset.
        scene_id: which scene, as its dataset names it.
        start: feet and heading at the start, world frame (z up).
        goals: one or more.
        info: plain JSON that travels with it (``geodesic_distance`` in metres, ``difficulty``, ...).
        origin: the frame that ``gps`` and ``compass`` count from; None takes the start.
        tour: its place in a tour; None outside of one.

    Raises:
        EpisodeError: no goal, or a start or goal that is not finite.
    """

    episode_id: str
    scene_id: str
    start: Pose
    goals: tuple[Goal, ...]
    info: Mapping[str, object] = field(default_factory=dict)
    origin: Pose | None = None
    tour: TourStop | None = None

    def __post_init__(self) -> None:
        if not self.goals:
            raise EpisodeError(
                expected=f"episode {self.episode_id!r} to have a goal",
                came="none",
                fix="give it one or more goals, or leave the episode out",
            )
        start = (*self.start.position.tolist(), self.start.yaw_rad, self.start.pitch_rad)
        goals = (("goal", point) for goal in self.goals for point in (goal.position, *goal.view_points))
        for name, numbers in (("start", start), *goals):
            if not all(math.isfinite(number) for number in numbers):
                raise EpisodeError(
                    expected=f"a finite {name} of episode {self.episode_id!r}",
                    came=", ".join(f"{number:g}" for number in numbers),
                    fix="repair its coordinates, or leave the episode out",
                )


def read_habitat_pointnav(path: str | Path) -> tuple[Episode, ...]:
    """Episodes of a Habitat PointNav dataset, converted to our frame.

    ``path`` is a ``.json.gz`` or a plain ``.json``. If it lists no episodes, those of Habitat's layout with
    one file a scene are read in the order of their names: ``content/{scene}.json.gz`` beside it, or its own
    ``content_scenes_path``. ``start_room``, ``shortest_paths`` and keys that PointNav does not know are left
    out.

    Raises:
        EpisodeError: the file is missing, truncated, not JSON, of another shape (the message names the key
            and the episode), holds a position that is not finite, an episode twice, no episode at all, or a
            start rotation about another axis than the vertical one.
    """
    return read_episodes(Path(path), _ASK_FOR_POINTNAV, _episodes_of)


def read_episodes(
    path: Path, form: str, episodes_of: Callable[[dict[str, object], Path], list[Episode]]
) -> tuple[Episode, ...]:
    """The episodes of a Habitat file, or of the files with one scene each that it points to.

    Args:
        path: a ``.json.gz`` or a plain ``.json``.
        form: what to pass instead of a file of another form.
        episodes_of: the episodes of one document, which was read from that path.

    Raises:
        EpisodeError: a file that cannot be read, no episode at all, or one twice.
    """
    document = read_document(path, form)
    found = episodes_of(document, path)
    if not found:
        for part in content_files(document, path):
            found += episodes_of(read_document(part, form), part)
    require_some(found, path)
    require_once(found, path)
    return tuple(found)


def write_habitat_pointnav(path: str | Path, episodes: Sequence[Episode]) -> None:
    """Writes episodes as Habitat's PointNav dataset, whole or not at all; equal episodes give equal bytes.

    A name that ends in ``.gz`` is compressed. Missing folders are made.

    Raises:
        EpisodeError: a start that looks up or down (Habitat's start is level), or ``info`` that is not JSON.
        OutputError: the file cannot be written.
    """
    write_document(Path(path), {"episodes": [_to_habitat(episode) for episode in episodes]})


def require_some(episodes: Sequence[Episode], path: Path) -> None:
    """Raises :class:`EpisodeError` for a dataset without episodes."""
    if not episodes:
        raise EpisodeError(
            expected=f"episodes in {path}, or in {path.parent / 'content'}/*.json.gz",
            came="none",
            fix="name another split, or put its content folder beside it",
        )


def _episodes_of(document: dict[str, object], path: Path) -> list[Episode]:
    file = Entry(document, f"of {path}", _ASK_FOR_POINTNAV)
    whole = Entry({}, f"in {path}", _ASK_FOR_POINTNAV)
    entries = enumerate(file.get("episodes", list))
    return [_from_habitat(whole.inner(entry, f"episode {number}", "entry of ")) for number, entry in entries]


def _from_habitat(fields: Entry) -> Episode:
    x, y, z = z_up_from_y_up(fields.numbers("start_position", 3)).tolist()
    yaw_rad = vertical_yaw(fields.numbers("start_rotation", 4), fields.where)
    goals = []
    for number, goal in enumerate(fields.get("goals", list)):
        goal_fields = fields.inner(goal, f"goal {number}")
        at = z_up_from_y_up(goal_fields.numbers("position", 3)).tolist()
        radius = goal_fields.optional("radius", int, float)
        goals.append(Goal((at[0], at[1], at[2]), None if radius is None else float(radius)))
    return Episode(
        episode_id=str(fields.get("episode_id", str, int)),
        scene_id=str(fields.get("scene_id", str)),
        start=Pose(x, y, z, yaw_rad),
        goals=tuple(goals),
        info=fields.optional("info", dict) or {},
    )


def _to_habitat(episode: Episode) -> dict[str, object]:
    require_level(episode.episode_id, float(episode.start.pitch_rad))
    return {
        "episode_id": episode.episode_id,
        "scene_id": episode.scene_id,
        "start_position": position_entry(episode.start.position),
        "start_rotation": rotation_entry(float(episode.start.yaw_rad)),
        "info": plain_info(episode.episode_id, episode.info),
        "goals": [
            {"position": position_entry(goal.position), "radius": goal.radius_m} for goal in episode.goals
        ],
        "start_room": None,
        "shortest_paths": None,
    }
