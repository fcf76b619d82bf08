"""Room-for-Room: long, winding paths, made by joining two of R2R whose ends are near each other.

Source: Jain et al. 2019, "Stay on the Path: Instruction Fidelity in Vision-and-Language Navigation", section
3, and its authors' generator: every ordered pair of paths of a scan (a path with itself included) where the
second starts within 3 m, along the graph, of the first one's end; between them the shortest path; each
instruction of the first followed by each of the second, unchanged; the first one's start heading. On R2R's
val_seen that gives the published 115 paths and 1,035 instructions. On train it gives 25,921 and 233,532,
where the authors count 25,930 and 233,613 of the same 407,511 pairs. Their averages (shortest paths of 28
panoramas fewer in all, though there are nine more) suggest an earlier version of the connectivity files, of
which several were revised; that was not tried. R2R's own paths and lengths fit today's.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from placecell.errors import EpisodeError

from .instructed import InstructedEpisode, nodes_of
from .panorama_graph import PanoramaGraph

JOIN_WITHIN_M = 3.0


def join_r4r(
    episodes: Sequence[InstructedEpisode], graphs: Mapping[str, PanoramaGraph]
) -> tuple[InstructedEpisode, ...]:
    """R4R's episodes from R2R's.

    Ids are ``{path_id}_{k}``, with path ids from 0 in the generator's order: scan by scan as they first come
    up, the first path before the second. ``info`` names both R2R paths.

    Args:
        episodes: of one split of R2R, in its order, goals known.
        graphs: by scan.

    Raises:
        EpisodeError: a scan without a graph, a secret goal, or a path that does not fit the graph.
    """
    made: list[InstructedEpisode] = []
    joined = 0
    for scan, paths in _paths_by_scan(episodes).items():
        if scan not in graphs:
            raise EpisodeError(
                expected=f"the graph of each scan, {scan} too",
                came=f"graphs of {len(graphs)} scans",
                fix="load the graphs of the episodes' scans",
            )
        for first, second in _pairs(paths, graphs[scan]):
            made += _join(paths[first], paths[second], graphs[scan], str(joined))
            joined += 1
    return tuple(made)


_Path = list[InstructedEpisode]


def _paths_by_scan(episodes: Sequence[InstructedEpisode]) -> dict[str, list[_Path]]:
    """The instructions of each path, the paths of each scan, as they first come up."""
    found: dict[str, dict[str, _Path]] = {}
    for episode in episodes:
        found.setdefault(episode.scene_id, {}).setdefault(episode.path_id, []).append(episode)
    return {scan: list(paths.values()) for scan, paths in found.items()}


def _pairs(paths: Sequence[_Path], graph: PanoramaGraph) -> list[list[int]]:
    """Which paths can be joined, as pairs of their places."""
    nodes = []
    for path in paths:
        if path[0].goal is None:
            raise EpisodeError(
                expected="R2R paths with their goals, to join",
                came=f"path {path[0].path_id}, whose goal is secret",
                fix="take train, val_seen or val_unseen",
            )
        nodes.append(nodes_of(graph, path[0]))
    starts = np.array([path[0] for path in nodes])
    apart = np.stack([graph.distances_from(path[-1])[starts] for path in nodes])
    return np.argwhere(apart <= JOIN_WITHIN_M).tolist()


def _join(first: _Path, second: _Path, graph: PanoramaGraph, path_id: str) -> list[InstructedEpisode]:
    between = graph.shortest_path(graph.index_of(first[0].path[-1]), graph.index_of(second[0].start))
    path = (*first[0].path[:-1], *(graph.names[node] for node in between), *second[0].path[1:])
    info = {"first_path_id": first[0].path_id, "second_path_id": second[0].path_id}
    texts = [one.instruction + other.instruction for one in first for other in second]
    start, yaw = first[0].start, first[0].start_yaw_rad
    return [
        InstructedEpisode(f"{path_id}_{k}", graph.name, path_id, text, start, yaw, path, info=info)
        for k, text in enumerate(texts)
    ]
