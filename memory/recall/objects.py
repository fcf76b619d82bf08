"""Labelled surface, grouped into objects: what a memory answers when it is asked for a category."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from placecell.arrays import Point, Points

from .. import morton
from ..retrieval import MemoryItem, Query, Retrieval, require_k

GAP_M = 0.3
"""Surface of one category no farther apart than this belongs to one object."""
EVEN_VOTES = 50.0
"""So many votes for an object make it as likely as not: a piece of 50 voxels of 0.1 m seen in one frame."""


@dataclass(frozen=True)
class Sightings:
    """Where one category was seen.

    Args:
        points: (n, 3) metres, world frame, no two alike.
        votes: (n,) how many frames saw it there (in a bounded or a compressed memory: what is left of it).
        last_seen: (n,) the memory's clock when that was last.
        colours: (n, 4) sums of red, green, blue and how many they are; zero rows where colour is not kept.
    """

    points: Points
    votes: Int64[np.ndarray, " n"]
    last_seen: Int64[np.ndarray, " n"]
    colours: Int64[np.ndarray, "_ 4"]


@dataclass(frozen=True)
class RememberedObject:
    """One object: ``points`` (n, 3) of its surface, their mean, and the sums of what was said of them."""

    position: Point
    points: Points
    votes: int
    last_seen: int
    colour: tuple[int, int, int] | None

    @property
    def confidence(self) -> float:
        """In its label, 0 to 1: votes / (votes + ``EVEN_VOTES``); larger and oftener seen is surer."""
        return self.votes / (self.votes + EVEN_VOTES)


def thinned(
    indices: Int64[np.ndarray, "n 3"],
    votes: Int64[np.ndarray, " n"],
    steps: Int64[np.ndarray, " n"],
    voxel_size_m: float,
) -> Sightings:
    """One sighting for each voxel of a list in which they recur: votes summed, the latest step."""
    keys, where = np.unique(morton.encode(indices), return_inverse=True)
    last_seen = np.full(len(keys), -1, np.int64)
    np.maximum.at(last_seen, where, steps)
    return Sightings(
        points=(morton.decode(keys) + 0.5) * voxel_size_m,
        votes=np.bincount(where, votes, len(keys)).astype(np.int64),
        last_seen=last_seen,
        colours=np.zeros((0, 4), np.int64),
    )


def connected(points: Float64[np.ndarray, "n d"], gap: float = GAP_M) -> Int64[np.ndarray, " n"]:
    """(n,) the number of the group of each point: points no farther apart than ``gap`` are in one."""
    pairs = cKDTree(points).query_pairs(gap * (1 + 1e-9), output_type="ndarray")
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    return connected_components(links, directed=False)[1].astype(np.int64)


def find_objects(seen: Sightings, axes: int = 3) -> tuple[RememberedObject, ...]:
    """The objects that sightings of one category make up, the one with most votes first.

    Args:
        seen: where the category was seen.
        axes: 3, or 2 where heights do not keep things apart.
    """
    if len(seen.points) == 0:
        return ()
    group = connected(seen.points[:, :axes])
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    points, sizes = seen.points[order], np.diff(starts, append=len(order))
    positions = np.add.reduceat(points, starts) / sizes[:, None]
    points.flags.writeable = positions.flags.writeable = False
    votes = np.add.reduceat(seen.votes[order], starts)
    last_seen = np.maximum.reduceat(seen.last_seen[order], starts)
    colours = np.zeros((len(starts), 4), np.int64)
    if len(seen.colours):
        colours = np.add.reduceat(seen.colours[order], starts)
    return tuple(
        RememberedObject(
            position=positions[n],
            points=points[starts[n] : starts[n] + sizes[n]],
            votes=int(votes[n]),
            last_seen=int(last_seen[n]),
            colour=mean_colour(colours[n]),
        )
        for n in np.argsort(-votes, kind="stable")
    )


def mean_colour(sums: Int64[np.ndarray, "4"]) -> tuple[int, int, int] | None:
    """Red, green, blue of their sums and how many those are, rounded half up; None for none."""
    red, green, blue, count = (int(number) for number in sums)
    if count == 0:
        return None
    return (
        (2 * red + count) // (2 * count),
        (2 * green + count) // (2 * count),
        (2 * blue + count) // (2 * count),
    )


def recall(objects: Iterable[RememberedObject], query: Query, k: int, now: int, source: str) -> Retrieval:
    """The first ``k`` of the objects whose middles lie within the query's radius."""
    require_k(k)
    items: list[MemoryItem] = []
    for thing in objects:
        if len(items) == k:
            break
        if np.linalg.norm(thing.position - query.position) <= query.radius_m:
            age = now - thing.last_seen
            items.append(
                MemoryItem(
                    thing.position, thing.confidence, source, age, thing.colour, query.category, thing.points
                )
            )
    return Retrieval(tuple(items))
