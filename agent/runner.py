"""Many episodes: run them, survive what breaks, go on where a run was cut off, leave a run's folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import gymnasium

from placecell.errors import ConfigError, OutputError

from .attempt import Walker
from .beat import Beat
from .interrupts import Interrupts
from .limits import Limits
from .loop import Agent
from .plan import Leg, Plan, WorldFacts, legs, tours
from .progress import watcher
from .provenance import provenance
from .recording import RecordOptions
from .results import RESULTS_FILE, Result, Summary, summarise
from .resume import require_within
from .run_folder import RunFolder
from .supervisor import Make, Workers
from .tour_checkpoint import forget_tour, forget_tours
from .tours import CONTROL, rule_of


@runtime_checkable
class Walking(Protocol):
    """Whoever walks a run's episodes: this process, or several others."""

    def facts(self) -> WorldFacts:
        """What the run has to know of the environment."""

    def walk(self, legs: Sequence[Leg]) -> Iterator[Result]:
        """The results of all pending episodes, in the order in which they end."""


def run(
    env: gymnasium.Env,
    agent: Agent,
    *,
    episodes: int | None,
    seed: int,
    out: Path,
    config: Mapping[str, object],
    progress: bool = False,
    arm: str = CONTROL,
    record: RecordOptions | None = None,
    limits: Limits | None = None,
    max_failures: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Summary:
    """Runs the first ``episodes`` of an environment's dataset in this process and writes a run's folder.

    A folder that holds a part of this run is gone on with: what is there is not walked again, and the
    results are those of a run that was never cut off. An exception in one episode is that episode's result
    (``crashed``, with its reason in ``results.jsonl`` and its traceback in the episode's folder), and the run
    goes on.

    Args:
        env: see :class:`~placecell.agent.attempt.Walker` for what it has to have.
        agent: what walks.
        episodes: how many; the environment's first, so the same ones for every agent. None: all that it has.
        seed: of everything that is drawn. Equal seeds give equal results, the times apart.
        out: the run's folder, made here.
        config: what ``config.yaml`` shall say; the folder of a run with another one is refused.
        progress: shows a bar with the running success rate and SPL, on a terminal.
        arm: what the memory holds when an episode begins, see :mod:`~placecell.agent.tours`.
        record: what is kept of each step; None: :class:`~placecell.agent.recording.RecordOptions`' defaults.
        limits: what an episode may take; in this process a step that never ends cannot be ended.
        max_failures: the run ends once so many episodes were not done; None: never.
        tell: is told in a line what had to be repaired before the run could go on.

    Returns:
        What the run came to so far: ``counts["attempted"]`` is below ``counts["wanted"]`` where it ended
        early.

    Raises:
        ConfigError: more episodes than there are, an environment that lacks something, an unknown arm, or one
            that this environment has nothing for.
        OutputError: the folder cannot be written, or holds something else.
    """
    plan = Plan(seed, arm, limits or Limits(), record or RecordOptions())
    with Interrupts() as beat:
        walking = _Here(env, agent, plan, out, beat)
        return _run(
            walking, plan, episodes, out, config, progress=progress, max_failures=max_failures, tell=tell
        )


def run_workers(
    make: Make,
    *,
    workers: int,
    episodes: int | None,
    seed: int,
    out: Path,
    config: Mapping[str, object],
    progress: bool = False,
    arm: str = CONTROL,
    record: RecordOptions | None = None,
    limits: Limits | None = None,
    max_failures: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> Summary:
    """As :func:`run`, in so many spawned processes, which this one watches and replaces.

    A worker that dies, hangs or grows too large costs its episode (``crashed``, ``stalled``) and nothing
    else. The results do not depend on how many there are.

    Args:
        make: makes an environment and its agent; called once in each worker, so it has to be picklable (a
            function of a module, or a ``functools.partial`` of one).
        workers: how many processes at most, 1 or more.
        episodes, seed, out, config, progress, arm, record, limits, max_failures, tell: see :func:`run`.
    """
    if workers < 1:
        raise ConfigError(expected="workers of 1 or more", came=str(workers), fix="set workers=N")
    plan = Plan(seed, arm, limits or Limits(), record or RecordOptions())
    with Workers(make, plan, out, workers) as walking:
        return _run(
            walking, plan, episodes, out, config, progress=progress, max_failures=max_failures, tell=tell
        )


class _Here:
    """Walks in this process."""

    def __init__(self, env: gymnasium.Env, agent: Agent, plan: Plan, out: Path, beat: Beat) -> None:
        self._made = env, agent, plan, out, beat
        self._walker: Walker | None = None

    def facts(self) -> WorldFacts:
        self._walker = Walker(*self._made)
        return self._walker.facts

    def walk(self, legs: Sequence[Leg]) -> Iterator[Result]:
        assert self._walker is not None
        for leg in legs:
            yield from self._walker.walk(leg)


def _run(
    walking: Walking,
    plan: Plan,
    episodes: int | None,
    out: Path,
    config: Mapping[str, object],
    *,
    progress: bool,
    max_failures: int | None,
    tell: Callable[[str], None] | None,
) -> Summary:
    rule_of(plan.arm)
    if episodes is not None and episodes < 1:
        raise ConfigError(expected="episodes of 1 or more", came=str(episodes), fix="set episodes=N")
    if max_failures is not None and max_failures < 1:
        raise ConfigError(
            expected="max_failures of 1 or more, or none",
            came=str(max_failures),
            fix="set max_failures=N, or max_failures=null to go on whatever happens",
        )
    with RunFolder(out, config) as folder:
        if folder.torn and tell is not None:
            tell(
                f"the last line of {out / RESULTS_FILE} was cut off after {len(folder.torn)} characters: "
                "it was taken out, and its episode is walked again"
            )
        facts = walking.facts() if episodes is None else None
        episodes = facts.number_of_episodes if facts is not None else episodes
        assert episodes is not None
        require_within(episodes, folder.statuses, out / RESULTS_FILE)
        if len(folder.statuses) == episodes:
            return _close(folder, plan, episodes)
        facts = facts or walking.facts()
        _require_episodes(episodes, facts)
        folder.begin(provenance(seed=plan.seed, world=facts.provenance, oracle=facts.oracle))
        try:
            with watcher(episodes, wanted=progress) as watch:
                for result in folder.results():
                    watch.add(result)
                for result in _walk(walking, facts, folder, episodes, max_failures):
                    watch.add(result)
        except OutputError:
            raise  # a summary could not be written either
        except BaseException:
            _close(folder, plan, episodes)
            raise
        return _close(folder, plan, episodes)


def _walk(
    walking: Walking, facts: WorldFacts, folder: RunFolder, episodes: int, max_failures: int | None
) -> Iterator[Result]:
    """The results, each once its line is written, until all are there or too many were not done."""
    if _too_many(folder, max_failures):
        return
    pending = legs(episodes, facts.visits_per_tour, folder.statuses)
    tour_of = {episode: tour for tour in tours(episodes, facts.visits_per_tour) for episode in tour}
    for result in walking.walk(pending):
        folder.append(result)
        tour = tour_of[result.episode]
        if facts.has_tours and all(episode in folder.statuses for episode in tour):
            forget_tour(folder.path, tour.start)
        yield result
        if _too_many(folder, max_failures):
            return


def _too_many(folder: RunFolder, max_failures: int | None) -> bool:
    if max_failures is None:
        return False
    return sum(status != "done" for status in folder.statuses.values()) >= max_failures


def _close(folder: RunFolder, plan: Plan, episodes: int) -> Summary:
    if len(folder.statuses) == episodes:
        folder.sort()
        forget_tours(folder.path)  # a kill may have come between a tour's last line and this
    summary = summarise(folder.results(), seed=plan.seed, wanted=episodes)
    folder.write_summary(summary)
    return summary


def _require_episodes(episodes: int, facts: WorldFacts) -> None:
    if episodes > facts.number_of_episodes:
        raise ConfigError(
            expected=f"episodes from 1 to {facts.number_of_episodes}, which is all that there are",
            came=str(episodes),
            fix="set episodes=N within that range, or give the environment more of them",
        )
