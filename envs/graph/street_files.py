"""Street instructions: Touchdown's and Map2Seq's files, one JSON object a line.

Sources: Chen et al. 2019, "Touchdown: Natural Language Navigation and Spatial Reasoning in Visual Street
Environments"; Schumann and Riezler 2021, "Generating Landmark Navigation Instructions from Maps as a
Graph-to-Text Problem"; the splits of map2seq_vln.
"""

import math
from pathlib import Path

from ..habitat_files import Entry
from .instructed import InstructedEpisode, yaw_of_heading
from .json_files import names_of, number_of, read_lines, require_distinct

SCENE = "manhattan"
_FORM = (
    "pass a street split: lines {'id' (Map2Seq) or 'route_id' (Touchdown): 7, 'route_panoids': [panoramas], "
    "'navigation_text': '...', 'start_heading': 22}"
)


def read_streets(path: str | Path) -> tuple[InstructedEpisode, ...]:
    """The episodes of a Touchdown or Map2Seq file, in its order.

    Start headings stay as the file gives them, in degrees there: all of Touchdown's are 0, which says
    nothing of the route, and must not be replaced by the route's own.

    Raises:
        EpisodeError: the file is missing, a line is of another form (its number is named), or an instruction
            has no or too many words, or comes twice.
    """
    path = Path(path)
    found = [_episode(entry) for entry in read_lines(path, _FORM)]
    require_distinct(found, path)
    return tuple(found)


def _episode(entry: Entry) -> InstructedEpisode:
    route = names_of(entry, "route_panoids")
    name = str(entry.get("route_id" if "route_id" in entry.value else "id", int, str))
    heading = math.radians(number_of(entry, "start_heading"))
    text = entry.get("navigation_text", str)
    return InstructedEpisode(name, SCENE, name, text, route[0], yaw_of_heading(heading), route)
