"""Room-across-Room's files: one instruction a line, in several languages, ``.jsonl`` or ``.jsonl.gz``.

Source: Ku et al. 2020, "Room-Across-Room: Multilingual Vision-and-Language Navigation with Dense
Spatiotemporal Grounding"; the guide annotations.
"""

from pathlib import Path

from ..habitat_files import Entry
from .instructed import InstructedEpisode, yaw_of_heading
from .json_files import names_of, number_of, read_lines, require_distinct

_FORM = (
    "pass RxR's guide annotations: lines {'instruction_id': 26, 'path_id': 11, 'scan': '...', "
    "'heading': 3.1, 'path': [viewpoints], 'language': 'en-IN', 'instruction': '...'}"
)


def read_rxr(path: str | Path, *, language: str | None = None) -> tuple[InstructedEpisode, ...]:
    """The episodes of a file of RxR, in its order; their ids are its ``instruction_id``.

    Where a path is its start alone, as in the public test files, the goal is secret.

    Args:
        path: of the file.
        language: the beginning of the languages wanted (``en``, ``en-US``); None takes all.

    Raises:
        EpisodeError: the file is missing or damaged, a line is of another form (its number is named), an
            instruction has no or too many words or comes twice, or none is in the language.
    """
    path = Path(path)
    found = [_episode(entry) for entry in read_lines(path, _FORM)]
    if language is not None:
        found = [episode for episode in found if episode.language.startswith(language)]
    require_distinct(found, path)
    return tuple(found)


def _episode(entry: Entry) -> InstructedEpisode:
    path = names_of(entry, "path")
    return InstructedEpisode(
        episode_id=str(entry.get("instruction_id", int, str)),
        scene_id=entry.get("scan", str),
        path_id=str(entry.get("path_id", int, str)),
        instruction=entry.get("instruction", str),
        start=path[0],
        start_yaw_rad=yaw_of_heading(number_of(entry, "heading")),
        path=path,
        language=entry.get("language", str),
    )
