"""One task given in words: where it starts, which way it faces, and the path that its words describe.

The field writes headings clockwise from north; ours count counter-clockwise from east. The readers of this
folder are the boundary: nothing behind them sees a heading.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from placecell.errors import EpisodeError

from ..episode import TourStop
from .panorama_graph import PanoramaGraph

MOST_WORDS = 1000
"""The longest instruction that is taken; the field's longest have 400 words."""


@dataclass(frozen=True)
class InstructedEpisode:
    """One instruction to follow on a panorama graph.

    Args:
        episode_id: unique within its dataset; of R2R ``{path_id}_{k}``, the field's ``instr_id``.
        scene_id: the graph's name: a scan, or ``manhattan``.
        path_id: what the instructions of one path share.
        instruction: as it was written, 1 to ``MOST_WORDS`` words.
        start: the panorama it starts at.
        start_yaw_rad: where the body looks at the start, counter-clockwise from east, as the dataset gives
            it: never taken from the path, which would tell the way.
        path: the panoramas that the instruction describes, the start first; the start alone, or none, where
            the split keeps them secret.
        language: of the instruction, as the dataset writes it.
        tour: its place in a tour; None outside of one.
        info: plain JSON that travels with it.

    Raises:
        EpisodeError: an instruction of no words or of too many, a path that begins elsewhere, or a heading
            that is not finite.
    """

    episode_id: str
    scene_id: str
    path_id: str
    instruction: str
    start: str
    start_yaw_rad: float
    path: tuple[str, ...] = ()
    language: str = "en"
    tour: TourStop | None = None
    info: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_instruction(self.instruction, self.episode_id)
        if not math.isfinite(self.start_yaw_rad):
            raise EpisodeError(
                expected=f"a finite start heading of episode {self.episode_id!r}",
                came=f"{self.start_yaw_rad}",
                fix="repair it, or leave the episode out",
            )
        if self.path and self.path[0] != self.start:
            raise EpisodeError(
                expected=f"the path of episode {self.episode_id!r} to begin at its start {self.start}",
                came=self.path[0],
                fix="put the start first, or leave the path out",
            )

    @property
    def goal(self) -> str | None:
        """Where the path ends; None where the dataset keeps it secret."""
        return self.path[-1] if len(self.path) > 1 else None


def require_instruction(instruction: str, episode_id: str) -> None:
    """Raises :class:`EpisodeError` for an instruction of no words, or of more than ``MOST_WORDS``."""
    words = len(instruction.split())
    if not 1 <= words <= MOST_WORDS:
        raise EpisodeError(
            expected=f"an instruction of 1 to {MOST_WORDS} words in episode {episode_id!r}",
            came=f"{words} words",
            fix="correct the instruction, or leave the episode out",
        )


def nodes_of(graph: PanoramaGraph, episode: InstructedEpisode) -> tuple[int, ...]:
    """The nodes of an episode's path, the start alone where the dataset keeps the path secret.

    Raises:
        EpisodeError: the episode is of another graph, or its start or path has a viewpoint that the graph
            lacks, or goes where no edge leads; the episode is named.
    """
    if episode.scene_id != graph.name:
        raise EpisodeError(
            expected=f"the graph of episode {episode.episode_id!r}, {episode.scene_id}",
            came=graph.name,
            fix="take the graph that the episode's scan names",
        )
    try:
        nodes = graph.indices_of(episode.path or (episode.start,))
        graph.path_length(nodes)
    except EpisodeError as error:
        raise EpisodeError(
            expected=f"{error.expected} in episode {episode.episode_id!r}", came=error.came, fix=error.fix
        ) from error
    return nodes


def yaw_of_heading(heading_rad: float) -> float:
    """Our yaw, in [-pi, pi), of a heading clockwise from north, both in radians.

    >>> yaw_of_heading(0.0) == math.pi / 2, yaw_of_heading(math.pi / 2)
    (True, 0.0)
    """
    if not math.isfinite(heading_rad):
        return heading_rad
    return (math.pi / 2 - heading_rad + math.pi) % (2 * math.pi) - math.pi


def heading_of_yaw(yaw_rad: float) -> float:
    """The heading clockwise from north, in [0, 2 pi), of our yaw, both in radians."""
    return (math.pi / 2 - yaw_rad) % (2 * math.pi)
