"""Whether the octree holds occupied and free what OctoMap does, on the scans that come with OctoMap.

Both get the same points and origins, at the same resolution and without a limit of range; then every voxel
of which both know something is asked of both.
"""

import bz2
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int8

from placecell.arrays import Point, Points, generator
from placecell.errors import DataError
from placecell.memory import FREE, OCCUPIED, UNKNOWN, SparseOctree
from placecell.scripts.data.options import named_folder

from .memory_peers import octomap
from .row import Row

TARGET_AGREEMENT = 0.98
FOLDER = "octomap"
SCAN, GRAPH, TREE = "scan.dat.bz2", "spherical_scan.graph", "geb079.bt"
_STATES = np.array([UNKNOWN, FREE, OCCUPIED], np.int8)
_VECTOR = np.dtype([("axes", "<i4"), ("xyz", "<f8", 3)])
_REACH_M = 10.0
_SLICE = 64


def rows(quick: bool) -> list[Row]:
    """Agreement on the recorded scans and on scans cast in the recorded hall; none without the data."""
    data = named_folder(None)
    folder = None if data is None else data / FOLDER
    if folder is None or not folder.is_dir():
        return []
    voxel_m = 0.2 if quick else 0.1
    scans = [[read_scan(folder / SCAN)], *([scan] for scan in read_graph(folder / GRAPH))]
    found = sum((agreement(group, voxel_m) for group in scans), Agreement(np.zeros((3, 3), np.int64)))
    hall = agreement(cast_scans(folder / TREE, *((4, 500) if quick else (24, 4000))), voxel_m)
    said = f">= {TARGET_AGREEMENT:g} of the voxels that both know"
    return [
        Row(name, each.share, "1", peer="OctoMap", target=said, passed=each.share >= TARGET_AGREEMENT)
        for name, each in (("octomap_agreement", found), ("octomap_agreement_hall", hall))
    ] + [Row("octomap_coverage", found.coverage, "1", peer="OctoMap")]


@dataclass(frozen=True)
class Scan:
    """What a laser saw from one place.

    Args:
        points: (n, 3) where its rays ended, world frame, metres.
        origin: (3,) where it stood.
    """

    points: Points
    origin: Point


@dataclass(frozen=True)
class Agreement:
    """Voxels, counted by what both maps hold of them.

    Args:
        counts: (3, 3) by our state and by OctoMap's, each in the order unknown, free, occupied.
    """

    counts: np.ndarray

    @property
    def known(self) -> int:
        """Voxels of which both know something."""
        return int(self.counts[1:, 1:].sum())

    @property
    def share(self) -> float:
        """The share of those that both hold occupied, or both free."""
        return float(np.trace(self.counts[1:, 1:]) / self.known)

    @property
    def coverage(self) -> float:
        """The share of what OctoMap knows of which we know too."""
        return float(self.known / self.counts[:, 1:].sum())

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(self.counts + other.counts)


def read_scan(path: Path) -> Scan:
    """``scan.dat.bz2``: a point a line, seen from the frame's origin.

    Raises:
        DataError: a file of another form.
    """
    numbers = np.array(bz2.decompress(path.read_bytes()).split(), np.float64)
    if len(numbers) % 3:
        raise DataError(
            expected=f"three numbers a line in {path}", came=f"{len(numbers)} numbers", fix="fetch it anew"
        )
    return Scan(numbers.reshape(-1, 3), np.zeros(3))


def read_graph(path: Path) -> list[Scan]:
    """OctoMap's binary scan graph: points in the frame of each scan, and its pose.

    Raises:
        DataError: a file that is cut off.
    """
    data, scans = path.read_bytes(), []
    try:
        (count,), at = np.frombuffer(data, "<u4", 1), 4
        for _ in range(count):
            size = int(np.frombuffer(data, "<u4", 1, at)[0])
            points = np.frombuffer(data, _VECTOR, size, at + 4)["xyz"]
            at += 4 + size * _VECTOR.itemsize
            origin = np.frombuffer(data, _VECTOR, 1, at)["xyz"][0].copy()
            w, x, y, z = np.frombuffer(data, "<f8", 4, at + _VECTOR.itemsize + 4)
            # The quaternion stands behind its length, the scan's number behind that.
            at += _VECTOR.itemsize + 4 + 32 + 4
            scans.append(Scan(points @ _rotation(w, x, y, z).T + origin, origin))
    except ValueError as error:
        raise DataError(
            expected=f"a scan graph of OctoMap: {path}", came=str(error), fix="fetch it anew"
        ) from error
    return scans


def cast_scans(path: Path, places: int, rays: int) -> list[Scan]:
    """Scans of a hall that OctoMap holds (a ``.bt`` file), from places in its free space, to 10 m."""
    tree = octomap().OcTree(0.1)
    if not tree.readBinary(str(path)):
        raise DataError(expected=f"a tree of OctoMap: {path}", came="another file", fix="fetch it anew")
    rng = generator(0, "memory bench, places")
    anywhere = rng.uniform(tree.getMetricMin(), tree.getMetricMax(), (1000 * places, 3))
    scans = []
    for origin in anywhere[octomap_states(tree, anywhere) == FREE][:places]:
        ends = [_cast(tree, origin, direction) for direction in rng.standard_normal((rays, 3))]
        scans.append(Scan(np.array([end for end in ends if end is not None]), origin))
    return scans


def _cast(tree: Any, origin: Point, direction: Point) -> Point | None:
    """Where the ray meets what is occupied: the middle of that voxel is not on it, but as far away."""
    unit, middle = direction / np.linalg.norm(direction), np.zeros(3)
    hit = tree.castRay(origin, unit, middle, True, _REACH_M)
    return origin + unit * float(np.linalg.norm(middle - origin)) if hit else None


def _rotation(w: float, x: float, y: float, z: float) -> Float64[np.ndarray, "3 3"]:
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def agreement(scans: list[Scan], voxel_m: float) -> Agreement:
    """Both maps of the same scans, and how they stand to each other, voxel by voxel."""
    ours, tree = SparseOctree(voxel_m), octomap().OcTree(voxel_m)
    for step, scan in enumerate(scans):
        ours.insert_points(scan.points, scan.origin, step=step)
        tree.insertPointCloud(np.ascontiguousarray(scan.points), scan.origin, -1.0, False, False)
    ends = np.concatenate([part for scan in scans for part in (scan.points, scan.origin[None])])
    lower, upper = ours.index_of(np.stack([ends.min(0), ends.max(0)])) + np.array([[-1], [2]])
    counts = np.zeros((3, 3), np.int64)
    for x in range(int(lower[0]), int(upper[0]), _SLICE):
        low, high = lower.copy(), upper.copy()
        low[0], high[0] = x, min(x + _SLICE, int(upper[0]))
        counts += _compare(ours, tree, low, high)
    return Agreement(counts)


def _compare(ours: SparseOctree, tree: Any, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    mine = ours.states_in_box(low, high).reshape(-1)
    indices = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), -1).reshape(-1, 3)
    theirs = octomap_states(tree, ours.centre_of(indices))
    pairs = _column(mine) * 3 + _column(theirs)
    return np.bincount(pairs, minlength=9).reshape(3, 3)


def _column(states: Int8[np.ndarray, " n"]) -> np.ndarray:
    return np.searchsorted(_STATES, states)


def octomap_states(tree: Any, centres: Points) -> Int8[np.ndarray, " n"]:
    """(n,) what OctoMap holds of the voxels with these centres, in our terms."""
    labels = np.asarray(tree.getLabels(centres))  # -1 unknown, 0 free, 1 occupied
    return _STATES[labels + 1]
