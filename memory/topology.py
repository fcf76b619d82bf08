"""A graph of the places where the agent was and the landmarks it saw: where it can walk, at what cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int64

from placecell.arrays import Embedding, Point, Points
from placecell.errors import PlacecellError

from .graph import archive as topology_archive
from .graph import view as topology_view
from .graph.content import Content
from .graph.parts import Edge, Landmark, Place, Ranked, Visit
from .graph.place_graph import PlaceGraph
from .graph.routes import Costs, RoadNet, Route
from .graph.settings import (
    TopologySettings,
    checked_keys,
    checked_point,
    checked_sightings,
    checked_unit,
    require_category,
    require_cost,
)
from .retrieval import require_k
from .sight.sightings import Sighting

if TYPE_CHECKING:
    import networkx

Voxels = Sequence[int] | Int64[np.ndarray, "_"]


class TopologyGraph:
    """Places joined by the ways that were walked between them, and landmarks seen from them.

    An observation is a revisit of a known place if the place is no farther than ``same_m``, whatever the
    descriptors say (the agent looks elsewhere from the same spot): the nearest such place. Else, if there is
    a place whose descriptor is no farther than ``delta`` *and* that is no farther than ``radius_m``: the
    one most alike. Else it is a new place. The source of the rule (``systems.md`` section 1, Mem4Nav) asks
    for the descriptor alone; but two like corridors 30 m apart, or on two storeys, are two places.

    A revisit moves the place: position and descriptor are running means. Two places that have so come within
    ``same_m`` of each other are one from then on, the older; it gets the edges, landmarks, exits and voxels
    of both. Nodes have an id space of their own: an id is never used again, its row of memory is.

    Args:
        delta: L2 between unit descriptors up to which two observations look alike.
        radius_m: how far from a place an observation can be one of it.
        alpha: cost of an edge for each metre.
        beta: cost of an edge for each unit of its instruction cost.
        same_m: how near places are one whatever they look like.
        landmark_m: how near sightings of one category are one landmark.

    Raises:
        ConfigError: a setting that makes no sense.
    """

    def __init__(
        self,
        delta: float = 0.6,
        radius_m: float = 1.5,
        alpha: float = 1.0,
        beta: float = 0.5,
        *,
        same_m: float = 0.5,
        landmark_m: float = 0.5,
    ) -> None:
        numbers = (float(number) for number in (delta, radius_m, alpha, beta, same_m, landmark_m))
        self._settings = TopologySettings(*numbers)
        self._content = Content(self._settings)
        self._roads: RoadNet | None = None

    def clear(self) -> None:
        """Forgets everything, and gives ids from 0 again."""
        self._content, self._roads = Content(self._settings), None

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

    def begin_walk(self) -> None:
        """The agent was put somewhere: it will not have walked to the place that it visits next."""
        self._content.here = None

    def visit(
        self,
        position: Point,
        descriptor: Embedding | None,
        step: int,
        voxels: Voxels = (),
        *,
        instruction_cost: float = 0.0,
    ) -> Visit:
        """The agent is somewhere: a new place, or one more visit of a known one.

        If it was at another place before, it has walked here: the edge between the two takes in the straight
        line between them and the instruction cost. A loop is closed by coming from another place to one that
        was known, back the same way too; to find oneself at one after :meth:`begin_walk` is none.

        Args:
            position: (3,) metres, world frame.
            descriptor: (d,) of any length above 0, which is normalised; None: position alone decides.
            step: when.
            voxels: keys of the octree's voxels that the place stands for, beside those of earlier visits.
            instruction_cost: of the walk from the place before, by whoever reads instructions; 0 or more.

        Raises:
            PlacecellError: a position, descriptor or cost that is not finite, or a descriptor of another
                width than those before; the graph is as it was.
        """
        content = self._content
        at, unit = checked_point(position, "place"), checked_unit(descriptor, "place")
        content.places.require_width(unit)
        require_cost("instruction_cost", instruction_cost)
        keys = checked_keys(voxels)
        known = content.recognised(at, unit)
        absorbed: tuple[int, ...] = ()
        self._roads = None
        if known is None:
            place = content.new_id()
            content.places.add(place, at, unit, step, keys)
        else:
            content.places.observe(known, at, unit, step, keys)
            place, absorbed = content.settle(known)
        content.exits.strike(at)
        return content.arrive(place, known is not None, instruction_cost, absorbed)

    def see(
        self,
        position: Point,
        category: int,
        step: int,
        voxels: Voxels = (),
        descriptor: Embedding | None = None,
    ) -> int:
        """Something of a category was seen from the place of the last visit; the id of its landmark.

        It is the nearest known landmark of the category within ``landmark_m``, whose mean position and
        descriptor take it in, or a new one. Landmarks of one category that so come within that distance of
        each other are one from then on, the older. Before the first visit of a walk it is seen from nowhere.

        Args:
            position: (3,) metres, world frame.
            category: its id, 1 or more.
            step: when.
            voxels: keys of the octree's voxels that it stands for, beside those of earlier sightings.
            descriptor: (d,) of any length above 0, of one width among landmarks; or None.

        Raises:
            PlacecellError: as :meth:`visit`, or a category below 1; the graph is as it was.
        """
        content = self._content
        at, unit = checked_point(position, "landmark"), checked_unit(descriptor, "landmark")
        content.landmarks.require_width(unit)
        require_category(category)
        return content.see(at, int(category), int(step), checked_keys(voxels), unit)

    def see_all(self, sightings: Sequence[Sighting], step: int) -> list[int]:
        """As :meth:`see`, of all that a frame shows, one after the other; their ids.

        An embedding of zeros, which has no direction, is none.

        Raises:
            PlacecellError: as :meth:`see`; the graph is as it was.
        """
        content = self._content
        units = checked_sightings(sightings, content.landmarks)
        return [
            content.see(sighting.position, sighting.label, step, sighting.voxel_keys, unit)
            for sighting, unit in zip(sightings, units, strict=True)
        ]

    def link(self, a: int, b: int, distance_m: float | None = None, *, instruction_cost: float = 0.0) -> bool:
        """There is a way between two places, as if it had been walked; whether it is a new edge.

        Args:
            a: id of a place.
            b: id of another.
            distance_m: of the way; None takes the straight line.
            instruction_cost: of the way.

        Raises:
            PlacecellError: an unknown id, twice the same, or a distance or cost that is no finite number of 0
                or more; the graph is as it was.
        """
        self._content.require_two(a, b)
        require_cost("instruction_cost", instruction_cost)
        if distance_m is not None:
            require_cost("distance_m", distance_m)
        self._roads = None
        return self._content.walk(a, b, distance_m, instruction_cost)

    def merge(self, a: int, b: int) -> int:
        """Two places are one from now on; the id that stays, which is the lower.

        Every edge of the other goes over to it, but the one between the two.

        Raises:
            PlacecellError: an unknown id, or twice the same.
        """
        self._content.require_two(a, b)
        self._roads = None
        keep, gone = min(a, b), max(a, b)
        self._content.merge(keep, gone)
        return self._content.settle(keep)[0]

    def note_exits(self, points: Points, place: int | None = None) -> int:
        """Points to which nobody went yet can be reached from a place; how many of them were new.

        Left out are those within ``radius_m`` of a place, where something is known, and those within
        ``same_m`` of an exit that was noted before.

        Args:
            points: (n, 3) metres, world frame.
            place: whose exits they are; None takes that of the last visit.

        Raises:
            PlacecellError: points that are not finite, an unknown place, or no visit yet.
        """
        content = self._content
        owner = content.here if place is None else place
        if owner is None:
            raise PlacecellError(
                expected="a place for the exits",
                came="none yet in this walk",
                fix="visit one first, or name it",
            )
        content.places.slot(owner)
        return content.note_exits(owner, [checked_point(point, "exit") for point in points])

    def exits(self, place: int | None = None) -> Points:
        """(n, 3) the exits of a place, or of all (None), that no visit came within ``radius_m`` of.

        Raises:
            PlacecellError: an unknown id.
        """
        if place is None:
            return self._content.exits.all_points()
        self._content.places.slot(place)
        return self._content.exits.of(place)

    def strike_exits(self, known: Callable[[Points], Bool[np.ndarray, " n"]]) -> int:
        """Forgets the exits of which ``known`` ((n, 3) points to (n,) bool) says so; how many they were."""
        return self._content.exits.strike_where(known(self._content.exits.all_points()))

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

    def forget_labels(self) -> None:
        """Forgets what things are, which is all landmarks; where one can walk is kept."""
        self._content.forget_landmarks()

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

    def pack(self) -> dict[str, np.ndarray]:
        """The content as arrays by names that begin with ``topology.``, in an order that tells nothing of
        how it came about: graphs that answer alike pack alike.
        """
        return topology_archive.pack(self._content)

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Becomes what :meth:`pack` gave; other arrays may stand beside.

        Raises:
            ArchiveError: arrays that are missing, of another type or shape, or that contradict each other;
                the graph is as it was.
        """
        self._content, self._roads = topology_archive.unpack(arrays, self._settings), None

    def _road_net(self) -> RoadNet:
        if self._roads is None:
            content, rows = self._content, self._content.places.rows
            slots = content.places.by_id()
            self._roads = RoadNet(
                rows["id"][slots], rows["position"][slots], content.edges.ends, content.costs()
            )
        return self._roads
