"""What a landmark, a place or an entry is as an item of an answer, and which items are one thing."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.spatial import cKDTree

from placecell.arrays import Embedding, Points, Transform
from placecell.geometry import transform

from .. import morton
from ..graph.parts import Landmark, Place
from ..long_term import LongTermEntry
from ..retrieval import MemoryItem, Query, Retrieval
from ..short_term import MOST_FRAMES, ShortTermEntry
from .objects import EVEN_VOTES

AnyPoints = Float64[np.ndarray, "_ 3"]
"""Points of a thing, as many as it has."""
SAME_M = 0.5
"""What lies no farther from something that was given already is the same thing."""


def from_place(place: Place, query: Query, now: int, gap: float | None = None) -> MemoryItem:
    """A place of the graph: by how near it is, or by how like, where ``gap`` (L2 of unit vectors) says so."""
    away = float(np.linalg.norm(place.position - query.position)) / query.radius_m
    score = 1 - away if gap is None else 1 - gap * gap / 2
    embedding = None if place.descriptor is None else place.descriptor.astype(np.float32)
    return MemoryItem(place.position, _bounded(score), "topology", now - place.last_seen, embedding=embedding)


def from_landmark(landmark: Landmark, query: Query, now: int, voxel_size_m: float) -> MemoryItem:
    """A landmark: its voxels, as sure as they are many and often seen; by how like, where that is asked."""
    points = (morton.decode(landmark.voxels) + 0.5) * voxel_size_m
    embedding = None if landmark.descriptor is None else landmark.descriptor.astype(np.float32)
    votes = min(landmark.visits, MOST_FRAMES) * len(points)
    return _thing(
        points,
        votes / (votes + EVEN_VOTES),
        "topology",
        now - landmark.last_seen,
        landmark.category,
        embedding,
        cosine(embedding, query.embedding),
    )


def from_entry(entry: ShortTermEntry, query: Query, now: int, T_world_agent: Transform) -> MemoryItem:
    """An entry of the short term: a thing as a landmark is, a view as a place is."""
    points = transform(T_world_agent, entry.points)
    sure = entry.votes / (entry.votes + EVEN_VOTES)
    if query.category is None:
        sure = 1 - float(np.linalg.norm(points.mean(0) - query.position)) / query.radius_m
    category, age = entry.category or None, now - entry.last_step
    return _thing(points, _bounded(sure), "short_term", age, category, entry.embedding, entry.cosine)


def from_observation(entry: LongTermEntry, now: int, shown: bool) -> MemoryItem:
    """A row of the long term, by how like what is asked for it is; ``shown`` with its vector."""
    score, age = _bounded(entry.cosine or 0.0), now - entry.last_step
    return MemoryItem(entry.position, score, "long_term", age, embedding=entry.vector if shown else None)


def cosine(embedding: Embedding | None, wanted: Float[np.ndarray, " e"] | None) -> float | None:
    """Of two vectors; None where one is missing, zero or of another width."""
    if embedding is None or wanted is None or len(embedding) != len(wanted):
        return None
    one, other = embedding.astype(np.float64), wanted.astype(np.float64)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 0 else None


def within(items: Iterable[MemoryItem], query: Query) -> list[MemoryItem]:
    """Those in the query's radius."""
    return [item for item in items if float(np.linalg.norm(item.position - query.position)) <= query.radius_m]


def best(items: Iterable[MemoryItem], k: int) -> Retrieval:
    """The first ``k`` by score; of equals the earlier."""
    return Retrieval(tuple(sorted(items, key=lambda item: -item.score)[:k]))


def near(positions: AnyPoints, points: AnyPoints) -> Bool[np.ndarray, " n"]:
    """(n,) of each position whether one of the points is no farther than ``SAME_M``."""
    if len(positions) == 0 or len(points) == 0:
        return np.zeros(len(positions), bool)
    return np.isfinite(cKDTree(points).query(positions, distance_upper_bound=SAME_M * (1 + 1e-9))[0])


def apart_from(items: Sequence[MemoryItem], things: Sequence[AnyPoints]) -> list[MemoryItem]:
    """Those at which none of these things is."""
    if not items or not things:
        return list(items)
    taken = near(np.array([item.position for item in items]), np.concatenate(things))
    return [item for item, there in zip(items, taken.tolist(), strict=True) if not there]


def first(items: Iterable[MemoryItem], most: int, wanted: Callable[[MemoryItem], bool]) -> list[MemoryItem]:
    """At most so many of the items that are wanted, by score; none is looked at in vain."""
    ordered = sorted(items, key=lambda item: -item.score)
    return list(islice(filter(wanted, ordered), most))


def spread_out(items: Iterable[MemoryItem], most: int) -> list[MemoryItem]:
    """The best of the items that lie within ``SAME_M`` of each other, at most so many."""
    left = sorted(items, key=lambda item: -item.score)
    positions = np.array([item.position for item in left]).reshape(-1, 3)
    kept: list[MemoryItem] = []
    while left and len(kept) < most:
        kept.append(left[0])
        apart = ~near(positions, positions[:1])
        left = [item for item, away in zip(left, apart.tolist(), strict=True) if away]
        positions = positions[apart]
    return kept


def points_of(item: MemoryItem) -> Points:
    """(n, 3) its surface, or where it is."""
    return item.position[None] if item.points is None else item.points


def _thing(
    points: Float64[np.ndarray, "n 3"],
    sure: float,
    source: str,
    age_steps: int,
    category: int | None,
    embedding: Embedding | None,
    alike: float | None,
) -> MemoryItem:
    points.flags.writeable = False
    score = sure if alike is None else _bounded(alike)
    held = points if category is not None else None
    return MemoryItem(points.mean(0), score, source, age_steps, None, category, held, embedding)


def _bounded(score: float) -> float:
    return min(max(score, 0.0), 1.0)
