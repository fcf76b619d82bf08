"""The recordings that a LeRobot dataset is made of: which of them will do, and what all have in common."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from placecell.errors import ArchiveError

from ..recording import Recording


@dataclass(frozen=True)
class Kind:
    """What must be the same of all episodes of a dataset.

    Args:
        size: (height, width) of the images, pixels.
        actions: what the actions are called, in order; empty where the recording does not say.
        success: whether every step says if the goal was reached.
    """

    size: tuple[int, int]
    actions: tuple[str, ...]
    success: bool


@dataclass(frozen=True)
class Source:
    """The finished recordings, the kind that they are of, and which were left out and why."""

    folders: tuple[Path, ...]
    kind: Kind
    left_out: tuple[tuple[str, str], ...]


def source_of(folders: Sequence[Path], *, depth: bool) -> Source:
    """Looks at every recording before anything is written.

    Raises:
        ArchiveError: one without the images of every step, images that differ in size or are of odd sides,
            actions or measures that differ, or no finished recording at all.
    """
    good: list[Path] = []
    left_out: list[tuple[str, str]] = []
    kind: Kind | None = None
    above = os.path.commonpath([Path(folder).resolve().parent for folder in folders]) if folders else ""
    for folder in map(Path, folders):
        recording = Recording.read(folder)
        why = _unfinished(recording)
        if why:
            left_out.append((str(folder.resolve().relative_to(above)), why))
            continue
        this = _kind(recording, folder, depth)
        if kind is not None and this != kind:
            raise _mixed(folder, this, good[0], kind)
        kind = this
        good.append(folder)
    if kind is None:
        raise ArchiveError(
            expected="at least one finished recording",
            came="; ".join(f"{name}: {why}" for name, why in left_out) or "no folder",
            fix="let the run end its episodes, then export again",
        )
    return Source(tuple(good), kind, tuple(left_out))


def _unfinished(recording: Recording) -> str | None:
    """Why an episode is no example of anything, or None."""
    if not recording.complete or recording.end is None:
        return f"unfinished, it breaks off after {len(recording.steps)} steps"
    status = recording.end.get("status")
    if status != "done":
        return f"{status}: {recording.end.get('reason') or 'it did not come to its end'}"
    return None if len(recording.steps) else "without a step"


def _kind(recording: Recording, folder: Path, depth: bool) -> Kind:
    header = recording.header
    if header.get("level") != "full" or header.get("every", 1) != 1:
        kept = f"record.every={header.get('every')}" if header.get("level") == "full" else "no frames"
        raise ArchiveError(
            expected="recordings with the images of every step",
            came=f"{folder.name} with {kept} (record={header.get('level')})",
            fix="run the episodes again with record=full",
        )
    first = recording.observation(0)
    for name in ("rgb", "depth") if depth else ("rgb",):
        if name not in first:
            raise ArchiveError(
                expected=f"observations with {name}",
                came=f"{folder.name} with {', '.join(sorted(first))}",
                fix="choose an embodiment whose sensors have it"
                if header.get("surroundings") is None
                else "a world of panoramas has no images here: export it to rerun or mcap",
            )
    height, width = first["rgb"].shape[:2]
    if height % 2 or width % 2:
        raise ArchiveError(
            expected="images of even sides, which video in yuv420p has to have",
            came=f"{width} x {height} pixels in {folder.name}",
            fix="record with a camera of even width and height",
        )
    return Kind((height, width), tuple(header.get("actions") or ()), "success" in recording.steps[0].measures)


def _mixed(folder: Path, this: Kind, first: Path, kind: Kind) -> ArchiveError:
    if this.size != kind.size:
        told = [f"images of {k.size[1]} x {k.size[0]} pixels" for k in (kind, this)]
    elif this.actions != kind.actions:
        told = [f"actions {', '.join(k.actions) or 'without names'}" for k in (kind, this)]
    else:
        told = [f"{'a' if k.success else 'no'} measure of success" for k in (kind, this)]
    return ArchiveError(
        expected=f"recordings alike: {told[0]} as in {first.name}",
        came=f"{told[1]} in {folder.name}",
        fix="export them into two datasets",
    )
