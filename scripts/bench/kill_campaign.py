"""Kills a run again and again, and lets the same command go on until it comes to its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from placecell.errors import OutputError

from .kill_moments import How, Moment, Moments
from .launched import Launched
from .run_difference import episode_of, whole_lines
from .timed_run import TimedRun
from .unfinished import Cut, Place, Unfinished, is_whole

_GRACE_S = 5.0
_STUCK = 3
_REFUSED = 3


@dataclass(frozen=True)
class Kill:
    """One kill, and what it left.

    Args:
        how: see :data:`~.kill_moments.HOWS`.
        place: where it caught the run.
        lines: of results that were complete then.
        torn: files that it left with half a line or member.
        temporary: files of writes that were not yet to be seen.
        cut: what was cut afterwards.
        unreadable: what the readers did not give back as it should be.
        orphans: processes that outlived the run.
    """

    how: How
    place: Place
    lines: int
    torn: tuple[str, ...]
    temporary: tuple[str, ...]
    cut: Cut | None
    unreadable: tuple[str, ...]
    orphans: int


@dataclass
class Campaign:
    """As many kills as asked for, over as many runs as that takes.

    Args:
        command: arguments of placecell-run, ``out`` excepted.
        scratch: holds the runs' folders.
        reference: the run that was left in peace.
        moments: when to kill.
        rng: draws what is cut.

    ``kills``, ``completed`` (folders of runs that came to their end), ``refused`` (what the command said that
    did not go on), ``kept_changed`` (lines that were complete after a kill and are not what they were at the
    next), ``torn`` (files left torn or cut in the completed runs) and ``repaired`` (of these) add up.
    """

    command: Sequence[str]
    scratch: Path
    reference: TimedRun
    moments: Moments
    rng: np.random.Generator
    kills: list[Kill] = field(default_factory=list)
    completed: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    kept_changed: int = 0
    torn: int = 0
    repaired: int = 0

    def carry_out(self) -> None:
        """Kills until all are done, and lets the last run come to its end.

        Raises:
            OutputError: the command refuses to go on again and again.
        """
        rounds = 0
        while len(self.kills) < len(self.moments):
            self._round(self.scratch / f"interrupted-{rounds}")
            rounds += 1

    def _round(self, folder: Path) -> None:
        """One run, to its end."""
        kept: dict[int, bytes] = {}
        torn: list[str] = []
        stuck = 0
        while True:
            with Launched(self.command, folder, folder.with_suffix(".log")) as run:
                before = len(whole_lines(folder))
                moment = self._next(before, stuck >= _STUCK)
                if moment is None or not (moment.await_in(run, folder) and run.kill()):
                    ended = self._ended(run)
                    self.kept_changed += _changed(kept, folder)
                    if ended:
                        self.completed.append(folder)
                        self.torn += len(torn)
                        self.repaired += sum(is_whole(folder / name) for name in torn)
                    return
                self.kept_changed += _changed(kept, folder)
                kill = self._look(run, moment, folder)
            kept = {episode_of(line): line for line in whole_lines(folder)}
            stuck = 0 if kill.lines > before else stuck + 1
            torn += [*kill.torn, *([kill.cut.file] if kill.cut else [])]
            self.kills.append(kill)
            print(f"kill {len(self.kills):3d} of {len(self.moments)}: {_in_words(kill)}", flush=True)

    def _next(self, lines: int, stuck: bool) -> Moment | None:
        """When to kill next; None once it was killed often enough."""
        done = len(self.kills)
        if done == len(self.moments):
            return None
        rest = 1 - lines / max(1, len(self.reference.results))
        return self.moments.draw(done, self.reference.walk_s * rest / (len(self.moments) - done + 1), stuck)

    def _ended(self, run: Launched) -> bool:
        """Waits for the end; False where the command refused to go on."""
        try:
            run.require_ended()
        except OutputError as error:
            self.refused.append(error.came)
            print(f"refused: {error.came}", flush=True)
            if len(self.refused) == _REFUSED:
                raise
            return False
        return True

    def _look(self, run: Launched, moment: Moment, folder: Path) -> Kill:
        """What the kill left, before and after something is cut."""
        orphans = run.left(_GRACE_S)
        run.end_others()
        left = Unfinished(folder, run.began_ns)
        place, torn, temporary = left.place, left.torn(), left.half_written()
        cut = left.tear(self.rng) if moment.how == "torn" else None
        return Kill(
            how=moment.how,
            place=place,
            lines=len(whole_lines(folder)),
            torn=tuple(torn),
            temporary=tuple(str(path.relative_to(folder)) for path in temporary),
            cut=cut,
            unreadable=tuple(left.unreadable(self.reference.folder)),
            orphans=len(orphans),
        )


def _changed(kept: dict[int, bytes], folder: Path) -> int:
    """How many lines that were complete are gone or say something else now, seconds included."""
    now = {episode_of(line): line for line in whole_lines(folder)}
    return sum(now.get(episode) != line for episode, line in kept.items())


def _in_words(kill: Kill) -> str:
    parts = [f"{kill.how}, {kill.place}, {kill.lines} lines"]
    parts += [f"torn: {', '.join(kill.torn)}"] if kill.torn else []
    parts += [f"cut: {kill.cut.file} by {kill.cut.taken} of {kill.cut.of} bytes"] if kill.cut else []
    parts += [f"{kill.orphans} processes left"] if kill.orphans else []
    return "; ".join([*parts, *kill.unreadable])
