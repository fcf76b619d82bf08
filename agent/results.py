"""What a run leaves: one line an episode (``results.jsonl``), and what they come to (``summary.json``).

JSON has no infinity and no NaN: a measure that is not finite (the distance to a goal that cannot be reached)
is ``null`` in a file, NaN once read, and left out of its mean, whose ``n`` says over how many it is.
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from placecell.arrays import generator
from placecell.errors import OutputError

from .bootstrap import bootstrap_interval

Status = Literal["done", "crashed", "stalled", "timed_out"]
STATUSES: tuple[Status, ...] = get_args(Status)
RESULTS_FILE = "results.jsonl"
Tag = str | int | float | bool


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
    seconds: float = 0.0

    def to_line(self) -> str:
        """One line of ``results.jsonl``, with its newline; equal results give equal bytes."""
        fields = asdict(self)
        fields["measures"] = {name: finite(value) for name, value in self.measures.items()}
        fields["seconds"] = round(self.seconds, 6)
        return json.dumps(fields, allow_nan=False) + "\n"

    @classmethod
    def from_line(cls, line: str, where: str) -> "Result":
        """The result that :meth:`to_line` wrote.

        Raises:
            OutputError: the line is cut, no JSON, or lacks a key; ``where`` names it in the message.
        """
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict) or fields.get("status") not in STATUSES:
                raise ValueError(f"no result of an episode: {line.strip()[:80]!r}")
            fields.setdefault("tags", {})  # results written before there were tags
            odd = set(fields) ^ {field.name for field in dataclasses.fields(cls)}
            if odd:
                raise ValueError(f"a result that lacks or adds {', '.join(sorted(odd))}")
            measures = {k: math.nan if v is None else float(v) for k, v in fields.pop("measures").items()}
            tags = dict(fields["tags"].items())
            return cls(**{**fields, "measures": measures, "oracle": tuple(fields["oracle"]), "tags": tags})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise OutputError(
                expected=f"one result a line in {where}",
                came=f"{type(error).__name__}: {error}",
                fix="remove that line to read the others",
            ) from error


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
        counts: the denominators: attempted, done, crashed, stalled, timed_out.
        measures: means over the ``done`` episodes.
        clusters: what was drawn together for the intervals: ``"scene"``, or ``"episode"`` for a single scene.
        oracle: inputs used that no agent has in the world.
        failures: how many episodes failed in which way.
    """

    counts: Mapping[str, int]
    measures: Mapping[str, Mean]
    clusters: str
    oracle: tuple[str, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """``summary.json``, indented."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def finite(value: float) -> float | None:
    """The value, or None where JSON has no number for it.

    >>> finite(0.5), finite(math.inf)
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def summarise(results: Sequence[Result], *, seed: int = 0) -> Summary:
    """Means and intervals over the episodes that are done, and how many were not.

    Intervals are clustered by scene where there are several, else by episode; ``seed`` seeds their draws.
    """
    done = [result for result in results if result.status == "done"]
    clusters = "scene" if len({result.scene_id for result in done}) > 1 else "episode"
    names = dict.fromkeys(name for result in done for name in result.measures)
    measures = {name: mean_of(name, done, clusters=clusters, seed=seed) for name in names}
    counts = {"attempted": len(results)}
    counts |= {status: sum(result.status == status for result in results) for status in STATUSES}
    failures = dict(Counter(result.failure for result in results if result.failure is not None))
    oracle = tuple(sorted({name for result in results for name in result.oracle}))
    return Summary(counts, {k: v for k, v in measures.items() if v}, clusters, oracle, failures)


def read_results(folder: Path) -> tuple[Result, ...]:
    """The episodes of a run's folder, in the order in which they were finished.

    Raises:
        OutputError: there is no ``results.jsonl``, or one of its lines cannot be read (it is named).
    """
    path = folder / RESULTS_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            expected=f"a run's results in {path}",
            came=str(error),
            fix="name a folder that placecell-run wrote",
        ) from error
    return tuple(Result.from_line(line, f"{path}, line {n}") for n, line in enumerate(lines, 1))


def mean_of(
    measure: str, results: Sequence[Result], *, clusters: str | None = None, seed: int = 0
) -> Mean | None:
    """The mean of one measure over the episodes that are done, or None where none has a finite value of it.

    Args:
        measure: a key of their measures.
        results: of one run.
        clusters: ``"scene"`` or ``"episode"``: what is drawn together; None: as :func:`summarise`.
        seed: of the interval's draws.
    """
    done = [result for result in results if result.status == "done"]
    if clusters is None:
        clusters = "scene" if len({result.scene_id for result in done}) > 1 else "episode"
    kept = [(r, r.measures[measure]) for r in done if math.isfinite(r.measures.get(measure, math.nan))]
    if not kept:
        return None
    values = [value for _, value in kept]
    groups = [r.scene_id if clusters == "scene" else str(r.episode) for r, _ in kept]
    low, high = bootstrap_interval(values, groups, generator(seed, "bootstrap", measure)) or (None, None)
    return Mean(sum(values) / len(values), low, high, len(values))
