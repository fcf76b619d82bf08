"""Chains of writes by name: each one's head, and the row of its newest residue."""

import json
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int64, Shaped, UInt32

from ..archive import damaged
from .residues import NONE, Columns, Residues

Space = str | int
Name = tuple[Space, int]
"""A space and a key in it."""

_NUMBERS = ("writes", "kept", "lost", "newest", "oldest")
_PACKED = _NUMBERS[:3]


class ChainRows:
    """Heads and residues of chains; knows nothing of how they are computed.

    Args:
        width: of heads and residues.
        head_type: of a head's numbers.
        residue_type: of a residue's.
    """

    def __init__(self, width: int, head_type: np.dtype, residue_type: np.dtype) -> None:
        self.names: dict[Name, int] = {}
        self._width, self._head_type, self._residue_type = width, head_type, residue_type
        numbers = {name: np.zeros(0, np.int64) for name in _NUMBERS}
        self._heads = Columns({"head": np.zeros((0, width), head_type), **numbers})
        self._residues = Residues(width, residue_type)

    def __getitem__(self, column: str) -> np.ndarray:
        return self._heads.arrays[column]

    @property
    def nbytes(self) -> int:
        """Of heads and residues in use."""
        return self._heads.nbytes + self._residues.nbytes

    def nbytes_of(self, rows: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """What forgetting each chain gives back: its head and its residues."""
        return self._heads.row_nbytes + self["kept"][rows] * self._residues.row_nbytes

    @property
    def residues(self) -> int:
        """How many are kept."""
        return len(self._residues)

    def row_of(self, name: Name) -> int:
        """The row of a chain, which is begun where there is none."""
        row = self.names.get(name)
        if row is None:
            row = self.names[name] = self._heads.take()
            for column in ("head", "writes", "kept", "lost"):
                self[column][row] = 0
            self["newest"][row] = self["oldest"][row] = NONE
        return row

    def keep(self, row: int, residue: Shaped[np.ndarray, " d"], seed: int, checksum: int) -> None:
        """Puts a write's residue at a chain's end."""
        newest = self._residues.add(residue, seed, checksum, int(self["newest"][row]))
        self["newest"][row] = newest
        if self["oldest"][row] == NONE:
            self["oldest"][row] = newest
        self["writes"][row] += 1
        self["kept"][row] += 1

    def kept(
        self, row: int
    ) -> tuple[Shaped[np.ndarray, "n d"], Int64[np.ndarray, " n"], UInt32[np.ndarray, " n"]]:
        """A chain's residues, seeds and checksums, the newest first."""
        return self._residues.of(self._residues.chain(int(self["newest"][row])))

    def thin(self, row: int, keep: int) -> None:
        """Drops a chain's oldest residues but for so many."""
        for _ in range(int(self["kept"][row]) - keep):
            self["oldest"][row] = self._residues.drop(int(self["oldest"][row]))
            self["kept"][row] -= 1
        if self["oldest"][row] == NONE:
            self["newest"][row] = NONE

    def forget(self, name: Name) -> None:
        """Drops a chain; its row is used again."""
        row = self.names.pop(name)
        self.thin(row, 0)
        self._heads.give(row)

    def rename(self, space: Space, rows: Mapping[int, int]) -> None:
        """Makes the chains of a space those of these rows, by key."""
        self.names = {name: row for name, row in self.names.items() if name[0] != space}
        self.names.update({(space, key): row for key, row in rows.items()})

    def take_over(self, name: Name, other: "ChainRows", row: int, most: int | None) -> None:
        """Copies another's chain under a name that there is none of, with so many residues at most."""
        own = self.row_of(name)
        residues, seeds, checksums = other.kept(row)
        for i in reversed(range(len(residues) if most is None else min(most, len(residues)))):
            self.keep(own, residues[i], int(seeds[i]), int(checksums[i]))
        for column in ("head", "writes", "lost"):
            self[column][own] = other[column][row]

    def pack(self) -> dict[str, np.ndarray]:
        """As arrays: chains in the order of their rows, each one's residues behind those of the last."""
        names: list[Name | None] = [None] * self._heads.used
        for name, row in self.names.items():
            names[row] = name
        while names and names[-1] is None:
            names.pop()
        there = np.array([name is not None for name in names], np.bool_)
        spaces = sorted({space for space, _ in self.names}, key=lambda space: (type(space).__name__, space))
        starts = [int(row) for row in self["newest"][: len(names)][there]]
        residues, seeds, checksums = self._residues.of(
            [row for newest in starts for row in reversed(self._residues.chain(newest))]
        )
        numbers = {name: np.where(there, self[name][: len(names)], 0) for name in _PACKED}
        return {
            "spaces": np.frombuffer(json.dumps(spaces).encode(), np.uint8).copy(),
            "space": np.array([NONE if name is None else spaces.index(name[0]) for name in names], np.int32),
            "key": np.array([0 if name is None else name[1] for name in names], np.int64),
            "head": np.where(there[:, None], self["head"][: len(names)], np.zeros(1, self._head_type)),
            **numbers,
            "residue": residues,
            "seed": seeds.astype(np.uint32),
            "checksum": checksums,
        }

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Fills what is empty with what :meth:`pack` gave, in the same rows.

        Raises:
            ArchiveError: arrays that don't hold together.
        """
        names, there = self._checked(arrays)
        following = 0
        for row, name in enumerate(names):
            if name is None:
                self._heads.take()
                continue
            self.row_of(name)
            for i in range(following, following + int(arrays["kept"][row])):
                self.keep(row, arrays["residue"][i], int(arrays["seed"][i]), int(arrays["checksum"][i]))
            following += int(arrays["kept"][row])
            for column in ("head", "writes", "lost"):
                self[column][row] = arrays[column][row]
        self._heads.free = np.flatnonzero(~there).tolist()  # sorted, as a heap may be

    def _checked(self, arrays: Mapping[str, np.ndarray]) -> tuple[list[Name | None], Bool[np.ndarray, " n"]]:
        n, count = (arrays[name].size if name in arrays else 0 for name in ("space", "seed"))
        wanted: list[tuple[str, object, tuple[int, ...]]] = [
            ("space", np.dtype(np.int32), (n,)),
            *((column, np.dtype(np.int64), (n,)) for column in ("key", *_PACKED)),
            ("head", self._head_type, (n, self._width)),
            ("residue", self._residue_type, (count, self._width)),
            ("seed", np.dtype(np.uint32), (count,)),
            ("checksum", np.dtype(np.uint32), (count,)),
        ]
        for name, kind, shape in wanted:
            came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
            if came != f"{kind} {shape}":
                raise damaged(f"a chain's {name} of {kind} {shape}", came)
        spaces = _spaces(arrays)
        where, kept = arrays["space"].tolist(), arrays["kept"]
        keyed = zip(where, arrays["key"].tolist())
        names = [(spaces[i], key) if 0 <= i < len(spaces) else None for i, key in keyed]
        there = np.array([name is not None for name in names], np.bool_)
        whole = (
            all(NONE <= i < len(spaces) for i in where)
            and bool(((kept >= 0) & (kept <= count) & (kept <= arrays["writes"])).all())
            and bool((arrays["lost"] >= 0).all())
            and int(kept[there].sum()) == count
            and len({name for name in names if name is not None}) == int(there.sum())
        )
        if not whole:
            raise damaged("chains that each have a name and their residues", "others")
        return names, there


def _spaces(arrays: Mapping[str, np.ndarray]) -> list[Space]:
    try:
        spaces = json.loads(arrays["spaces"].tobytes())
    except (KeyError, ValueError) as error:
        raise damaged("the names of its spaces", "none") from error
    if not (isinstance(spaces, list) and all(type(space) in (str, int) for space in spaces)):
        raise damaged("the names of its spaces", "something else")
    return spaces
