"""What ``placecell-bench long_term`` searches: observations of a world's places, and memories of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import generator
from placecell.memory import morton
from placecell.memory.long_term import LongTermMemory

WIDTH, K = 256, 10
SIDE_M = 100.0
BOX_PART = 0.05
_PLACES, _SPREAD = 2000, 0.6


@dataclass(frozen=True)
class World:
    """Unit vectors around those of places, each from a position.

    Args:
        vectors: (n, WIDTH).
        positions: (n, 3) metres, all over a floor of ``SIDE_M`` squared.
        leaves: (n,) keys of 1.6 m cells.
        queries: (b, WIDTH) vectors of the same places.
    """

    vectors: Float32[np.ndarray, "n d"]
    positions: Float64[np.ndarray, "n 3"]
    leaves: Int64[np.ndarray, " n"]
    queries: Float32[np.ndarray, "b d"]


def world(count: int, asked: int) -> World:
    """So many observations and queries, each time the same."""
    rng = generator(0, "long_term", count)
    places = rng.standard_normal((_PLACES, WIDTH), np.float32)
    of = rng.integers(_PLACES, size=count + asked)
    vectors = places[of] + _SPREAD * rng.standard_normal((count + asked, WIDTH), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    positions = rng.uniform([0, 0, 1.4], [SIDE_M, SIDE_M, 1.6], (count, 3))
    leaves = morton.encode(np.floor(positions / 1.6).astype(np.int64))
    return World(vectors[:count], positions, leaves, np.ascontiguousarray(vectors[count:]))


def filled(made: World) -> LongTermMemory:
    """A memory of all observations, written one by one."""
    memory = LongTermMemory()
    for row, (vector, at, leaf) in enumerate(zip(made.vectors, made.positions, made.leaves.tolist())):
        memory.write(vector, at, row, leaf=leaf, node=None)
    return memory


def boxes(count: int) -> Float64[np.ndarray, "b 2 3"]:
    """Boxes of ``BOX_PART`` of the floor, anywhere on it."""
    side = SIDE_M * BOX_PART**0.5
    low = generator(1, "long_term").uniform(0, SIDE_M - side, (count, 2))
    floor = np.zeros((count, 1))
    return np.stack([np.hstack([low, floor]), np.hstack([low + side, floor + 3.0])], axis=1)
