"""R2R's submission files: what an agent walked for each instruction, as the test server takes it.

A file is ``[{"instr_id": "12_0", "trajectory": [[viewpoint, heading, elevation], ...]}, ...]``, headings
clockwise from north, elevations up, both in radians; the start comes first, and each viewpoint is the one
before (a turn) or a neighbour of it. Scored by the rules of the Matterport3D simulator's evaluator.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from placecell.errors import EpisodeError

from ..habitat_files import Entry, is_number, kind
from .instructed import InstructedEpisode, heading_of_yaw, nodes_of
from .json_files import read_list
from .measures import instruction_measures
from .panorama_graph import PanoramaGraph

Stand = tuple[str, float, float]
"""A panorama's name, yaw and pitch in radians."""
Trajectories = dict[str, tuple[int, ...]]
"""The nodes of each instruction's trajectory, by ``instr_id``; turns repeat a node."""

_FORM = "pass a submission: [{'instr_id': '12_0', 'trajectory': [[viewpoint, heading, elevation], ...]}, ...]"


def to_submission(walks: Mapping[str, Sequence[Stand]]) -> list[dict[str, object]]:
    """The plain JSON of a submission, in the order of the walks.

    Args:
        walks: by ``instr_id``, where the body stood, the start first.
    """
    return [
        {
            "instr_id": instr_id,
            "trajectory": [[name, heading_of_yaw(yaw), float(pitch)] for name, yaw, pitch in walk],
        }
        for instr_id, walk in walks.items()
    ]


def read_submission(
    path: str | Path,
    episodes: Iterable[InstructedEpisode],
    graphs: Mapping[str, PanoramaGraph],
    *,
    partial: bool = False,
) -> Trajectories:
    """The trajectories of a submission, each checked on its scan's graph.

    Args:
        path: of the file.
        episodes: those of the split that it is for.
        graphs: by scan.
        partial: whether instructions of the split may be missing.

    Raises:
        EpisodeError: the file is no submission; an ``instr_id`` is unknown, twice, or missing; a trajectory
            begins elsewhere than its episode, has an unknown viewpoint, or jumps (the ``instr_id`` and both
            viewpoints are named).
    """
    path = Path(path)
    known = {episode.episode_id: episode for episode in episodes}
    found: Trajectories = {}
    for entry in read_list(path, _FORM):
        instr_id = str(entry.get("instr_id", str))
        if instr_id in found:
            raise _refused(f"each instr_id of {path} once", f"{instr_id!r} twice")
        if instr_id not in known:
            raise _refused(
                f"the instr_ids of a split of {len(known)} instructions in {path}", f"{instr_id!r}"
            )
        episode = known[instr_id]
        found[instr_id] = _nodes(entry, episode, graphs[episode.scene_id])
    missing = [instr_id for instr_id in known if instr_id not in found]
    if missing and (not partial or not found):
        raise EpisodeError(
            expected=f"a trajectory for each of the {len(known)} instructions in {path}",
            came=f"{len(missing)} missing, such as {missing[0]}",
            fix="add them, or ask for the score of a part (--partial)",
        )
    return found


def score(
    trajectories: Mapping[str, Sequence[int]],
    episodes: Iterable[InstructedEpisode],
    graphs: Mapping[str, PanoramaGraph],
) -> dict[str, dict[str, float]]:
    """The measures of each trajectory, by ``instr_id`` in the order of the episodes.

    Beside those of :func:`~placecell.envs.graph.measures.instruction_measures` (the evaluator's navigation
    error is ``distance_to_goal``, its length ``path_length``) stand its ``oracle_error``, metres to the goal
    from the nearest viewpoint of the trajectory, and its ``steps``, turns included. Where goals are secret
    there are the length and the steps.
    """
    rows = {}
    for episode in episodes:
        if episode.episode_id not in trajectories:
            continue
        graph, walked = graphs[episode.scene_id], trajectories[episode.episode_id]
        path = nodes_of(graph, episode)
        row = {**instruction_measures(graph, walked, path), "steps": float(len(walked) - 1)}
        if episode.goal is not None:
            row["oracle_error"] = float(graph.distances_to(path[-1])[list(walked)].min())
        rows[episode.episode_id] = row
    return rows


def mean_of(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over the instructions, each weighing the same.

    Raises:
        EpisodeError: there is no row.
    """
    if not rows:
        raise _refused("one scored instruction or more", "none")
    names = next(iter(rows.values()))
    return {name: float(np.mean([row[name] for row in rows.values()])) for name in names}


def _nodes(entry: Entry, episode: InstructedEpisode, graph: PanoramaGraph) -> tuple[int, ...]:
    instr_id = episode.episode_id
    trajectory = entry.get("trajectory", list)
    wrong = [stand for stand in trajectory if not _is_stand(stand)]
    if wrong or not trajectory:
        came = kind(wrong[0] if wrong else trajectory)
        raise _refused(f"[viewpoint, heading, elevation] in the trajectory of {instr_id}", came)
    names = [name for name, _, _ in trajectory]
    if names[0] != episode.start:
        raise _refused(f"the trajectory of {instr_id} to begin at its start {episode.start}", names[0])
    try:
        nodes = graph.indices_of(names)
    except EpisodeError as error:
        raise _refused(f"{error.expected} in the trajectory of {instr_id}", error.came) from error
    for before, after in pairwise(nodes):
        if before != after and after not in graph.neighbours(before):
            raise _refused(
                f"the trajectory of {instr_id} to go along the edges of {graph.name}",
                f"a jump {graph.names[before]} -> {graph.names[after]}",
            )
    return nodes


def _is_stand(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(map(is_number, value[1:]))
    )


def _refused(expected: str, came: str) -> EpisodeError:
    return EpisodeError(expected=expected, came=came, fix="correct the file, or choose the split it is for")
