"""What a step of the memory token's training sees: places of a few walks, and later observations of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from placecell.arrays import generator

from .walks import Walk, leaf_keys, visits_of


@dataclass(frozen=True, eq=False)
class PlaceBatch:
    """Places, most written first, and queries of observations that were made there later.

    Args:
        written: (c, n, d) observations of each place in order of time; zeros behind its last.
        counts: (c,) how many were written to each, falling.
        walk: (c,) the place's walk, by its number in the batch.
        queries: (q, d) observations of later visits.
        right: (q,) the place of each.
    """

    written: Float32[np.ndarray, "c n d"]
    counts: Int64[np.ndarray, " c"]
    walk: Int64[np.ndarray, " c"]
    queries: Float32[np.ndarray, "q d"]
    right: Int64[np.ndarray, " q"]

    def rivals(self) -> Bool[np.ndarray, "q c"]:
        """Which places a query is compared with: those of its own walk."""
        return self.walk[self.right][:, None] == self.walk[None]


@dataclass(frozen=True)
class _Place:
    steps: Int64[np.ndarray, " n"]
    later: Int64[np.ndarray, " m"]
    walk: int


class PlaceBatches:
    """The batch of any step, a function of seed and step alone.

    The grid of places is shifted anew in each batch: no cell is known by heart.

    Args:
        walks: to draw from.
        seed: of everything drawn.
        size: walks a batch.
        places: most places of a walk.
        most_writes: to one place.
        queries: of one place.
        leaf_cell_m: edge of a place.
    """

    def __init__(
        self, walks: Sequence[Walk], seed: int, *, size: int, places: int, most_writes: int, queries: int,
        leaf_cell_m: float,
    ) -> None:  # fmt: skip
        self._walks, self._seed, self._size, self._places = walks, seed, size, places
        self._most_writes, self._queries, self._cell_m = most_writes, queries, leaf_cell_m

    def __call__(self, step: int) -> PlaceBatch:
        """The batch of a step."""
        rng = generator(self._seed, "memory batch", step)
        found: list[_Place] = []
        while sum(len(place.later) > 0 for place in found) < 2:
            chosen = rng.choice(len(self._walks), min(self._size, len(self._walks)), replace=False)
            found = [place for walk in chosen.tolist() for place in self._places_of(walk, rng)]
        found.sort(key=lambda place: -len(place.steps))
        return self._batch(found)

    def _places_of(self, walk: int, rng: np.random.Generator) -> list[_Place]:
        shift_m = np.append(rng.uniform(0, self._cell_m, 2), 0.0)
        visits = visits_of(leaf_keys(self._walks[walk].positions, self._cell_m, shift_m))
        chosen = rng.permutation(sorted(visits))[: self._places]
        return [self._place(visits[key], walk, rng) for key in chosen.tolist()]

    def _place(self, visits: Sequence[np.ndarray], walk: int, rng: np.random.Generator) -> _Place:
        """A cut between two of a place's visits: before it is written, after it asked."""
        cut = int(rng.integers(1, len(visits))) if len(visits) > 1 else 1
        before = np.concatenate(visits[:cut])
        later = np.concatenate([np.zeros(0, np.int64), *visits[cut:]])
        # As many of few as of many: the number's logarithm is drawn evenly.
        most = min(self._most_writes, len(before))
        count = min(most, int(math.exp(rng.uniform(0.0, math.log(most + 1)))))
        steps = np.sort(rng.choice(before, count, replace=False))
        asked = rng.choice(later, min(self._queries, len(later)), replace=False)
        return _Place(steps, asked, walk)

    def _batch(self, places: Sequence[_Place]) -> PlaceBatch:
        width = self._walks[0].observations.shape[1]
        written = np.zeros((len(places), len(places[0].steps), width), np.float32)
        for row, place in zip(written, places, strict=True):
            row[: len(place.steps)] = self._walks[place.walk].observations[place.steps]
        queries = [self._walks[place.walk].observations[place.later] for place in places]
        return PlaceBatch(
            written,
            np.array([len(place.steps) for place in places]),
            np.array([place.walk for place in places]),
            np.concatenate(queries).astype(np.float32),
            np.repeat(np.arange(len(places)), [len(place.later) for place in places]),
        )
