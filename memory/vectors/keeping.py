"""What a write leaves in the rows; of the simplest kind: each observation is a row."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Float64, Int64

from ..archive import damaged
from .packed import Arrays
from .vector_rows import NODE, VectorRows

if TYPE_CHECKING:
    from ..token_chains import TokenChains

Vector = Float32[np.ndarray, " d"]
Searched = Float32[np.ndarray, " w"]
At = Float64[np.ndarray, "3"]
Rows = Int64[np.ndarray, " m"]


@dataclass(frozen=True)
class Moved:
    """Another memory's rows with what they are attached to here, the oldest first.

    Args:
        order: (n,) their rows.
        positions: (n, 3) metres, in this memory's world frame.
        leaves: (n,) keys here, ``NONE`` where a row is of no leaf.
        nodes: (n,) ids here, ``NONE`` where a row is of no node.
    """

    order: Rows
    positions: Float64[np.ndarray, "n 3"]
    leaves: Rows
    nodes: Rows


def unit_of(vector: Vector) -> Vector:
    """The direction of a finite vector of any length; zeros of zeros."""
    wide = vector.astype(np.float64)
    length = float(np.sqrt(wide @ wide))
    found: Vector = (wide / length).astype(np.float32) if length > 0 else vector
    return found


class Keeping(ABC):
    """How observations become rows. It keeps beside them what it needs for the next write."""

    chains: "TokenChains | None" = None
    """Reversible tokens, where it keeps such."""
    keyed = False
    """Whether a row stands for a leaf or a node, not for an observation."""

    @property
    @abstractmethod
    def row_width(self) -> int:
        """Of the vectors in the rows."""

    @property
    def row_nbytes(self) -> int:
        """Bytes that are kept beside each row."""
        return 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept beside the rows and are no fixed number a row."""
        return 0

    def shares(self, rows: VectorRows) -> Int64[np.ndarray, " n"]:
        """(n,) what of :attr:`nbytes` goes with each row."""
        return np.zeros(len(rows), np.int64)

    @abstractmethod
    def write(self, rows: VectorRows, vector: Vector, at: At, step: int, leaf: int, node: int) -> None:
        """One observation.

        Raises:
            FrameError: an observation or a position that rows refuse; nothing is changed.
        """

    def searched(self, unit: Vector) -> Searched:
        """The unit vector that rows are compared with to find what is like an observation."""
        return unit

    def drop(self, rows: VectorRows, gone: Rows) -> None:
        """Forgets rows."""
        rows.drop(gone)

    @abstractmethod
    def rename_nodes(self, rows: VectorRows, names: Mapping[int, int]) -> None:
        """Nodes became others, all at once, by ``{old: new}``; what was of several is of one."""

    def require_alike(self, other: "Keeping") -> None:
        """Raises what keeps another one of the same kind and width from being taken over."""
        assert type(other) is type(self)

    @abstractmethod
    def absorb(self, rows: VectorRows, other: "Keeping", theirs: VectorRows, moved: Moved) -> None:
        """Takes over the rows of another one of the same kind and width."""

    def pack(self, rows: VectorRows) -> dict[str, np.ndarray]:
        """What is kept beside the rows."""
        return {}

    def unpack(self, rows: VectorRows, arrays: Arrays) -> None:
        """Becomes what :meth:`pack` gave, beside these rows.

        Raises:
            ArchiveError: arrays that do not fit the rows.
        """
        if rows.width != self.row_width:
            raise damaged(f"long-term vectors of width {self.row_width}", f"width {rows.width}")


class Flat(Keeping):
    """Each observation is a row, with both attachments.

    Args:
        width: of the observations.
    """

    def __init__(self, width: int) -> None:
        self._width = width

    @property
    def row_width(self) -> int:
        """That of the observations."""
        return self._width

    def write(self, rows: VectorRows, vector: Vector, at: At, step: int, leaf: int, node: int) -> None:
        """Appends a row."""
        rows.append(vector, at, step, leaf, node)

    def rename_nodes(self, rows: VectorRows, names: Mapping[int, int]) -> None:
        """The rows stay, of other nodes."""
        nodes = rows.columns[:, NODE]
        before, which = np.unique(nodes, return_inverse=True)
        nodes[:] = np.array([names.get(node, node) for node in before.tolist()], np.int64)[which]

    def absorb(self, rows: VectorRows, other: Keeping, theirs: VectorRows, moved: Moved) -> None:
        """Appends theirs."""
        rows.extend(theirs, moved.order, moved.positions, moved.leaves, moved.nodes)
