"""Matterport3D's panorama graphs, from the connectivity files of the Matterport3D simulator.

A file ``{scan}_connectivity.json`` lists viewpoints ``{image_id, pose, included, unobstructed,
height, ...}``. Source: Anderson et al. 2018, "Vision-and-Language Navigation: Interpreting
visually-grounded navigation instructions in real environments", section 3.
"""

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from placecell.errors import DataError, EpisodeError

from ..folders import data_folder, existing_folder
from ..habitat_files import is_number
from .graph_cache import load_or_read
from .panorama_graph import PanoramaGraph, graph_of

DATA_SET = "mp3d_connectivity"
VIEWS = 36
HEADINGS = 12  # views of one elevation
_SUFFIX = "_connectivity.json"
_STEP_RAD = math.pi / 6


def view_of(yaw_rad: float, pitch_rad: float) -> int:
    """Which of a panorama's 36 views a direction falls into, as the simulator numbers them.

    View ``12 * e + h`` looks 30 h degrees clockwise from north, at -30 (e = 0), 0 or 30 degrees elevation.

    >>> view_of(math.pi / 2, 0.0), view_of(0.0, 0.0), view_of(math.pi / 2, 0.5)
    (12, 15, 24)
    """
    return int(views_of(np.array([yaw_rad]), np.array([pitch_rad]))[0])


def views_of(yaws: Float[np.ndarray, " k"], pitches: Float[np.ndarray, " k"]) -> Int8[np.ndarray, " k"]:
    """:func:`view_of` for ``k`` directions."""
    heading = np.floor((np.pi / 2 - yaws) / _STEP_RAD + 0.5).astype(np.int64) % HEADINGS
    row = 1 + (pitches > _STEP_RAD / 2).astype(np.int64) - (pitches < -_STEP_RAD / 2)
    return (row * HEADINGS + heading).astype(np.int8)


def view_direction(view: int) -> tuple[float, float]:
    """Yaw in [-pi, pi) and pitch, in radians, of the middle of a view (0..35).

    Raises:
        EpisodeError: there is no such view.
    """
    if not 0 <= view < VIEWS:
        raise EpisodeError(
            expected=f"a view 0 to {VIEWS - 1}", came=str(view), fix="number views as the simulator does"
        )
    yaw = math.pi / 2 - view % HEADINGS * _STEP_RAD
    return (yaw + math.pi) % (2 * math.pi) - math.pi, (view // HEADINGS - 1) * _STEP_RAD


def scan_names(folder: Path | None = None) -> tuple[str, ...]:
    """The scans that a folder holds, sorted.

    Args:
        folder: of connectivity files; None takes ``PLACECELL_DATA/mp3d_connectivity``.

    Raises:
        DataError: no such folder, or none of its files is a connectivity file.
    """
    place = _place(folder)
    names = tuple(sorted(path.name.removesuffix(_SUFFIX) for path in place.glob(f"*{_SUFFIX}")))
    if not names:
        raise DataError(
            expected=f"connectivity files SCAN{_SUFFIX}",
            came=f"{place} without any",
            fix=f"fetch them with placecell-data fetch {DATA_SET}",
        )
    return names


def load_scans(names: Iterable[str] | None = None, folder: Path | None = None) -> dict[str, PanoramaGraph]:
    """The graphs of several scans by name, all kept in one file of the cache.

    Args:
        names: of the scans; None takes all that the folder holds.
        folder: as for :func:`load_scan`.

    Raises:
        DataError, EpisodeError: as :func:`load_scan`.
    """
    paths = {scan: _path(scan, folder) for scan in (scan_names(folder) if names is None else names)}
    if not paths:
        return {}
    contents = {scan: path.read_bytes() for scan, path in paths.items()}
    graphs = load_or_read(
        f"matterport {list(paths)}",
        list(contents.values()),
        lambda: [read_connectivity(content, scan, paths[scan]) for scan, content in contents.items()],
    )
    return dict(zip(paths, graphs, strict=True))


def load_scan(scan: str, folder: Path | None = None) -> PanoramaGraph:
    """The panorama graph of a scan: its included viewpoints and the ways between them.

    An edge joins two included viewpoints where the file says that the way is unobstructed. It is as long as
    their cameras are apart, straight, and its yaw and pitch are those from camera to camera, as the simulator
    gives a candidate's heading and elevation.

    Args:
        scan: its id.
        folder: of connectivity files; None takes ``PLACECELL_DATA/mp3d_connectivity``.

    Raises:
        DataError: no folder, or a damaged file.
        EpisodeError: the folder has no such scan.
    """
    path = _path(scan, folder)
    return read_connectivity(path.read_bytes(), scan, path)


def read_connectivity(content: bytes, scan: str, path: Path) -> PanoramaGraph:
    """The graph of one file's content.

    Raises:
        DataError: it is no JSON, or not of the simulator's form.
    """
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"no JSON: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _damaged(path, "something else than a list of viewpoints")
    return _graph(entries, scan, path)


def _graph(entries: list[dict[str, Any]], scan: str, path: Path) -> PanoramaGraph:
    for n, entry in enumerate(entries):
        _require_viewpoint(entry, n, len(entries), path)
    included = np.array([entry["included"] for entry in entries], bool)
    kept = [entry for entry in entries if entry["included"]]
    if not kept:
        raise _damaged(path, "no included viewpoint")
    names = [entry["image_id"] for entry in kept]
    if len(set(names)) != len(names):
        raise _damaged(path, "two viewpoints of one name")
    open_ways = np.array([entry["unobstructed"] for entry in kept], bool).reshape(len(kept), -1)[:, included]
    one_way = np.argwhere(open_ways & ~open_ways.T)
    if len(one_way):
        a, b = one_way[0]
        raise _damaged(path, f"an edge {names[a]} -> {names[b]} that leads one way only")
    np.fill_diagonal(open_ways, False)
    positions = np.array([[entry["pose"][k] for k in (3, 7, 11)] for entry in kept], np.float64).reshape(
        -1, 3
    )
    same = np.argwhere(open_ways & (positions[:, None] == positions[None]).all(axis=-1))
    if len(same):
        a, b = same[0]
        raise _damaged(path, f"an edge {names[a]} -> {names[b]} of no length")
    height = np.array([entry["height"] for entry in kept], np.float64)
    return graph_of(
        scan, names, positions, np.argwhere(open_ways).astype(np.int32),
        floor_height_m=positions[:, 2] - height,
    )  # fmt: skip


def _require_viewpoint(entry: Mapping[str, Any], n: int, count: int, path: Path) -> None:
    name = entry.get("image_id")
    where = f"viewpoint {n}"
    if not isinstance(name, str) or not name:
        raise _damaged(path, f"{where} without an image_id")
    if not isinstance(entry.get("included"), bool):
        raise _damaged(path, f"{where} ({name}) whose included is neither true nor false")
    for key, length in (("pose", 16), ("unobstructed", count)):
        values = entry.get(key)
        if not isinstance(values, list) or len(values) != length:
            came = f"{len(values)} values" if isinstance(values, list) else "none"
            raise _damaged(path, f"{where} ({name}) with {came} as {key}, not {length}")
    if not all(isinstance(value, bool) for value in entry["unobstructed"]):
        raise _damaged(path, f"{where} ({name}) whose unobstructed are not all true or false")
    if not all(map(is_number, [*entry["pose"], entry.get("height")])):
        raise _damaged(path, f"{where} ({name}) whose pose or height is no finite number")


def _damaged(path: Path, came: str) -> DataError:
    return DataError(
        expected=f"Matterport viewpoints in {path}",
        came=came,
        fix=f"fetch the file anew: placecell-data verify {DATA_SET}",
    )


def _path(scan: str, folder: Path | None) -> Path:
    path = _place(folder) / f"{scan}{_SUFFIX}"
    if not _is_file(path):
        known = scan_names(folder)
        raise EpisodeError(
            expected=f"one of the {len(known)} scans in {path.parent}",
            came=f"the unknown scan {scan!r}",
            fix=f"the nearest names are {', '.join(difflib.get_close_matches(scan, known, 3, 0.0))}",
        )
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long for a name
        return False


def _place(folder: Path | None) -> Path:
    if folder is None:
        return data_folder(DATA_SET)
    return existing_folder(folder, f"name a folder of SCAN{_SUFFIX} files")
