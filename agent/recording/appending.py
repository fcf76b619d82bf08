"""A file that only grows, in whole pieces."""

import os
from pathlib import Path


class AppendedFile:
    """A new file; each piece reaches the kernel in one call, so that a kill cuts the last one at most.

    Raises:
        OSError: it cannot be made, or is there already: what another process still writes into is never
            opened, and stays that process's own once its name is unlinked.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle: int | None = os.open(path, flags, 0o644)
        self.size = 0

    def append(self, piece: bytes) -> None:
        """Writes the piece; raises OSError where only a part of it found room, or nothing."""
        assert self._handle is not None
        written = os.write(self._handle, piece)
        while written < len(piece):  # a full disk takes a part first, and then says why
            written += os.write(self._handle, piece[written:])
        self.size += len(piece)

    def close(self, sync: bool = False) -> None:
        """Closes it, with ``sync`` once its content is on the disk; nothing where it is closed already."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            if sync:
                os.fsync(handle)
        finally:
            os.close(handle)
