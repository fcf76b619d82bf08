"""Chains of reversible tokens by place: each place's head, and the residues that give its writes back."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int, Int64, Shaped

from placecell.arrays import generator
from placecell.errors import ConfigError, PlacecellError

from .archive import damaged
from .reversal.arithmetic import Arithmetic, FixedPoint, FloatingPoint, checksums, identity
from .reversal.chain_rows import ChainRows, Name, Space
from .reversible import ReversibleMemoryToken


@dataclass(frozen=True)
class GivenBack:
    """What a chain gave back.

    Args:
        observations: (m, width), oldest first, as ``ReversibleMemoryToken.observe`` made them; in mode
            "fixed" on its grid.
        exact_from: number of the first of them among all writes, from 0; before it residues were dropped.
        writes: how many there were in all, but for those that were lost.
        verified: whether each is, by its checksum, to the bit the one that was written; never in "float".
        lost: how many writes of chains that were joined with this one had no residues any more, and so are
            not among ``writes``.
    """

    observations: Float32[np.ndarray, "m d"]
    exact_from: int
    writes: int
    verified: bool
    lost: int = 0


class TokenChains:
    """Reversible tokens as arrays, a chain a (space, key): the same key in two spaces is two chains.

    Takes a copy of the model: to train it further does not change what was written. Writes are with dropout
    where the model is in training mode.

    Args:
        model: float32 or float64, on any device; computed on the CPU.
        mode: "fixed" gives back to the bit, "float" within a tolerance.
        max_residues: so many a chain, of the newest writes, are kept; None keeps all.
        fraction_bits: of the fixed point, see :class:`~placecell.memory.reversal.arithmetic.FixedPoint`.
        residue_bits: 32, or 16 for half the bytes and a coarser grid (with fraction_bits 11).
        seed: of the dropout's seeds.

    Raises:
        ConfigError: a mode, a number of residues or bits that there are not.
    """

    def __init__(
        self,
        model: ReversibleMemoryToken,
        mode: str = "fixed",
        max_residues: int | None = None,
        *,
        fraction_bits: int = 20,
        residue_bits: int = 32,
        seed: int = 0,
    ) -> None:
        if mode not in ("fixed", "float") or (max_residues is not None and max_residues < 0):
            raise ConfigError(
                expected='mode "fixed" or "float", and max_residues of 0 or more, or None',
                came=f"mode {mode!r}, max_residues {max_residues}",
                fix='set mode="fixed" and max_residues=None to give everything back',
            )
        self.width, self.mode, self.max_residues = model.width, mode, max_residues
        self._arithmetic: Arithmetic = (
            FixedPoint(model, fraction_bits, residue_bits) if mode == "fixed" else FloatingPoint(model)
        )
        self._face = copy.deepcopy(model).cpu().float()
        self._seed, self._drawn = seed, 0
        grid = f"{fraction_bits}/{residue_bits}" if mode == "fixed" else ""
        self._identity = identity(model, f"{mode}{grid}")
        self._chains = self._none()

    def __len__(self) -> int:
        return len(self._chains.names)

    @property
    def nbytes(self) -> int:
        """Of heads and residues that are kept; not the copies of the model."""
        return self._chains.nbytes

    def nbytes_of(self, rows: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """What forgetting each of these chains gives back."""
        return self._chains.nbytes_of(rows)

    @property
    def residues(self) -> int:
        """How many writes can be given back."""
        return self._chains.residues

    def clear(self) -> None:
        """Forgets all chains."""
        self._chains, self._drawn = self._none(), 0

    def row(self, space: Space, key: int) -> int | None:
        """The row of a chain; None where nothing was written."""
        return self._chains.names.get((space, int(key)))

    def rows(self, space: Space) -> dict[int, int]:
        """The rows of a space's chains by key."""
        return {key: row for (where, key), row in self._chains.names.items() if where == space}

    def write(
        self,
        spaces: Sequence[Space],
        keys: Sequence[int] | Int[np.ndarray, " n"],
        observations: Float32[np.ndarray, "n e"],
    ) -> Int64[np.ndarray, " n"]:
        """Writes an observation into each of these chains, several into the same one in their order.

        Args:
            spaces: of the chains.
            keys: of the chains.
            observations: (n, observation_width) unit vectors.

        Returns:
            (n,) the chains' rows, which stay the same until they are forgotten.

        Raises:
            PlacecellError: observations of another width, that are not finite or don't fit the fixed point,
                or not as many as there are chains. Nothing is written then.
        """
        if not len(spaces) == len(keys) == len(observations):
            raise PlacecellError(
                expected="a space, a key and an observation each",
                came=f"{len(spaces)} spaces, {len(keys)} keys, {len(observations)} observations",
                fix="pass as many of each",
            )
        stored = self._arithmetic.stored(observations)
        return self._put([(space, int(key)) for space, key in zip(spaces, keys)], stored)

    def heads(self, rows: Int[np.ndarray, " n"]) -> Float32[np.ndarray, "n d"]:
        """(n, width) the chains' head tokens."""
        return self._arithmetic.values(self._chains["head"][rows]).astype(np.float32)

    def search_keys(self, rows: Int[np.ndarray, " n"]) -> Float32[np.ndarray, "n d"]:
        """(n, width) unit vectors of the heads, to compare with :meth:`query`."""
        with torch.no_grad():
            return self._face.keys(torch.from_numpy(self.heads(rows))).numpy()

    def query(self, observation: Float32[np.ndarray, " e"]) -> Float32[np.ndarray, " d"]:
        """(width,) the unit vector of an observation, to compare with :meth:`search_keys`.

        Raises:
            PlacecellError: an observation of another width.
        """
        with torch.no_grad():
            embedding = torch.from_numpy(np.ascontiguousarray(observation[None]))
            return self._face.queries(self._face.observe(embedding))[0].numpy()

    def give_back(self, space: Space, key: int) -> GivenBack:
        """All that was written to a chain and whose residues are kept; nothing of one that there is not."""
        row = self.row(space, key)
        if row is None:
            return GivenBack(np.zeros((0, self.width), np.float32), 0, 0, self.mode == "fixed")
        found, verified = self._turned_back(row)
        writes = int(self._chains["writes"][row])
        observations = self._arithmetic.values(found).astype(np.float32)
        lost = int(self._chains["lost"][row])
        return GivenBack(observations, writes - len(found), writes, verified, lost)

    def exact_from(self, rows: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """How far back each chain gives back: the number of its first write whose residue is kept."""
        return self._chains["writes"][rows] - self._chains["kept"][rows]

    def drop_residues(self, keep: int, rows: Int[np.ndarray, " n"] | None = None) -> int:
        """Drops the oldest residues of each chain but for ``keep``; heads stay as they are.

        Args:
            keep: so many of a chain's newest writes can be given back after.
            rows: of the chains; None for all.

        Returns:
            How many were dropped.
        """
        before = self.residues
        for row in list(self._chains.names.values()) if rows is None else rows.tolist():
            self._chains.thin(row, max(0, keep))
        return before - self.residues

    def forget(self, rows: Int[np.ndarray, " n"]) -> None:
        """Drops chains with all they hold; their rows are used again."""
        gone = set(rows.tolist())
        for name in [name for name, row in self._chains.names.items() if row in gone]:
            self._chains.forget(name)

    def rename(self, space: Space, keys: Mapping[int, int]) -> int:
        """Gives chains of a space other keys, all at once, by ``{old: new}``.

        Of chains that come under one key, the one with the most writes goes on (of equals, that of the lowest
        old key) and keeps its row. What the others can give back is written to it, in the order of their old
        keys.

        Returns:
            How many writes were lost: those of the others whose residues had been dropped. Giving back says
            so from then on, see :class:`GivenBack`.
        """
        under: dict[int, list[int]] = {}
        for old, row in sorted(self.rows(space).items()):
            under.setdefault(int(keys.get(old, old)), []).append(row)
        writes = self._chains["writes"]
        goes_on = {new: max(rows, key=lambda row: int(writes[row])) for new, rows in under.items()}
        others = [(new, row) for new, rows in under.items() for row in rows if row != goes_on[new]]
        gone = np.array([row for _, row in others], np.int64)
        lost = self.exact_from(gone)
        for (new, _), count in zip(others, (lost + self._chains["lost"][gone]).tolist()):
            self._chains["lost"][goes_on[new]] += count
        kept = [(new, self._turned_back(row)[0]) for new, row in others]
        self.forget(gone)
        self._chains.rename(space, goes_on)
        for new, observations in kept:
            self._put([(space, new)] * len(observations), observations)
        return int(lost.sum())

    def absorb(self, other: "TokenChains", names: Mapping[Name, Name]) -> int:
        """Takes over another's chains, by ``{(space, key) there: (space, key) here}``.

        A chain of which there is none here comes over as it is. Else what it can give back is written to the
        one here.

        Returns:
            How many writes were lost: those whose residues had been dropped, of chains that were joined.

        Raises:
            PlacecellError: as :meth:`require_alike`.
        """
        self.require_alike(other)
        lost = 0
        for there, here in names.items():
            row = other._chains.names[there]
            if here in self._chains.names:
                observations, gone = other._turned_back(row)[0], int(other.exact_from(np.array([row]))[0])
                self._put([here] * len(observations), observations)
                self._chains["lost"][self._chains.names[here]] += gone + int(other._chains["lost"][row])
                lost += gone
            else:
                self._chains.take_over(here, other._chains, row, self.max_residues)
        return lost

    def require_alike(self, other: "TokenChains") -> None:
        """Raises what keeps another's chains from being absorbed.

        Raises:
            PlacecellError: chains of another model, mode or grid.
        """
        if other._identity != self._identity:
            raise PlacecellError(
                expected=f"chains of this token's weights, in mode {self.mode!r}",
                came=f"those of others, in mode {other.mode!r}",
                fix="build both with the same model, mode and bits",
            )

    def pack(self) -> dict[str, np.ndarray]:
        """All chains as arrays for an archive; equal chains give equal arrays. The model is not in them."""
        return {
            "model": np.frombuffer(self._identity.encode(), np.uint8).copy(),
            "drawn": np.array([self._drawn], np.int64),
            **self._chains.pack(),
        }

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes the place of all chains with those of :meth:`pack`, in the same rows.

        Raises:
            ArchiveError: arrays that don't hold together, or of another model, mode or grid. What was there
                stays.
        """
        if "model" not in arrays or arrays["model"].tobytes() != self._identity.encode():
            raise damaged("chains of this token's weights, mode and grid", "those of another, or none")
        drawn = arrays.get("drawn")
        if drawn is None or drawn.dtype != np.int64 or drawn.shape != (1,) or int(drawn[0]) < 0:
            raise damaged("how many seeds its chains drew", "none" if drawn is None else f"{drawn}")
        chains = self._none()
        chains.unpack(arrays)
        self._chains, self._drawn = chains, int(drawn[0])

    def _none(self) -> ChainRows:
        return ChainRows(self.width, self._arithmetic.head_type, self._arithmetic.residue_type)

    def _put(self, names: list[Name], stored: Shaped[np.ndarray, "n d"]) -> Int64[np.ndarray, " n"]:
        # By their number, not by a generator's state: chains that are loaded go on with the same seeds.
        drawn = int(generator(self._seed, "chains", self._drawn).integers(1 << 62))
        seeds = self._face.seeds(len(stored), torch.Generator().manual_seed(drawn)).numpy()
        self._drawn += len(stored)
        kept = checksums(stored)
        rows = np.array([self._chains.row_of(name) for name in names], np.int64)
        for turn in _turns(rows):
            heads = self._chains["head"][rows[turn]]
            heads, residues = self._arithmetic.write(heads, stored[turn], seeds[turn])
            self._chains["head"][rows[turn]] = heads
            for row, i, residue in zip(rows[turn].tolist(), turn.tolist(), residues):
                self._chains.keep(row, residue, int(seeds[i]), int(kept[i]))
                if self.max_residues is not None:
                    self._chains.thin(row, self.max_residues)
        return rows

    def _turned_back(self, row: int) -> tuple[Shaped[np.ndarray, "m d"], bool]:
        """What a chain holds, oldest first, as it is stored, and whether each has its checksum."""
        residues, seeds, expected = self._chains.kept(row)
        found = np.zeros((len(residues), self.width), self._arithmetic.residue_type)
        head = self._chains["head"][row][None]
        for i in range(len(residues)):
            head, found[i : i + 1] = self._arithmetic.invert(head, residues[i][None], seeds[i : i + 1])
        verified = self.mode == "fixed" and bool((checksums(found) == expected).all())
        return found[::-1], verified


def _turns(rows: Int64[np.ndarray, " n"]) -> list[Int64[np.ndarray, " _"]]:
    """Which entries to write together, in this order: no chain twice at a time."""
    seen: dict[int, int] = {}
    turn = np.zeros(len(rows), np.int64)
    for i, row in enumerate(rows.tolist()):
        turn[i] = seen[row] = seen.get(row, -1) + 1
    return [np.flatnonzero(turn == number) for number in range(int(turn.max(initial=-1)) + 1)]
