"""Folders that placecell writes to, and the public data."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from placecell.errors import OutputError

from ..data.catalogue import SETS, ByHand, DataSet
from ..data.options import VARIABLE, in_words, named_folder
from ..data.verification import verdicts
from .check import Check, tried

LEAST_FREE_BYTES = 1 << 30


def place_checks(data: Path | None, *, full: bool) -> Iterator[Check]:
    """The folder of the cache, the one we are in, and every public set.

    Args:
        data: where the sets are; None takes ``PLACECELL_DATA``.
        full: compares hashes and not only sizes.
    """
    other = "export PLACECELL_CACHE=DIR, a folder that you may write to"
    yield tried("cache folder", lambda: _writable(_cache_folder(), other), other, required=False)
    here = "go to a folder that you may write to, or name one with out="
    yield tried("this folder", lambda: _writable(Path.cwd(), here), here, required=False)
    yield from data_checks(named_folder(data), full=full)


def data_checks(folder: Path | None, *, full: bool) -> Iterator[Check]:
    """A line for every set of which checksums are known; one line where there is no folder."""
    if folder is None or not folder.is_dir():
        came = f"{folder}, which is no folder" if folder else "not set: no public data"
        fix = f"export {VARIABLE}=DIR, then placecell-data fetch NAME (placecell-data list shows them)"
        yield Check(VARIABLE, False, came, fix, required=False)
        return
    yield Check(VARIABLE, True, str(folder), required=False)
    for dataset in SETS.values():
        if dataset.files:
            yield _set_check(dataset, folder, full)


def _set_check(dataset: DataSet, folder: Path, full: bool) -> Check:
    found = list(verdicts(dataset, folder, sizes_only=not full))
    wrong = [one for one in found if one.state != "ok"]
    if not wrong:
        how = "SHA-256 of each" if full else "sizes; --full compares the SHA-256 of each"
        says = f"{dataset.count} files, {in_words(dataset.bytes)} ({how})"
        return Check(dataset.name, True, says, required=False)
    changed = sum(one.state == "changed" for one in wrong)
    if len(wrong) == len(found) and not changed:
        origin = dataset.origin
        by_hand = f"{origin.page}: {origin.how}" if isinstance(origin, ByHand) else ""
        fix = by_hand or f"placecell-data fetch {dataset.name}"
        return Check(dataset.name, False, f"not there: {dataset.what}", fix, required=False)
    says = f"{changed} changed, {len(wrong) - changed} missing of {len(found)} entries"
    fetchable = not changed and not isinstance(dataset.origin, ByHand)
    fix = f"placecell-data {'fetch' if fetchable else 'verify'} {dataset.name}"
    return Check(dataset.name, False, says, fix, required=False)


def _cache_folder() -> Path:
    from placecell.envs.navmesh.cache import cache_folder

    return cache_folder()


def _writable(folder: Path, fix: str) -> str:
    """Writes, where the folder is not there yet, to the nearest one above it that is."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"placecell")
    except OSError as error:
        came = f"{there}: {error.strerror or error}"
        raise OutputError(expected=f"to write to {folder}", came=came, fix=fix) from error
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE_BYTES:
        raise OutputError(
            expected=f"{in_words(LEAST_FREE_BYTES)} free in {folder}",
            came=in_words(free),
            fix=f"make room, or {fix}",
        )
    return f"{folder}: writable, {in_words(free)} free"
