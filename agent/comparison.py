"""Two runs beside each other: what they gained and lost, and in what they are not alike."""

import difflib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from placecell.errors import ConfigError, EpisodeError

from .compare import STRATA, Difference, left_out, pair, paired_difference
from .gains import Gains, gains
from .results import Result, in_order
from .resume import differences
from .stored_run import StoredRun

MEASURES = ("success", "spl", "soft_spl")
STREETS = ("task_completion", "shortest_path_distance", "success_edit_distance", "ndtw_hops")


@dataclass(frozen=True)
class Side:
    """One of the two runs: its folder, its denominators and the oracle inputs that it used."""

    folder: str
    wanted: int | None
    attempted: int
    done: int
    oracle: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """A beside B, over the same episodes.

    Args:
        a: the run under test.
        b: its control.
        measure: what the gains are in.
        rows: by stratum (``"all"`` first; the others where tags tell them) and measure.
        gains: the largest changes by episode.
        warnings: what speaks against comparing them as they are, a line each.
        differs: what differs in their configurations and the code and data that made them, with both values.
    """

    a: Side
    b: Side
    measure: str
    rows: Mapping[str, Mapping[str, Difference]]
    gains: Gains
    warnings: tuple[str, ...]
    differs: Mapping[str, tuple[str, str]]

    def to_json(self) -> str:
        """As a file, indented."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def compare_runs(
    a: StoredRun, b: StoredRun, *, measure: str | None = None, partial: bool = False, seed: int = 0
) -> Comparison:
    """What A is worth beside B.

    Args:
        a: the run under test.
        b: its control.
        measure: a key of their measures, beside success, SPL and SoftSPL (in the streets: task completion,
            shortest-path distance, success edit distance and nDTW over hops); None: ``spl``, in the streets
            ``task_completion``.
        partial: whether runs that are not at their end may be compared, over the episodes that both have.
        seed: of the intervals' draws.

    Raises:
        ConfigError: A is B, one is not at its end and ``partial`` is false, or neither has the measure.
        EpisodeError: they are not over the same episodes, or those start elsewhere.
    """
    _require_two(a, b)
    if not partial:
        for run in (a, b):
            _require_complete(run)
    ours, theirs = a.results, b.results
    if partial:
        ours, theirs = _common(a.results, b.results), _common(b.results, a.results)
    pairs = pair(ours, theirs)
    if not pairs:
        raise EpisodeError(
            expected="two runs with episodes in common",
            came=f"{len(a.results)} in {a.folder} and {len(b.results)} in {b.folder}, none of them in both",
            fix="compare runs with equal env, task and seed",
        )
    both_sides = [result for both in pairs for result in both]
    streets = any(STREETS[0] in result.measures for result in both_sides)
    measure = measure or (STREETS[0] if streets else "spl")
    _require_measure(measure, both_sides)
    measures = tuple(dict.fromkeys((*(STREETS if streets else MEASURES), measure)))
    return Comparison(
        a=_side(a),
        b=_side(b),
        measure=measure,
        rows=_rows(ours, theirs, measures, seed),
        gains=gains(ours, theirs, measure),
        warnings=(*_warnings(a, b, pairs), *_empty(pairs, measures)),
        differs=_differs(a, b),
    )


def _rows(
    a: Sequence[Result], b: Sequence[Result], measures: Sequence[str], seed: int
) -> dict[str, dict[str, Difference]]:
    rows: dict[str, dict[str, Difference]] = {}
    for stratum, keep in STRATA.items():
        for measure in measures:
            got = paired_difference(a, b, measure, keep=keep, seed=seed)
            if got is not None:
                rows.setdefault(stratum, {})[measure] = got
    return rows


def _side(run: StoredRun) -> Side:
    done = sum(result.status == "done" for result in run.results)
    return Side(str(run.folder), run.wanted, len(run.results), done, run.oracle)


def _common(results: Sequence[Result], others: Sequence[Result]) -> tuple[Result, ...]:
    there = {result.episode for result in others}
    return tuple(result for result in in_order(results) if result.episode in there)


def _warnings(a: StoredRun, b: StoredRun, pairs: Sequence[tuple[Result, Result]]) -> tuple[str, ...]:
    warnings = []
    if len(pairs) < max(len(a.results), len(b.results)) or not (a.complete and b.complete):
        states = [f"{name} has {_progress(run)}" for name, run in (("A", a), ("B", b))]
        warnings.append(f"over the {len(pairs)} episodes that both have: {', '.join(states)}")
    if a.oracle != b.oracle:
        used = [f"{name} uses {', '.join(run.oracle) or 'none'}" for name, run in (("A", a), ("B", b))]
        warnings.append(f"the oracle inputs differ: {', '.join(used)}; no agent has them in the world")
    unknown = sum(first.start is None or second.start is None for first, second in pairs)
    if unknown:
        warnings.append(f"whether they start at the same place is not known of {unknown} episodes")
    for name, run in (("A", a), ("B", b)):
        lacking = sum(result.tags.get("after_crash") is True for result in run.results)
        if lacking:
            warnings.append(f"{lacking} episodes of {name} follow one that broke: their memory lacks a visit")
    return tuple(warnings)


def _empty(pairs: Sequence[tuple[Result, Result]], measures: Sequence[str]) -> list[str]:
    """The measures that no pair has in both runs, and why."""
    known = {name for both in pairs for result in both for name in result.measures}
    warnings = []
    for measure in measures:
        why = Counter(left_out(first, second, measure) for first, second in pairs)
        if measure in known and None not in why:
            reasons = ", ".join(f"{n} {reason}" for reason, n in why.items())
            warnings.append(f"no pair of episodes has {measure} in both: {reasons}")
    return warnings


def _progress(run: StoredRun) -> str:
    of = "" if run.wanted is None else f" of {run.wanted}"
    return f"{len(run.results)}{of}"


def _differs(a: StoredRun, b: StoredRun) -> dict[str, tuple[str, str]]:
    """Keys of the configuration, then what made the runs: the code's version and the world's data."""
    return {**differences(a.config, b.config), **differences(_made_by(a), _made_by(b))}


def _made_by(run: StoredRun) -> dict[str, Any]:
    said = {key: run.provenance.get(key) for key in ("placecell", "commit", "modified", "world")}
    return {f"provenance {key}": value for key, value in said.items()}


def _require_two(a: StoredRun, b: StoredRun) -> None:
    if a.folder.resolve() == b.folder.resolve():
        raise ConfigError(
            expected="two runs", came=f"{a.folder} twice", fix="name the folder of another run beside it"
        )


def _require_complete(run: StoredRun) -> None:
    if not run.complete:
        raise ConfigError(
            expected="runs at their end",
            came=f"{run.folder} with {_progress(run)} episodes",
            fix="run its placecell-run command again, which goes on from there, or add --partial to compare "
            "the episodes that both have",
        )


def _require_measure(measure: str, results: Sequence[Result]) -> None:
    known = list(dict.fromkeys(name for result in results for name in result.measures))
    if measure in known:
        return
    if not known:
        raise EpisodeError(
            expected="two runs with episodes that were done",
            came="none in either",
            fix="look into reason in their results.jsonl",
        )
    near = difflib.get_close_matches(measure, known, 1)
    raise ConfigError(
        expected=f"a measure that the runs have: {', '.join(known)}",
        came=repr(measure),
        fix=f"did you mean {near[0]}?" if near else "name one of these",
    )
