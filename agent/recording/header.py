"""``header.json``: what an episode's recording is of, and what a reader has to know beforehand."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium

from placecell.arrays import atomic_write
from placecell.envs.body import Action
from placecell.errors import ArchiveError, EnvironmentUseError
from placecell.memory.clock import Clock

from ..loop import Agent
from .hashes import ALGORITHM
from .options import LEVELS, RecordOptions
from .plain import name_of, numbers, points_of, pose_of, to_line, walked_of
from .surroundings import Surroundings

FORMAT = "placecell-recording"
VERSION = 1
_COUNTED = (*Clock().pack(), "dropped")
HEADER_FILE, STEPS_FILE, FRAMES_FILE = "header.json", "steps.jsonl", "frames.tar"


def facts_of(options: RecordOptions, env: gymnasium.Env, agent: Agent) -> dict[str, object]:
    """What every header of one environment and agent says, plain JSON."""
    embodiment = dict(env.get_wrapper_attr("embodiment")) if _has(env, "embodiment") else None
    return {
        "level": options.level,
        "every": options.every,
        "hash": ALGORITHM,
        "actions": _actions(env),
        "categories": _list_of(env, "categories"),
        "embodiment": embodiment,
        "camera": None if embodiment is None else embodiment.get("camera"),
        "sensors": _sensors(env),
        "environment": env.get_wrapper_attr("provenance")() if _has(env, "provenance") else None,
        "oracle": sorted({*_list_of(env, "oracle"), *agent.oracle}),
        "policy": type(agent.policy).__name__,
        "memory": _memory(agent),
        "k": agent.k,
    }


def facts_of_start(env: gymnasium.Env) -> dict[str, object]:
    """What an environment tells of an episode that it has just been reset to, beside its info.

    ``instruction`` and ``surroundings`` are there only of environments that have them, and ``actions`` only
    of those that name their actions, which may be others in each episode.
    """
    told: dict[str, object] = {
        "origin": env.get_wrapper_attr("origin") if _has(env, "origin") else None,
        "shortest_path": env.get_wrapper_attr("shortest_path")() if _has(env, "shortest_path") else None,
    }
    if _has(env, "action_names"):
        told["actions"] = list(map(str, env.get_wrapper_attr("action_names")))
    if _has(env, "instruction"):
        told["instruction"] = str(env.get_wrapper_attr("instruction"))
    if _has(env, "surroundings"):
        told["surroundings"] = env.get_wrapper_attr("surroundings")()
    return told


def write_header(folder: Path, episode: Mapping[str, object], facts: Mapping[str, object]) -> None:
    """Writes it whole or not at all.

    Raises:
        OSError: there is no room, or no right to.
        PlacecellError: a value that is no plain JSON.
    """
    parts = {"format": FORMAT, "version": VERSION, **episode, **facts}
    owners = {key: f"the recording's header, {key}," for key in parts}
    header = json.loads(to_line(parts, owners))
    around = header.pop("surroundings", None)
    text = json.dumps(header, indent=1)
    if around is not None:  # thousands of numbers, of which none deserves a line of its own
        text = f'{text[:-2]},\n "surroundings": {_kept(around)}\n}}'
    atomic_write(folder / HEADER_FILE, text + "\n")


def _kept(around: object) -> str:
    try:
        return Surroundings.of(around).bounded().to_line()
    except ValueError as error:
        raise EnvironmentUseError(
            expected="surroundings() of the environment to give nodes, edges and gold, plain JSON",
            came=str(error),
            fix='return {"nodes": [[x, y, z], ...], "edges": [[i, j], ...], "gold": [[x, y, z], ...]}',
        ) from error


def read_header(folder: Path) -> dict[str, Any]:
    """The header of an episode's folder.

    Raises:
        ArchiveError: there is no such folder or header, or it is no JSON, foreign, newer or lacks something.
    """
    path = folder / HEADER_FILE
    if not folder.is_dir():
        raise _no_header(folder, "no such folder" if not folder.exists() else "a file")
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _no_header(folder, f"a folder without {HEADER_FILE}") from error
    except (OSError, ValueError) as error:
        raise _no_header(folder, f"{HEADER_FILE} that is no JSON ({error})") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = repr(header.get("format")) if isinstance(header, dict) else type(header).__name__
        raise _no_header(folder, f"{HEADER_FILE} of another format, {found}")
    version = header.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ArchiveError(
            expected=f"a recording of version 1 to {VERSION} in {folder}",
            came=f"version {version!r}",
            fix="read it with a newer placecell" if isinstance(version, int) else "record the episode again",
        )
    if header.get("level") not in LEVELS[1:] or header.get("hash") != ALGORITHM:
        raise _no_header(
            folder, f"{HEADER_FILE} with level {header.get('level')!r} and hash {header.get('hash')!r}"
        )
    for key, read in _READ.items():
        try:
            if header.get(key) is not None:
                read(header[key])
        except (ValueError, KeyError) as error:
            raise ArchiveError(
                expected=f"{key} as a recorder writes it in {path}",
                came=str(error),
                fix="undo what was changed by hand, or record the episode again",
            ) from error
    return header


def _names(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{value!r} where names belong")


def _object(value: object) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} where an object belongs")


def _camera(value: Any) -> None:
    _object(value)
    if missing := [key for key in ("width", "height", "hfov_deg", "height_m") if key not in value]:
        raise ValueError(f"a camera without {', '.join(missing)}")
    width, height, *rest = numbers([value[key] for key in ("width", "height", "hfov_deg", "height_m")], 4)
    if not (width >= 1 and height >= 1 and all(map(math.isfinite, rest))):
        raise ValueError(f"the camera {value!r}")


_READ: Mapping[str, Callable[[Any], object]] = {
    "start": pose_of, "origin": pose_of, "goal_positions": points_of, "shortest_path": points_of,
    "actions": _names, "categories": _names, "oracle": _names, "tags": _object, "camera": _camera,
    "memory": _object, "measures": _object, "sensors": _object, "embodiment": _object, "environment": _object,
    "instruction": name_of, "viewpoint": name_of, "walked": walked_of, "surroundings": Surroundings.of,
}  # fmt: skip
"""What is looked at before anybody reads on; each may be null, or missing."""


def _no_header(folder: Path, came: str) -> ArchiveError:
    return ArchiveError(
        expected=f"a recorded episode in {folder}",
        came=came,
        fix="name an episode's folder of a run with record=light or record=full: RUN/episodes/NAME",
    )


def _has(env: gymnasium.Env, name: str) -> bool:
    return bool(env.has_wrapper_attr(name))


def _list_of(env: gymnasium.Env, name: str) -> list[str]:
    return list(env.get_wrapper_attr(name)) if _has(env, name) else []


def _actions(env: gymnasium.Env) -> list[str]:
    """The names of actions by number, of an environment with a body; none of others.

    One that names them itself is asked once it has been reset.
    """
    if _has(env, "action_names"):
        return []
    count = getattr(env.action_space, "n", None)
    return (
        [action.name.lower() for action in Action] if _has(env, "embodiment") and count == len(Action) else []
    )


def _sensors(env: gymnasium.Env) -> dict[str, object]:
    """Type and shape of each array that the environment says it gives."""
    space = env.observation_space
    if not isinstance(space, gymnasium.spaces.Dict):
        return {}
    return {
        name: {
            "dtype": None if box.dtype is None else box.dtype.str,
            "shape": None if box.shape is None else list(box.shape),
        }
        for name, box in space.spaces.items()
    }


def _memory(agent: Agent) -> dict[str, object]:
    """The memory's class and settings; what its manifest counts beside them is none."""
    stored = agent.memory.pack()
    settings = {key: value for key, value in stored.manifest.items() if key not in _COUNTED}
    return {"class": stored.kind, "settings": settings}
