"""What a topology graph holds: its tables, and what concerns several of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64

from placecell.arrays import Embedding, Point
from placecell.errors import PlacecellError

from .edges import EdgeTable
from .exits import ExitList
from .links import SightLinks
from .nodes import NodeTable, Slots
from .parts import Edge, Keys, Landmark, Place, Ranked, Visit
from .settings import TopologySettings

# Bytes that CPython 3.11 allocates for one more of each beside the arrays, as tracemalloc counts them.
NODE_BYTES, EDGE_BYTES, EXIT_BYTES, LINK_BYTES = 470, 300, 460, 520


class Content:
    """Places, landmarks and what joins them.

    Args:
        settings: of the graph.
    """

    def __init__(self, settings: TopologySettings) -> None:
        self.settings = settings
        self.places = NodeTable("place")
        self.landmarks = NodeTable("landmark")
        self.edges, self.links = EdgeTable(), SightLinks()
        self.exits = ExitList(settings.radius_m, settings.same_m)
        self.next_id, self.loop_closures = 0, 0
        self.here: int | None = None

    @property
    def nbytes(self) -> int:
        """Of the arrays, and for Python's indices what their entries take."""
        return self.places.nbytes + self.landmarks.nbytes + self.edges.nbytes + self._index_nbytes()

    @property
    def used_nbytes(self) -> int:
        """As ``nbytes``, without free rows: what is held decides, not how it came about."""
        tables = (self.places, self.landmarks)
        nodes = sum(len(table) * table.row_nbytes + 8 * table.voxel_count for table in tables)
        return nodes + len(self.edges) * self.edges.row_nbytes + self._index_nbytes()

    def counts(self) -> dict[str, float]:
        """How many there are of what."""
        return {
            "places": float(len(self.places)),
            "landmarks": float(len(self.landmarks)),
            "edges": float(len(self.edges)),
            "exits": float(len(self.exits)),
            "loop_closures": float(self.loop_closures),
        }

    def note_use(self, node: int) -> None:
        """A place or landmark was given once more."""
        table = self.places if node in self.places else self.landmarks
        table.rows["uses"][table.slot(node)] += 1

    def _index_nbytes(self) -> int:
        nodes = len(self.places) + len(self.landmarks)
        joins = EXIT_BYTES * len(self.exits) + LINK_BYTES * len(self.links)
        return NODE_BYTES * nodes + EDGE_BYTES * len(self.edges) + joins

    def new_id(self) -> int:
        """An id that no node had."""
        self.next_id += 1
        return self.next_id - 1

    def recognised(self, at: Point, unit: Embedding | None) -> int | None:
        """The place of which an observation is a revisit, by the rule of the graph; None for a new one."""
        slots, metres = self.places.within(at, self.settings.radius_m)
        if len(slots) == 0:
            return None
        # Rows come by rising id and argmin takes the first: of equals the oldest.
        chosen = int(np.argmin(metres))
        if metres[chosen] > self.settings.same_m:
            gaps = self.places.gaps(slots, unit)
            chosen = int(np.argmin(gaps))
            if gaps[chosen] > self.settings.delta:
                return None
        return self.places.nodes(slots)[chosen]

    def costs(self) -> Float64[np.ndarray, " m"]:
        """(m,) of the edges."""
        alpha, beta = self.settings.alpha, self.settings.beta
        return alpha * self.edges.distances + beta * self.edges.instructions

    def arrive(self, place: int, known: bool, instruction_cost: float, absorbed: tuple[int, ...]) -> Visit:
        """The agent is at a place: the edge from the one before takes the walk in."""
        before, self.here = self.here, place
        if before is None or before == place:
            return Visit(place, not known, False, False, absorbed)
        self.loop_closures += int(known)
        new_edge = self.walk(before, place, None, instruction_cost)
        return Visit(place, not known, known, new_edge, absorbed)

    def walk(self, a: int, b: int, distance_m: float | None, instruction_cost: float) -> bool:
        """One more walk between two places, by the straight line (None); whether the edge is new."""
        if distance_m is None:
            distance_m = float(np.linalg.norm(self.places.position(a) - self.places.position(b)))
        return self.edges.walk(a, b, float(distance_m), float(instruction_cost))

    def merge(self, keep: int, gone: int) -> None:
        """Two places become one: position, descriptor, edges, landmarks, exits, and where the agent is."""
        self.places.merge(keep, gone)
        self.edges.move(gone, keep)
        self.links.move_place(gone, keep)
        self.exits.move(gone, keep)
        if self.here == gone:
            self.here = keep

    def settle(self, place: int) -> tuple[int, tuple[int, ...]]:
        """Merges a place that moved with those it came upon; the id that stays, and those that are gone."""
        gone: list[int] = []
        while True:
            slots, _ = self.places.within(self.places.position(place), self.settings.same_m)
            near = self.places.nodes(slots)
            if len(near) < 2:
                return place, tuple(gone)
            place = near[0]
            self.merge(place, near[1])
            gone.append(near[1])

    def landmarks_near(self, position: Point, category: int) -> tuple[int, ...]:
        """Landmarks of a category near enough to be one, nearest first, ties by id."""
        slots, metres = self.landmarks.within(position, self.settings.landmark_m)
        alike = self.landmarks.rows["category"][slots] == category
        slots, metres = slots[alike], metres[alike]
        return self.landmarks.nodes(slots[np.argsort(metres, kind="stable")])

    def see(self, at: Point, category: int, step: int, keys: Keys, unit: Embedding | None) -> int:
        """A sighting from where the agent is, by the rule of the graph; the id of its landmark."""
        landmark, crowded = self.landmarks.sight(at, unit, step, keys, category, self.settings.landmark_m)
        if landmark is None:
            landmark = self.new_id()
            self.landmarks.add(landmark, at, unit, step, keys, category)
        if self.here is not None:
            self.links.add(landmark, self.here)
        return self.settle_landmark(landmark) if crowded else landmark

    def settle_landmark(self, landmark: int) -> int:
        """Merges a landmark that moved with those of its category that it came upon; the id that stays."""
        category = int(self.landmarks.rows["category"][self.landmarks.slot(landmark)])
        while True:
            near = sorted(self.landmarks_near(self.landmarks.position(landmark), category))
            if len(near) < 2:
                return landmark
            landmark = near[0]
            self.landmarks.merge(landmark, near[1])
            self.links.move_landmark(near[1], landmark)

    def landmark_ids(self, category: int | None) -> list[int]:
        """Of all landmarks, or of those of a category; rising."""
        slots = self.landmarks.by_id()
        if category is not None:
            slots = slots[self.landmarks.rows["category"][slots] == category]
        return list(self.landmarks.nodes(slots))

    def forget_landmarks(self) -> None:
        """Keeps the places."""
        self.landmarks = NodeTable("landmark")
        self.links = SightLinks()

    def note_exits(self, owner: int, points: Sequence[Point]) -> int:
        """Gives a place those points as exits at which nothing is known yet; how many were new."""
        free = [at for at in points if len(self.places.within(at, self.settings.radius_m)[0]) == 0]
        return sum(self.exits.note(owner, at) for at in free)

    def require_two(self, a: int, b: int) -> None:
        """Raises :class:`PlacecellError` unless these are two places of the graph."""
        for place in (a, b):
            self.places.slot(place)
        if a == b:
            raise PlacecellError(expected="two different places", came=f"{a} twice", fix="pass two ids")

    def edge(self, a: int, b: int) -> Edge | None:
        """The edge of two places and its cost, or None."""
        walks = self.edges.between(a, b)
        if walks is None:
            return None
        cost = self.settings.alpha * walks.distance_m + self.settings.beta * walks.instruction_cost
        return Edge((min(a, b), max(a, b)), walks.distance_m, walks.instruction_cost, walks.walks, cost)

    def ranked(self, slots: Slots, figures: Float64[np.ndarray, " n"]) -> Ranked:
        """Copies of the places in rows, and a figure of each."""
        return Ranked(tuple(self.place(node) for node in self.places.nodes(slots)), figures)

    def place(self, node: int) -> Place:
        """A copy of a place."""
        return Place(**_node(self.places, node))

    def landmark(self, node: int) -> Landmark:
        """A copy of a landmark."""
        category = int(self.landmarks.rows["category"][self.landmarks.slot(node)])
        return Landmark(**_node(self.landmarks, node), category=category, seen_from=self.links.places(node))


def _node(table: NodeTable, node: int) -> dict[str, Any]:
    """What places and landmarks have in common, copied."""
    slot = table.slot(node)
    return {
        "id": node,
        "position": _frozen(table.rows["position"][slot]),
        "descriptor": _descriptor(table, slot),
        "visits": int(table.rows["visits"][slot]),
        "last_seen": int(table.rows["last_seen"][slot]),
        "voxels": _frozen(table.voxels[node]),
    }


def _descriptor(table: NodeTable, slot: int) -> np.ndarray | None:
    return _frozen(table.rows["descriptor"][slot]) if table.rows["length"][slot] > 0 else None


def _frozen(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
