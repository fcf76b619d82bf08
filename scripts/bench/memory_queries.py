"""Rows of questions to the map of the walk: points, radius, nearest; and what patch features cost."""

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32
from scipy.spatial import cKDTree

from placecell.arrays import generator
from placecell.memory import SparseOctree
from placecell.memory.voxel.patch_features import fuse

from .memory_hall import VOXEL_M, walk
from .memory_peers import Open3dNearest, Open3dSet
from .memory_turns import compared, in_turn
from .row import Row

RATIO_POINT, RATIO_RADIUS, RATIO_NEAREST, RATIO_FUSE = 1.3, 2.0, 0.9, 10.0
RADIUS_M, NEAREST = 0.25, 8
PATCHES, WIDTH, VOXELS = 37, 256, 25_000


def rows(quick: bool, octree: SparseOctree) -> list[Row]:
    """Medians of repeated calls with the same points, ours and the peer's in turn."""
    return [
        point_row(octree, 100_000 if quick else 1_000_000, 5),
        radius_row(octree, 2_000 if quick else 20_000, 5),
        nearest_row(octree, 2_000 if quick else 20_000, 5),
        fuse_row(1 if quick else 9),
    ]


def asked(octree: SparseOctree, count: int) -> Float64[np.ndarray, "n 3"]:
    """Points that an agent asks about: 10 cm or so off what it has seen."""
    rng = generator(0, "memory bench, queries")
    near = octree.centre_of(rng.choice(octree.occupied(), count))
    return np.ascontiguousarray(near + rng.normal(0, 0.1, near.shape))


def point_row(octree: SparseOctree, count: int, rounds: int) -> Row:
    """Which voxel holds each of many points: ours gives its handle, the peer whether there is one."""
    points, peer = asked(octree, count), Open3dSet(octree.occupied(), VOXEL_M)
    ours, theirs = in_turn([lambda: octree.find(points), lambda: peer.find(points)], rounds)
    rates = count / ours / 1e6, count / theirs / 1e6
    return compared("point_lookup", rates, "M points/s", "Open3D HashSet.find", RATIO_POINT)


def radius_row(octree: SparseOctree, count: int, rounds: int) -> Row:
    """All voxels within 0.25 m; the peer's tree over their centres was built before."""
    points, tree = asked(octree, count), cKDTree(octree.centre_of(octree.occupied()))
    ours, theirs = in_turn(
        [
            lambda: octree.within(points, RADIUS_M),
            lambda: tree.query_ball_point(points, RADIUS_M, return_sorted=False),
        ],
        rounds,
    )
    rates = count / ours / 1e3, count / theirs / 1e3
    return compared("radius_0.25m", rates, "k queries/s", "scipy cKDTree", RATIO_RADIUS)


def nearest_row(octree: SparseOctree, count: int, rounds: int) -> Row:
    """The 8 nearest voxels; the peer's index over their centres was built before."""
    points, peer = asked(octree, count), Open3dNearest(octree.centre_of(octree.occupied()))
    ours, theirs = in_turn(
        [lambda: octree.nearest_many(points, NEAREST), lambda: peer.nearest(points, NEAREST)], rounds
    )
    rates = count / ours / 1e3, count / theirs / 1e3
    return compared("nearest_8", rates, "k queries/s", "Open3D nns", RATIO_NEAREST)


def fuse_row(rounds: int) -> Row:
    """37 x 37 patches of 256 numbers into 25,000 voxels of a float16 store, against point by point."""
    pixel_rows, features = fuse_input()
    count = int(pixel_rows.max()) + 1
    rows = generator(0, "memory bench, rows").permutation(count).astype(np.int64)
    store, weight = np.zeros((count, WIDTH), np.float16), np.zeros(count, np.float32)
    by_torch, by_numpy = Scatter(count), Scatter(count)
    ours, *theirs = in_turn(
        [
            lambda: fuse(store, weight, rows, pixel_rows, features),
            lambda: by_torch.with_torch(rows, pixel_rows, features),
            lambda: by_numpy.with_numpy(rows, pixel_rows, features),
        ],
        rounds,
    )
    peer = "per point, " + ("torch index_add_", "numpy add.at")[int(np.argmin(theirs))]
    rates = 1 / ours, 1 / min(theirs)
    return compared("fuse_features", rates, "frames/s", peer, RATIO_FUSE, of="per-point scatter")


def fuse_input() -> tuple[Int32[np.ndarray, "h w"], Float32[np.ndarray, "gh gw d"]]:
    """The voxel of each pixel of the view of the hall that hits nearest to 25,000 of them, and patches."""
    best: tuple[int, np.ndarray] | None = None
    for view in walk(8):
        voxels = np.floor(view.points().astype(np.float64) / VOXEL_M).astype(np.int64)
        code = ((voxels + (1 << 20)) << np.array([0, 21, 42])).sum(1)
        found, inverse = np.unique(code, return_inverse=True)
        pixel_rows = np.full(view.depth.shape, -1, np.int32)
        pixel_rows[view.depth > 0] = inverse
        if best is None or abs(len(found) - VOXELS) < abs(best[0] - VOXELS):
            best = len(found), pixel_rows
    assert best is not None
    rng = generator(0, "memory bench, patches")
    return best[1], rng.standard_normal((PATCHES, PATCHES, WIDTH), dtype=np.float32)


class Scatter:
    """The plain way: each pixel's vector is added to its voxel's sum, then the means are renewed."""

    def __init__(self, count: int) -> None:
        self.store, self.weight = np.zeros((count, WIDTH), np.float16), np.zeros(count, np.float32)

    def with_torch(self, rows: np.ndarray, pixel_rows: np.ndarray, features: np.ndarray) -> None:
        """By ``Tensor.index_add_``."""
        voxel, vectors = self._gathered(pixel_rows, features)
        sums = torch.zeros((len(rows), WIDTH)).index_add_(0, torch.from_numpy(voxel), vectors)
        self._update(rows, voxel, sums.numpy())

    def with_numpy(self, rows: np.ndarray, pixel_rows: np.ndarray, features: np.ndarray) -> None:
        """By ``numpy.add.at``."""
        voxel, vectors = self._gathered(pixel_rows, features)
        sums = np.zeros((len(rows), WIDTH), np.float32)
        np.add.at(sums, voxel, vectors.numpy())
        self._update(rows, voxel, sums)

    def _gathered(self, pixel_rows: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        (high, wide), (height, width) = features.shape[:2], pixel_rows.shape
        v, u = np.nonzero(pixel_rows >= 0)
        patch = torch.from_numpy(v * high // height * wide + u * wide // width)
        return pixel_rows[v, u].astype(np.int64), torch.from_numpy(features.reshape(-1, WIDTH))[patch]

    def _update(self, rows: np.ndarray, voxel: np.ndarray, sums: np.ndarray) -> None:
        pixels = np.bincount(voxel, minlength=len(rows)).astype(np.float32)
        before = self.weight[rows]
        mean = (self.store[rows] * before[:, None] + sums) / (before + pixels)[:, None]
        self.store[rows], self.weight[rows] = mean.astype(np.float16), before + pixels
