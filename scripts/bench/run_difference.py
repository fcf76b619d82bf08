"""In what two runs' folders differ that should hold the same."""

import filecmp
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from placecell.agent.recording import Recording
from placecell.agent.results import RESULTS_FILE
from placecell.agent.run_folder import EPISODES
from placecell.errors import ArchiveError

_HEADER = "header.json"


@dataclass(frozen=True)
class RunDifference:
    """What a run's folder lacks, has too often or says otherwise than the one that it is held against.

    Args:
        lost: episodes without a line.
        twice: episodes with more than one.
        lines: episodes whose (first) line says something else; ``seconds`` are not looked at.
        order: how many places hold another episode's line.
        summary: ``summary.json`` is not the same, byte for byte.
        recordings: folders of episodes that are missing, not complete, or not the same in every byte.
        extra: files and folders that the other has not: what was begun and never cleared away.
    """

    lost: tuple[int, ...] = ()
    twice: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()
    order: int = 0
    summary: bool = False
    recordings: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @classmethod
    def between(cls, reference: Path, folder: Path) -> "RunDifference":
        """What ``folder`` has otherwise than ``reference``."""
        wanted, found = _lines(reference), _lines(folder)
        first = dict(reversed(found))
        count = Counter(episode for episode, _ in found)
        both = [(episode, line) for episode, line in wanted if episode in first]
        return cls(
            lost=tuple(episode for episode, _ in wanted if episode not in count),
            twice=tuple(episode for episode, times in count.items() if times > 1),
            lines=tuple(episode for episode, line in both if first[episode] != line),
            order=sum(a != b for (a, _), (b, _) in zip(wanted, found, strict=False)),
            summary=_bytes(reference / "summary.json") != _bytes(folder / "summary.json"),
            recordings=tuple(
                name for name in _names(reference / EPISODES) if _differ(name, reference, folder)
            ),
            extra=tuple(_extra(reference, folder)),
        )


def whole_lines(folder: Path) -> list[bytes]:
    """The lines of ``results.jsonl`` that are complete; none where there is no such file."""
    return _bytes(folder / RESULTS_FILE).split(b"\n")[:-1]


def episode_of(line: bytes) -> int:
    """The episode of a line of ``results.jsonl``."""
    return int(json.loads(line)["episode"])


def _lines(folder: Path) -> list[tuple[int, str]]:
    """Episode and text of each line, without its seconds."""
    fields = [json.loads(line) for line in whole_lines(folder)]
    return [
        (each["episode"], json.dumps({name: value for name, value in each.items() if name != "seconds"}))
        for each in fields
    ]


def _differ(name: str, reference: Path, folder: Path) -> bool:
    theirs, ours = reference / EPISODES / name, folder / EPISODES / name
    if not ours.is_dir() or _names(theirs) != _names(ours):
        return True
    if any(not filecmp.cmp(theirs / file, ours / file, shallow=False) for file in _names(theirs)):
        return True
    return (ours / _HEADER).exists() and not _complete(ours)


def _complete(folder: Path) -> bool:
    try:
        return Recording.read(folder).complete
    except ArchiveError:
        return False


def _extra(reference: Path, folder: Path) -> list[str]:
    found = [name for name in _names(folder) if not (reference / name).exists()]
    return found + [
        f"{EPISODES}/{name}"
        for name in _names(folder / EPISODES)
        if not (reference / EPISODES / name).exists()
    ]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
