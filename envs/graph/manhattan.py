"""Manhattan's street panoramas: the graph of Touchdown, in its own and in the map2seq form.

``nodes.txt`` is ``id,heading,latitude,longitude`` (and in the map2seq form ``seen`` or ``unseen`` as a fifth
column, which nothing here needs); ``links.txt`` is ``from,heading,to``. Headings are degrees clockwise from
north, as driven: they are taken as they are, not worked out from the coordinates, which are rounded to 0.1 m.
Source: Chen et al. 2019, "Touchdown: Natural Language Navigation and Spatial Reasoning in Visual Street
Environments"; the fifth column, Schumann and Riezler 2022, "Analyzing Generalization of Vision and Language
Navigation to Unseen Outdoor Areas".
"""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Float

from placecell.errors import DataError

from ..folders import existing_folder
from .graph_cache import load_or_read
from .panorama_graph import PanoramaGraph, graph_of

NAME = "manhattan"
EARTH_RADIUS_M = 6_371_008.8
LEAST_M = 0.1  # of a link: panoramas whose rounded coordinates agree are still two


def metres_from_degrees(
    degrees: Float[np.ndarray, "k 2"], origin_degrees: tuple[float, float]
) -> Float[np.ndarray, "k 2"]:
    """``(k, 2)`` latitudes and longitudes as metres east and north of an origin (equirectangular).

    Over Manhattan the error of leaving the sphere is below 0.1 %.
    """
    away = np.radians(degrees - np.array(origin_degrees)) * EARTH_RADIUS_M
    return np.stack([away[:, 1] * math.cos(math.radians(origin_degrees[0])), away[:, 0]], -1)


def load_streets(folder: Path) -> PanoramaGraph:
    """The street graph of a folder with ``nodes.txt`` and ``links.txt``.

    Links are directed, as the files are. A position's origin is the first node, z is 0; a link is as long as
    its ends are apart, 0.1 m at least.

    Args:
        folder: such as ``PLACECELL_DATA/touchdown_graph`` or ``map2seq_unseen``.

    Raises:
        DataError: no such folder or file, a malformed line (named by file and number), or a link to a node
            that ``nodes.txt`` has not.
    """
    existing_folder(folder, "name a folder with nodes.txt and links.txt")
    texts = [_content(folder / name) for name in ("nodes.txt", "links.txt")]
    return load_or_read("manhattan", texts, lambda: [_read(folder, *texts)])[0]


def _read(folder: Path, nodes: bytes, links: bytes) -> PanoramaGraph:
    indices, degrees = _nodes(folder / "nodes.txt", nodes)
    ends, headings = _links(folder / "links.txt", links, indices)
    flat = metres_from_degrees(degrees, tuple(degrees[0].tolist()))
    return graph_of(
        NAME, tuple(indices), np.column_stack([flat, np.zeros(len(flat))]), ends,
        yaw=np.pi / 2 - np.radians(headings), least_m=LEAST_M, origin_degrees=tuple(degrees[0].tolist()),
    )  # fmt: skip


def _nodes(path: Path, content: bytes) -> tuple[dict[str, int], np.ndarray]:
    indices: dict[str, int] = {}
    degrees: list[tuple[float, float]] = []
    for number, parts in _lines(path, content):
        if len(parts) not in (4, 5) or not parts[0]:
            raise _malformed(path, number, "id,heading,latitude,longitude", parts)
        if parts[0] in indices:
            raise _malformed(path, number, "each node once", parts)
        indices[parts[0]] = len(indices)
        latitude = _number(parts[2], 90.0, path, number, parts)
        degrees.append((latitude, _number(parts[3], 180.0, path, number, parts)))
    if not degrees:
        raise _malformed(path, 1, "id,heading,latitude,longitude", [])
    return indices, np.array(degrees)


def _links(path: Path, content: bytes, indices: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    ends: dict[tuple[int, int], float] = {}
    for number, parts in _lines(path, content):
        if len(parts) != 3:
            raise _malformed(path, number, "from,heading,to", parts)
        for name in (parts[0], parts[2]):
            if name not in indices:
                raise _malformed(path, number, f"a link between nodes of nodes.txt, not {name!r}", parts)
        link = indices[parts[0]], indices[parts[2]]
        if link in ends or link[0] == link[1]:
            raise _malformed(path, number, "each link once, between two nodes", parts)
        ends[link] = _number(parts[1], 360.0, path, number, parts)
    return np.array(list(ends), np.int32).reshape(-1, 2), np.array(list(ends.values()), np.float64)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            expected=f"the street graph's file {path}",
            came=error.strerror or str(error),
            fix="name a folder with nodes.txt and links.txt",
        ) from None


def _lines(path: Path, content: bytes) -> list[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _malformed(path, line, "text in UTF-8", [repr(content[error.start : error.end])]) from None
    return [(n, line.split(",")) for n, line in enumerate(text.splitlines(), 1) if line]


def _number(text: str, most: float, path: Path, line: int, parts: list[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise _malformed(path, line, f"a number from {-most:g} to {most:g}, not {text!r}", parts)
    return value


def _malformed(path: Path, line: int, expected: str, parts: list[str]) -> DataError:
    return DataError(
        expected=f"{expected} in {path} line {line}",
        came=repr(",".join(parts)[:80]),
        fix="correct the line, or fetch the file anew",
    )
