"""What differs between two memories of one place: surface, objects, places, settings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from placecell.arrays import Point, Points, Transform
from placecell.geometry import invert, require_rigid, transform

from ..octree import SparseOctree
from ..recall.objects import connected
from ..spatial_memory import SpatialMemory
from ..topology import TopologyGraph
from ..voxel.state_queries import FREE
from ..voxel.voxels import Voxels
from .surface import near_surface

FEWEST = 8
"""Voxels of one label that came or went together and are an object; fewer are its edges, seen otherwise."""
WIDEST_M = 3.0
"""What stretches farther without a gap is floor, wall or built in, and does not come or go."""
ALIKE = 3.0
"""What went and what came are one object, moved, if the one has at most so many times the other's voxels."""
STAYED_M = 0.2
"""What came so near to where it went is the same thing, seen from elsewhere."""
_CLOCK = ("now", "episode_start")


@dataclass(frozen=True)
class VoxelChanges:
    """Occupied voxels by what the other memory knows of where they are.

    Surface within one and a half voxels of the other's is ``kept``: two walks never see one surface alike.

    Args:
        kept: of the second memory, on the first one's surface.
        came: of the second, where the first saw free space.
        went: of the first, where the second sees free space.
        first_seen: of the second, where the first knew nothing.
        not_seen_again: of the first, of which the second knows nothing.
        relabelled: occupied in both, under different labels.
    """

    kept: int
    came: int
    went: int
    first_seen: int
    not_seen_again: int
    relabelled: int


@dataclass(frozen=True)
class ObjectChange:
    """One object that came, went or moved, in the frame of the first memory.

    Args:
        label: its category id.
        voxels: of its surface that changed.
        before: (x, y, z) the middle of these where it was; None for what came.
        after: (x, y, z) the middle of these where it is; None for what went.
    """

    label: int
    voxels: int
    before: tuple[float, float, float] | None
    after: tuple[float, float, float] | None


@dataclass(frozen=True)
class Difference:
    """What differs between a memory and a later one.

    Args:
        voxels: None where one of them has no octree.
        came: objects that stand where nothing stood.
        went: objects where nothing is left.
        moved: what went and what came and is alike.
        places: counts of places: in both, only in the first, only in the second; empty without a graph.
        settings: by name what the two have, where that differs.
        counts: by name of an entry of ``stats()``, of both.
    """

    voxels: VoxelChanges | None
    came: tuple[ObjectChange, ...]
    went: tuple[ObjectChange, ...]
    moved: tuple[ObjectChange, ...]
    places: Mapping[str, int]
    settings: Mapping[str, tuple[object, object]]
    counts: Mapping[str, tuple[float, float]]

    @property
    def empty(self) -> bool:
        """Whether the two differ in nothing that is compared."""
        changed = self.voxels is not None and any(
            count for name, count in asdict(self.voxels).items() if name != "kept"
        )
        apart = sum(count for name, count in self.places.items() if name != "both")
        return not (changed or self.came or self.went or self.moved or apart or self.settings)

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return {
            "voxels": None if self.voxels is None else asdict(self.voxels),
            "objects": {
                name: [asdict(change) for change in getattr(self, name)] for name in ("came", "went", "moved")
            },
            "places": dict(self.places),
            "settings": {name: list(pair) for name, pair in self.settings.items()},
            "counts": {name: list(pair) for name, pair in self.counts.items()},
        }


def difference(a: SpatialMemory, b: SpatialMemory, T_a_b: Transform | None = None) -> Difference:
    """What came, went, moved or is otherwise from ``a`` to ``b``; neither changes.

    Args:
        a: the earlier memory.
        b: the later one.
        T_a_b: (4, 4) b's points in a's frame; None: both are in one frame.

    Raises:
        FrameError: no rigid transform.
    """
    T = np.eye(4) if T_a_b is None else T_a_b
    require_rigid(T, "T_a_b")
    voxels, (came, went, moved) = None, _NO_OBJECTS
    if a.octree is not None and b.octree is not None:
        voxels, (came, went, moved) = _maps(a.octree, b.octree, T)
    own, theirs = a.pack().manifest, b.pack().manifest
    names = sorted((own.keys() | theirs.keys()) - set(_CLOCK))
    counts = a.stats(), b.stats()
    return Difference(
        voxels,
        came,
        went,
        moved,
        {} if a.topology is None or b.topology is None else _places(a.topology, b.topology, T),
        {name: (own.get(name), theirs.get(name)) for name in names if own.get(name) != theirs.get(name)},
        {
            name: (counts[0].get(name, 0.0), counts[1].get(name, 0.0))
            for name in sorted(counts[0].keys() | counts[1].keys())
        },
    )


Objects = tuple[ObjectChange, ...]
Sorted = tuple[Objects, Objects, Objects]
"""Objects that came, went and moved."""
_NO_OBJECTS: Sorted = ((), (), ())


def _maps(
    a: SparseOctree, b: SparseOctree, T: Transform
) -> tuple[VoxelChanges, tuple[Objects, Objects, Objects]]:
    before, after = a.read(a.occupied()), b.read(b.occupied())
    in_a, in_b = transform(T, after.points), transform(invert(T), before.points)
    kept, free = _on(a, in_a)
    held, gone = _on(b, in_b)
    came, went = ~kept & free, ~held & gone
    handles = a.find(in_a)
    both = np.flatnonzero(handles >= 0)
    pairs = np.stack([a.at(handles[both]).labels, after.labels[both]])
    changes = VoxelChanges(
        kept=int(kept.sum()),
        came=int(came.sum()),
        went=int(went.sum()),
        first_seen=int((~kept & ~free).sum()),
        not_seen_again=int((~held & ~gone).sum()),
        relabelled=int(((pairs > 0).all(0) & (pairs[0] != pairs[1])).sum()),
    )
    still = _surroundings(before) | _surroundings(after)
    new = _objects(in_a, after.labels, came, still)
    old = _objects(before.points, before.labels, went, still)
    return changes, _paired(old, new)


def _on(octree: SparseOctree, points: Points) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Of each point whether it lies on a map's surface, and whether in its free space."""
    return near_surface(octree, points), octree.state(points) == FREE


def _surroundings(voxels: Voxels) -> set[int]:
    """Labels of what stretches too far to be a thing."""
    found = set[int]()
    for label in np.unique(voxels.labels[voxels.labels > 0]).tolist():
        points = voxels.points[voxels.labels == label, :2]
        group = connected(points)
        low, high = (np.full((int(group.max()) + 1, 2), fill) for fill in (np.inf, -np.inf))
        np.minimum.at(low, group, points)
        np.maximum.at(high, group, points)
        if bool(((high - low) > WIDEST_M).any()):
            found.add(label)
    return found


def _objects(
    points: Points, labels: Int64[np.ndarray, " n"], changed: Bool[np.ndarray, " n"], still: set[int]
) -> list[tuple[int, int, Point]]:
    """Label, voxels and middle of what changed together."""
    found: list[tuple[int, int, Point]] = []
    for label in sorted(set(np.unique(labels[changed]).tolist()) - still - {0}):
        own = points[changed & (labels == label)]
        group = connected(own)
        for n in range(int(group.max()) + 1):
            part = own[group == n]
            if len(part) >= FEWEST:
                found.append((label, len(part), part.mean(0)))
    return found


def _paired(old: list[tuple[int, int, Point]], new: list[tuple[int, int, Point]]) -> Sorted:
    """What came, what went, and the pairs of both that are one thing: near ones first, all together."""
    cost = np.full((len(old), len(new)), np.inf)
    for i, (label, count, middle) in enumerate(old):
        for j, (other, size, place) in enumerate(new):
            if label == other and max(count, size) <= ALIKE * min(count, size):
                cost[i, j] = float(np.linalg.norm(middle - place))
    far = 1e6
    rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, far))
    pairs = [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if np.isfinite(cost[i, j])]
    moved = tuple(
        ObjectChange(old[i][0], min(old[i][1], new[j][1]), _plain(old[i][2]), _plain(new[j][2]))
        for i, j in pairs
        if cost[i, j] > STAYED_M
    )
    gone, here = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        tuple(ObjectChange(o[0], o[1], None, _plain(o[2])) for j, o in enumerate(new) if j not in here),
        tuple(ObjectChange(o[0], o[1], _plain(o[2]), None) for i, o in enumerate(old) if i not in gone),
        moved,
    )


def _places(a: TopologyGraph, b: TopologyGraph, T: Transform) -> dict[str, int]:
    """Places of either that lie within the radius of one place of the other are in both."""
    mine, theirs = (graph.drawn().positions.astype(np.float64) for graph in (a, b))
    theirs = transform(T, theirs)
    radius = a.settings()["radius_m"]
    shared = [_near(*pair, radius) for pair in ((mine, theirs), (theirs, mine))]
    return {
        "both": int(shared[1].sum()),
        "only_first": int((~shared[0]).sum()),
        "only_second": int((~shared[1]).sum()),
    }


def _near(points: Points, others: Float64[np.ndarray, "m 3"], radius_m: float) -> Bool[np.ndarray, " n"]:
    if len(others) == 0:
        return np.zeros(len(points), np.bool_)
    away, _ = cKDTree(others).query(points, distance_upper_bound=radius_m)
    return np.isfinite(away)


def _plain(point: Point) -> tuple[float, float, float]:
    x, y, z = (round(value, 3) for value in point.tolist())
    return x, y, z
