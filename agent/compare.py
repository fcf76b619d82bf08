"""Two runs on the same episodes: the mean of their paired differences, with a clustered interval."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from placecell.arrays import generator
from placecell.errors import EpisodeError

from .bootstrap import bootstrap_interval
from .results import Result, clusters_of, in_order

Stratum = Callable[[Result], bool]

STRATA: Mapping[str, Stratum] = {
    "all": lambda result: True,
    "seen before": lambda result: result.tags.get("seen_before") is True,
    "never seen": lambda result: result.tags.get("seen_before") is False,
    "objects": lambda result: result.tags.get("kind") == "object",
    "places": lambda result: result.tags.get("kind") == "place",
    "repeat": lambda result: result.tags.get("repeat") is True,
    "moved": lambda result: result.tags.get("moved") is True,
    "unmoved": lambda result: result.tags.get("moved") is False,
}

_SAME_M, _SAME_RAD = 1e-6, 1e-6  # machines differ in the last bits of a position
_NAMED = 3


def visit(number: int) -> Stratum:
    """The episodes that are a tour's visit of that number, counted from 0."""
    return lambda result: result.tags.get("visit") == number


def visits(results: Sequence[Result]) -> tuple[int, ...]:
    """The visit numbers that occur, in order."""
    found = {result.tags.get("visit") for result in results}
    return tuple(sorted(number for number in found if isinstance(number, int)))


@dataclass(frozen=True)
class Difference:
    """The mean of A - B over pairs of episodes, with its 95 % interval.

    Args:
        mean: of the differences.
        low: the interval's ends; None with ``high`` for fewer than two clusters.
        high: see ``low``.
        pairs: over how many pairs.
        houses: in how many scenes.
        left_out: pairs that have no difference.
        mean_a: the mean of A over the same pairs.
        mean_b: the mean of B over the same pairs.
        clusters: what was drawn together, see :func:`~placecell.agent.results.clusters_of`.
        why: how many pairs were left out for which reason.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int
    houses: int
    left_out: int
    mean_a: float
    mean_b: float
    clusters: str
    why: Mapping[str, int]


def paired_difference(
    a: Sequence[Result],
    b: Sequence[Result],
    measure: str,
    *,
    keep: Stratum = STRATA["all"],
    seed: int = 0,
) -> Difference | None:
    """How much larger a measure is in ``a`` than in ``b``, episode by episode.

    Args:
        a: the run under test.
        b: its control, over the same episodes.
        measure: a key of their measures.
        keep: chooses pairs, by the episode of ``a``.
        seed: of the interval's draws.

    Returns:
        None where no pair is left.

    Raises:
        EpisodeError: the runs are not over the same episodes.
    """
    pairs = [(first, second) for first, second in pair(a, b) if keep(first)]
    why = Counter(reason for first, second in pairs if (reason := left_out(first, second, measure)))
    kept = [(first, second) for first, second in pairs if left_out(first, second, measure) is None]
    if not kept:
        return None
    ours = [first.measures[measure] for first, _ in kept]
    theirs = [second.measures[measure] for _, second in kept]
    differences = [x - y for x, y in zip(ours, theirs)]
    clusters, names = clusters_of([first for first, _ in kept])
    low, high = bootstrap_interval(differences, names, generator(seed, "paired", measure)) or (None, None)
    n = len(kept)
    return Difference(
        mean=sum(differences) / n,
        low=low,
        high=high,
        pairs=n,
        houses=len({first.scene_id for first, _ in kept}),
        left_out=len(pairs) - n,
        mean_a=sum(ours) / n,
        mean_b=sum(theirs) / n,
        clusters=clusters,
        why=dict(sorted(why.items())),
    )


def left_out(first: Result, second: Result, measure: str) -> str | None:
    """Why a pair of episodes has no difference in a measure; None where it has one."""
    lost = [name for name, result in (("A", first), ("B", second)) if result.status != "done"]
    if lost:
        return f"not done in {' and '.join(lost)}"
    values = first.measures.get(measure, math.nan), second.measures.get(measure, math.nan)
    return None if all(map(math.isfinite, values)) else f"no finite {measure}"


def pair(a: Sequence[Result], b: Sequence[Result]) -> list[tuple[Result, Result]]:
    """The episodes of two runs, paired, in the order of the dataset.

    An episode is known by its scene and its id; one that broke before it said them, by its index.

    Raises:
        EpisodeError: one run has an episode that the other hasn't, or starts it elsewhere; the first three
            are named.
    """
    ours, theirs = {result.episode: result for result in a}, {result.episode: result for result in b}
    alone = [result for result in in_order(a) if result.episode not in theirs]
    also_alone = [result for result in in_order(b) if result.episode not in ours]
    if alone or also_alone:
        sides = [
            f"{_first_of(left)} in {name} alone" for left, name in ((alone, "A"), (also_alone, "B")) if left
        ]
        raise _differ(f"{len(ours)} (A) and {len(theirs)} (B), {' and '.join(sides)}")
    pairs = [(result, theirs[result.episode]) for result in in_order(a)]
    others = [f"{_name(x)} beside {_name(y)}" for x, y in pairs if not _same_episode(x, y)]
    if others:
        raise _differ(f"{_some(others)}, of the same index")
    moved = [
        f"{_name(x)}, which starts at {_place(x)} (A) and {_place(y)} (B)"
        for x, y in pairs
        if not _same_start(x, y)
    ]
    if moved:
        raise _differ(_some(moved))
    return pairs


def _same_episode(first: Result, second: Result) -> bool:
    """Whether both are the same episode, as far as they say: what broke early knows neither scene nor id."""
    told = first.status == second.status == "done" or "unknown" not in (first.scene_id, second.scene_id)
    return not told or (first.scene_id, first.episode_id) == (second.scene_id, second.episode_id)


def _same_start(first: Result, second: Result) -> bool:
    """Whether both start at the same place, where both say where."""
    if first.start is None or second.start is None:
        return True
    turn = math.remainder(first.start[3] - second.start[3], math.tau)
    return math.dist(first.start[:3], second.start[:3]) <= _SAME_M and abs(turn) <= _SAME_RAD


def _name(result: Result) -> str:
    return f"{result.episode_id!r} in {result.scene_id!r} (number {result.episode})"


def _place(result: Result) -> str:
    assert result.start is not None
    return f"({', '.join(f'{number:.6g}' for number in result.start)})"


def _first_of(results: Sequence[Result]) -> str:
    return _some([_name(result) for result in results])


def _some(names: Sequence[str]) -> str:
    """The first three of them, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _differ(came: str) -> EpisodeError:
    return EpisodeError(
        expected="two runs of the same episodes",
        came=came,
        fix="compare runs with equal env, task, seed and episodes, both at their end",
    )
