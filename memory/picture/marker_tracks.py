"""Which of the pieces of labelled surface found now is which object of before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

Keys = Int64[np.ndarray, " n"]


@dataclass(frozen=True)
class Piece:
    """Connected surface of one category.

    Args:
        category: its id.
        keys: (n,) the Morton keys of its voxels, rising.
        lower: (3,) the least voxel index.
        upper: (3,) the greatest, plus 1.
    """

    category: int
    keys: Keys
    lower: Int64[np.ndarray, "3"]
    upper: Int64[np.ndarray, "3"]

    @property
    def middle(self) -> np.ndarray:
        """(3,) of its box, in voxels."""
        return (self.lower + self.upper) / 2


@dataclass(frozen=True)
class Matching:
    """Which old object each new piece is.

    Args:
        old: one entry a piece: the number of the old object in its list, -1 for none.
        joined: old objects whose surface now is that of another one: into which one.
        parted: pieces that were part of an object which now is another piece.
    """

    old: tuple[int, ...]
    joined: Mapping[int, int]
    parted: tuple[int, ...]


def match(
    old: Sequence[Piece], new: Sequence[Piece], moved_voxels: float, resting: Collection[int] = ()
) -> Matching:
    """An object is the piece that has most of its voxels; else, if it moved, the nearest of its category.

    Where a piece has the most of several objects, it is the first of them in the list, its category's before
    others'. An object takes on another category only if the piece has half its voxels.

    Args:
        old: the objects of before, the oldest first.
        new: the pieces of now.
        moved_voxels: how far the middle of a box may move to where no voxel is the same.
        resting: old objects that had joined others; each is itself again where it has come apart from them.
    """
    shared = _shared(old, new)
    claims = _claims(shared, old, new)
    taken, found, joined = set[int](), [-1] * len(new), dict[int, int]()
    for n in range(len(new)):
        claimants = [o for o in sorted(claims) if claims[o] == n]
        claimants.sort(key=lambda o: (o in resting, old[o].category != new[n].category))
        if claimants:
            found[n] = claimants[0]
            joined |= dict.fromkeys(claimants[1:], claimants[0])
        taken.update(claimants)
    parted = {n for o, n in shared if found[n] < 0 and old[o].category == new[n].category}
    parted |= {n for n, o in enumerate(found) if o in resting}
    gone = [o for o in range(len(old)) if o not in taken and o not in resting]
    fresh = [n for n in range(len(new)) if found[n] < 0 and n not in parted]
    for _, o, n in sorted(_near(old, new, gone, fresh, moved_voxels)):
        if o not in taken and found[n] < 0:
            found[n] = o
            taken.add(o)
    return Matching(tuple(found), joined, tuple(sorted(parted)))


def _shared(old: Sequence[Piece], new: Sequence[Piece]) -> dict[tuple[int, int], int]:
    """How many voxels each old and each new piece have in common, where they have any."""
    if not old or not new:
        return {}
    now = np.concatenate([piece.keys for piece in new])
    owner = np.repeat(np.arange(len(new)), [len(piece.keys) for piece in new])
    order = np.argsort(now)
    now, owner = now[order], owner[order]
    counts: dict[tuple[int, int], int] = {}
    for o, piece in enumerate(old):
        at = np.minimum(np.searchsorted(now, piece.keys), len(now) - 1)
        hit, times = np.unique(owner[at[now[at] == piece.keys]], return_counts=True)
        counts |= {(o, n): count for n, count in zip(hit.tolist(), times.tolist(), strict=True)}
    return counts


def _claims(shared: dict[tuple[int, int], int], old: Sequence[Piece], new: Sequence[Piece]) -> dict[int, int]:
    """Which new piece each old one is by its voxels: its category's before others', then the larger part."""
    best: dict[int, tuple[bool, int, int]] = {}
    for (o, n), count in shared.items():
        same = old[o].category == new[n].category
        if same or 2 * count >= len(old[o].keys):
            best[o] = max(best.get(o, (False, 0, 0)), (same, count, -n))
    return {o: -n for o, (_, _, n) in best.items()}


def _near(
    old: Sequence[Piece], new: Sequence[Piece], gone: Sequence[int], fresh: Sequence[int], within: float
) -> list[tuple[float, int, int]]:
    """Pairs of one category whose boxes' middles are no farther apart, with that distance."""
    pairs = []
    for o in gone:
        for n in fresh:
            away = float(np.linalg.norm(old[o].middle - new[n].middle))
            if old[o].category == new[n].category and away <= within:
                pairs.append((away, o, n))
    return pairs
