"""JSON as recordings hold it: one line, ASCII, null for what is not finite."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from placecell.arrays import Points
from placecell.errors import PlacecellError
from placecell.geometry import Pose

Entered = tuple[str, float, float]
"""A panorama that was entered: its name, and the body's yaw and pitch then, radians, world frame."""

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def to_line(parts: Mapping[str, object], owners: Mapping[str, str]) -> bytes:
    """One JSON object as a line with its newline.

    Args:
        parts: its keys and values.
        owners: who made the value of a key, in words, for the error that it may need.

    Raises:
        PlacecellError: a value that is no plain JSON; it names its owner and where in it.
    """
    try:
        text = _encode(parts)
    except (TypeError, ValueError, RecursionError):
        clean = {key: _plain(value, owners.get(key, key), key, 0) for key, value in parts.items()}
        text = _encode(clean)
    return text.encode() + b"\n"


_DEEPEST, _MOST = 100, 1e300


def _plain(value: object, owner: str, where: str, depth: int) -> object:
    """The value with None for what is not finite."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth < _DEEPEST:
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: _plain(item, owner, f"{where}.{key}", depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [_plain(item, owner, f"{where}[{n}]", depth + 1) for n, item in enumerate(value)]
    deep = "" if depth < _DEEPEST else f" {_DEEPEST} levels down"
    raise PlacecellError(
        expected=f"{owner} to be plain JSON (text, numbers, true, false, null, lists, dicts of text)",
        came=f"{where}: {type(value).__name__}{deep}",
        fix="convert it (float(x), array.tolist()), or leave it out",
    )


def pose_of(plain: Any) -> Pose:
    """The pose that a recording holds as ``position``, ``yaw_rad``, ``pitch_rad``; level where it has none.

    Raises:
        ValueError: it is none, or not finite.
    """
    if not isinstance(plain, Mapping) or not {"position", "yaw_rad"} <= plain.keys():
        raise ValueError(f"{plain!r} where a pose belongs")
    x, y, z = numbers(plain["position"], 3)
    yaw_rad, pitch_rad = numbers([plain["yaw_rad"], plain.get("pitch_rad", 0.0)], 2)
    if not all(map(math.isfinite, (x, y, z, yaw_rad, pitch_rad))):
        raise ValueError(f"{plain!r} where a finite pose belongs")
    return Pose(x, y, z, yaw_rad, pitch_rad)


def points_of(plain: Any) -> Points:
    """The points that a recording holds as a list of [x, y, z], metres.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(plain, list):
        raise ValueError(f"{plain!r} where points belong")
    return np.array([numbers(point, 3) for point in plain], np.float64).reshape(-1, 3)


def name_of(plain: Any) -> str | None:
    """The name of a panorama; None for null.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(plain, str | None):
        raise ValueError(f"{plain!r} where a name belongs")
    return plain


def walked_of(plain: Any) -> tuple[Entered, ...] | None:
    """The panoramas that a recording holds as a list of [name, yaw_rad, pitch_rad]; None for null.

    Raises:
        ValueError: they are none, or an angle is not finite.
    """
    if plain is None:
        return None
    if not isinstance(plain, list | tuple):
        raise ValueError(f"{plain!r:.80} where a list of panoramas belongs")
    return tuple(_entered(one) for one in plain)


def _entered(plain: Any) -> Entered:
    if not isinstance(plain, list | tuple) or len(plain) != 3 or not isinstance(plain[0], str):
        raise ValueError(f"{plain!r:.80} where [name, yaw_rad, pitch_rad] belongs")
    if not all(type(n) in (int, float) for n in plain[1:]):
        raise ValueError(f"{plain!r:.80} where [name, yaw_rad, pitch_rad] belongs")
    yaw_rad, pitch_rad = (float(n) for n in plain[1:])
    if not (math.isfinite(yaw_rad) and math.isfinite(pitch_rad)):
        raise ValueError(f"{plain!r:.80} where finite angles belong")
    return plain[0], yaw_rad, pitch_rad


def numbers(values: object, count: int) -> tuple[float, ...]:
    """``count`` numbers of a list; NaN for null.

    Raises:
        ValueError: it holds something else.
    """
    if not isinstance(values, list | tuple) or len(values) != count:
        raise ValueError(f"{values!r} where {count} numbers belong")
    if not all(value is None or (type(value) in (int, float) and abs(value) < _MOST) for value in values):
        raise ValueError(f"{values!r} where numbers belong")
    return tuple(math.nan if value is None else float(value) for value in values)
