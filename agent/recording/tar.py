"""A tar that only grows: one member a recorded step, read by ``tar`` and ``tarfile`` even when it was cut."""

import tarfile
from pathlib import Path

from .appending import AppendedFile

_BLOCK = tarfile.BLOCKSIZE
_END = b"\0" * (2 * _BLOCK)


def next_content(end: int) -> int:
    """Where the content of the member begins that follows one whose content ends there; 0 before any."""
    return -(-end // _BLOCK) * _BLOCK + _BLOCK


def member_name(step: int) -> str:
    """The member of a step: ``000012.npz``."""
    return f"{step:06d}.npz"


class FrameTar:
    """Writes ``frames.tar`` (POSIX ustar).

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path)

    @property
    def next_offset(self) -> int:
        """Where the content of the next member will begin, in bytes from the file's start."""
        return next_content(self._file.size)

    def append(self, step: int, content: bytes) -> None:
        """One member, in one piece; raises OSError where there is no room."""
        self._file.append(b"".join((_header(step, len(content)), content, b"\0" * (-len(content) % _BLOCK))))

    def close(self, whole: bool = False) -> None:
        """Closes it; ``whole`` adds the end that a tar has, and waits for the disk."""
        try:
            if whole:
                self._file.append(_END)
        finally:
            self._file.close(sync=whole)


def _header(step: int, size: int) -> bytes:
    info = tarfile.TarInfo(member_name(step))
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def read_member(path: Path, step: int, offset: int, size: int) -> bytes:
    """The content of a member.

    Raises:
        ValueError: at that place is no member of that step and size.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        file.seek(offset - _BLOCK)
        header, content = file.read(_BLOCK), file.read(size)
    try:
        info = tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "strict")
    except tarfile.HeaderError as error:
        raise ValueError(f"no member at byte {offset - _BLOCK} ({error})") from error
    if (info.name, info.size, len(content)) != (member_name(step), size, size):
        raise ValueError(f"the member {info.name} of {info.size} bytes")
    return content
