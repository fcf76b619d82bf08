"""Two runs on the same episodes: the mean of their paired differences, with a clustered interval."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from placecell.arrays import generator
from placecell.errors import EpisodeError

from .bootstrap import bootstrap_interval
from .results import Result

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
        low: the interval's ends, from houses drawn whole; None with ``high`` for fewer than two houses.
        high: see ``low``.
        pairs: over how many pairs.
        houses: in how many houses.
        left_out: pairs in which an episode was not done, or had no finite value.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int
    houses: int
    left_out: int = 0


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
    differences: list[float] = []
    houses: list[str] = []
    left_out = 0
    for first, second in pair(a, b):
        if not keep(first):
            continue
        difference = _value(first, measure) - _value(second, measure)
        if math.isfinite(difference):
            differences.append(difference)
            houses.append(first.scene_id)
        else:
            left_out += 1
    if not differences:
        return None
    interval = bootstrap_interval(differences, houses, generator(seed, "paired", measure))
    low, high = interval or (None, None)
    mean = sum(differences) / len(differences)
    return Difference(mean, low, high, len(differences), len(set(houses)), left_out)


def pair(a: Sequence[Result], b: Sequence[Result]) -> list[tuple[Result, Result]]:
    """The episodes of two runs, paired, in the order of ``a``.

    An episode is known by its scene and its id; one that broke before it said them, by its index.

    Raises:
        EpisodeError: one run has an episode that the other hasn't.
    """
    others = {result.episode: result for result in b}
    only = len({result.episode for result in a} ^ set(others))
    if only:
        raise _differ(f"{len(a)} and {len(b)} episodes, of which {only} have no partner")
    pairs = [(result, others[result.episode]) for result in a]
    for first, second in pairs:
        both = first.status == second.status == "done"
        if both and (first.scene_id, first.episode_id) != (second.scene_id, second.episode_id):
            raise _differ(
                f"{first.episode_id!r} in {first.scene_id!r} beside "
                f"{second.episode_id!r} in {second.scene_id!r}, both number {first.episode}"
            )
    return pairs


def _differ(came: str) -> EpisodeError:
    return EpisodeError(
        expected="two runs of the same episodes",
        came=came,
        fix="compare runs with equal env, task, seed and episodes, both at their end",
    )


def _value(result: Result, measure: str) -> float:
    return result.measures.get(measure, math.nan) if result.status == "done" else math.nan
