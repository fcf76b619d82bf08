"""Kills a process that saves archives, and looks at what is there then."""

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from placecell.arrays import generator
from placecell.errors import ArchiveError, OutputError
from placecell.memory import archive
from placecell.memory.archive import Archive

_KIND = "Saved"
_ROWS, _MORE_ROWS, _WIDTH = 6_000, 500, 256
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Kill:
    """What one kill left.

    Attributes:
        found: ``"old"`` or ``"new"``: the archive of before the save under way or of after it, whole;
            ``"third"``: anything else.
        place: ``"write"``: a part of the new file lay beside; ``"rename"``: the new one was in its place, but
            the save had not returned; ``"elsewhere"``: before, or between two saves.
        left: files beside the archive.
        left_nbytes: theirs.
    """

    found: str
    place: str
    left: int
    left_nbytes: int


def campaign(path: Path, kills: int, seed: int) -> Iterator[Kill]:
    """Kills a process that saves to ``path`` so many times, each time looking at what is there.

    Args:
        path: of the archive, in a folder of its own.
        kills: how many.
        seed: of the moments.

    Raises:
        OutputError: the saving process says nothing any more.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    rng, held = generator(seed, "archive kills"), 0
    archive.save(content(held), path)
    start = time.perf_counter()
    archive.save(content(held), path)
    save_s = time.perf_counter() - start
    for _ in range(kills):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=save_on, args=(path, held + 1, theirs), daemon=True)
        process.start()
        theirs.close()
        begun = _wait_for(ours, held + int(rng.integers(1, 4)))
        time.sleep(float(rng.uniform(0, 1.2 * save_s)))
        process.kill()
        process.join()
        ended = held
        for word, number in _rest(ours):
            begun, ended = (number, ended) if word == "begins" else (begun, number)
        ended = max(ended, begun - 1)
        kill, held = _look(path, ended, begun)
        yield kill


def content(number: int) -> Archive:
    """The archive of this number: each byte of it depends on the number, and its size too."""
    rows = _ROWS + _MORE_ROWS * (number % 5)
    words = np.arange(rows * _WIDTH, dtype=np.uint32).reshape(rows, _WIDTH) + np.uint32(number)
    return Archive(_KIND, {"number": number}, {"words": words, "halves": words[::7].astype(np.uint16)})


def save_on(path: Path, number: int, told: Connection) -> None:
    """Saves one archive after the other, and says when each begins and ends, until it is killed."""
    while True:
        new = content(number)
        told.send(("begins", number))
        archive.save(new, path)
        told.send(("ends", number))
        number += 1


def _wait_for(told: Connection, number: int) -> int:
    """Returns when the save of this number has begun."""
    try:
        while told.poll(_PATIENCE_S):
            if told.recv() == ("begins", number):
                return number
        came = f"one that says nothing for {_PATIENCE_S:g} s"
    except EOFError:
        came = "one that ended by itself"
    raise OutputError(expected="a process that saves archives", came=came, fix="look at what it printed")


def _rest(told: Connection) -> Iterator[tuple[str, int]]:
    """What a process that is dead had still said."""
    try:
        while True:
            yield told.recv()
    except EOFError:
        told.close()


def _look(path: Path, ended: int, begun: int) -> tuple[Kill, int]:
    """What lies there, and the number of the archive that does."""
    beside = [other for other in path.parent.iterdir() if other != path]
    number, whole = _read(path)
    found = {ended: "old", begun: "new"}.get(number, "third") if whole else "third"
    place = "write" if beside else "rename" if found == "new" and ended < begun else "elsewhere"
    return Kill(found, place, len(beside), sum(other.stat().st_size for other in beside)), number


def _read(path: Path) -> tuple[int, bool]:
    try:
        stored = archive.load(path, _KIND)
    except ArchiveError:
        return -1, False
    number = archive.whole(stored, "number")
    wanted = content(number).arrays
    alike = stored.arrays.keys() == wanted.keys()
    return number, alike and all(np.array_equal(stored.arrays[name], wanted[name]) for name in wanted)
