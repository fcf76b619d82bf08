"""What a sweep came to, in numbers: every job's means, and in tours what each arm's memory was worth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from placecell.errors import EpisodeError

from .compare import STRATA, Difference, paired_difference, visit, visits
from .failures import FAILURES
from .results import STATUSES, Mean, Result, mean_of, success_of
from .sweep import Job
from .tours import ARMS, CONTROL

MEASURES = (
    "success", "success_1m", "spl", "task_completion", "shortest_path_distance", "success_edit_distance",
)  # fmt: skip
COMPARED = ("spl", "success")
_NOISES = ("none", "low", "high")


@dataclass(frozen=True)
class JobRow:
    """One job.

    Args:
        name: what it was asked for.
        folder: where it lies.
        arm: of the tours; ``cold`` elsewhere.
        noise: the environment's.
        memory: its class.
        wanted: episodes asked for; None where unknown.
        attempted: episodes walked; 0: it did not run, or cannot be read.
        done: episodes that the environment ended.
        lost: how many were crashed, stalled, timed_out.
        houses: how many scenes those were in.
        oracle: inputs used that no agent has in the world.
        measures: means over what is done, with intervals by house where there are several.
        failures: how many done episodes failed in each way, and ``unsorted``.
        memory_bytes: mean and largest size of the memory at an episode's end, None where it wasn't noted.
        after_crash: episodes whose memory lacked an earlier visit that had broken.
        damage: why its files cannot be read; None where they can.
    """

    name: str
    folder: str
    arm: str
    noise: str
    memory: str
    wanted: int | None
    attempted: int
    done: int
    lost: Mapping[str, int]
    houses: int
    oracle: tuple[str, ...]
    measures: Mapping[str, Mean]
    failures: Mapping[str, int]
    memory_bytes: tuple[float, float] | None
    after_crash: int
    damage: str | None = None


@dataclass(frozen=True)
class ArmRow:
    """One arm beside ``cold``.

    Args:
        arm: its name.
        job: the name of its job.
        differences: by stratum and measure, arm - cold over pairs of episodes; empty for ``cold`` itself.
        visits: SPL by visit number.
        missing: why there are no differences; None where there are.
    """

    arm: str
    job: str
    differences: Mapping[str, Mapping[str, Difference]] = field(default_factory=dict)
    visits: Mapping[int, Mean] = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True)
class TourGroup:
    """The arms of tours that are equal in all else; ``name`` says in what all else differs from others."""

    name: str
    noise: str
    arms: tuple[ArmRow, ...]


@dataclass(frozen=True)
class SweepSummary:
    """All of it."""

    jobs: tuple[JobRow, ...]
    tours: tuple[TourGroup, ...]

    def to_json(self) -> str:
        """``summary.json``, indented."""
        return json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"


def summarise_sweep(jobs: Sequence[Job], *, seed: int = 0) -> SweepSummary:
    """The numbers of a sweep's tables; ``seed`` seeds the intervals' draws."""
    jobs = sorted(jobs, key=_order)
    rows = tuple(_row(job, seed) for job in jobs)
    groups = _groups(jobs)
    return SweepSummary(rows, tuple(_tours(name, group, seed) for name, group in groups.items()))


def _order(job: Job) -> tuple[int, str, int, str]:
    """The quietest first, then like beside like, then the arms in their order."""
    noise, arm = [*_NOISES, job.noise].index(job.noise), [*ARMS, job.arm].index(job.arm)
    return noise, job.name_but_for_the_arm, arm, job.name


def _row(job: Job, seed: int) -> JobRow:
    done = [result for result in job.results if result.status == "done"]
    measures = {name: mean_of(name, done, seed=seed) for name in MEASURES}
    sizes = [float(size) for r in done if isinstance(size := r.tags.get("memory_bytes"), int | float)]
    return JobRow(
        name=job.name,
        folder=str(job.folder),
        arm=job.arm,
        noise=job.noise,
        memory=job.memory,
        wanted=job.wanted,
        attempted=len(job.results),
        done=len(done),
        lost={
            status: sum(r.status == status for r in job.results) for status in STATUSES if status != "done"
        },
        houses=len({result.scene_id for result in done}),
        oracle=tuple(sorted({name for result in job.results for name in result.oracle})),
        measures={name: mean for name, mean in measures.items() if mean is not None},
        failures=_failures(done),
        memory_bytes=(sum(sizes) / len(sizes), max(sizes)) if sizes else None,
        after_crash=sum(result.tags.get("after_crash") is True for result in job.results),
        damage=job.damage,
    )


def _failures(done: Sequence[Result]) -> dict[str, int]:
    successes = ((result, success_of(result.measures)) for result in done)
    failed = [result for result, success in successes if success is not None and success < 1]
    counts: dict[str, int] = {name: sum(result.failure == name for result in failed) for name in FAILURES}
    return {**counts, "unsorted": len(failed) - sum(counts.values())}


def _groups(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """Jobs that differ in the arm alone, by what tells the groups apart."""
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        if job.is_tour:
            alike.setdefault(job.but_for_the_arm(), []).append(job)
    for job in jobs:  # a job that left no config belongs to those that were asked for the same otherwise
        if not job.results:
            for group in alike.values():
                if any(_other_overrides(job) == _other_overrides(other) for other in group):
                    group.append(job)
                    break
    named: dict[str, list[Job]] = {}
    for group in alike.values():
        name = group[0].name_but_for_the_arm
        named[name if name not in named else f"{name} ({len(named) + 1})"] = group
    return named


def _other_overrides(job: Job) -> dict[str, str] | None:
    """What a folder's name says it was asked for beside the arm; None where it says nothing."""
    return {k: v for k, v in job.overrides.items() if k != "task.arm"} if job.overrides else None


def _tours(name: str, group: Sequence[Job], seed: int) -> TourGroup:
    ordered = sorted(group, key=_order)
    control = next((job for job in ordered if job.arm == CONTROL and job.results), None)
    return TourGroup(name, group[0].noise, tuple(_arm(job, control, seed) for job in ordered))


def _arm(job: Job, control: Job | None, seed: int) -> ArmRow:
    row = ArmRow(job.arm, job.name, {}, _by_visit(job, seed))
    if not job.results:
        missing = "the job left no results" if job.damage is None else "its results cannot be read"
        return ArmRow(job.arm, job.name, missing=missing)
    if job.arm == CONTROL:
        return row
    if control is None:
        return ArmRow(job.arm, job.name, visits=row.visits, missing=f"no {CONTROL} job to compare with")
    try:
        differences = _differences(job, control, seed)
    except EpisodeError as error:
        return ArmRow(job.arm, job.name, visits=row.visits, missing=str(error))
    return ArmRow(job.arm, job.name, differences, row.visits)


def _differences(job: Job, control: Job, seed: int) -> dict[str, dict[str, Difference]]:
    """By stratum and measure. An arm that was ended early is compared over the episodes that it walked."""
    found: dict[str, dict[str, Difference]] = {}
    walked = {result.episode for result in job.results}
    partners = [result for result in control.results if result.episode in walked]
    strata = {**STRATA, **{f"visit {n}": visit(n) for n in visits(job.results)}}
    for stratum, keep in strata.items():
        for measure in COMPARED:
            got = paired_difference(job.results, partners, measure, keep=keep, seed=seed)
            if got is not None:
                found.setdefault(stratum, {})[measure] = got
    return found


def _by_visit(job: Job, seed: int) -> dict[int, Mean]:
    means = {
        n: mean_of("spl", [r for r in job.results if visit(n)(r)], seed=seed) for n in visits(job.results)
    }
    return {n: mean for n, mean in means.items() if mean is not None}
