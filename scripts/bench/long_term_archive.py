"""The archive's rows of ``placecell-bench long_term``: saving and opening 1 M rows of 256, against ``.npy``.

Wall time, since saving and opening wait for the disk; the best of several rounds, each with all in turn. The
peer keeps the same promise: ``numpy.save`` into a file beside, to the disk, renamed. What ``numpy.save``
takes without that promise stands in a row of its own, without a target.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from placecell.memory import archive
from placecell.memory.archive import Archive

from .row import Row

WIDTH = 256
ROWS, QUICK_ROWS = (1_000_000, 5), (100_000, 3)
"""How many rows, and how often each is done."""
MOST_OPEN_S = 0.010
_KIND, _NAME = "LongTermMemory", "long_term.vectors"
_TARGET = 0.9


def rows(quick: bool) -> list[Row]:
    """Save and open; ``quick`` takes a tenth of the rows."""
    count, rounds = QUICK_ROWS if quick else ROWS
    vectors = np.random.default_rng(0).integers(0, 0x3C00, (count, WIDTH), np.uint16).view(np.float16)
    with tempfile.TemporaryDirectory(prefix="placecell-long-term-") as folder:
        ours, theirs = Path(folder, "ours.placecell"), Path(folder, "theirs.npy")
        stored = Archive(_KIND, {"rows": count}, {_NAME: vectors})
        saved = _best(
            [
                lambda: archive.save(stored, ours),
                lambda: _save_npy(theirs, vectors),
                lambda: np.save(theirs, vectors),
            ],
            rounds,
        )
        opened = _best(
            [lambda: _last_row(ours), lambda: np.load(theirs, mmap_mode="r")[-1].sum()], 10 * rounds
        )
        read = _best([lambda: archive.load(ours, _KIND), lambda: np.load(theirs)], 2 * rounds)
        peers = _rate(
            "archive_save", saved[0], saved[1], vectors.nbytes, "numpy.save, fsync, rename", _TARGET
        )
        return [
            peers,
            _rate("archive_save_unsynced_peer", saved[0], saved[2], vectors.nbytes, "numpy.save alone", None),
            _rate("archive_load", read[0], read[1], vectors.nbytes, "numpy.load", _TARGET),
            Row(
                "archive_open_mapped",
                opened[0],
                "s",
                "numpy.load(mmap_mode='r')",
                opened[1],
                opened[1] / opened[0],
                f"< {MOST_OPEN_S:g} s, >= {_TARGET:g} x numpy.load",
                opened[0] < MOST_OPEN_S and opened[1] / opened[0] >= _TARGET,
            ),
        ]


def _rate(name: str, own_s: float, peer_s: float, nbytes: int, peer: str, target: float | None) -> Row:
    rates, ratio = (nbytes / own_s / 1e6, nbytes / peer_s / 1e6), peer_s / own_s
    said, verdict = (None, None) if target is None else (f">= {target:g} x {peer}", ratio >= target)
    return Row(name, rates[0], "MB/s", peer, rates[1], ratio, said, verdict)


def _save_npy(path: Path, vectors: np.ndarray) -> None:
    beside = path.with_suffix(".part")
    with open(beside, "wb") as file:
        np.save(file, vectors)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _last_row(path: Path) -> float:
    return float(archive.open_mapped(path, _KIND).arrays[_NAME][-1].sum())


def _best(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds of each call, the best of so many rounds; one before is not counted."""
    times = []
    for _ in range(rounds + 1):
        times.append([_seconds(call) for call in calls])
    return [min(column) for column in zip(*times[1:], strict=True)]


def _seconds(call: Callable[[], object]) -> float:
    os.sync()  # what the call before has left to write is not this one's
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
