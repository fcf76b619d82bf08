"""Writes a file whole or not at all, whatever kills the writer, and straight from the arrays."""

import errno
import fcntl
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

_PIECE = 1 << 25
"""Bytes that are written at once, and copied before where an array does not lie in one piece."""


def write_whole(path: Path, header: bytes, arrays: Sequence[np.ndarray]) -> None:
    """Writes a header and arrays so that ``path`` is ever the old file or the new one.

    They go to a file beside it, to the disk, and then by one rename to their place; no array is copied
    whole. The file beside it is locked while it is written: whoever writes ``path`` next removes those that
    nobody locks any more, which killed writers left.

    Args:
        path: where to; what a link points to is replaced, not the link. A file that is there hands its rights
            on, before any content is written.
        header: the first bytes.
        arrays: what follows, in C order, without gaps.

    Raises:
        OSError: the disk refuses, or what is at ``path`` is no plain file; it is still there.
    """
    target = Path(os.path.realpath(path))
    rights = _rights_of(target)
    _remove_abandoned(target)
    with _beside(target) as (name, file):
        if rights is not None:
            os.fchmod(file.fileno(), rights)
        _reserve(file, len(header) + sum(array.nbytes for array in arrays))
        file.write(header)
        for array in arrays:
            for piece in _pieces(array):
                file.write(piece)
                _begin_writing(file, len(piece))
        file.flush()
        os.fsync(file.fileno())
        os.replace(name, target)
    _settle(target.parent)


def _rights_of(target: Path) -> int | None:
    """Those of the file that is to be replaced; None where there is none."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        # A rename would put a plain file in the place of a device, a pipe or a socket.
        raise OSError(errno.EINVAL, "a folder" if stat.S_ISDIR(mode) else "no plain file")
    return stat.S_IMODE(mode) & 0o777


@contextmanager
def _beside(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new locked file in the target's folder; removed again where the writing of it fails."""
    while True:
        name = target.parent / f"{_beginning(target)}{secrets.token_hex(4)}"
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(handle, "wb") as file:
            try:
                with suppress(OSError):  # a disk that knows no locks: nobody can take the file for abandoned
                    fcntl.flock(handle, fcntl.LOCK_EX)
                if not os.fstat(handle).st_nlink:
                    continue  # removed by another writer in the moment before it was locked
                yield name, file
                return
            except BaseException:
                name.unlink(missing_ok=True)
                raise


def _remove_abandoned(target: Path) -> None:
    """Removes what writers of this target left that were killed."""
    beginning = _beginning(target)
    names: list[str] = []
    with suppress(PermissionError):  # a folder that may be written to and not be read
        names = os.listdir(target.parent)
    for name in names:
        if name.startswith(beginning) and len(name) == len(beginning) + 8:
            # Still locked, gone already, or no right to it: then it is another's to remove.
            with suppress(OSError), open(target.parent / name, "rb") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(target.parent / name)


def _beginning(target: Path) -> str:
    return f".{target.name}.saving-"


def _pieces(array: np.ndarray) -> Iterator[memoryview]:
    """An array's bytes in C order, as they lie in memory where they lie so."""
    little = array.dtype.newbyteorder("<")
    if array.flags.c_contiguous and array.dtype == little:
        content = array.reshape(-1).view(np.uint8)
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE].data
        return
    array = np.atleast_1d(array)
    rows = max(1, _PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows], little).reshape(-1).view(np.uint8).data


def _reserve(file: BinaryIO, size: int) -> None:
    """Takes the room at once: in one piece, and a disk that has it not says so before all is written."""
    if sys.platform == "linux":
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a disk that reserves nothing
                raise


def _begin_writing(file: BinaryIO, size: int) -> None:
    """Lets the disk write the last bytes while the next are being copied, and not all at the end."""
    file.flush()
    if sys.platform == "linux":
        os.posix_fadvise(file.fileno(), file.tell() - size, size, os.POSIX_FADV_DONTNEED)


def _settle(folder: Path) -> None:
    """Puts the rename on the disk as well, so that a power cut after the return loses nothing."""
    with suppress(OSError):  # not every disk can, nor everybody who may write; the file itself is there whole
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
