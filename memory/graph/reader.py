"""What a topology graph tells: nothing here changes it."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

from placecell.arrays import Embedding, Point, Points

from ..retrieval import require_k
from . import archive as topology_archive
from . import view as topology_view
from .content import Content
from .parts import Edge, Landmark, Place, Ranked
from .place_graph import PlaceGraph
from .routes import Costs, RoadNet, Route
from .settings import TopologySettings, checked_point, checked_unit

if TYPE_CHECKING:
    import networkx


class TopologyReader:
    """Places, landmarks, edges and routes, as they are read.

    Args:
        settings: of the graph.
    """

    def __init__(self, settings: TopologySettings) -> None:
        self._settings, self._content = settings, Content(settings)
        self._roads: RoadNet | None = None

    def settings(self) -> dict[str, float]:
        """What it was built with, by name."""
        return asdict(self._settings)

    def __len__(self) -> int:
        """How many places there are."""
        return len(self._content.places)

    @property
    def here(self) -> int | None:
        """The place of the last visit; None before the first of a walk."""
        return self._content.here

    @property
    def place_ids(self) -> Int64[np.ndarray, " n"]:
        """Of all places, rising, which is the order in which they were created."""
        return self._content.places.ids()

    def drawn(self) -> PlaceGraph:
        """Places and edges alone, as a picture needs them."""
        return topology_view.drawn(self._content)

    def exits(self, place: int | None = None) -> Points:
        """(n, 3) the exits of a place, or of all (None), that no visit came within ``radius_m`` of.

        Raises:
            PlacecellError: an unknown id.
        """
        if place is None:
            return self._content.exits.all_points()
        self._content.places.slot(place)
        return self._content.exits.of(place)

    def place(self, place: int) -> Place:
        """A place by its id.

        Raises:
            PlacecellError: an unknown id.
        """
        return self._content.place(place)

    def landmark(self, landmark: int) -> Landmark:
        """A landmark by its id.

        Raises:
            PlacecellError: an unknown id.
        """
        return self._content.landmark(landmark)

    def landmarks(self, category: int | None = None) -> tuple[Landmark, ...]:
        """All landmarks, or those of a category, by rising id."""
        return tuple(self._content.landmark(node) for node in self._content.landmark_ids(category))

    def landmarks_of(self, place: int) -> tuple[Landmark, ...]:
        """What was seen from a place, by rising id.

        Raises:
            PlacecellError: an unknown id.
        """
        self._content.places.slot(place)
        return tuple(self._content.landmark(node) for node in self._content.links.landmarks(place))

    def nearest_places(self, position: Point, k: int) -> Ranked:
        """The ``k`` places nearest to a point by the straight line, ties by id, and their metres."""
        require_k(k)
        return self._content.ranked(*self._content.places.nearest(checked_point(position, "query"), k))

    def similar(self, descriptor: Embedding, k: int) -> Ranked:
        """The ``k`` places that look most like a descriptor, ties by id, and L2 between unit vectors.

        Raises:
            PlacecellError: a descriptor that is not finite or of another width.
        """
        require_k(k)
        unit = checked_unit(descriptor, "query")
        self._content.places.require_width(unit)
        return self._content.ranked(*self._content.places.similar(unit, k))

    def edge(self, a: int, b: int) -> Edge | None:
        """The edge between two places, or None where nobody walked.

        Raises:
            PlacecellError: an unknown id, or twice the same.
        """
        self._content.require_two(a, b)
        return self._content.edge(a, b)

    def neighbours(self, place: int) -> tuple[int, ...]:
        """The places to which an edge leads from one, by rising id.

        Raises:
            PlacecellError: an unknown id.
        """
        self._content.places.slot(place)
        return self._content.edges.neighbours(place)

    def route(self, a: int, b: int) -> Route | None:
        """The cheapest way from one place to another, or None where no edges lead.

        Raises:
            PlacecellError: an unknown id.
        """
        self._content.places.slot(a)
        self._content.places.slot(b)
        return self._road_net().route(a, b)

    def costs_from(self, a: int) -> Costs:
        """The costs of the cheapest ways from a place to all places.

        Raises:
            PlacecellError: an unknown id.
        """
        self._content.places.slot(a)
        return self._road_net().costs_from(a)

    def stats(self) -> dict[str, float]:
        """Counts of ``places``, ``landmarks``, ``edges``, ``exits`` and ``loop_closures``, and ``bytes``.

        The bytes are those of arrays, free rows and the route cache included, and for each entry of Python's
        indices what such entries take as measured (a test holds the sum to what was allocated).
        """
        roads = 0 if self._roads is None else self._roads.nbytes
        return {**self._content.counts(), "bytes": float(self._content.nbytes + roads)}

    def as_networkx(self) -> "networkx.Graph":
        """A copy for people to look at, draw and analyse.

        Nodes are ids with ``kind`` ("place" or "landmark"), ``position``, ``visits``, ``last_seen`` and, of
        a landmark, ``category``. Edges have ``kind`` "walk" with ``cost``, ``distance_m``,
        ``instruction_cost`` and ``walks``, or "seen" with ``times``.
        """
        return topology_view.as_networkx(self._content)

    @property
    def packed_nbytes(self) -> int:
        """Of the arrays that :meth:`pack` gives, without making them."""
        return topology_archive.packed_nbytes(self._content)

    def _road_net(self) -> RoadNet:
        if self._roads is None:
            content, rows = self._content, self._content.places.rows
            slots = content.places.by_id()
            self._roads = RoadNet(
                rows["id"][slots], rows["position"][slots], content.edges.ends, content.costs()
            )
        return self._roads
