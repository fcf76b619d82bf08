"""Object labels as REVERIE's ``BBox`` files hold them: one ``{scan}_{viewpoint}.json`` a viewpoint.

A file is ``{viewpoint: {object id: {"name", "visible_pos": [view], "bbox2d": [[x, y, w, h]]}}}``: what lies
within 3 m, and its box in each of the 36 views that shows it. An object may be listed without any view: it is
near, and hidden. Names have ``#`` for a space. Source: Qi et al. 2020, "REVERIE: Remote Embodied Visual
Referring Expression in Real Indoor Environments", section 3.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16, Int32, Int64

from placecell.arrays import content_hash
from placecell.errors import DataError

from ..folders import data_folder, existing_folder
from .array_cache import Arrays, load_or_make

DATA_SET = "reverie_bbox"
WIDTH, HEIGHT = 640, 480
VIEWS = 36
HIDDEN = -1
_FORMAT = 1  # raise it when the table changes


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Every label of a folder; those of viewpoint ``v`` are the rows ``first[v]`` to ``first[v + 1]``.

    Args:
        categories: all names of the folder, sorted, ``""`` before them: the same index in every scan.
        viewpoints: ``scan_viewpoint`` of each file, sorted.
        first: ``(v + 1,)`` where a viewpoint's rows begin.
        instance: ``(r,)`` the object's id, unique within its scan; rows of a viewpoint rise by it.
        category: ``(r,)`` index into ``categories``.
        view: ``(r,)`` the view that shows it best, 0..35; ``HIDDEN`` where none does.
        box: ``(r, 4)`` its left, top, width, height in that view, pixels of 640x480; zeros where hidden.
    """

    categories: tuple[str, ...]
    viewpoints: tuple[str, ...]
    first: Int64[np.ndarray, " _"]
    instance: Int32[np.ndarray, " r"]
    category: Int32[np.ndarray, " r"]
    view: Int16[np.ndarray, " r"]
    box: Int16[np.ndarray, "r 4"]


def load_labels(folder: Path | None = None) -> LabelTable:
    """The labels of a folder, from the cache where none of its files changed since.

    Args:
        folder: of label files; None takes ``PLACECELL_DATA/reverie_bbox``.

    Raises:
        DataError: no such folder, none of its files holds labels, or one of them is damaged.
    """
    place = (
        data_folder(DATA_SET) if folder is None else existing_folder(folder, "name a folder of label files")
    )
    with os.scandir(place) as entries:
        found = [(one.name, one.stat()) for one in entries if one.name.endswith(".json") and "_" in one.name]
    found.sort(key=lambda one: one[0])
    if not found:
        raise DataError(
            expected="label files SCAN_VIEWPOINT.json",
            came=f"{place} without any",
            fix="name the folder that REVERIE's BBox files were unpacked to",
        )
    key = content_hash(_FORMAT, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found])
    return load_or_make(
        f"labels/{key[:32]}",
        lambda: read_labels([place / name for name, _ in found]),
        _packed, _unpacked, what="the object labels",
    )  # fmt: skip


def read_labels(paths: list[Path]) -> LabelTable:
    """The labels of some files.

    Raises:
        DataError: a file cannot be read or is not of REVERIE's form; it is named.
    """
    names: list[str] = []
    rows: list[list[int]] = []
    counts = [0]
    for path in paths:
        for instance, name, view, box in _of_file(path):
            names.append(name)
            rows.append([instance, view, *box])
        counts.append(len(names))
    categories = ("", *sorted(set(names) - {""}))
    index = {name: n for n, name in enumerate(categories)}
    table = np.array(rows, np.int64).reshape(-1, 6)
    return LabelTable(
        categories, tuple(path.stem for path in paths), np.array(counts, np.int64),
        table[:, 0].astype(np.int32), np.array([index[name] for name in names], np.int32),
        table[:, 1].astype(np.int16), table[:, 2:].astype(np.int16),
    )  # fmt: skip


def plain_name(name: str) -> str:
    """An object's name in words.

    >>> plain_name("bathroom##sink")
    'bathroom sink'
    """
    return " ".join(name.replace("#", " ").split())


def _of_file(path: Path) -> Iterator[tuple[int, str, int, list[int]]]:
    viewpoint = path.stem.partition("_")[2]
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, f"no JSON: {error}") from None
    if (
        not isinstance(content, dict)
        or list(content) != [viewpoint]
        or not isinstance(content[viewpoint], dict)
    ):
        raise _damaged(path, f"something else than the objects of viewpoint {viewpoint}")
    objects: dict[str, Any] = content[viewpoint]
    for key in objects:
        if not (key.isascii() and key.isdigit() and len(key) < 10):
            raise _damaged(path, f"object {key!r}, whose id is no number")
    for key in sorted(objects, key=int):
        try:
            name, views, boxes = (objects[key][part] for part in ("name", "visible_pos", "bbox2d"))
            seen = np.array([[*box, view] for view, box in zip(views, boxes, strict=True)]).reshape(-1, 5)
            yield int(key), plain_name(name), *_best(seen, f"object {key}", path)
        except (KeyError, TypeError, ValueError, AttributeError):
            came = f"object {key} without a name, views and a box [x, y, w, h] for each"
            raise _damaged(path, came) from None


def _best(seen: np.ndarray, what: str, path: Path) -> tuple[int, list[int]]:
    """The view whose box is whole (not cut by the view's edge), of several the one nearest to the middle."""
    if not len(seen):
        return HIDDEN, [0, 0, 0, 0]
    left, top, width, height, view = seen.T
    right, bottom = left + width, top + height
    inside = (left >= 0) & (top >= 0) & (width > 0) & (height > 0) & (right <= WIDTH) & (bottom <= HEIGHT)
    if seen.dtype.kind != "i" or not (inside & (view >= 0) & (view < VIEWS)).all():
        raise _damaged(path, f"{what} with a view or box outside of {VIEWS} views of {WIDTH}x{HEIGHT}")
    cut = (left == 0) | (top == 0) | (right == WIDTH) | (bottom == HEIGHT)
    away = (left + right - WIDTH) ** 2 + (top + bottom - HEIGHT) ** 2
    best = np.lexsort((view, away, cut))[0]
    return int(view[best]), seen[best, :4].tolist()


def _damaged(path: Path, came: str) -> DataError:
    return DataError(
        expected=f"object labels in {path}",
        came=came,
        fix=f"take the file anew: placecell-data verify {DATA_SET}",
    )


def _packed(table: LabelTable) -> Arrays:
    return {
        "categories": np.array(table.categories), "viewpoints": np.array(table.viewpoints),
        "first": table.first, "instance": table.instance, "category": table.category, "view": table.view,
        "box": table.box,
    }  # fmt: skip


def _unpacked(data: Arrays) -> LabelTable:
    return LabelTable(
        tuple(data["categories"].tolist()), tuple(data["viewpoints"].tolist()), data["first"],
        data["instance"], data["category"], data["view"], data["box"],
    )  # fmt: skip
