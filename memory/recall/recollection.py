"""One answer from several parts: the octree's stands, the others add what it lacks; a gate for embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from placecell.geometry import invert, transform

from ..long_term import LongTermMemory
from ..octree import FREE, SparseOctree
from ..retrieval import Gate, MemoryItem, Query, Retrieval, require_k
from ..short_term import ShortTermMemory
from ..sight.embedding_widths import EmbeddingWidths
from ..topology import TopologyGraph
from .objects import RememberedObject, Sightings, find_objects, recall
from .recalled_items import (
    apart_from,
    best,
    cosine,
    first,
    from_entry,
    from_landmark,
    from_observation,
    from_place,
    near,
    points_of,
    spread_out,
    within,
)
from .uses import Behind

_GONE = 0.5
"""The share of a thing's voxels that are free, or something else, from which it is known to be gone."""
_MOST_SIMILAR = 64


@dataclass(frozen=True)
class _Entry:
    number: int
    item: MemoryItem
    cosine: float | None


class Recollection:
    """Asks the parts of a memory; a part that is off is None.

    Args:
        octree: of voxels.
        topology: the graph; keys of landmarks are those of voxels.
        short_term: what was seen of late.
        voxel_size_m: of those voxels.
        feature_width: of the octree's features; 0 where it keeps none.
        long_term: all observations.
        gate: whether the short term or all else answers an embedding, where there is a long term.
        count_blocks: whether what is given counts as a use of the octree's blocks: to find them costs time.

    Attributes:
        widths: of the vectors that the graph and the short term were given.
    """

    def __init__(
        self,
        octree: SparseOctree | None,
        topology: TopologyGraph | None,
        short_term: ShortTermMemory | None,
        voxel_size_m: float,
        feature_width: int = 0,
        long_term: LongTermMemory | None = None,
        gate: Gate | None = None,
        count_blocks: bool = False,
    ) -> None:
        self._octree, self._topology, self._short_term = octree, topology, short_term
        self._long_term, self._gate = long_term, gate or Gate()
        self._size, self.widths = voxel_size_m, EmbeddingWidths()
        self._feature_width, self._counted = feature_width, octree if count_blocks else None
        self._behind = Behind()
        self._objects: dict[int, tuple[int, tuple[RememberedObject, ...]]] = {}

    def answer(self, query: Query, k: int, now: int) -> Retrieval:
        """At most ``k`` items, best first; what is among them counts as used, and short-term entries at them.

        Raises:
            PlacecellError: ``k`` below 1, or an embedding of a width that nothing has.
        """
        require_k(k)
        self.widths.require_known(query, 0 if self._octree is None else self._feature_width)
        entries, self._behind = self._entries(query, now), Behind()
        items = [entry.item for entry in entries]
        if query.category is not None:
            found = self._of_category(query, query.category, k, now, items)
        elif query.embedding is not None:
            found = self._most_alike(query, k, now, entries)
        else:
            found = self._nearest(query, k, now, items)
        if self._short_term is not None and entries:
            self._short_term.use(_at_what_is_given(entries, found))
        self._behind.note_use(found, self._counted, self._topology, self._long_term)
        return found

    def _of_category(
        self, query: Query, category: int, k: int, now: int, entries: list[MemoryItem]
    ) -> Retrieval:
        """The octree's objects, and what it lacks; with an embedding by that of landmarks and entries."""
        objects = self._objects_of(category)
        marks = self._landmarks(query, now, category)
        fresh = apart_from(entries, [points_of(mark) for mark in marks])
        most = k if query.embedding is None else max(len(objects), 1)
        items = list(recall(objects, query, most, now, "octree").items)
        if query.embedding is not None:
            items = [_as_alike_as(item, [*marks, *entries], query) for item in items]
        lacked = apart_from([*marks, *fresh], [thing.points for thing in objects])
        return best([*items, *first(lacked, k, self._may_be_there)], k)

    def _nearest(self, query: Query, k: int, now: int, entries: list[MemoryItem]) -> Retrieval:
        """The nearest voxels, then places, then entries at which nothing was given."""
        items = [] if self._octree is None else self._nearest_voxels(self._octree, query, k, now)
        if len(items) < k and self._topology is not None and len(self._topology):
            ranked = self._topology.nearest_places(query.position, k - len(items))
            known = [self._behind.node(p.id, from_place(p, query, now)) for p in ranked.places]
            items += within(known, query)
        if len(items) < k:
            fresh = apart_from(entries, [item.position[None] for item in items])
            # Views from one spot that looked unlike are still one spot.
            views = spread_out((item for item in fresh if item.category is None), k - len(items))
            things = [item for item in fresh if item.category is not None]
            items += best([*views, *things], k - len(items)).items
        return best(items, k)

    def _most_alike(self, query: Query, k: int, now: int, entries: list[_Entry]) -> Retrieval:
        """By the cosine with the query's embedding: of the short term, or of all else, as the gate says."""
        recent = [entry for entry in entries if cosine(entry.item.embedding, query.embedding) is not None]
        if self._long_term is not None:
            if self._gate.takes_short_term(entry.cosine or 0.0 for entry in recent):
                return best(_one_view_a_spot([entry.item for entry in recent], k), k)
            recent = []
        marks = self._landmarks(query, now, None)
        fresh = apart_from([entry.item for entry in recent], [points_of(mark) for mark in marks])
        marks = [mark for mark in marks if cosine(mark.embedding, query.embedding) is not None]
        views = [*self._similar_places(query, k, now), *self._observations(query, k, now)]
        items = _one_view_a_spot([*marks, *fresh, *views], k)
        return best([*items, *self._similar_voxels(query, k, now)], k)

    def _observations(self, query: Query, k: int, now: int) -> list[MemoryItem]:
        """The rows of the long term that are most like the query's embedding, from ``k`` spots or all."""
        part, wanted = self._long_term, query.embedding
        if part is None or wanted is None or len(wanted) != part.width:
            return []
        shown = part.tokens != "reversible"  # of those the row is a key, which no encoder gave
        rows = max(_MOST_SIMILAR, k)
        while True:  # more and more, until enough of them are apart
            found = part.search(wanted, rows, position=query.position, radius_m=query.radius_m)
            items = [from_observation(entry, now, shown) for entry in found]
            if len(found) < rows or len(spread_out(items, k)) >= k:
                return [self._behind.row(e.row, item) for e, item in zip(found, items, strict=True)]
            rows *= 4

    def _entries(self, query: Query, now: int) -> list[_Entry]:
        part = self._short_term
        if part is None:
            return []
        here = transform(invert(part.T_world_agent), query.position.astype(np.float64))
        found = part.candidates(
            here, radius_m=float(query.radius_m), category=query.category, embedding=query.embedding
        )
        pairs = [_Entry(e.number, from_entry(e, query, now, part.T_world_agent), e.cosine) for e in found]
        kept = set(map(id, within([pair.item for pair in pairs], query)))
        return [pair for pair in pairs if id(pair.item) in kept]

    def _landmarks(self, query: Query, now: int, category: int | None) -> list[MemoryItem]:
        if self._topology is None:
            return []
        marks = self._topology.landmarks(category)
        items = [self._behind.node(m.id, from_landmark(m, query, now, self._size)) for m in marks]
        return within(items, query)

    def _nearest_voxels(self, octree: SparseOctree, query: Query, k: int, now: int) -> list[MemoryItem]:
        voxels, distances = octree.nearest(query.position, k, query.radius_m)
        return [
            MemoryItem(
                position=voxels.centres[n],
                score=1 - float(distances[n]) / query.radius_m,
                source="octree",
                age_steps=now - int(voxels.last_seen[n]),
                colour=voxels.colour(n),
                category=int(voxels.labels[n]) or None,
                embedding=voxels.features[n] if voxels.weights[n] > 0 else None,
            )
            for n in range(len(voxels))
        ]

    def _similar_places(self, query: Query, k: int, now: int) -> list[MemoryItem]:
        if self._topology is None or query.embedding is None or len(query.embedding) != self.widths.place:
            return []
        wanted = _MOST_SIMILAR
        while True:  # more and more, until enough of them lie within the radius
            ranked = self._topology.similar(query.embedding, wanted)
            pairs = zip(ranked.places, ranked.distances.tolist(), strict=True)
            known = [self._behind.node(p.id, from_place(p, query, now, gap)) for p, gap in pairs]
            items = within(known, query)
            if len(items) >= k or len(ranked.places) < wanted:
                return items
            wanted *= 4

    def _similar_voxels(self, query: Query, k: int, now: int) -> list[MemoryItem]:
        """By a scan of the voxels around: each costs a product of its feature's width."""
        wanted = query.embedding
        if self._octree is None or wanted is None or len(wanted) != self._feature_width:
            return []
        reach = np.full(3, query.radius_m)
        voxels = self._octree.box(query.position - reach, query.position + reach)
        near = np.linalg.norm(voxels.centres - query.position, axis=1) <= query.radius_m
        rows = np.flatnonzero(near & (voxels.weights > 0))
        lengths = np.linalg.norm(voxels.features[rows], axis=1) * float(np.linalg.norm(wanted))
        cosines = voxels.features[rows] @ wanted.astype(np.float32) / np.maximum(lengths, 1e-30)
        order = np.argsort(-cosines, kind="stable")[:k]
        return [
            MemoryItem(
                position=voxels.centres[n],
                score=min(max(float(score), 0.0), 1.0),
                source="octree",
                age_steps=now - int(voxels.last_seen[n]),
                colour=voxels.colour(n),
                category=int(voxels.labels[n]) or None,
                embedding=voxels.features[n],
            )
            for n, score in zip(rows[order].tolist(), cosines[order].tolist(), strict=True)
        ]

    def _objects_of(self, category: int) -> tuple[RememberedObject, ...]:
        if self._octree is None:
            return ()
        change, held = self._octree.last_change(category), self._objects.get(category)
        if held is None or held[0] != change:
            voxels = self._octree.labelled(category)
            colours = np.column_stack([voxels.colours, np.ones(len(voxels), np.uint8)]).astype(np.int64)
            seen = Sightings(
                voxels.centres, voxels.votes, voxels.last_seen, colours * voxels.coloured[:, None]
            )
            held = self._objects[category] = change, find_objects(seen)
        return held[1]

    def _may_be_there(self, item: MemoryItem) -> bool:
        """Not where the octree has since seen through most of a thing, or seen something else."""
        if self._octree is None:
            return True
        points = points_of(item).astype(np.float64)
        other = self._octree.read(self._octree.index_of(points)).labels
        denied = (self._octree.state(points) == FREE) | ((other > 0) & (other != item.category))
        return float(denied.mean()) < _GONE


def _at_what_is_given(entries: Sequence[_Entry], found: Retrieval) -> list[int]:
    """The numbers of the entries that are in an answer, or lie at something that is."""
    if not found.items:
        return []
    positions = np.array([entry.item.position for entry in entries])
    there = near(positions, np.concatenate([points_of(item) for item in found.items]))
    return [entry.number for entry, given in zip(entries, there.tolist(), strict=True) if given]


def _one_view_a_spot(items: Sequence[MemoryItem], k: int) -> list[MemoryItem]:
    """The things, and of the views from one spot the best; of those at most ``k``."""
    views = (item for item in items if item.category is None)
    return [*(item for item in items if item.category is not None), *spread_out(views, k)]


def _as_alike_as(item: MemoryItem, others: Sequence[MemoryItem], query: Query) -> MemoryItem:
    """An object with the embedding and the score of what lies at it and is most alike; else as it is."""
    alike = [other for other in others if cosine(other.embedding, query.embedding) is not None]
    positions = np.array([other.position for other in alike]).reshape(-1, 3)
    at_it = [other for other, there in zip(alike, near(positions, points_of(item)), strict=True) if there]
    if not at_it:
        return item
    like = max(at_it, key=lambda other: other.score)
    return replace(item, score=like.score, embedding=like.embedding)
