"""What a run leaves: one line an episode (``results.jsonl``), and what they come to (``summary.json``).

JSON has no infinity and no NaN: a measure that is not finite (the distance to a goal that cannot be reached)
is ``null`` in a file, NaN once read, and left out of its mean, whose ``n`` says over how many it is.
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from placecell.arrays import generator

from .bootstrap import bootstrap_interval
from .result_lines import checked_line, fields_of, from_newer, no_result, split_lines

Status = Literal["done", "crashed", "stalled", "timed_out"]
STATUSES: tuple[Status, ...] = get_args(Status)
RESULTS_FILE = "results.jsonl"
SUCCESSES = ("success", "task_completion")
"""The measures that say whether an episode succeeded, the first that is there."""
Tag = str | int | float | bool
Start = tuple[float, float, float, float]

_MOST_REASONS = 20


@dataclass(frozen=True)
class Result:
    """How one episode went.

    Args:
        episode: its index in the environment's dataset.
        episode_id: its name there, unique within its scene.
        scene_id: where it took place.
        status: ``done`` when the environment ended it; the others have no measures that count.
        truncated: the environment's own step limit ended it; it counts as any other done episode.
        steps: actions taken.
        measures: the environment's measures after the last step, by Habitat's names.
        oracle: inputs used that no agent has in the world.
        failure: which kind of failure (:mod:`~placecell.agent.failures`); None for a success, for what is not
            ``done``, and where the environment doesn't show enough to tell.
        reason: what broke, when ``status`` is not ``done``.
        tags: what the episode is, by the environment's names (``kind``, ``tour``, ``visit``, ...), and what
            the memory came to at its end (``memory_bytes``, ``memory_items``).
        start: where it starts in the world: x, y, z in metres, yaw in radians; None where that is not known.
        seconds: wall time; the only field in which two runs with one seed differ.
    """

    episode: int
    episode_id: str
    scene_id: str
    status: Status
    truncated: bool
    steps: int
    measures: Mapping[str, float]
    oracle: tuple[str, ...] = ()
    failure: str | None = None
    reason: str | None = None
    tags: Mapping[str, Tag] = field(default_factory=dict)
    start: Start | None = None
    seconds: float = 0.0

    def to_line(self) -> str:
        """One line of ``results.jsonl``, with its newline; equal results give equal bytes."""
        fields = asdict(self)
        fields["measures"] = {name: finite(value) for name, value in self.measures.items()}
        fields["seconds"] = round(self.seconds, 6)
        return checked_line(fields)

    @classmethod
    def from_line(cls, line: str, where: str) -> "Result":
        """The result that :meth:`to_line` wrote, or one of those from before there were tags and starts.

        Raises:
            OutputError: the line is cut, no JSON, edited, or has keys too few or too many; ``where`` names it
                in the message.
        """
        return _result_of(fields_of(line.encode(), where), where)


@dataclass(frozen=True)
class Mean:
    """A mean over ``n`` episodes with its 95 % bootstrap interval (None: fewer than two clusters)."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Args:
        counts: the denominators: ``wanted`` where it is known, attempted, done, crashed, stalled, timed_out.
        measures: means over the ``done`` episodes.
        clusters: what was drawn together for the intervals, see :func:`clusters_of`.
        oracle: inputs used that no agent has in the world.
        failures: how many done episodes failed in which way, the most frequent first.
        reasons: how many episodes were not done for which reason (``"crashed: ValueError: ..."``), the most
            frequent first; beyond twenty kinds the rest is ``"other reasons"``.
    """

    counts: Mapping[str, int]
    measures: Mapping[str, Mean]
    clusters: str
    oracle: tuple[str, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """``summary.json``, indented."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def finite(value: float) -> float | None:
    """The value, or None where JSON has no number for it.

    >>> finite(0.5), finite(math.inf)
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def success_of(measures: Mapping[str, Any]) -> float | None:
    """How well an episode went by the measure that stands for success; None where it has none.

    ``success``, or in the streets, whose field has another name and another rule, ``task_completion``.

    >>> success_of({"success": 1.0}), success_of({"task_completion": 0.0}), success_of({"path_length": 9.0})
    (1.0, 0.0, None)
    """
    found = (measures.get(name) for name in SUCCESSES)
    return next((float(value) for value in found if value is not None), None)


def summarise(results: Sequence[Result], *, seed: int = 0, wanted: int | None = None) -> Summary:
    """Means and intervals over the episodes that are done, and how many were not.

    The order of the results says nothing: they are taken in that of the dataset.

    Args:
        results: of one run, finished or not.
        seed: of the intervals' draws.
        wanted: how many episodes the run was asked for, where that is known.
    """
    results = in_order(results)
    done = [result for result in results if result.status == "done"]
    clusters, _ = clusters_of(done)
    names = dict.fromkeys(name for result in done for name in result.measures)
    measures = {name: mean_of(name, done, clusters=clusters, seed=seed) for name in names}
    counts = {} if wanted is None else {"wanted": wanted}
    counts |= {"attempted": len(results)}
    counts |= {status: sum(result.status == status for result in results) for status in STATUSES}
    failures = _counted(result.failure for result in results if result.failure is not None)
    reasons = _counted(f"{r.status}: {r.reason or 'no reason'}" for r in results if r.status != "done")
    oracle = tuple(sorted({name for result in results for name in result.oracle}))
    means = {name: mean for name, mean in measures.items() if mean is not None}
    return Summary(counts, means, clusters, oracle, failures, _shortened(reasons))


def read_results(folder: Path, *, torn: Literal["error", "leave"] = "error") -> tuple[Result, ...]:
    """The episodes of a run's folder, in the order in which they were finished.

    Args:
        folder: of the run.
        torn: what becomes of a last line without a newline, which is what a kill leaves: an error, or
            ``leave``: it is passed over.

    Raises:
        OutputError: there is no ``results.jsonl``; one of its lines cannot be read or was edited; an episode
            is there twice. File and line are named.
    """
    lines: dict[int, str] = {}
    results = []
    for line, where in split_lines(folder / RESULTS_FILE, torn=torn):
        result = _result_of(fields_of(line, where), where)
        if result.episode in lines:
            raise no_result(where, f"episode {result.episode} again, which is in {lines[result.episode]} too")
        lines[result.episode] = where.rpartition(", ")[2]
        results.append(result)
    return tuple(results)


def in_order(results: Sequence[Result]) -> list[Result]:
    """The results in the order of the dataset, whatever that of finishing was."""
    return sorted(results, key=lambda result: result.episode)


def mean_of(
    measure: str, results: Sequence[Result], *, clusters: str | None = None, seed: int = 0
) -> Mean | None:
    """The mean of one measure over the episodes that are done, or None where none has a finite value of it.

    Args:
        measure: a key of their measures.
        results: of one run, in any order.
        clusters: what is drawn together, one of :func:`clusters_of`; None: what that says of them.
        seed: of the interval's draws.
    """
    done = [result for result in in_order(results) if result.status == "done"]
    groups = clusters_of(done)[1] if clusters is None else cluster_names(done, clusters)
    kept = [
        (value, group)
        for result, group in zip(done, groups)
        if math.isfinite(value := result.measures.get(measure, math.nan))
    ]
    if not kept:
        return None
    values = [value for value, _ in kept]
    drawn = bootstrap_interval(values, [group for _, group in kept], generator(seed, "bootstrap", measure))
    low, high = drawn or (None, None)
    return Mean(sum(values) / len(values), low, high, len(values))


def clusters_of(results: Sequence[Result]) -> tuple[str, list[str]]:
    """What episodes share, and so are drawn together: its kind, and a name an episode.

    ``"scene"`` where there are several; within one scene ``"path"`` where tags name several (instructions
    that share a path); else ``"episode"``.
    """
    for kind in ("scene", "path"):
        names = cluster_names(results, kind)
        several = len(set(names)) > 1
        if several and (kind == "scene" or any("path" in result.tags for result in results)):
            return kind, names
    return "episode", cluster_names(results, "episode")


def cluster_names(results: Sequence[Result], kind: str) -> list[str]:
    """The name of each episode's cluster; what has no path is one of its own."""
    if kind == "scene":
        return [result.scene_id for result in results]
    if kind == "path":
        return [
            f"path {result.tags['path']}" if "path" in result.tags else f"episode {result.episode}"
            for result in results
        ]
    return [f"episode {result.episode}" for result in results]


def _result_of(fields: dict[str, Any], where: str) -> Result:
    """The result of a line's fields; keys that were not always there are filled in."""
    fields = {"tags": {}, "start": None, **fields}
    fields.pop("check", None)
    known = {field.name for field in dataclasses.fields(Result)}
    if lacking := sorted(known - set(fields)):
        raise no_result(where, f"a result that lacks {', '.join(lacking)}")
    if unknown := sorted(set(fields) - known):
        raise from_newer(where, f"the unknown {', '.join(map(repr, unknown))}")
    if fields["status"] not in STATUSES:
        raise from_newer(where, f"the unknown status {fields['status']!r}")
    try:
        return Result(**{name: _READ[name](value) for name, value in fields.items()})
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise no_result(where, f"{type(error).__name__}: {error}") from error


def _exactly(*kinds: type) -> Any:
    """What passes a value on if it is of one of these kinds."""

    def read(value: object) -> object:
        if type(value) not in kinds:
            raise TypeError(f"{value!r} is no {' or '.join(kind.__name__ for kind in kinds)}")
        return value

    return read


def _read_start(value: Any) -> Start | None:
    if value is None:
        return None
    x, y, z, yaw = (float(_NUMBER(number)) for number in value)
    return x, y, z, yaw


_TEXT, _OPTIONAL, _COUNT, _NUMBER = (
    _exactly(str),
    _exactly(str, type(None)),
    _exactly(int),
    _exactly(int, float),
)
_READ: Mapping[str, Any] = {
    "episode": _COUNT,
    "episode_id": _TEXT,
    "scene_id": _TEXT,
    "status": _TEXT,
    "truncated": _exactly(bool),
    "steps": _COUNT,
    "measures": lambda found: {k: math.nan if v is None else float(_NUMBER(v)) for k, v in found.items()},
    "oracle": lambda found: tuple(_TEXT(name) for name in found),
    "failure": _OPTIONAL,
    "reason": _OPTIONAL,
    "tags": lambda found: {name: _exactly(str, int, float, bool)(value) for name, value in found.items()},
    "start": _read_start,
    "seconds": lambda found: float(_NUMBER(found)),
}


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _shortened(counts: Mapping[str, int]) -> dict[str, int]:
    kept = dict(list(counts.items())[:_MOST_REASONS])
    others = sum(counts.values()) - sum(kept.values())
    return {**kept, "other reasons": others} if others else kept
