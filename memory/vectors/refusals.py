"""What a long-term memory refuses, said in one place."""

import numpy as np
from jaxtyping import Int64

from placecell.errors import ConfigError, FrameError, PlacecellError

from .searcher import ALL
from .vector_rows import LEAF, NODE

_SPACES = {None: ALL, "leaf": LEAF, "node": NODE}


def require_settings(tokens: str, known: tuple[str, ...], exact_up_to: int, leaf_cell_m: float) -> None:
    """Raises :class:`ConfigError` for settings that there are not."""
    if tokens not in known:
        raise ConfigError(
            expected=f"tokens of a long-term memory: {', '.join(known)}",
            came=f"{tokens}",
            fix="name one of these",
        )
    if exact_up_to < 0 or not 0 < leaf_cell_m < float("inf"):
        raise ConfigError(
            expected="exact_up_to of 0 or more and a leaf_cell_m above 0",
            came=f"exact_up_to {exact_up_to}, leaf_cell_m {leaf_cell_m:g}",
            fix="leave them at 200000 and 1.6",
        )


def column_of(space: str | None) -> int:
    """The column that says which rows are of a space; raises :class:`PlacecellError` for no such space."""
    if space not in _SPACES:
        raise PlacecellError(
            expected="a space of long-term rows: leaf, node, or None for both",
            came=f"{space}",
            fix="name one of these",
        )
    return _SPACES[space]


def require_rows(rows: Int64[np.ndarray, " m"], count: int) -> None:
    """Raises :class:`PlacecellError` for rows that are not among so many."""
    if len(rows) and (int(rows.min()) < 0 or int(rows.max()) >= count):
        raise PlacecellError(
            expected=f"rows of a long-term memory of {count}, from 0",
            came=f"{int(rows.min())} to {int(rows.max())}",
            fix="ask for them again: after a drop they are others",
        )


def require_keys(leaf: int, node: int | None) -> None:
    """Raises :class:`FrameError` for what is no key of a leaf or no id of a node."""
    if leaf < 0 or (node is not None and node < 0):
        raise FrameError(
            expected="a leaf's key and a node's id of 0 or more, or no node",
            came=f"leaf {leaf}, node {node}",
            fix="pass morton.encode of the leaf's cell and the id that the graph gave",
        )


def wrong_width(what: str, width: int | None, shape: tuple[int, ...]) -> PlacecellError:
    """Vectors of another width than what is remembered."""
    return PlacecellError(
        expected=f"{what} of width {width}, as what is remembered",
        came=f"width {shape[0]}" if len(shape) == 1 else f"shape {shape}",
        fix="use the encoder that the frames were written with",
    )


def not_finite() -> PlacecellError:
    """A query that nothing is like."""
    return PlacecellError(
        expected="a query's embedding of finite numbers",
        came="NaN, infinity, or what no float32 is",
        fix="look at what the encoder gives",
    )


def out_of_range() -> PlacecellError:
    """Rows that would come to lie where there are no cells."""
    return PlacecellError(
        expected="rows that a transform leaves in the range of cells",
        came="positions beyond it",
        fix="look at the transform",
    )
