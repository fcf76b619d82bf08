"""Habitat's ObjectNav files (``.json.gz``), as habitat-lab's ``ObjectNavDatasetV1`` has them.

Episodes name a category; its goals stand once for a scene, in ``goals_by_category`` under
``<scene file name>_<category>``. Habitat's frame is y up; ours is z up.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from placecell.errors import EpisodeError
from placecell.geometry import Pose, z_up_from_y_up

from .episode import Episode, Goal, Position, read_episodes
from .habitat_files import (
    Entry,
    bare_name,
    plain_info,
    position_entry,
    require_level,
    rotation_entry,
    vertical_yaw,
    write_document,
)

_FORM = (
    "pass a dataset of Habitat's ObjectNav form: {'episodes': [{'object_category': ...}, ...], "
    "'goals_by_category': {'SCENE_CATEGORY': [...]}}"
)
_TASK_IDS, _SCENE_IDS = "category_to_task_category_id", "category_to_scene_annotation_category_id"
_GOALS = dict[str, tuple[Goal, ...]]


def read_habitat_objectnav(path: str | Path) -> tuple[Episode, ...]:
    """Episodes of a Habitat ObjectNav dataset, converted to our frame.

    ``path`` is a ``.json.gz`` or a plain ``.json``. If it lists no episodes, those of Habitat's layout with
    one file a scene are read: ``content/{scene}.json.gz`` beside it, or its own ``content_scenes_path``.
    Files of the older form, whose episodes hold their goals themselves, are read too. An ``object_id`` that
    is no whole number names none of our instances and is left out, as are ``iou`` and the views' rotations.

    Raises:
        EpisodeError: as :func:`~placecell.envs.episode.read_habitat_pointnav`; or an episode whose category
            has no goals in its scene.
    """
    return read_episodes(Path(path), _FORM, _episodes_of)


def write_habitat_objectnav(
    path: str | Path,
    episodes: Sequence[Episode],
    category_ids: Mapping[str, int],
    *,
    file_per_scene: bool = False,
) -> None:
    """Writes episodes as Habitat's ObjectNav dataset; equal episodes give equal bytes.

    A name that ends in ``.gz`` is compressed. Missing folders are made. ``iou`` is not known, hence null; a
    view point's rotation looks at its object.

    Args:
        path: the file.
        episodes: each with the goals of one category; episodes of a scene and category share theirs.
        category_ids: the id in the scene's annotation of each category; the task's ids count them in order.
        file_per_scene: leaves the episodes out of the file and writes ``content/{scene}.json.gz`` beside it.

    Raises:
        EpisodeError: goals without a category or of several, other goals for the same scene and category, a
            category without an id, a start that looks up or down, or ``info`` that is not JSON.
        OutputError: a file cannot be written.
    """
    path = Path(path)
    maps = {_TASK_IDS: {name: i for i, name in enumerate(category_ids)}, _SCENE_IDS: dict(category_ids)}
    for episode in episodes:
        _require_category(episode, category_ids)
    if not file_per_scene:
        write_document(path, _document(episodes, maps))
        return
    scenes = dict.fromkeys(bare_name(episode.scene_id) for episode in episodes)
    parts = {s: _document([e for e in episodes if bare_name(e.scene_id) == s], maps) for s in scenes}
    for scene, part in parts.items():
        write_document(path.parent / "content" / f"{scene}.json.gz", part)
    write_document(path, {"episodes": [], "goals_by_category": {}, **maps})


def _episodes_of(document: dict[str, object], path: Path) -> list[Episode]:
    file = Entry(document, f"of {path}", _FORM)
    whole = Entry({}, f"in {path}", _FORM)
    shared: _GOALS = {}
    for key, goals in (file.optional("goals_by_category", dict) or {}).items():
        group = Entry({key: goals}, f"of goals_by_category in {path}", _FORM)
        shared[key] = _goals(group.get(key, list), group, key)
    entries = enumerate(file.get("episodes", list))
    return [_episode(whole.inner(entry, f"episode {n}", "entry of "), shared) for n, entry in entries]


def _episode(fields: Entry, shared: _GOALS) -> Episode:
    x, y, z = z_up_from_y_up(fields.numbers("start_position", 3)).tolist()
    yaw_rad = vertical_yaw(fields.numbers("start_rotation", 4), fields.where)
    scene_id = str(fields.get("scene_id", str))
    own = _goals(fields.optional("goals", list) or [], fields, None)
    goals = own
    if not own:
        category = fields.get("object_category", str)
        key = _key(scene_id, category)
        if not shared.get(key):
            raise EpisodeError(
                expected=f"goals {fields.where}: goals_by_category[{key!r}]",
                came=", ".join(list(shared)[:5]) or "none",
                fix="check the episode's scene_id and object_category, or leave it out",
            )
        goals = shared[key]
    return Episode(
        episode_id=str(fields.get("episode_id", str, int)),
        scene_id=scene_id,
        start=Pose(x, y, z, yaw_rad),
        goals=goals,
        info=fields.optional("info", dict) or {},
    )


def _goals(entries: list[object], file: Entry, key: str | None) -> tuple[Goal, ...]:
    name = "goal {}" if key is None else f"goal {{}} of {key!r}"
    return tuple(_goal(file.inner(entry, name.format(n))) for n, entry in enumerate(entries))


def _goal(fields: Entry) -> Goal:
    views = fields.optional("view_points", list) or []
    points = []
    for number, view in enumerate(views):
        inner = fields.inner(view, f"view point {number}")
        state = inner.inner(inner.get("agent_state", dict), "agent_state")
        points.append(_position(state))
    name = fields.optional("object_id", int, str)
    number_only = isinstance(name, int) or (isinstance(name, str) and name.isdecimal())
    radius = fields.optional("radius", int, float)
    return Goal(
        position=_position(fields),
        radius_m=None if radius is None else float(radius),
        object_id=int(name) if number_only else None,
        category=str(fields.get("object_category", str)),
        view_points=tuple(points),
    )


def _position(fields: Entry) -> Position:
    x, y, z = z_up_from_y_up(fields.numbers("position", 3)).tolist()
    return (x, y, z)


def _key(scene_id: str, category: str) -> str:
    return f"{PurePosixPath(scene_id).name}_{category}"


def _document(episodes: Sequence[Episode], maps: Mapping[str, object]) -> dict[str, object]:
    shared: _GOALS = {}
    for episode in episodes:
        key = _key(episode.scene_id, str(episode.goals[0].category))
        if shared.setdefault(key, episode.goals) != episode.goals:
            raise EpisodeError(
                expected=f"the same goals in every episode of {key}",
                came=f"others in episode {episode.episode_id!r}",
                fix="write them into different files, or give them the same goals",
            )
    goals = {key: [_goal_entry(goal) for goal in group] for key, group in shared.items()}
    return {"episodes": [_episode_entry(e) for e in episodes], "goals_by_category": goals, **maps}


def _episode_entry(episode: Episode) -> dict[str, Any]:
    require_level(episode.episode_id, float(episode.start.pitch_rad))
    return {
        "episode_id": episode.episode_id,
        "scene_id": episode.scene_id,
        "start_position": position_entry(episode.start.position),
        "start_rotation": rotation_entry(float(episode.start.yaw_rad)),
        "info": plain_info(episode.episode_id, episode.info),
        "goals": [],
        "start_room": None,
        "shortest_paths": None,
        "object_category": episode.goals[0].category,
    }


def _goal_entry(goal: Goal) -> dict[str, Any]:
    return {
        "position": position_entry(goal.position),
        "radius": goal.radius_m,
        "object_id": goal.object_id,
        "object_name": f"{goal.category}_{goal.object_id}",
        "object_name_id": None,
        "object_category": goal.category,
        "room_id": None,
        "room_name": None,
        "view_points": [_view_entry(point, goal) for point in goal.view_points],
    }


def _view_entry(point: Position, goal: Goal) -> dict[str, Any]:
    east, north, _ = np.subtract(goal.position, point).tolist()
    state = {"position": position_entry(point), "rotation": rotation_entry(math.atan2(north, east))}
    return {"agent_state": state, "iou": None}


def _require_category(episode: Episode, category_ids: Mapping[str, int]) -> None:
    names = sorted({str(goal.category) for goal in episode.goals})
    if len(names) != 1 or episode.goals[0].category not in category_ids:
        raise EpisodeError(
            expected=f"goals of one category with an id in episode {episode.episode_id!r}",
            came=", ".join(names),
            fix="write ObjectNav episodes only, and give category_ids for all of their categories",
        )
