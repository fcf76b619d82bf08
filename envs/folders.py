"""Where the public data lie and where derived files are kept."""

import os
from pathlib import Path

from placecell.errors import DataError

DATA_VARIABLE = "PLACECELL_DATA"


def cache_folder() -> Path:
    """``PLACECELL_CACHE``, or ``~/.cache/placecell``. Safe to delete at any time."""
    return Path(os.environ.get("PLACECELL_CACHE") or Path.home() / ".cache" / "placecell")


def data_folder(name: str) -> Path:
    """The folder of one public set: ``PLACECELL_DATA/name``.

    Args:
        name: the set's folder, as ``placecell-data list`` names it.

    Raises:
        DataError: ``PLACECELL_DATA`` is not set, or there is no such folder in it.
    """
    setting = os.environ.get(DATA_VARIABLE)
    if not setting:
        raise DataError(
            expected=f"the folder of the public data, for {name!r}",
            came=f"no {DATA_VARIABLE}",
            fix=f"export {DATA_VARIABLE}=DIR, then placecell-data fetch {name}",
        )
    return existing_folder(
        Path(setting) / name, f"fetch it with placecell-data fetch {name}, or put your own there"
    )


def existing_folder(folder: Path, fix: str) -> Path:
    """``folder``, which has to be there.

    Args:
        folder: of some data.
        fix: how to come by it.

    Raises:
        DataError: there is no such folder, or it is a file.
    """
    if not folder.is_dir():
        lacks = "is no folder" if folder.exists() else "does not exist"
        raise DataError(expected="a folder of data", came=f"{folder}, which {lacks}", fix=fix)
    return folder
