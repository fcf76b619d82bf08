"""What a topology graph is made of, as it is handed out: copies, which later writes do not change."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Embedding, Point

Keys = Int64[np.ndarray, "_"]


@dataclass(frozen=True)
class Place:
    """Somewhere the agent was.

    Args:
        id: its node in the graph; never given to another.
        position: (3,) float64, metres, world frame: the mean of its visits.
        descriptor: (d,) float32 unit vector, the direction of the mean of its visits', or None where none
            of them had one.
        visits: how often an observation was made there.
        last_seen: the step of the last one.
        voxels: (v,) int64 rising Morton keys of the voxels that it stands for, thinned where they are many.
    """

    id: int
    position: Point
    descriptor: Embedding | None
    visits: int
    last_seen: int
    voxels: Keys


@dataclass(frozen=True)
class Landmark(Place):
    """Something of a category that was seen; ``visits`` counts its sightings.

    Args:
        category: its category id, 1 or more.
        seen_from: ids of the places from which it was seen, rising.
    """

    category: int
    seen_from: tuple[int, ...]


@dataclass(frozen=True)
class Visit:
    """What a visit did to the graph.

    Args:
        place: id of the place where the agent is.
        created: whether it is new.
        closed_loop: whether the agent walked from another place back to one that was known.
        new_edge: whether nobody had walked between these two before.
        absorbed: ids of places that drifted into this one and are no more.
    """

    place: int
    created: bool
    closed_loop: bool
    new_edge: bool = False
    absorbed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """A way between two places that was walked.

    Args:
        places: their ids, the lower first.
        distance_m: the mean over its walks.
        instruction_cost: the mean over its walks.
        walks: how often it was walked or linked.
        cost: alpha * distance + beta * instruction cost.
    """

    places: tuple[int, int]
    distance_m: float
    instruction_cost: float
    walks: int
    cost: float


@dataclass(frozen=True)
class Ranked:
    """Places, best first, and how far each is: metres, or L2 between unit descriptors."""

    places: tuple[Place, ...]
    distances: Float64[np.ndarray, " n"]
