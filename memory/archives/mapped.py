"""The arrays of an archive: read into memory, or as they lie in the file."""

import mmap
from io import BufferedReader

import numpy as np

from .layout import Entry, Layout, LayoutError


def read_arrays(file: BufferedReader, layout: Layout) -> dict[str, np.ndarray]:
    """All arrays, read; they can be written to.

    Raises:
        LayoutError: the file has become shorter, or does not fit into memory.
    """
    arrays = {}
    for entry in layout.entries:
        try:
            array = np.empty(entry.shape, entry.dtype)
        except (MemoryError, ValueError) as error:
            raise LayoutError(f"an array {entry.name} too large for this machine: {entry.shape}") from error
        file.seek(entry.begin)
        if entry.nbytes and file.readinto(array.reshape(-1).view(np.uint8).data) != entry.nbytes:
            raise LayoutError(f"an array {entry.name} that ends early")
        arrays[entry.name] = array
    return arrays


def map_arrays(file: BufferedReader, layout: Layout) -> dict[str, np.ndarray]:
    """All arrays as read-only views of the file, of which a page is read when it is looked at.

    The file's content has to stay: an archive is replaced by renaming, which leaves what is mapped alone.

    Raises:
        LayoutError: a shape that there cannot be.
    """
    held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return {entry.name: _view(held, entry) for entry in layout.entries}


def _view(held: mmap.mmap, entry: Entry) -> np.ndarray:
    try:
        if not entry.nbytes:
            array = np.empty(entry.shape, entry.dtype)
        else:
            count = entry.nbytes // entry.dtype.itemsize
            array = np.frombuffer(held, entry.dtype, count, entry.begin).reshape(entry.shape)
    except (MemoryError, ValueError) as error:
        raise LayoutError(f"an array {entry.name} of a shape {entry.shape}") from error
    array.flags.writeable = False
    return array
