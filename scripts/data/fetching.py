"""A whole set from its origin: only what is missing, and never over a file that is there."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from placecell.errors import DataError

from .catalogue import Archive, ByHand, DataSet, Files, Listed
from .download import DownloadError, Wanted, download, not_writable, require_room
from .options import in_words
from .unpacking import unpack
from .verification import Verdict, verdict, verdicts

Say = Callable[[str], None]


def fetch(dataset: DataSet, data: Path, say: Say, *, pause_s: float = 1.0) -> int:
    """Brings a set to ``data / dataset.name``; what is there and verified is not touched.

    Args:
        dataset: which.
        data: the folder that ``PLACECELL_DATA`` names; made if need be.
        say: takes a line for each thing done.
        pause_s: before a broken request is repeated.

    Returns:
        How many of the listed files came.

    Raises:
        DataError: it can only be had by hand, or a file of that name with other content is there.
        DownloadError: the origin did not give what was expected.
        OutputError: the folder cannot be written, or the disk is too full.
    """
    if isinstance(dataset.origin, ByHand):
        origin = dataset.origin
        raise DataError(
            expected="a set that can be fetched",
            came=f"{dataset.name}, which has to be got by hand",
            fix=f"{origin.page}: {origin.how}",
        )
    found = list(verdicts(dataset, data))
    _require_none_changed(dataset, data, found)
    missing = [one.listed for one in found if one.state == "missing"]
    if not missing:
        return 0
    folder = data / dataset.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        require_room(folder, sum(listed.bytes for listed in missing))
        if isinstance(dataset.origin, Files):
            _fetch_files(dataset.origin, folder, missing, say, pause_s)
        else:
            _fetch_archive(dataset.origin, folder, missing, say, pause_s)
    except OSError as error:
        raise not_writable(folder, error) from error
    return sum(listed.count for listed in missing)


def _require_none_changed(dataset: DataSet, data: Path, found: Sequence[Verdict]) -> None:
    changed = [one for one in found if one.state == "changed"]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise DataError(
            expected=f"{data / dataset.name} without files that differ from the catalogue",
            came=f"{changed[0].listed.path} ({changed[0].note}){more}",
            fix="move them away first: nothing is overwritten",
        )


def _fetch_files(origin: Files, folder: Path, missing: Sequence[Listed], say: Say, pause_s: float) -> None:
    for listed in missing:
        path = folder / listed.path
        path.parent.mkdir(parents=True, exist_ok=True)
        wanted = Wanted(
            origin.url(listed.path), origin.hosts, path, listed.bytes, listed.sha256, listed.bytes
        )
        resumed = download(wanted, pause_s=pause_s)
        went_on = f", went on after {in_words(resumed)}" if resumed else ""
        say(f"{listed.path}  {in_words(listed.bytes)}{went_on}")


def _fetch_archive(
    origin: Archive, folder: Path, missing: Sequence[Listed], say: Say, pause_s: float
) -> None:
    archive = folder.with_name(f".{folder.name}.archive")
    if not archive.exists():
        wanted = Wanted(origin.url, origin.hosts, archive, None, origin.sha256, origin.limit_bytes)
        resumed = download(wanted, pause_s=pause_s)
        went_on = f", went on after {in_words(resumed)}" if resumed else ""
        say(f"archive  {in_words(archive.stat().st_size)}{went_on}")
    staging = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        unpack(archive, origin, missing, staging)
        for listed in missing:
            _require_verified(listed, staging)
        for path in sorted(path for path in staging.rglob("*") if path.is_file()):
            _place(path, folder / path.relative_to(staging))
        for listed in missing:
            say(f"{listed.path}  {listed.count} files, {in_words(listed.bytes)}")
    except DownloadError:
        archive.unlink()
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    archive.unlink()


def _require_verified(listed: Listed, staging: Path) -> None:
    found = verdict(listed, staging)
    if found.state != "ok":
        raise DownloadError(
            expected=f"{listed.path} in the archive as the catalogue lists it",
            came=f"{found.state} {found.note}".strip(),
            fix="the origin has changed: nothing of it was kept",
        )


def _place(path: Path, target: Path) -> None:
    """Of many files that were found incomplete, some may be there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.replace(path, target)
    elif target.read_bytes() != path.read_bytes():
        raise DataError(
            expected=f"no other file at {target}",
            came="one with other content",
            fix="move it away first: nothing is overwritten",
        )
