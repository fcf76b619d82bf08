"""Room-to-Room's files: ``R2R_{train,val_seen,val_unseen,test}.json``, three instructions or so a path.

Source: Anderson et al. 2018, "Vision-and-Language Navigation: Interpreting visually-grounded navigation
instructions in real environments"; the form is described in the Matterport3D simulator's ``tasks/R2R``.
"""

from pathlib import Path

from placecell.errors import EpisodeError

from ..habitat_files import Entry, kind
from .instructed import InstructedEpisode, yaw_of_heading
from .json_files import names_of, number_of, read_list, require_distinct

_FORM = (
    "pass a file of R2R's form: [{'path_id': 12, 'scan': '...', 'heading': 0.5, 'path': [viewpoints], "
    "'instructions': [texts]}, ...]"
)


def read_r2r(path: str | Path) -> tuple[InstructedEpisode, ...]:
    """The episodes of an R2R file, an instruction each, in its order.

    An episode's id is the field's ``instr_id``, ``{path_id}_{k}`` with ``k`` from 0. In the test split a path
    is its start alone, and the goal is secret. Elevations at the start are 0.

    Raises:
        EpisodeError: the file is missing, not JSON or of another form (the key and the entry are named), an
            instruction has no or too many words, or a path comes twice.
    """
    path = Path(path)
    found = [episode for entry in read_list(path, _FORM) for episode in _episodes_of(entry)]
    require_distinct(found, path)
    return tuple(found)


def _episodes_of(entry: Entry) -> list[InstructedEpisode]:
    path_id = str(entry.get("path_id", int, str))
    path = names_of(entry, "path")
    scan, yaw = entry.get("scan", str), yaw_of_heading(number_of(entry, "heading"))
    made = []
    for k, text in enumerate(entry.get("instructions", list)):
        if not isinstance(text, str):
            raise EpisodeError(
                expected=f"texts as 'instructions' {entry.where}", came=kind(text), fix=entry.form
            )
        made.append(InstructedEpisode(f"{path_id}_{k}", scan, path_id, text, path[0], yaw, path))
    return made
