"""A set out of a gzipped tar archive: nothing is written before every name in it has been looked at."""

import json
import shutil
import tarfile
import zlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from .catalogue import Archive, Listed
from .download import DownloadError, require_room

_BLOCK = 1 << 20


def unpack(path: Path, archive: Archive, files: Sequence[Listed], folder: Path) -> None:
    """Writes the listed files of an archive to ``folder``; what is not listed stays inside.

    Args:
        path: the archive on disk.
        archive: what it should be.
        files: which to take, and how large they are.
        folder: where to; exists, and holds nothing of value.

    Raises:
        DownloadError: it is no tar archive, is damaged, or holds an absolute name, one with ``..``, a link,
            a device, or more than the limit when unpacked.
        OutputError: the disk is too full.
    """
    require_room(folder, sum(file.bytes for file in files))
    try:
        with tarfile.open(path, "r:gz") as tar:
            _require_harmless(tar, archive.limit_bytes)
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                name = _name_in_set(member.name, archive)
                if member.isfile() and any(_is_listed(name, file) for file in files):
                    _write(tar, member, folder / name, archive)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _refused("a whole tar archive", f"{error or type(error).__name__}") from error


def _is_listed(name: str, listed: Listed) -> bool:
    """As ``Path.glob`` has it, a ``*`` stands for no ``/``."""
    return name.count("/") == listed.path.count("/") and fnmatchcase(name, listed.path)


def _require_harmless(tar: tarfile.TarFile, limit_bytes: int) -> None:
    total = 0
    for member in tar:
        total += member.size  # before what it announces is unpacked, wherever in the archive it lies
        if total > limit_bytes:
            raise _refused(f"at most {limit_bytes} bytes of files", f"{total}")
        parts = PurePosixPath(member.name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or "\0" in member.name:
            raise _refused("names that stay inside their folder", repr(member.name))
        if not (member.isfile() or member.isdir()):
            kind = "a link" if member.issym() or member.islnk() else "a device"
            raise _refused("files and folders only", f"{kind}: {member.name!r}")


def _name_in_set(name: str, archive: Archive) -> str:
    """The path below the set's folder; empty for what lies elsewhere in the archive."""
    inside = PurePosixPath(*PurePosixPath(name).parts[1:])
    if not inside.is_relative_to(archive.folder):
        return ""
    return inside.relative_to(archive.folder).as_posix()


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, archive: Archive) -> None:
    source = tar.extractfile(member)
    assert source is not None  # None is for what isfile() has sorted out
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, path.open("wb") as file:
        if not archive.compact_json:
            shutil.copyfileobj(source, file, _BLOCK)
            return
        try:
            document = json.load(source)
        except (ValueError, RecursionError) as error:
            raise _refused("JSON", f"{member.name!r}: {error}") from error
        file.write(json.dumps(document, separators=(",", ":")).encode())


def _refused(expected: str, came: str) -> DownloadError:
    return DownloadError(
        expected=f"an archive with {expected}",
        came=came,
        fix="it is not what the catalogue describes: nothing of it was kept",
    )
