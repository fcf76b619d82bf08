"""Panorama graphs kept on disk under the hash of the files they were read from."""

import json
from collections.abc import Callable, Sequence

import numpy as np

from placecell.arrays import content_hash

from .array_cache import Arrays, load_or_make
from .panorama_graph import PanoramaGraph

_FORMAT = 1  # raise it when a reader changes what it makes of a file
_PER_NODE = ("positions", "floor_height_m")
_PER_EDGE = ("other", "yaw", "pitch", "length_m")


def load_or_read(
    what: str, contents: Sequence[bytes], read: Callable[[], Sequence[PanoramaGraph]]
) -> tuple[PanoramaGraph, ...]:
    """The graphs that ``read`` makes of some files, read once per content.

    All of them share one file, see :func:`~placecell.envs.graph.array_cache.load_or_make`.

    Args:
        what: which reader, and whatever else its graphs depend on.
        contents: of the files.
        read: makes the graphs; what it raises is not kept.
    """
    return load_or_make(
        f"graphs/{content_hash(_FORMAT, what, *contents)[:32]}",
        lambda: tuple(read()), _packed, _unpacked, what="the panorama graphs",
    )  # fmt: skip


def _packed(graphs: Sequence[PanoramaGraph]) -> Arrays:
    about = [[graph.name, graph.names, graph.origin_degrees] for graph in graphs]
    return {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "degree": np.concatenate([np.diff(graph.first) for graph in graphs]),
        **{
            key: np.concatenate([getattr(graph, key) for graph in graphs]) for key in (*_PER_NODE, *_PER_EDGE)
        },
    }


def _unpacked(data: Arrays) -> tuple[PanoramaGraph, ...]:
    graphs = []
    node = edge = 0
    for name, names, origin in json.loads(data["about"].tobytes()):
        nodes = slice(node, node + len(names))
        first = np.concatenate([[0], np.cumsum(data["degree"][nodes])]).astype(np.int32)
        edges = slice(edge, edge + int(first[-1]))
        graphs.append(
            PanoramaGraph(
                name,
                tuple(names),
                first=first,
                origin_degrees=None if origin is None else tuple(origin),
                **{key: data[key][nodes] for key in _PER_NODE},
                **{key: data[key][edges] for key in _PER_EDGE},
            )
        )
        node, edge = nodes.stop, edges.stop
    return tuple(graphs)
