"""A table of columns under a cap of bytes."""

from collections.abc import Mapping

import numpy as np

from placecell.errors import ConfigError

from ..archive import damaged

Columns = Mapping[str, tuple[type, int]]
"""Of each column its type, and how many of it a row has."""
Rows = dict[str, np.ndarray]
"""Columns by name, all of one length."""


def row_bytes(columns: Columns) -> int:
    """Bytes of one row."""
    return sum(np.dtype(kind).itemsize * count for kind, count in columns.values())


def most_rows(max_bytes: int, columns: Columns) -> int:
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


def empty_rows(columns: Columns) -> Rows:
    """No rows."""
    return {name: np.zeros(_shape(0, count), kind) for name, (kind, count) in columns.items()}


def latest(rows: Rows, most: int) -> tuple[Rows, Rows]:
    """The rows with the latest ``step``, at most so many, in their order; of equal steps the later rows.

    Returns:
        These, and the others.
    """
    excess = max(len(rows["step"]) - most, 0)
    if excess == 0:
        return rows, {name: column[:0] for name, column in rows.items()}
    by_age = np.argsort(rows["step"], kind="stable")
    kept, gone = np.sort(by_age[excess:]), by_age[:excess]
    return (
        {name: column[kept] for name, column in rows.items()},
        {name: column[gone] for name, column in rows.items()},
    )


def checked(arrays: Mapping[str, np.ndarray], columns: Columns, most: int) -> Rows:
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
