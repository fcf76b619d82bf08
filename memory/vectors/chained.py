"""One reversible token a leaf and one a node: rows are what their heads are searched by."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64

from ..archive import damaged
from ..token_chains import TokenChains
from .keeping import At, Keeping, Moved, Rows, Searched, Vector, unit_of
from .keyed import Key, Keyed, More
from .packed import Arrays
from .vector_rows import LEAF, NODE, NONE, VectorRows

PREFIX = "chains."


class Chained(Keyed):
    """Tokens of everything that came, and beside them the residues that give it back.

    Args:
        chains: empty ones.
        width: of the observations.
    """

    def __init__(self, chains: TokenChains, width: int) -> None:
        super().__init__()
        self.chains: TokenChains = chains
        self._observed_width = width

    @property
    def row_width(self) -> int:
        """That of the tokens."""
        return self.chains.width

    @property
    def nbytes(self) -> int:
        """Heads and residues."""
        return self.chains.nbytes

    def shares(self, rows: VectorRows) -> Int64[np.ndarray, " n"]:
        """Each one's head and residues."""
        return self.chains.nbytes_of(self._chain_rows([_name(rows, row) for row in range(len(rows))]))

    def write(self, rows: VectorRows, vector: Vector, at: At, step: int, leaf: int, node: int) -> None:
        """Writes to the leaf's chain and, where there is a node, to the node's."""
        rows.require(vector, at, self._observed_width)
        unit = unit_of(vector)
        keys = [key for key in ((leaf, NONE), (NONE, node)) if key != (NONE, NONE)]
        names = [_chain_of(key) for key in keys]
        written = self.chains.write(
            [space for space, _ in names], [key for _, key in names], np.stack([unit] * len(keys))
        )
        for key, row in zip(keys, written):
            # One by one: torch shares products of two rows out to threads, which takes many times as long.
            self._note(rows, key, self.chains.search_keys(row[None])[0], More(at, step))

    def searched(self, unit: Vector) -> Searched:
        """The observation's query."""
        return np.ascontiguousarray(self.chains.query(unit))

    def drop(self, rows: VectorRows, gone: Rows) -> None:
        """Forgets rows with their chains."""
        self.chains.forget(self._chain_rows([_name(rows, row) for row in gone.tolist()]))
        self._drop_rows(rows, gone)

    def require_alike(self, other: Keeping) -> None:
        """Raises :class:`PlacecellError` for chains of another model, mode or grid."""
        assert isinstance(other, Chained)
        self.chains.require_alike(other.chains)

    def absorb(self, rows: VectorRows, other: Keeping, theirs: VectorRows, moved: Moved) -> None:
        """Chains that there are none of here come over; what others can give back is written here."""
        assert isinstance(other, Chained)
        keys = zip(moved.leaves.tolist(), moved.nodes.tolist())
        pairs = [(row, at, key) for row, at, key in zip(moved.order.tolist(), moved.positions, keys)]
        pairs = [pair for pair in pairs if pair[2] != (NONE, NONE)]
        self.chains.absorb(other.chains, {_name(theirs, row): _chain_of(key) for row, _, key in pairs})
        for row, at, key in pairs:
            self._note(rows, key, self._searched_by(key), More.of(theirs, row, at))

    def pack(self, rows: VectorRows) -> dict[str, np.ndarray]:
        """The chains."""
        return {PREFIX + name: array for name, array in self.chains.pack().items()}

    def unpack(self, rows: VectorRows, arrays: Arrays) -> None:
        """Takes the chains over.

        Raises:
            ArchiveError: chains of another model, or not one a row.
        """
        super().unpack(rows, arrays)
        own = {name.removeprefix(PREFIX): array for name, array in arrays.items() if name.startswith(PREFIX)}
        self.chains.unpack(own)
        known = [self.chains.row(*_name(rows, row)) is not None for row in range(len(rows))]
        if len(self.chains) != len(rows) or not all(known):
            raise damaged("a chain for each long-term row", f"{len(self.chains)} for {len(rows)}")

    def _before_names(self, names: Mapping[int, int]) -> None:
        self.chains.rename("node", names)

    def _join(self, rows: VectorRows, first: int, other: int) -> None:
        key = (NONE, int(rows.columns[first, NODE]))
        self._row_of[key] = first
        self._note(rows, key, self._searched_by(key), More.of(rows, other))

    def _searched_by(self, key: Key) -> Vector:
        return self.chains.search_keys(self._chain_rows([_chain_of(key)]))[0]

    def _chain_rows(self, names: list[tuple[str, int]]) -> Int64[np.ndarray, " n"]:
        rows = [self.chains.row(*name) for name in names]
        return np.array([row for row in rows if row is not None], np.int64)


def _chain_of(key: Key) -> tuple[str, int]:
    leaf, node = key
    return ("node", node) if leaf == NONE else ("leaf", leaf)


def _name(rows: VectorRows, row: int) -> tuple[str, int]:
    leaf, node = rows.columns[row, [LEAF, NODE]].tolist()
    return _chain_of((leaf, node))
