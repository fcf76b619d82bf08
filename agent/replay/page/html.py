"""The page of one episode."""

import json
import math
from collections.abc import Mapping
from html import escape
from typing import Any

from ...recording import Recording
from ...results import success_of
from .from_above import SIDE
from .gather import goal_of, scene_of
from .images import Pictures
from .links import NO_NEIGHBOURS, Neighbours
from .panoramas import among_panoramas
from .route import route_thumbnail
from .template import assembled, data_of

MOST_BYTES = 15_000_000
_MOST_STEPS = 500
_OF_IMAGES = 0.8  # of a page's bytes, as long as nothing is known of the rest


def episode_page(recording: Recording, neighbours: Neighbours = NO_NEIGHBOURS) -> str:
    """The whole page, in one file that loads nothing.

    At most 15 MB for 500 steps, and in proportion beyond: the images get what the rest leaves.

    Args:
        recording: of any level, with a step at least; a light one shows neither images nor the map.
        neighbours: the episodes before and after, where they have pages.

    Raises:
        ArchiveError: no step, or a damaged frame.
    """
    most = MOST_BYTES * max(1.0, len(recording.steps) / _MOST_STEPS)
    pictures = Pictures(recording, int(_OF_IMAGES * most))
    scene = scene_of(recording, pictures.see)
    images = pictures.within(int(most - len(json.dumps(scene)) * 1.1 - 200_000))
    width, height = images.size or (4, 3)
    header = recording.header
    scene["images"] = {"steps": images.steps, "rgb": images.rgb, "depth": images.depth, "far": images.far_m}
    values = {
        "title": escape(f"{header.get('episode_id', recording.folder.name)}: {goal_of(header)}"),
        "episode": escape(str(header.get("episode_id", recording.folder.name))),
        "goal": escape(goal_of(header)),
        "scene": escape(str(header.get("scene_id", ""))),
        "oracle": escape(", ".join(header.get("oracle") or []) or "none"),
        "outcome": pill(*outcome_of(recording.end)),
        "notice": _notice(recording, scene["map"], scene["graph"]),
        "facts": _facts(recording),
        "neighbours": neighbours.markup(),
        "thumbnail": images.thumbnail
        or route_thumbnail(recording)
        or "data:,",  # an empty one would ask for the page itself
        "width": str(width),
        "height": str(height),
        "last": str(len(recording.steps) - 1),
        "kind": ("full" if images.steps else "light") + (" instructed" if scene["instruction"] else ""),
        "data": data_of(scene),
    }
    return assembled("page.html", ("map.js", "graph.js", "page.js"), values)


def outcome_of(end: Mapping[str, Any] | None) -> tuple[str, str]:
    """A kind (``good``, ``bad``, ``broken``) and words for how an episode went; None: it was cut off."""
    if end is None:
        return "broken", "cut off"
    status = str(end.get("status", ""))
    if status != "done":
        return "broken", status.replace("_", " ")
    success = success_of(end.get("measures") or {})
    if end.get("failure"):
        return "bad", str(end["failure"])
    if success is None or math.isnan(success):
        return "plain", "done"
    return ("good", "success") if success > 0 else ("bad", "failed")


def pill(kind: str, words: str) -> str:
    """Markup of an outcome."""
    return f'<span class="pill {kind}">{escape(words)}</span>'


def _notice(recording: Recording, above: Mapping[str, Any] | None, graph: Mapping[str, Any] | None) -> str:
    """What a reader has to know beforehand; ``above``, ``graph``: as the page has them."""
    said = []
    header = recording.header
    if header["level"] == "light":
        lacks, them = ("no images, no map", "them")
        if among_panoramas(recording):  # whose panoramas have no images here
            lacks, them = ("no map", "it")
        said.append(f"A light recording: {lacks} of the memory. Run with record=full for {them}.")
    elif (every := header.get("every", 1)) != 1:
        said.append(f"Images and map were recorded every {every} steps; between them the last ones stay.")
    if recording.end is None:
        said.append(f"The episode was cut off after {len(recording.steps)} steps.")
    elif reason := recording.end.get("reason"):
        said.append(f"{recording.end.get('status')}: {reason}")
    if above is not None:
        said += _cut_of_map(above)
    if graph is not None and graph["leftOut"]:
        said.append(f"{graph['leftOut']} panoramas far from the route were not recorded, and are not drawn.")
    return "".join(f'<p class="notice">{escape(text)}</p>' for text in said)


def _cut_of_map(above: Mapping[str, Any]) -> list[str]:
    """What a wide map lost: it is drawn coarser, and cut where even that is too little."""
    said = []
    if above["coarser"] > 1 and above["columns"]:
        cell_m = above["cell"] / above["coarser"]
        said.append(f"A wide map: drawn in cells of {above['cell']:g} m, the memory's own are {cell_m:g} m.")
    if above["leftOut"]:
        side_m = SIDE * above["cell"]
        said.append(f"{above['leftOut']} cells of the map lie beyond the {side_m:.0f} m that are drawn.")
    return said


def _facts(recording: Recording) -> str:
    header, end = recording.header, recording.end or {}
    memory = header.get("memory") or {}
    settings = ", ".join(f"{key} {value}" for key, value in (memory.get("settings") or {}).items())
    tags = ", ".join(f"{key} {value}" for key, value in (header.get("tags") or {}).items())
    facts = {
        "policy": header.get("policy"),
        "memory": f"{memory.get('class', 'not told')}{f' ({settings})' if settings else ''}",
        "start": f"{header.get('arm')} memory",
        "scene": header.get("scene_id"),
        "tags": tags,
        "seed": f"{header.get('seed')} of the episode, {header.get('run_seed')} of the run",
        "steps": f"{len(recording.steps)}{', at the limit' if end.get('truncated') else ''}",
    }
    rows = (f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in facts.items() if value)
    return "".join(rows)
