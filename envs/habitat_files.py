"""What all of Habitat's dataset files share: gzip and JSON, checked keys, content files, upright starts."""

import gzip
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from placecell.arrays import atomic_write
from placecell.errors import EpisodeError, OutputError
from placecell.geometry import habitat_from_yaw, y_up_from_z_up, yaw_from_habitat

CONTENT_SCENES_PATH = "{data_path}/content/{scene}.json.gz"
_VERTICAL_TOLERANCE = 1e-3
_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number", float: "a number",
          type(None): "null", bool: "true or false"}  # fmt: skip


def read_document(path: Path, form: str) -> dict[str, object]:
    """The JSON object in a file, gzip or plain; ``form`` says what to pass instead of another file.

    Raises:
        EpisodeError: the file is missing, truncated, not JSON, or holds something else than an object.
    """
    text = read_content(
        path,
        "a dataset of episodes",
        "check the path, or generate one for your mesh with placecell.envs.generate",
    )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EpisodeError(
            expected=f"{path} to be JSON", came=str(error), fix="copy or download it again"
        ) from error
    if not isinstance(document, dict):
        raise EpisodeError(expected=f"a JSON object in {path}", came=kind(document), fix=form)
    return document


def read_content(path: Path, what: str, fix: str) -> bytes:
    """What a file holds, gzip or plain.

    Args:
        path: of the file.
        what: it should be, and what to do (``fix``) where it is not there.

    Raises:
        EpisodeError: it is missing or truncated.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EpisodeError(
            expected=f"{what} at {path}", came=error.strerror or str(error), fix=fix
        ) from error
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (EOFError, OSError, zlib.error) as error:
        raise EpisodeError(
            expected=f"{path} to be a whole gzip file", came=str(error), fix="copy or download it again"
        ) from error


def write_document(path: Path, document: Mapping[str, object]) -> None:
    """Writes JSON whole or not at all; a name that ends in ``.gz`` is compressed, missing folders are made.

    Raises:
        OutputError: the file cannot be written.
    """
    content = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    except OSError as error:
        raise OutputError(
            expected=f"{path} to be writable",
            came=error.strerror or str(error),
            fix="choose another file, or make its folder writable",
        ) from error


def content_files(document: Mapping[str, object], path: Path) -> list[Path]:
    """The files with one scene's episodes each that a dataset without episodes of its own points to."""
    pattern = document.get("content_scenes_path", CONTENT_SCENES_PATH)
    if not isinstance(pattern, str) or pattern.count("{scene}") != 1:
        raise EpisodeError(
            expected=f"content_scenes_path of {path} to hold {{scene}} once",
            came=repr(pattern),
            fix=f"write {CONTENT_SCENES_PATH!r}",
        )
    folder, ending = pattern.replace("{data_path}", str(path.parent)).split("{scene}")
    return sorted(part for part in Path(folder).glob("*") if part.name.endswith(ending))


def bare_name(scene_id: str) -> str:
    """A scene's name without folders and endings.

    >>> bare_name("hm3d/val/00800-X/X.basis.glb")
    'X'
    """
    return Path(scene_id).name.split(".")[0]


@dataclass(frozen=True)
class Entry:
    """A JSON object, what to call it when a key of it is not as it should be, and what to pass instead."""

    value: Mapping[str, object]
    where: str
    form: str

    def get(self, key: str, *kinds: type) -> Any:
        """The value of ``key``, one of ``kinds``; raises :class:`EpisodeError`."""
        if key not in self.value:
            came = "the keys " + ", ".join(map(str, self.value)) if self.value else "no keys"
            raise EpisodeError(expected=f"a key {key!r} {self.where}", came=came, fix=self.form)
        value = self.value[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            names = " or ".join(_KINDS[kind] for kind in kinds)
            raise EpisodeError(expected=f"{names} as {key!r} {self.where}", came=kind(value), fix=self.form)
        return value

    def optional(self, key: str, *kinds: type) -> Any:
        """The same, or None where the key is missing."""
        return Entry({key: None, **self.value}, self.where, self.form).get(key, *kinds, type(None))

    def numbers(self, key: str, count: int) -> np.ndarray:
        """``count`` finite numbers, float64."""
        value = self.get(key, list)
        if len(value) != count or not all(map(is_number, value)):
            raise EpisodeError(
                expected=f"{count} finite numbers as {key!r} {self.where}",
                came=json.dumps(value)[:80],
                fix="repair or remove that episode",
            )
        return np.array(value, dtype=np.float64)

    def inner(self, value: object, name: str, role: str = "") -> "Entry":
        """An object within this one, by what it is called; ``role`` is what it should have been."""
        where = f"{name} {self.where}"
        if not isinstance(value, dict):
            raise EpisodeError(expected=f"an object as {role}{where}", came=kind(value), fix=self.form)
        return Entry(value, f"of {where}", self.form)


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number that a float can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def kind(value: object) -> str:
    """What a JSON value is, and its beginning."""
    return f"{_KINDS[type(value)]} ({json.dumps(value)[:60]})"


def vertical_yaw(rotation_xyzw: np.ndarray, where: str) -> float:
    """Our yaw of a start rotation.

    Raises:
        EpisodeError: no unit quaternion, or one about another axis than the vertical.
    """
    x, _, z, _ = rotation_xyzw
    length = float(np.linalg.norm(rotation_xyzw))
    if abs(length - 1) > _VERTICAL_TOLERANCE or math.hypot(x, z) > _VERTICAL_TOLERANCE:
        raise EpisodeError(
            expected=f"start_rotation {where} to be a unit quaternion [0, y, 0, w] about the vertical axis",
            came=json.dumps(rotation_xyzw.tolist()),
            fix="write it as x, y, z, w (w last) with x = z = 0: a body starts upright",
        )
    return yaw_from_habitat(rotation_xyzw / length)


def position_entry(position: object) -> list[float]:
    """A point of ours as Habitat writes it, y up."""
    return y_up_from_z_up(np.asarray(position, np.float64)).tolist()


def rotation_entry(yaw_rad: float) -> list[float]:
    """A yaw of ours as Habitat writes it: a quaternion x, y, z, w."""
    return habitat_from_yaw(yaw_rad).tolist()


def plain_info(episode_id: str, info: Mapping[str, object]) -> dict[str, object]:
    """``info`` as a dict that JSON can hold; raises :class:`EpisodeError`."""
    plain = dict(info)
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EpisodeError(
            expected=f"info of episode {episode_id!r} to be plain finite JSON",
            came=str(error),
            fix="use str, int, float, bool, None, lists and dicts",
        ) from error
    return plain


def require_level(episode_id: str, pitch_rad: float) -> None:
    """Raises :class:`EpisodeError` for a start that looks up or down, which Habitat's files cannot say."""
    if pitch_rad != 0:
        raise EpisodeError(
            expected=f"a level start of episode {episode_id!r}",
            came=f"a pitch of {math.degrees(pitch_rad):g} degrees",
            fix="set pitch_rad to 0: Habitat's PointNav has no pitch at the start",
        )


def require_once(episodes: Any, path: Path) -> None:
    """Raises :class:`EpisodeError` where a scene has an episode twice."""
    seen: set[tuple[str, str]] = set()
    for episode in episodes:
        key = (episode.scene_id, episode.episode_id)
        if key in seen:
            raise EpisodeError(
                expected=f"each episode of {path} once",
                came=f"episode {episode.episode_id!r} of scene {episode.scene_id!r} twice",
                fix="give each episode of a scene its own episode_id",
            )
        seen.add(key)
