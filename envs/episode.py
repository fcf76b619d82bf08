"""One navigation task, and Habitat's PointNav files (``.json.gz``) of many.

Habitat's frame is y up; ours is z up. This file is the boundary: nothing behind it sees a y-up number.
"""

import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from placecell.arrays import atomic_write
from placecell.errors import EpisodeError, OutputError
from placecell.geometry import Pose, habitat_from_yaw, y_up_from_z_up, yaw_from_habitat, z_up_from_y_up

_CONTENT_SCENES_PATH = "{data_path}/content/{scene}.json.gz"
_VERTICAL_TOLERANCE = 1e-3
_ASK_FOR_POINTNAV = "pass a dataset of Habitat's PointNav form: {'episodes': [{'episode_id': ...}, ...]}"


@dataclass(frozen=True)
class Goal:
    """A point to reach: ``position`` (x, y, z), world frame; ``radius_m`` as its dataset states it."""

    position: tuple[float, float, float]
    radius_m: float | None = None


@dataclass(frozen=True)
class Episode:
    """One task: a scene, where the body starts, and the goals of which any one counts.

    Args:
        episode_id: unique within its scene and dataset.
        scene_id: which scene, as its dataset names it.
        start: feet and heading at the start, world frame (z up).
        goals: one or more.
        info: plain JSON that travels with it (``geodesic_distance`` in metres, ``difficulty``, ...).

    Raises:
        EpisodeError: no goal, or a start or goal that is not finite.
    """

    episode_id: str
    scene_id: str
    start: Pose
    goals: tuple[Goal, ...]
    info: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.goals:
            raise EpisodeError(
                expected=f"episode {self.episode_id!r} to have a goal",
                came="none",
                fix="give it one or more goals, or leave the episode out",
            )
        start = (*self.start.position.tolist(), self.start.yaw_rad, self.start.pitch_rad)
        for name, numbers in (("start", start), *(("goal", goal.position) for goal in self.goals)):
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
    path = Path(path)
    document = _read_document(path)
    found = _episodes_of(document, path)
    if not found:
        found = [
            e for part in _content_files(document, path) for e in _episodes_of(_read_document(part), part)
        ]
    if not found:
        raise EpisodeError(
            expected=f"episodes in {path}, or in {path.parent / 'content'}/*.json.gz",
            came="none",
            fix="name another split, or put its content folder beside it",
        )
    seen: set[tuple[str, str]] = set()
    for episode in found:
        key = (episode.scene_id, episode.episode_id)
        if key in seen:
            raise EpisodeError(
                expected=f"each episode of {path} once",
                came=f"episode {episode.episode_id!r} of scene {episode.scene_id!r} twice",
                fix="give each episode of a scene its own episode_id",
            )
        seen.add(key)
    return tuple(found)


def write_habitat_pointnav(path: str | Path, episodes: Sequence[Episode]) -> None:
    """Writes episodes as Habitat's PointNav dataset, whole or not at all; equal episodes give equal bytes.

    A name that ends in ``.gz`` is compressed. Missing folders are made.

    Raises:
        EpisodeError: a start that looks up or down (Habitat's start is level), or ``info`` that is not JSON.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    entries = [_to_habitat(episode) for episode in episodes]
    content = json.dumps({"episodes": entries}, separators=(",", ":"), allow_nan=False).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    except OSError as error:
        raise OutputError(
            expected=f"{path} to be writable",
            came=error.strerror or str(error),
            fix="choose another file, or make its folder writable",
        ) from error


def _read_document(path: Path) -> dict[str, object]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EpisodeError(
            expected=f"a dataset of episodes at {path}",
            came=error.strerror or str(error),
            fix="check the path, or generate one for your mesh with placecell.envs.generate",
        ) from error
    try:
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, OSError, zlib.error) as error:
        raise EpisodeError(
            expected=f"{path} to be a whole gzip file", came=str(error), fix="copy or download it again"
        ) from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EpisodeError(
            expected=f"{path} to be JSON", came=str(error), fix="copy or download it again"
        ) from error
    if not isinstance(document, dict):
        raise EpisodeError(expected=f"a JSON object in {path}", came=_kind(document), fix=_ASK_FOR_POINTNAV)
    return document


def _episodes_of(document: dict[str, object], path: Path) -> list[Episode]:
    entries = _Entry(document, f"of {path}").get("episodes", list)
    return [_from_habitat(entry, f"of episode {number} in {path}") for number, entry in enumerate(entries)]


def _content_files(document: dict[str, object], path: Path) -> list[Path]:
    pattern = document.get("content_scenes_path", _CONTENT_SCENES_PATH)
    if not isinstance(pattern, str) or pattern.count("{scene}") != 1:
        raise EpisodeError(
            expected=f"content_scenes_path of {path} to hold {{scene}} once",
            came=repr(pattern),
            fix=f"write {_CONTENT_SCENES_PATH!r}",
        )
    folder, ending = pattern.replace("{data_path}", str(path.parent)).split("{scene}")
    return sorted(part for part in Path(folder).glob("*") if part.name.endswith(ending))


@dataclass(frozen=True)
class _Entry:
    """A JSON object and what to call it when a key of it is not as it should be."""

    value: Mapping[str, object]
    where: str

    def get(self, key: str, *kinds: type) -> Any:
        if key not in self.value:
            came = "the keys " + ", ".join(map(str, self.value)) if self.value else "no keys"
            raise EpisodeError(expected=f"a key {key!r} {self.where}", came=came, fix=_ASK_FOR_POINTNAV)
        value = self.value[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(_KINDS[kind] for kind in kinds)
            raise EpisodeError(
                expected=f"{names} as {key!r} {self.where}", came=_kind(value), fix=_ASK_FOR_POINTNAV
            )
        return value

    def numbers(self, key: str, count: int) -> np.ndarray:
        value = self.get(key, list)
        plain = len(value) == count and all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value
        )
        if not plain:
            raise EpisodeError(
                expected=f"{count} finite numbers as {key!r} {self.where}",
                came=json.dumps(value)[:80],
                fix="repair or remove that episode",
            )
        return np.array(value, dtype=np.float64)


_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number", float: "a number",
          type(None): "null", bool: "true or false"}  # fmt: skip


def _kind(value: object) -> str:
    return f"{_KINDS[type(value)]} ({json.dumps(value)[:60]})"


def _from_habitat(entry: object, where: str) -> Episode:
    if not isinstance(entry, dict):
        raise EpisodeError(expected=f"an object as entry {where}", came=_kind(entry), fix=_ASK_FOR_POINTNAV)
    fields = _Entry(entry, where)
    x, y, z = z_up_from_y_up(fields.numbers("start_position", 3)).tolist()
    yaw_rad = _vertical_yaw(fields.numbers("start_rotation", 4), where)
    goals = []
    for number, goal in enumerate(fields.get("goals", list)):
        if not isinstance(goal, dict):
            raise EpisodeError(
                expected=f"an object as goal {number} {where}", came=_kind(goal), fix=_ASK_FOR_POINTNAV
            )
        goal_fields = _Entry({"radius": None, **goal}, f"of goal {number} {where}")
        at = z_up_from_y_up(goal_fields.numbers("position", 3)).tolist()
        radius = goal_fields.get("radius", int, float, type(None))
        goals.append(Goal((at[0], at[1], at[2]), None if radius is None else float(radius)))
    info = _Entry({"info": None, **entry}, where).get("info", dict, type(None))
    return Episode(
        episode_id=str(fields.get("episode_id", str, int)),
        scene_id=str(fields.get("scene_id", str)),
        start=Pose(x, y, z, yaw_rad),
        goals=tuple(goals),
        info=info or {},
    )


def _vertical_yaw(rotation_xyzw: np.ndarray, where: str) -> float:
    x, _, z, _ = rotation_xyzw
    length = float(np.linalg.norm(rotation_xyzw))
    if abs(length - 1) > _VERTICAL_TOLERANCE or math.hypot(x, z) > _VERTICAL_TOLERANCE:
        raise EpisodeError(
            expected=f"start_rotation {where} to be a unit quaternion [0, y, 0, w] about the vertical axis",
            came=json.dumps(rotation_xyzw.tolist()),
            fix="write it as x, y, z, w (w last) with x = z = 0: a body starts upright",
        )
    return yaw_from_habitat(rotation_xyzw / length)


def _to_habitat(episode: Episode) -> dict[str, object]:
    if episode.start.pitch_rad != 0:
        raise EpisodeError(
            expected=f"a level start of episode {episode.episode_id!r}",
            came=f"a pitch of {math.degrees(episode.start.pitch_rad):g} degrees",
            fix="set pitch_rad to 0: Habitat's PointNav has no pitch at the start",
        )
    info = dict(episode.info)
    try:
        json.dumps(info, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EpisodeError(
            expected=f"info of episode {episode.episode_id!r} to be plain finite JSON",
            came=str(error),
            fix="use str, int, float, bool, None, lists and dicts",
        ) from error
    return {
        "episode_id": episode.episode_id,
        "scene_id": episode.scene_id,
        "start_position": y_up_from_z_up(episode.start.position).tolist(),
        "start_rotation": habitat_from_yaw(episode.start.yaw_rad).tolist(),
        "info": info,
        "goals": [
            {"position": y_up_from_z_up(np.array(goal.position)).tolist(), "radius": goal.radius_m}
            for goal in episode.goals
        ],
        "start_room": None,
        "shortest_paths": None,
    }
