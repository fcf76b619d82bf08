"""One row of a long-term memory, as it is handed out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from placecell.arrays import Point

from .vector_rows import NONE, VectorRows


@dataclass(frozen=True)
class LongTermEntry:
    """A copy of one row.

    Args:
        row: which; it means something until something is dropped.
        number: its own, never given to another.
        space: ``"observation"``, ``"leaf"`` or ``"node"``: what the row stands for.
        leaf: key of the octree leaf that it is attached to; None where it is attached to none.
        node: id of the place of the graph; None likewise.
        position: (3,) where the camera was, metres, world frame; of several observations the mean.
        vector: (d,) float32 of unit length: the observation, the mean, or what a token is searched by.
        cosine: of the vector and what was asked for; None where only a place was.
        last_step: when it was last written to.
        observations: how many it holds.
        uses: how often it was given.
    """

    row: int
    number: int
    space: str
    leaf: int | None
    node: int | None
    position: Point
    vector: Float32[np.ndarray, " d"]
    cosine: float | None
    last_step: int
    observations: int
    uses: int

    @property
    def key(self) -> int:
        """The leaf's key or the node's id, by the row's space; the number of an observation."""
        key = {"leaf": self.leaf, "node": self.node, "observation": self.number}[self.space]
        assert key is not None
        return key


def entries_of(
    table: VectorRows,
    rows: Int64[np.ndarray, " m"],
    cosines: Float32[np.ndarray, " m"] | None,
    *,
    keyed: bool,
) -> tuple[LongTermEntry, ...]:
    """Rows of a table; ``keyed`` where they stand for a leaf or a node, not for an observation."""
    columns, positions = table.columns[rows].tolist(), table.positions[rows]
    vectors = table.vectors[rows].astype(np.float32)
    figures = [None] * len(rows) if cosines is None else cosines.tolist()
    entries = []
    for n, (row, figure) in enumerate(zip(rows.tolist(), figures)):
        number, step, leaf, node, observations, uses = columns[n]
        space = "observation" if not keyed else "node" if leaf == NONE else "leaf"
        entries.append(
            LongTermEntry(
                row,
                number,
                space,
                None if leaf == NONE else leaf,
                None if node == NONE else node,
                positions[n],
                vectors[n],
                figure,
                step,
                observations,
                uses,
            )
        )
    return tuple(entries)
