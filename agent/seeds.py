"""Conditions that were walked with several seeds each: their seeds pooled, and set beside a control."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from placecell.errors import OutputError

from .compare import STRATA, Difference, paired_difference
from .results import Mean, Result, mean_of
from .sweep_tables import difference_text, markdown_table, mean_text

_MOST_EPISODES = 1_000_000
_SEED = re.compile(r"^(?P<condition>.+?)[-_=,](?:seed=)?(?P<seed>\d+)$")
HEAD = (
    "condition", "seeds", "episodes", "success", "SPL", "SPL by seed", "SPL - control", "seen before",
    "never seen", "memory, MB", "steps",
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """One condition's episodes over all its seeds; an episode's number is unique over them."""

    name: str
    seeds: tuple[int, ...]
    results: tuple[Result, ...]

    @property
    def by_seed(self) -> list[float]:
        """The mean SPL of each seed."""
        means = (mean_of("spl", self._of(seed)) for seed in self.seeds)
        return [float("nan") if mean is None else mean.mean for mean in means]

    def mean(self, measure: str) -> Mean | None:
        """Over all seeds, the interval by scene: a scene's seeds are drawn together."""
        return mean_of(measure, self.results)

    def minus(self, control: "Condition", stratum: str) -> Difference | None:
        """Paired by seed and episode."""
        return paired_difference(self.results, control.results, "spl", keep=STRATA[stratum])

    def _of(self, seed: int) -> list[Result]:
        return [result for result in self.results if result.episode // _MOST_EPISODES == seed]


def split(name: str) -> tuple[str, int]:
    """The condition and the seed of a run's folder.

    Raises:
        OutputError: a name without a seed.

    >>> split("no_topology-23"), split("memory=flat,seed=4")
    (('no_topology', 23), ('memory=flat', 4))
    """
    found = _SEED.match(name)
    if found is None:
        raise OutputError(
            expected="folders named CONDITION-SEED, or a sweep's with seed=N at the end",
            came=name,
            fix="name each run's out so, for example out=runs/flat-21",
        )
    return found["condition"], int(found["seed"])


def pooled(runs: Mapping[str, Sequence[Result]]) -> tuple[Condition, ...]:
    """The conditions of runs by their folders' names, in the order in which they come."""
    seeds: dict[str, list[int]] = {}
    results: dict[str, list[Result]] = {}
    for name, found in runs.items():
        condition, seed = split(name)
        seeds.setdefault(condition, []).append(seed)
        results.setdefault(condition, []).extend(
            replace(result, episode=seed * _MOST_EPISODES + result.episode) for result in found
        )
    return tuple(Condition(name, tuple(seeds[name]), tuple(results[name])) for name in seeds)


def table_of(conditions: Sequence[Condition], control: str) -> str:
    """Markdown, a row a condition; a difference only over the seeds that the control has too.

    Raises:
        OutputError: there is no condition of the control's name.
    """
    by_name = {condition.name: condition for condition in conditions}
    if control not in by_name:
        raise OutputError(
            expected=f"a control among {', '.join(by_name)}", came=control, fix="name it with --control"
        )
    return markdown_table(HEAD, [_row(condition, by_name[control]) for condition in conditions])


def _row(condition: Condition, control: Condition) -> list[str]:
    shared = tuple(seed for seed in condition.seeds if seed in control.seeds)
    ours, theirs = (_only(one, shared) for one in (condition, control))
    gains = ["-"] * 3
    if shared and condition is not control:
        gains = [
            difference_text(ours.minus(theirs, stratum)) for stratum in ("all", "seen before", "never seen")
        ]
    done = [result for result in condition.results if result.status == "done"]
    sizes = [
        float(size) for result in done if isinstance(size := result.tags.get("memory_bytes"), int | float)
    ]
    return [
        condition.name,
        str(len(condition.seeds)),
        f"{len(done)} of {len(condition.results)}",
        mean_text(condition.mean("success")),
        mean_text(condition.mean("spl")),
        ", ".join(f"{mean:.3f}" for mean in condition.by_seed),
        *gains,
        f"{sum(sizes) / len(sizes) / 1e6:.1f}" if sizes else "-",
        f"{sum(result.steps for result in done) / max(len(done), 1):.0f}",
    ]


def _only(condition: Condition, seeds: Sequence[int]) -> Condition:
    kept = [result for result in condition.results if result.episode // _MOST_EPISODES in seeds]
    return Condition(condition.name, tuple(seeds), tuple(kept))
