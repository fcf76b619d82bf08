"""The graphs' figures as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from placecell.agent.sweep_tables import NOT_RUN, markdown_table, mean_text

from .graph_walk import Walked
from .row import Row

_COLUMNS = {
    "r2r": {
        "SR": "success", "SPL": "spl", "NE, m": "distance_to_goal", "OSR": "oracle_success",
        "nDTW": "ndtw", "CLS": "cls", "TL, m": "path_length",
    },
    "streets": {
        "TC": "task_completion", "SPD, hops": "shortest_path_distance", "SED": "success_edit_distance",
        "nDTW (hops)": "ndtw_hops",
    },
    "tour": {
        "t-nDTW": "tour_ndtw", "SR": "success", "SPL": "spl", "NE, m": "distance_to_goal", "nDTW": "ndtw",
    },
}  # fmt: skip
_ABOUT = {
    "r2r": (
        "Room-to-Room, val_seen",
        "1,021 instructions, 340 paths, 56 scans (which training shares: val_unseen is not among the data). "
        "Success: within 3 m along the graph of the last viewpoint.",
    ),
    "streets": (
        "Streets: Touchdown and Map2Seq, unseen, dev",
        "The published image-free protocol: forward, left, right, stop; 55 actions at most, turns included; "
        "no move into a panorama with fewer than two neighbours; the start heading as the file gives it. "
        "Moves follow the directed links, distances the undirected ones. Halves by hash: the agent was made "
        "on the even one and walked the odd one once.",
    ),
    "tour": (
        "IVLN tours: one scan",
        "The episodes of a scan in a fixed order; the agent is carried from where it stopped to its goal and "
        "on to the next start, and its memory is kept.",
    ),
}  # fmt: skip

_ABOUT_LABELS = (
    "Success where the instruction names something that is labelled on its path, and where it names nothing "
    "of the kind (known of the scans that have labels):"
)


def markdown(walked: Sequence[Walked], speed: Sequence[Row], made: Sequence[str] = ()) -> str:
    """``graphs.md``; ``made``: lines on what made it."""
    parts = [
        "# Panorama graphs: reference agents and streets",
        *made,
        "Means with 95 % intervals: bootstrap of scans (routes on the streets and in one scan), each drawn "
        "whole, its seeds with it.",
    ]
    for world, (title, about) in _ABOUT.items():
        rows = [row for row in walked if row.case.world == world]
        if rows:
            parts += [f"## {title}", about, _table(rows, world)]
        if world == "r2r" and (labelled := labelled_of(rows)):
            parts += [_ABOUT_LABELS, _labelled(rows, labelled)]
    if speed:
        parts += ["## Loading and stepping", _speed(speed)]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Walked], world: str) -> str:
    names = ("dataset", "agent") if world == "streets" else ("agent",)
    columns = _COLUMNS[world]
    head = (*names, "inputs", *columns, "actions", "episodes", "published, its source", "came out")
    return markdown_table(head, [_row(row, world, columns.values()) for row in rows])


def _row(row: Walked, world: str, measures: Sequence[str] | object) -> list[str]:
    case = row.case
    known = [case.name.partition("_")[0], case.agent] if world == "streets" else [case.agent]
    known.append(case.inputs or "-")
    columns = list(_COLUMNS[world].values())
    if row.refused is not None:
        return [*known, f"{NOT_RUN}: {row.refused}", *[""] * (len(columns) + 1), case.published, ""]
    seeds = f" ({len(case.seeds)} seeds)" if len(case.seeds) > 1 else ""
    return [
        *known,
        *(mean_text(row.mean(measure)) for measure in columns),
        f"{row.steps:.1f}",
        f"{row.done} of {len(row.results)}{seeds}",
        case.published or "-",
        verdict(row),
    ]


def labelled_of(rows: Sequence[Walked]) -> dict[str, bool]:
    """Of each episode that a row with labels walked, whether its instruction names something labelled."""
    tags = ((result.episode_id, result.tags.get("labelled")) for row in rows for result in row.results)
    return {episode: told for episode, told in tags if isinstance(told, bool)}


def _labelled(rows: Sequence[Walked], labelled: Mapping[str, bool]) -> str:
    head = ("agent", "inputs", "SR, something labelled", "SR, nothing", "episodes")
    lines = []
    for row in rows:
        if row.refused is None:
            parts = [
                replace(row, results=tuple(r for r in row.results if labelled.get(r.episode_id) is wanted))
                for wanted in (True, False)
            ]
            counts = " and ".join(str(len(part.results)) for part in parts)
            means = (mean_text(part.mean("success")) for part in parts)
            lines.append([row.case.agent, row.case.inputs or "-", *means, counts])
    return markdown_table(head, lines)


def verdict(row: Walked) -> str:
    """Whether what is known came out: ``yes``, or what did not."""
    if not row.case.known:
        return "-"
    missed = []
    for known in row.case.known:
        mean = row.mean(known.measure)
        if mean is None or not known.low <= mean.mean <= known.high:
            missed.append(f"{known.measure} is not {known.said}")
    return "; ".join(missed) or "yes"


def _speed(rows: Sequence[Row]) -> str:
    lines = [
        [row.name.replace("_", " "), f"{row.value:.4g} {row.unit}", row.target or "-",
         {None: "-", True: "yes", False: "no"}[row.passed]]
        for row in rows
    ]  # fmt: skip
    return markdown_table(("what", "figure", "target", "met"), lines)
