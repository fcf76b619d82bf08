"""Whether a run may go on in a folder that holds a part of it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from placecell.errors import OutputError

CONFIG_FILE = "config.yaml"
NEUTRAL = ("out", "progress", "workers", "max_failures")
"""Keys that say how a run is carried out, and nothing of its results."""
_SHOWN = 5


def require_same_config(folder: Path, config: str) -> None:
    """Refuses a folder that was made by another configuration.

    Args:
        folder: holds ``config.yaml``.
        config: the YAML of the configuration that wants to go on there.

    Raises:
        OutputError: keys differ (they are named, with both values), or the file cannot be read.
    """
    path = folder / CONFIG_FILE
    try:
        there = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(there, dict):
            raise ValueError(f"{type(there).__name__} instead of keys and values")
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise OutputError(
            expected=f"the configuration of the run under way in {path}",
            came=" ".join(f"{type(error).__name__}: {error}".split()),
            fix="put the file back, or name another folder: out=DIR",
        ) from error
    differing = differences(there, yaml.safe_load(config) or {})
    if differing:
        shown = [f"{key} ({old} there, {new} here)" for key, (old, new) in list(differing.items())[:_SHOWN]]
        more = len(differing) - len(shown)
        raise OutputError(
            expected=f"the configuration that {folder} was begun with",
            came=f"another {', '.join(shown)}" + (f" and {more} more" if more else ""),
            fix="go on with the same command, or name another folder: out=DIR",
        )


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The keys in which two configurations differ, with both values as JSON; :data:`NEUTRAL` ones left out.

    >>> differences({"seed": 1, "env": {"width": 64}, "out": "x"}, {"seed": 1, "env": {"width": 32}})
    {'env.width': ('64', '32')}
    """
    flat_a, flat_b = (_flat({k: v for k, v in each.items() if k not in NEUTRAL}) for each in (a, b))
    keys = [*flat_a, *(key for key in flat_b if key not in flat_a)]
    return {
        key: (flat_a.get(key, "none"), flat_b.get(key, "none"))
        for key in keys
        if flat_a.get(key, "none") != flat_b.get(key, "none")
    }


def require_same_world(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Refuses to mix results of different data, scenes or oracle inputs.

    Raises:
        OutputError: what the environment says of its data is not what it said when the run began.
    """
    parts = [{"world": each.get("world"), "oracle": each.get("oracle")} for each in (before, now)]
    differing = differences(*json.loads(json.dumps(parts)))
    if differing:
        key, (old, new) = next(iter(differing.items()))
        raise OutputError(
            expected=f"the data that {folder} was begun with",
            came=f"another {key}: {old} there, {new} here",
            fix="bring the data back, or name another folder: out=DIR",
        )


def require_within(episodes: int, there: Iterable[int], path: Path) -> None:
    """Refuses results of episodes that a run does not have, which must not be taken for its own.

    Raises:
        OutputError: an index in ``there``, of the lines of ``path``, is not below ``episodes``.
    """
    foreign = [episode for episode in there if not 0 <= episode < episodes]
    if foreign:
        raise OutputError(
            expected=f"results of the episodes 0 to {episodes - 1} in {path}",
            came=f"one of episode {foreign[0]}",
            fix="remove the lines of another run, and give the same command again; or name another folder: "
            "out=DIR",
        )


def torn_tail(path: Path) -> str:
    """The last line of a file where it is not complete: what a kill or a full disk leaves; else nothing.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(
            expected=f"a file of results that can be read: {path}",
            came=str(error.strerror or error),
            fix="grant the right to read it, or name another folder: out=DIR",
        ) from error
    return data[data.rfind(b"\n") + 1 :].decode("utf-8", "surrogateescape")


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = json.dumps(value, default=str)
    return found
