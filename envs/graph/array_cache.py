"""Arrays made of slow files, kept on disk: taken back if they are whole, made anew if not."""

import io
import logging
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from placecell.arrays import atomic_write

from ..folders import cache_folder

Arrays = Mapping[str, np.ndarray]
Made = TypeVar("Made")
_LOG = logging.getLogger(__name__)


def load_or_make(
    name: str,
    make: Callable[[], Made],
    pack: Callable[[Made], Arrays],
    unpack: Callable[[Arrays], Made],
    *,
    what: str,
) -> Made:
    """What ``make`` makes, made once per name.

    A damaged file is made anew, and where none can be written ``make`` is called each time; both are logged.

    Args:
        name: of the file below ``PLACECELL_CACHE``, without ending: it says all that the result hangs on.
        make: what it raises is not kept.
        pack: the result as arrays, no object among them.
        unpack: and back.
        what: the result, in the plural, for the log.
    """
    path = cache_folder() / f"{name}.npz"
    if path.exists():
        try:
            return unpack(_arrays(path.read_bytes()))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            _LOG.warning("%s is damaged and is made anew", path)
    made = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = dict(pack(made))
        np.savez(buffer, **arrays)
        atomic_write(path, buffer.getvalue())
    except OSError as error:
        _LOG.warning("%s are not cached: %s", what, error)
    return made


def _arrays(content: bytes) -> Arrays:
    # From memory: NumPy leaves a file open when it turns out to be no whole archive.
    archive = np.load(io.BytesIO(content), allow_pickle=False)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError("a single array")
    with archive:
        return {key: archive[key] for key in archive.files}
