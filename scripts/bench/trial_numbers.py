"""What a trial came to: each condition's means and each pair's difference, over the seeds that there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from placecell.agent.compare import STRATA, Difference, Stratum, pair, paired_difference, visit, visits
from placecell.agent.results import Mean, Result, finite, mean_of
from placecell.agent.seeds import Condition, pooled
from placecell.agent.tours import CONTROL

from .trial_cases import Case, Noise, Pair, arm_name, by_bytes, pairs
from .trial_walk import Trial

SHOWN_STRATA = ("all", "seen before", "never seen")
MOVED_STRATA = ("moved", "unmoved")
_RECOVERED = ("cold", "warm", "known", "stale")


@dataclass(frozen=True)
class CaseNumbers:
    """One condition.

    Args:
        case: see :class:`Case`.
        seeds: those with which it was walked to its end.
        done: how many episodes the environment ended, of ``episodes``.
        episodes: of those seeds.
        success: mean and interval by house, seeds nested.
        spl: likewise.
        spl_by_seed: its mean for each seed.
        memory_bytes: mean and largest size of the memory at an episode's end.
        steps: mean of the done episodes.
        cpu_s: CPU time of a run, mean.
        missing: why there is nothing; None where there is something.
    """

    case: Case
    seeds: tuple[int, ...] = ()
    done: int = 0
    episodes: int = 0
    success: Mean | None = None
    spl: Mean | None = None
    spl_by_seed: tuple[float, ...] = ()
    memory_bytes: tuple[float, float] | None = None
    steps: float = 0.0
    cpu_s: float = 0.0
    missing: str | None = None


@dataclass(frozen=True)
class PairNumbers:
    """One difference, over the seeds that both conditions have.

    Args:
        pair: see :class:`Pair`.
        seeds: shared ones; none: it could not be taken.
        spl: by stratum (of ``a``'s own walk), ``a`` - ``b``.
        success: of all episodes.
        by_seed: the mean difference in SPL for each seed.
        same: how many episodes took the same steps to the same measures.
        of: how many there are.
    """

    pair: Pair
    seeds: tuple[int, ...] = ()
    spl: Mapping[str, Difference] | None = None
    success: Difference | None = None
    by_seed: tuple[float, ...] = ()
    same: int = 0
    of: int = 0

    @property
    def verdict(self) -> str:
        """What the interval over all episodes says, in words."""
        if self.spl is None or "all" not in self.spl:
            return "not run"
        if self.same == self.of:
            return "walks the same"
        got = self.spl["all"]
        if got.low is None or got.high is None:
            return "one house: no interval"
        few = f" ({len(self.seeds)} seed{'s' * (len(self.seeds) > 1)})"
        if got.low > 0:
            return "better" + few
        return ("worse" if got.high < 0 else "no difference shown") + few


@dataclass(frozen=True)
class VisitNumbers:
    """SPL by visit number: of an arm, or of an arm minus another, over all goals or some of them."""

    name: str
    goals: str
    noise: Noise
    seeds: tuple[int, ...]
    visits: Mapping[int, Mean | Difference]
    all: Mean | Difference | None


@dataclass(frozen=True)
class Numbers:
    """All of it."""

    cases: tuple[CaseNumbers, ...]
    pairs: Mapping[str, tuple[PairNumbers, ...]]
    recovery: tuple[VisitNumbers, ...]
    lines: Mapping[str, tuple[CaseNumbers, ...]]
    line_seeds: tuple[int, ...]


class Outcomes:
    """The cells of a trial that are at their end."""

    def __init__(self, trial: Trial) -> None:
        self._cells: dict[str, dict[int, tuple[Result, ...]]] = {}
        self._cpu_s: dict[str, list[float]] = {}
        for cell in trial.cells:
            walked = trial.walked(cell)
            if walked.complete:
                self._cells.setdefault(cell.case.name, {})[cell.seed] = walked.results
                self._cpu_s.setdefault(cell.case.name, []).append(walked.cpu_s)

    def seeds(self, *names: str) -> tuple[int, ...]:
        """Those that all of the cases have."""
        shared = set.intersection(*(set(self._cells.get(name, {})) for name in names))
        return tuple(sorted(shared))

    def condition(self, name: str, seeds: Sequence[int]) -> Condition:
        """A case's runs with these seeds, which it has."""
        (found,) = pooled({f"{name}-{seed}": self._cells[name][seed] for seed in seeds})
        return found

    def cpu_s(self, name: str) -> float:
        """CPU time of a case's run, mean."""
        found = self._cpu_s[name]
        return sum(found) / len(found)


def numbers(trial: Trial) -> Numbers:
    """The numbers of what there is of a trial."""
    outcomes = Outcomes(trial)
    cases = tuple(dict.fromkeys(cell.case for cell in trial.cells))
    found = tuple(_case(case, outcomes, trial.refused.get(case.name, "")) for case in cases)
    tables = {
        table: tuple(_pair(each, outcomes) for each in wanted) for table, wanted in pairs(cases).items()
    }
    noises = tuple(dict.fromkeys(case.noise for case in cases))
    recovery = [row for noise in noises for row in _recovery(noise, outcomes)]
    lines, seeds = _lines(cases, outcomes)
    return Numbers(found, tables, tuple(recovery), lines, seeds)


def _case(case: Case, outcomes: Outcomes, refusal: str, seeds: Sequence[int] | None = None) -> CaseNumbers:
    there = outcomes.seeds(case.name) if seeds is None else tuple(seeds)
    if not there:
        return CaseNumbers(case, missing=refusal or "the budget of CPU time was spent")
    condition = outcomes.condition(case.name, there)
    done = [result for result in condition.results if result.status == "done"]
    sizes = [float(size) for r in done if isinstance(size := r.tags.get("memory_bytes"), int | float)]
    return CaseNumbers(
        case,
        there,
        len(done),
        len(condition.results),
        condition.mean("success"),
        condition.mean("spl"),
        tuple(condition.by_seed),
        (sum(sizes) / len(sizes), max(sizes)) if sizes else None,
        sum(result.steps for result in done) / max(len(done), 1),
        outcomes.cpu_s(case.name),
    )


def _pair(wanted: Pair, outcomes: Outcomes) -> PairNumbers:
    seeds = outcomes.seeds(wanted.a, wanted.b)
    if not seeds:
        return PairNumbers(wanted)
    a, b = (outcomes.condition(name, seeds) for name in (wanted.a, wanted.b))
    strata = {name: got for name in SHOWN_STRATA if (got := a.minus(b, name)) is not None}
    by_seed = []
    for seed in seeds:
        one, other = (outcomes.condition(name, [seed]) for name in (wanted.a, wanted.b))
        got = one.minus(other, "all")
        by_seed.append(float("nan") if got is None else got.mean)
    both = pair(a.results, b.results)
    same = sum(_course(x) == _course(y) for x, y in both)
    success = paired_difference(a.results, b.results, "success")
    return PairNumbers(wanted, seeds, strata, success, tuple(by_seed), same, len(both))


def _course(result: Result) -> tuple[object, ...]:
    """How an episode went, as far as its result says: its steps, and every measure of them."""
    return result.status, result.steps, {name: finite(value) for name, value in result.measures.items()}


def _recovery(noise: Noise, outcomes: Outcomes) -> list[VisitNumbers]:
    """SPL by visit of the arms that ``stale`` stands between, and what it costs and gains beside each."""
    names = {arm: arm_name(arm, noise) for arm in _RECOVERED}
    there = [arm for arm in _RECOVERED if outcomes.seeds(names[arm])]
    if "stale" not in there:
        return []
    rows = []
    seeds = outcomes.seeds(*(names[arm] for arm in there))
    for arm in there if seeds else []:
        for goals in ("all", *MOVED_STRATA):
            kept = [r for r in outcomes.condition(names[arm], seeds).results if STRATA[goals](r)]
            by_visit = {n: mean_of("spl", [r for r in kept if visit(n)(r)]) for n in visits(kept)}
            found = {n: mean for n, mean in by_visit.items() if mean is not None}
            rows.append(VisitNumbers(arm, goals, noise, seeds, found, mean_of("spl", kept)))
    for other in ("known", "warm", CONTROL):
        shared = outcomes.seeds(names["stale"], names[other])
        for goals in ("all", *MOVED_STRATA) if shared else ():
            a, b = (outcomes.condition(names[arm], shared).results for arm in ("stale", other))
            differences = {n: _difference(a, b, STRATA[goals], visit(n)) for n in visits(a)}
            kept_differences = {n: got for n, got in differences.items() if got is not None}
            whole = paired_difference(a, b, "spl", keep=STRATA[goals])
            rows.append(VisitNumbers(f"stale - {other}", goals, noise, shared, kept_differences, whole))
    return rows


def _difference(
    a: Sequence[Result], b: Sequence[Result], goals: Stratum, at_visit: Stratum
) -> Difference | None:
    return paired_difference(a, b, "spl", keep=lambda result: goals(result) and at_visit(result))


def _lines(
    cases: Sequence[Case], outcomes: Outcomes
) -> tuple[dict[str, tuple[CaseNumbers, ...]], tuple[int, ...]]:
    """SPL against bytes, by memory, over the seeds that all points have."""
    walked = {
        memory: [case for case in found if outcomes.seeds(case.name)]
        for memory, found in by_bytes(cases).items()
    }
    names = [case.name for found in walked.values() for case in found]
    seeds = outcomes.seeds(*names) if names else ()
    if not seeds:
        return {}, ()
    return {
        memory: tuple(_case(case, outcomes, "", seeds) for case in found)
        for memory, found in walked.items()
        if found
    }, seeds
