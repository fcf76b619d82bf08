"""A graph of the places where the agent was and the landmarks it saw: where it can walk, at what cost."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int64

from placecell.arrays import Embedding, Point, Points, Transform
from placecell.errors import PlacecellError
from placecell.geometry import require_rigid

from .graph import archive as topology_archive
from .graph.absorption import Absorbed, absorb
from .graph.content import Content
from .graph.eviction import drop, holdings_of
from .graph.parts import Visit
from .graph.reader import TopologyReader
from .graph.settings import (
    TopologySettings,
    checked_keys,
    checked_point,
    checked_sightings,
    checked_unit,
    require_category,
    require_cost,
)
from .sight.sightings import Sighting
from .upkeep.holdings import Evictable, Holdings, Rows

if TYPE_CHECKING:
    pass

Voxels = Sequence[int] | Int64[np.ndarray, "_"]


class TopologyGraph(TopologyReader, Evictable):
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
        super().__init__(TopologySettings(*numbers))

    def clear(self) -> None:
        """Forgets everything, and gives ids from 0 again."""
        self._content, self._roads = Content(self._settings), None

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

    def absorb(
        self, other: TopologyReader, T_this_other: Transform, *, voxel_size_m: float, step_offset: int = 0
    ) -> Absorbed:
        """Takes in what another graph of the same place holds; see :func:`.graph.absorption.absorb`.

        The agent is where it is in the other, which is the later walk.

        Args:
            other: of descriptors of the same widths; unchanged.
            T_this_other: (4, 4) the other's points, in this graph's frame.
            voxel_size_m: of the voxels that nodes of both stand for.
            step_offset: added to the other's steps.

        Returns:
            What became of the other's places, and of those here that are one now.

        Raises:
            FrameError: no rigid transform.
            PlacecellError: descriptors of another width. The graph is as it was.
        """
        require_rigid(T_this_other, "T_this_other")
        self._roads = None
        return absorb(self._content, other._content, T_this_other, voxel_size_m, step_offset)

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

    def strike_exits(self, known: Callable[[Points], Bool[np.ndarray, " n"]]) -> int:
        """Forgets the exits of which ``known`` ((n, 3) points to (n,) bool) says so; how many they were."""
        return self._content.exits.strike_where(known(self._content.exits.all_points()))

    def note_use(self, nodes: Sequence[int]) -> None:
        """These places and landmarks were given: each counts one use more.

        Raises:
            PlacecellError: an id of neither.
        """
        for node in nodes:
            self._content.note_use(node)

    def holdings(self) -> Holdings:
        """A row is a place, or after them a landmark; by rising id. Its vector is its descriptor."""
        return holdings_of(self._content)

    def drop(self, rows: Rows) -> None:
        """Forgets places and landmarks, and what was seen from or lay beside a place.

        The neighbour that was nearest to a place is joined to its others, by the ways that led over it; two
        that are joined already keep their edge as it is. So what was connected stays connected, and every
        edge a way that was walked. Where the place of the last visit goes, the next begins a walk.
        """
        self._roads = None
        drop(self._content, rows)

    @property
    def nbytes(self) -> int:
        """As the bytes of :meth:`stats`, without free rows, which are a sixteenth at most."""
        return self._content.used_nbytes + (0 if self._roads is None else self._roads.nbytes)

    @property
    def items(self) -> int:
        """How many places and landmarks there are."""
        return len(self._content.places) + len(self._content.landmarks)

    def forget_labels(self) -> None:
        """Forgets what things are, which is all landmarks; where one can walk is kept."""
        self._content.forget_landmarks()

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
