"""The index of a run: every episode in a table that sorts, failures first."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from placecell.errors import ArchiveError

from ...recording.header import read_header
from ...results import SUCCESSES, Result, Summary, in_order, summarise
from ...stored_run import RecordedEpisode, StoredRun
from .html import outcome_of, pill
from .instruction import beginning_of
from .links import has_page, href_of
from .template import assembled
from .thumbnails import thumbnail_in

INDEX_FILE = "index.html"
_LONGEST_REASON = 160
_FIRST = (
    "spl", "soft_spl", "distance_to_goal", "path_length", "collisions", "oracle_success",
    "shortest_path_distance", "success_edit_distance", "ndtw_hops", "path_length_hops",
)  # fmt: skip
_TILES = (*SUCCESSES, *_FIRST[:3], "shortest_path_distance", "success_edit_distance")
_RANK = {"broken": 0, "bad": 1, "plain": 2, "good": 3}


@dataclass(frozen=True)
class Row:
    """One episode of the table.

    Args:
        episode: its index in the dataset.
        episode_id: its name there.
        scene_id: where it took place; empty where that is not known.
        goal: what it was after.
        outcome: kind and words, as of :func:`~.html.outcome_of`.
        steps: actions taken; None where that is not known.
        measures: at the end.
        page: address of its page; empty where it has none.
        thumbnail: a data URI; empty where it has none.
        reason: why it broke; empty where it did not.
    """

    episode: int
    episode_id: str
    scene_id: str
    goal: str
    outcome: tuple[str, str]
    steps: int | None = None
    measures: Mapping[str, float] = field(default_factory=dict)
    page: str = ""
    thumbnail: str = ""
    reason: str = ""


def rows_of(run: StoredRun) -> list[Row]:
    """A row for every episode with a result or a recording, failures first, then by index."""
    recorded = {(episode.episode, episode.episode_id): episode for episode in run.recorded()}
    results = {(result.episode, result.episode_id): result for result in run.results}
    found = [_row(key, results.get(key), recorded.get(key)) for key in sorted({*recorded, *results})]
    return sorted(found, key=lambda row: (_RANK[row.outcome[0]], row.episode, row.episode_id))


def index_page(run: StoredRun, rows: Sequence[Row]) -> str:
    """The whole index, in one file that loads nothing.

    Args:
        run: that is shown.
        rows: its episodes, in the order that the table begins with.
    """
    known = {name for row in rows for name in row.measures} - set(SUCCESSES)
    measures = [name for name in _FIRST if name in known] + sorted(known - set(_FIRST))
    whole = {n for n in measures if all(_whole(row.measures.get(n, math.nan)) for row in rows)}
    summary = summarise(in_order(run.results), wanted=run.wanted)
    name = run.folder.resolve().name
    values = {
        "title": escape(f"{name}: episodes"),
        "run": escape(name),
        "what": escape(_what(run)),
        "summary": _summary(summary),
        "heads": "".join(_head(measure) for measure in measures),
        "rows": "\n".join(_markup(n, row, measures, whole) for n, row in enumerate(rows)),
        "count": str(len(rows)),
        "outcomes": _choices(rows),
    }
    return assembled("index.html", ("index.js",), values)


def _row(key: tuple[int, str], result: Result | None, recorded: RecordedEpisode | None) -> Row:
    page = thumbnail = ""
    if recorded is not None:
        page = f"episodes/{href_of(recorded.folder.name)}" if has_page(recorded) else ""
        thumbnail = thumbnail_in(recorded.folder)
    header = {} if recorded is None else _header_of(recorded)
    instruction = beginning_of(str(header.get("instruction") or ""))
    if result is None:
        goal = instruction or _goal(header.get("tags") or {})
        scene = str(header.get("scene_id") or "")
        return Row(*key, scene, goal, outcome_of(None), page=page, thumbnail=thumbnail)
    outcome = outcome_of({"status": result.status, "failure": result.failure, "measures": result.measures})
    done = result.status == "done"
    return Row(
        *key,
        result.scene_id,
        instruction or _goal(result.tags),
        outcome,
        result.steps,
        result.measures if done else {},
        page,
        thumbnail,
        "" if done else result.reason or "",
    )


def _header_of(recorded: RecordedEpisode) -> Mapping[str, Any]:
    """What the recording is of; nothing where that cannot be read."""
    try:
        return read_header(recorded.folder)
    except ArchiveError:
        return {}


def _goal(tags: Mapping[str, object]) -> str:
    return str(tags.get("category", tags.get("kind", ""))).replace("_", " ")


def _whole(value: float) -> bool:
    return not math.isfinite(value) or value % 1 == 0


def _what(run: StoredRun) -> str:
    """What was run, from its configuration, as far as that says."""
    told = []
    for key in ("env", "task", "agent", "memory", "perception"):
        value = run.config.get(key)
        if isinstance(value, Mapping):
            target = str(value.get("_target_", "")).rpartition(".")[2]
            name = value.get("name") or target.removeprefix("make_").removesuffix("_env")
            more = [str(value[n]) for n in ("split", "arm") if value.get(n)]
            told.append(f"{key} {' '.join([str(name), *more])}".strip())
    if "seed" in run.config:
        told.append(f"seed {run.config['seed']}")
    return " · ".join(told)


def _summary(summary: Summary) -> str:
    counts = summary.counts
    tiles = []
    for name in _TILES:
        if (mean := summary.measures.get(name)) is not None:
            interval = "" if mean.low is None else f"{mean.low:.3f} to {mean.high:.3f}"
            tiles.append(_tile(f"{mean.mean:.3f}", name.replace("_", " "), interval))
    wanted = counts.get("wanted", counts["attempted"])
    said = [f"{counts[n]} {n.replace('_', ' ')}" for n in ("crashed", "stalled", "timed_out") if counts[n]]
    tiles.insert(0, _tile(f"{counts['done']} / {wanted}", "episodes done", ", ".join(said)))
    oracle = ", ".join(summary.oracle) or "none"
    failures = ", ".join(f"{n} {name}" for name, n in summary.failures.items())
    lines = [f"<b>Oracle inputs:</b> {escape(oracle)}"]
    if failures:
        lines.append(f"<b>Failures:</b> {escape(failures)}")
    lines.append(f"Means over the episodes done, with 95 % intervals by {escape(summary.clusters)}.")
    return f'<dl class="tiles">{"".join(tiles)}</dl>' + "".join(f"<p>{line}</p>" for line in lines)


def _tile(value: str, name: str, below: str) -> str:
    small = f"<small>{escape(below) or '&nbsp;'}</small>"
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>"


def _choices(rows: Sequence[Row]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome[1]] = counts.get(row.outcome[1], 0) + 1
    return "".join(f'<option value="{escape(w)}">{escape(w)} ({n})</option>' for w, n in counts.items())


def _head(measure: str) -> str:
    name = escape(measure.replace("_", " "))
    return f'<th scope="col" class="number"><button type="button">{name}</button></th>'


def _markup(order: int, row: Row, measures: Sequence[str], whole: Collection[str]) -> str:
    name, kind = escape(row.episode_id), row.outcome[0]
    label = f'<a href="{escape(row.page)}">{name}</a>' if row.page else f'<span class="nowhere">{name}</span>'
    picture = '<span class="thumb"></span>'
    if row.thumbnail:
        # The name beside it says the same: a picture of its own would be read twice.
        size = 'width="56" height="42"'
        picture = f'<img class="thumb" src="{escape(row.thumbnail)}" alt="" {size} loading="lazy">'
    below = " · ".join(escape(text) for text in (row.goal, row.scene_id) if text)
    cells = [
        f'<th scope="row" data-value="{row.episode}"><div class="who">{picture}<div>{label}'
        f"<small>{below}</small></div></div></th>",
        f'<td data-value="{_RANK[kind]} {escape(row.outcome[1])}">{pill(*row.outcome)}{_reason(row)}</td>',
        _number(math.nan if row.steps is None else float(row.steps), "{:.0f}"),
        *(_number(row.measures.get(n, math.nan), "{:.0f}" if n in whole else "{:.3f}") for n in measures),
    ]
    return f'<tr data-order="{order}" data-outcome="{escape(row.outcome[1])}">{"".join(cells)}</tr>'


def _reason(row: Row) -> str:
    short = row.reason if len(row.reason) <= _LONGEST_REASON else row.reason[: _LONGEST_REASON - 1] + "…"
    return f'<small class="reason">{escape(short)}</small>' if short else ""


def _number(value: float, form: str) -> str:
    if not math.isfinite(value):
        return '<td class="number" data-value="">–</td>'
    return f'<td class="number" data-value="{value:.9g}">{form.format(value)}</td>'
