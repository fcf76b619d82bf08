"""When a run is killed: at any time, or right when one of its files is being written."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from placecell.agent.results import RESULTS_FILE
from placecell.agent.run_folder import EPISODES, TOURS

from .launched import Launched
from .run_difference import episode_of, whole_lines

How = Literal["random", "watched", "torn"]
HOWS: tuple[How, ...] = ("random", "watched", "torn")
"""At a random time; when a file has just grown or appeared; at a random time, and then a last line is cut."""
Kind = Literal["folder", "results.jsonl", "steps.jsonl", "frames.tar", "tour", "temporary"]
"""``folder``: what lies in the run's folder itself; ``tour``: checkpoints; ``temporary``: files of writes
that become visible at once or not at all."""
_START_UP = 0.15
_LATER = 0.5
_LATER_S = 2e-3
_LONGEST_WATCH_S = 15.0
_LONGEST_START_S = 300.0


@dataclass(frozen=True)
class Moment:
    """When to kill.

    Args:
        how: see :data:`HOWS`.
        in_start_up: before the first episode of this command; else once it walks.
        after_line: only once this command has added a line.
        wait_s: then go on for so long.
        kind: then until such a file grows or appears; None: at once.
        later_s: and then a moment more.
    """

    how: How
    in_start_up: bool
    after_line: bool
    wait_s: float
    kind: Kind | None = None
    later_s: float = 0.0

    def await_in(self, run: Launched, folder: Path) -> bool:
        """Waits for it; False where the command ended before."""
        if not self.in_start_up:
            before = len(whole_lines(folder))
            arrived = (lambda: len(whole_lines(folder)) > before) if self.after_line else _walks(run, folder)
            run.wait(arrived, _LONGEST_START_S)
        if self.kind != "folder":
            run.sleep(self.wait_s)
        if self.kind is not None:
            run.wait(_changes(folder, self.kind), _LONGEST_WATCH_S, pause_s=0.0)
            time.sleep(self.later_s)
        return run.running


class Moments:
    """So many moments, a third of each way, in random order; the first is when the folder is made.

    Args:
        rng: draws them.
        kills: how many.
        kinds: of files that the run writes.
        start_s: that the command takes until its first episode begins.
    """

    def __init__(self, rng: np.random.Generator, kills: int, kinds: Sequence[Kind], start_s: float) -> None:
        self._rng, self._kinds, self._start_s = rng, tuple(kinds), start_s
        ways = [HOWS[number % len(HOWS)] for number in range(kills)]
        self._ways = [ways[number] for number in rng.permutation(kills)]
        if "watched" in self._ways:
            self._ways.remove("watched")
            self._ways.insert(0, "watched")

    def __len__(self) -> int:
        return len(self._ways)

    def draw(self, number: int, share_s: float, stuck: bool) -> Moment:
        """When to kill for the ``number``-th time.

        Args:
            number: from 0.
            share_s: seconds of walking that remain for one kill.
            stuck: the last kills left no line more, so that this one has to wait for one.
        """
        rng, how, kind = self._rng, self._ways[number], None
        if how == "watched":
            kind = "folder" if number == 0 else self._kinds[int(rng.integers(len(self._kinds)))]
        later_s = float(rng.uniform(0, _LATER_S)) if rng.random() < _LATER else 0.0
        early = not stuck and (kind == "folder" or (how == "random" and rng.random() < _START_UP))
        wait_s = float(rng.uniform(0, self._start_s if early else 2 * share_s))
        return Moment(how, early, stuck, wait_s, kind, later_s)


def kinds_of(reference: Path, tours: bool) -> tuple[Kind, ...]:
    """The kinds of files that a run writes, by what an uninterrupted one left."""
    names = {path.name for path in (reference / EPISODES).glob("*/*")}
    found: list[Kind] = ["folder", "results.jsonl", "temporary"]
    found += ["steps.jsonl"] if "steps.jsonl" in names else []
    found += ["frames.tar"] if "frames.tar" in names else []
    return (*found, "tour") if tours else tuple(found)


def _walks(run: Launched, folder: Path) -> Callable[[], bool]:
    """Whether this command has begun an episode."""
    return lambda: any(_written(path) > run.began_ns for path in (folder / EPISODES).glob("*"))


def _changes(folder: Path, kind: Kind) -> Callable[[], bool]:
    """Whether a file of a kind has grown or appeared since this was asked for."""
    done = {episode_of(line) for line in whole_lines(folder)}
    before = dict(_watched(folder, kind, done))
    return lambda: any(before.get(path) != size for path, size in _watched(folder, kind, done))


def _watched(folder: Path, kind: Kind, done: set[int]) -> Iterator[tuple[Path, int]]:
    """The files of a kind, with their sizes; of episodes only those without a line then."""
    if kind == RESULTS_FILE:
        yield from _sizes([folder / RESULTS_FILE])
        return
    if kind == "folder":
        yield from ((path, max(_written(path), 0)) for path in _in(folder) if path.name != EPISODES)
        return
    tours = [path for tour in _in(folder / TOURS) for path in _in(tour)]
    if kind == "tour":
        yield from _sizes(tours)
        return
    running = [path for path in _in(folder / EPISODES) if int(path.name.partition("-")[0]) not in done]
    if kind == "temporary":
        places = [*_in(folder), *tours, *(path for each in running for path in _in(each))]
        yield from _sizes([path for path in places if path.name.startswith(".")])
    else:
        yield from _sizes([each / kind for each in running])


def _in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sizes(paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        try:
            yield path, path.stat().st_size
        except FileNotFoundError:
            continue


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return -1
