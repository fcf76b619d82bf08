"""Options of the small commands: a parser whose complaints are one line, and where the data lie."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from placecell.errors import ConfigError, DataError

VARIABLE = "PLACECELL_DATA"


class OneLineParser(argparse.ArgumentParser):
    """Says a mistake as :class:`ConfigError`, where argparse prints its usage and leaves."""

    def error(self, message: str) -> NoReturn:
        """Raises what went wrong.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(expected=f"{self.prog} as its --help shows it", came=message, fix="see --help")


def named_folder(option: Path | None) -> Path | None:
    """The folder that ``--data`` or else the environment names; None where neither does."""
    setting = os.environ.get(VARIABLE)
    return option or (Path(setting) if setting else None)


def data_folder(option: Path | None) -> Path:
    """The same, where one is needed.

    Raises:
        DataError: neither names one, or what it names is a file.
    """
    folder = named_folder(option)
    if folder is None:
        raise DataError(
            expected="a folder for the data",
            came=f"no --data and no {VARIABLE}",
            fix=f"add --data DIR, or export {VARIABLE}=DIR",
        )
    if folder.exists() and not folder.is_dir():
        raise DataError(
            expected="a folder for the data", came=f"the file {folder}", fix="name a folder with --data"
        )
    return folder


def existing_data_folder(option: Path | None) -> Path:
    """The same, where it has to be there already.

    Raises:
        DataError: none is named, or it does not exist.
    """
    folder = data_folder(option)
    if not folder.is_dir():
        raise DataError(
            expected="a folder that holds data",
            came=f"{folder}, which does not exist",
            fix="name another with --data, or fetch a set into it: placecell-data fetch NAME",
        )
    return folder


def in_words(size: int) -> str:
    """A number of bytes for a reader.

    >>> in_words(854), in_words(3_996_672)
    ('854 B', '3.8 MiB')
    """
    if size < 1024:
        return f"{size} B"
    value = size / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}"
