"""A table of columns under a cap of bytes."""

from collections.abc import Mapping

import numpy as np

from placecell.errors import ConfigError

from .archive import damaged

Rows = dict[str, np.ndarray]
"""Columns by name, all of one length."""


def row_bytes(columns: Mapping[str, tuple[type, int]]) -> int:
    """Bytes of one row; a column is a type and how many of it a row has."""
    return sum(np.dtype(kind).itemsize * count for kind, count in columns.values())


def most_rows(max_bytes: int, columns: Mapping[str, tuple[type, int]]) -> int:
    """How many rows fit.

    Raises:
        ConfigError: not even one.
    """
    if max_bytes < row_bytes(columns):
        raise ConfigError(
            expected=f"max_bytes of {row_bytes(columns)} or more, which is one row",
            came=f"{max_bytes}",
            fix="raise max_bytes",
        )
    return max_bytes // row_bytes(columns)


def empty_rows(columns: Mapping[str, tuple[type, int]]) -> Rows:
    """No rows."""
    return {name: np.zeros(_shape(0, count), kind) for name, (kind, count) in columns.items()}


def latest(rows: Rows, most: int) -> Rows:
    """The rows with the latest ``step``, at most so many, in their order; of equal steps the later rows."""
    excess = len(rows["step"]) - most
    if excess <= 0:
        return rows
    keep = np.sort(np.argsort(rows["step"], kind="stable")[excess:])
    return {name: column[keep] for name, column in rows.items()}


def checked(arrays: Mapping[str, np.ndarray], columns: Mapping[str, tuple[type, int]], most: int) -> Rows:
    """An archive's rows, copied.

    Raises:
        ArchiveError: columns that are missing, of another type or of other lengths, or too many rows.
    """
    length = len(arrays["step"]) if "step" in arrays and arrays["step"].ndim == 1 else 0
    for name, (kind, count) in columns.items():
        wanted = f"{np.dtype(kind)} {_shape(length, count)}"
        came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
        if wanted != came:
            raise damaged(f"{name} of {wanted}", came)
    if length > most:
        raise damaged(f"at most {most} rows", f"{length}")
    return {name: arrays[name].copy() for name in columns}


def _shape(length: int, count: int) -> tuple[int, ...]:
    return (length,) if count == 1 else (length, count)
