"""Where one map lies in another, estimated: two sessions of one place, each in a frame of its own.

Both frames have z up, so that four numbers are looked for: a yaw and a translation. The heights at which
floors, ceilings and tops lie give the shift upwards. Seen from above, walls of the one must come to lie on
walls of the other and not on its free floor: for each yaw the sum of that over all shifts is a product in
Fourier space. The best of these starts are refined point to plane (Chen
and Medioni, "Object modelling by registration of multiple range images", 1992) and judged by what both maps
know: surface that lies on surface is for it, surface in the other's free space against it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex128, Float64, Int64
from scipy import fft
from scipy.ndimage import gaussian_filter

from placecell.arrays import Transform, generator
from placecell.geometry import invert

from ..voxel.reader import OctreeReader
from ..voxel.state_queries import FREE
from .surface import FACING_M, NEAR, Surface

Rows = Int64[np.ndarray, " m"]
Spectrum = Complex128[np.ndarray, "h w"]
_CELL_M, _MOST_CELLS = 0.2, 1024
_BLUR, _PEAKS = 0.7, 3
_YAWS = 120
_STARTS = 40
_HEIGHTS = 2
_SECTORS = 8
_DISAGREEMENT = 8.0
_AGAINST = 0.5
"""What a wall on free floor counts against a wall on a wall, in the bird's-eye map."""


class _Stage(NamedTuple):
    """One sieve of the starts: how closely they are refined and looked at, and how many go on."""

    gates_m: tuple[float, ...]
    points: int
    judged: int
    keep: int


_STAGES = (
    _Stage((1.0, 0.7, 0.5, 0.4), 600, 2000, 16),
    _Stage((0.4, 0.3, 0.3, 0.3), 1500, 6000, 5),
    _Stage((0.5, 0.4, 0.4, 0.3, 0.3, 0.3, 0.25, 0.25, 0.2, 0.2, 0.15, 0.15), 8000, 1 << 60, 1),
)


@dataclass(frozen=True)
class Fit:
    """How well one map lies on another.

    Args:
        T_a_b: (4, 4) points of the second map, in the first.
        residual_m: root mean square over the surface that lies on surface: how far off the other's plane.
        overlap: share of the smaller map's walls that lie on the other's, 0 to 1.
        agreement: of the walls that both maps know something of, the share that both hold to be there.
        shared_m2: the area of walls that they share.
        touching: points of either that lie on the other's surface, floors and all.
    """

    T_a_b: Transform
    residual_m: float
    overlap: float
    agreement: float
    shared_m2: float
    touching: int


def yaw_and_shift(yaw_rad: float, shift: Float64[np.ndarray, "3"]) -> Transform:
    """The transform that turns about z and then shifts."""
    T, (c, s) = np.eye(4), (math.cos(yaw_rad), math.sin(yaw_rad))
    T[:2, :2], T[:3, 3] = [[c, -s], [s, c]], shift
    return T


def fit_of(a: Surface, b: Surface, T_a_b: Transform, every: int = 1) -> Fit:
    """How well ``b`` lies on ``a`` by a transform; judged by each ``every``-th point."""
    forth = _laid(a, b, T_a_b, every)
    back = _laid(b, a, invert(T_a_b), every)
    near = (int(forth[0].sum()), int(back[0].sum()))
    against = (int(forth[1].sum()), int(back[1].sum()))
    walls = (len(forth[0]), len(back[0]))
    overlap = max(n / max(1, w) for n, w in zip(near, walls, strict=True))
    residual = math.sqrt(float((forth[2] ** 2).mean())) if len(forth[2]) else math.inf
    shared_m2 = min(near) * every * a.octree.voxel_size_m**2
    agreement = sum(near) / max(1, sum(near) + sum(against))
    return Fit(T_a_b, residual, overlap, agreement, shared_m2, len(forth[2]) + len(back[2]))


def _laid(onto: Surface, of: Surface, T: Transform, every: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each wall point whether it lies on surface, or against free space; and how far off the plane."""
    size, upright = onto.octree.voxel_size_m, of.upright[::every]
    facing = of.facing(T, slice(None, None, every))
    points = facing[:, :3]
    _, which = onto.facing_tree.query(facing, distance_upper_bound=math.hypot(NEAR * size, FACING_M))
    found = which < len(onto.points)
    which = np.where(found, which, 0)
    near = found & (np.linalg.norm(points - onto.points[which], axis=1) <= NEAR * size)
    away, _ = onto.tree.query(points, distance_upper_bound=2 * size)
    free = np.isinf(away) & (onto.octree.state(points) == FREE)
    which = which[near]
    off = np.einsum("nd,nd->n", points[near] - onto.points[which], onto.normals[which])
    return near[upright], free[upright], off


def candidates(a: Surface, b: Surface) -> list[Transform]:
    """Starts, the most promising first."""
    heights = _heights(a, b)
    found: list[tuple[float, float, float, float]] = []
    middle = _middle(b)
    maps = _Overhead.of(a, b, middle)
    for n in range(_YAWS):
        yaw = 2 * math.pi * n / _YAWS
        found.extend((score, yaw, x, y) for score, x, y in maps.shifts(yaw))
    found.sort(reverse=True)
    kept: list[tuple[float, float, float]] = []
    for _, yaw, x, y in found:
        if all(
            abs((yaw - w + math.pi) % (2 * math.pi) - math.pi) > 0.15 or math.hypot(x - u, y - v) > 0.7
            for w, u, v in kept
        ):
            kept.append((yaw, x, y))
        if len(kept) == _STARTS:
            break
    # A start turns b about its middle.
    starts = []
    for yaw, x, y in kept:
        turned = yaw_and_shift(yaw, np.zeros(3))
        for z in heights:
            shift = np.array([x, y, z]) - np.append(turned[:2, :2] @ middle, 0.0)
            starts.append(yaw_and_shift(yaw, shift))
    return starts


def _middle(b: Surface) -> np.ndarray:
    return (b.points[:, :2].min(0) + b.points[:, :2].max(0)) / 2


def _heights(a: Surface, b: Surface) -> list[float]:
    """Shifts upwards that lay most floors and tops on such."""
    step = a.octree.voxel_size_m / 2
    flat = [surface.points[surface.flat, 2] for surface in (a, b)]
    if min(map(len, flat)) == 0:
        return [0.0]
    low = [math.floor(z.min() / step) for z in flat]
    counts = [
        np.bincount(np.floor(z / step).astype(np.int64) - first).astype(np.float64)
        for z, first in zip(flat, low, strict=True)
    ]
    # A floor is thousands of voxels, a table top a few dozen: by their roots both have a say.
    smooth = [np.convolve(np.sqrt(count), [0.5, 1.0, 0.5]) for count in counts]
    sums = np.correlate(smooth[0], smooth[1], "full")
    shifts = (np.arange(len(sums)) - (len(smooth[1]) - 1) + low[0] - low[1]) * step
    heights: list[float] = []
    for n in np.argsort(-sums, kind="stable"):
        if all(abs(shifts[n] - height) > 0.25 for height in heights):
            heights.append(float(shifts[n]))
        if len(heights) == _HEIGHTS:
            break
    return heights


@dataclass(frozen=True)
class _Overhead:
    """A map from above on a grid, in Fourier space, and another that is laid on it.

    Cell (i, j) begins at ``lower + cell_m * (i, j)``.
    """

    b: Surface
    middle: Float64[np.ndarray, "2"]
    lower: Float64[np.ndarray, "2"]
    cells: Float64[np.ndarray, "2"]
    half: float
    cell_m: float
    walls: Spectrum
    free: Spectrum

    @classmethod
    def of(cls, a: Surface, b: Surface, middle: Float64[np.ndarray, "2"]) -> "_Overhead":
        """Of ``a``, with room for ``b`` at any shift."""
        reach = np.linalg.norm(np.concatenate([b.points[:, :2], b.free_columns]) - middle, axis=1).max()
        every = np.concatenate([a.points[:, :2], a.free_columns])
        extent = every.max(0) - every.min(0)
        cell_m = max(_CELL_M, float(extent.max() + 2 * reach) / _MOST_CELLS)
        half, lower = math.ceil(reach / cell_m + 1) * cell_m, every.min(0) - cell_m
        cells = np.ceil(extent / cell_m) + 2
        high, wide = (fft.next_fast_len(int(n + 2 * half / cell_m) + 4) for n in cells)
        walls, free = _seen_from_above(a, np.eye(2), np.zeros(2), lower, cell_m, (high, wide))
        return cls(b, middle, lower, cells, half, cell_m, walls, free)

    def shifts(self, yaw_rad: float) -> Iterator[tuple[float, float, float]]:
        """Score and place of the other map's middle once it is turned, the best few."""
        R = yaw_and_shift(yaw_rad, np.zeros(3))[:2, :2]
        shape = (self.walls.shape[0], self.walls.shape[1])
        walls, free = _seen_from_above(self.b, R, self.middle, np.full(2, -self.half), self.cell_m, shape)
        alike = self.walls * walls.conj() + _even(self.free) * _even(free).conj()
        # The other's real and imaginary part change places: walls meet floor.
        against = self.free * _swapped(free).conj()
        scores = fft.ifft2(alike / 2 - _AGAINST * against).real
        for _ in range(_PEAKS):
            at = np.array(np.unravel_index(int(np.argmax(scores)), shape))
            # The grid is a ring: what is beyond the first map's end is before its beginning.
            place = np.where(at > self.cells, at - shape, at) * self.cell_m + self.lower + self.half
            yield float(scores[tuple(at)]), float(place[0]), float(place[1])
            around = [(at[axis] + np.arange(-3, 4)) % shape[axis] for axis in (0, 1)]
            scores[np.ix_(*around)] = -np.inf


def _seen_from_above(
    surface: Surface,
    R: Float64[np.ndarray, "2 2"],
    middle: Float64[np.ndarray, "2"],
    lower: Float64[np.ndarray, "2"],
    cell_m: float,
    shape: tuple[int, int],
) -> tuple[Spectrum, Spectrum]:
    """Spectra of a surface from above, turned about ``middle``, on a grid that begins at ``lower``.

    One is of walls as complex numbers, as long as they are high and turned as they face: of two such numbers
    one times the other's conjugate has the cosine between them as its real part, so that the two faces of one
    wall speak against each other. One is of how high walls are, with free floor as the imaginary part.
    """
    walls, high, free = np.zeros(shape, np.complex128), np.zeros(shape), np.zeros(shape)
    at = _cells((surface.points[surface.upright, :2] - middle) @ R.T, lower, cell_m)
    facing = surface.normals[surface.upright, :2] @ R.T
    np.add.at(walls, at, facing[:, 0] + 1j * facing[:, 1])
    np.add.at(high, at, 1.0)
    free[_cells((surface.free_columns - middle) @ R.T, lower, cell_m)] = 1.0
    free[high > 0] = 0.0
    # A wall of 2.5 m counts a few times a table's side, not twenty times.
    walls /= np.sqrt(np.maximum(np.abs(walls), 1e-9))
    blurred = gaussian_filter(walls.real, _BLUR) + 1j * gaussian_filter(walls.imag, _BLUR)
    return fft.fft2(blurred), fft.fft2(np.sqrt(high) + 1j * free)


def _even(spectrum: Spectrum) -> Spectrum:
    """The spectrum of a grid's real part."""
    return (spectrum + _of_conjugate(spectrum)) / 2


def _swapped(spectrum: Spectrum) -> Spectrum:
    """The spectrum of a grid whose real and imaginary part have changed places: i times its conjugate."""
    return 1j * _of_conjugate(spectrum)


def _of_conjugate(spectrum: Spectrum) -> Spectrum:
    return np.roll(spectrum[::-1, ::-1], (1, 1), (0, 1)).conj()


def _cells(
    points: Float64[np.ndarray, "n 2"], lower: Float64[np.ndarray, "2"], cell_m: float
) -> tuple[Rows, Rows]:
    at = np.floor((points - lower) / cell_m).astype(np.int64)
    return at[:, 0], at[:, 1]


def refined(a: Surface, b: Surface, T: Transform, chosen: Rows, gates_m: tuple[float, ...]) -> Transform:
    """The transform after one round of closest points for each gate, beyond which no pair counts."""
    for gate_m in gates_m:
        facing = b.facing(T, chosen)
        away, which = a.facing_tree.query(facing, distance_upper_bound=gate_m)
        near = np.isfinite(away)
        if np.count_nonzero(near) < 20:
            return T
        moved, onto, normals = facing[near, :3], a.points[which[near]], a.normals[which[near]]
        off = np.einsum("nd,nd->n", moved - onto, normals)
        middle = moved.mean(0)
        arm = moved - middle
        turning = arm[:, 0] * normals[:, 1] - arm[:, 1] * normals[:, 0]
        J = np.column_stack([turning, normals])
        # Cauchy's weights: what was moved or is missing pulls little.
        weights = 1 / (1 + (off / (gate_m / 3)) ** 2)
        normal = J.T @ (J * weights[:, None]) + 1e-6 * np.eye(4) * len(J)
        yaw, *shift = np.linalg.solve(normal, -J.T @ (off * weights)).tolist()
        turn = yaw_and_shift(yaw, np.zeros(3))
        turn[:3, 3] = middle - turn[:3, :3] @ middle + shift
        T = turn @ T
    return T


def align(a: OctreeReader, b: OctreeReader) -> Fit:
    """The best fit that was found; whether it is good enough is for the caller to say."""
    first, second = Surface.of(a), Surface.of(b)
    in_all, starts = len(first.points) + len(second.points), candidates(first, second)
    for stage in _STAGES:
        chosen = _some(second, stage.points)
        every = max(1, in_all // stage.judged)
        fits = [
            fit_of(first, second, refined(first, second, start, chosen, stage.gates_m), every)
            for start in starts
        ]
        fits.sort(key=_merit, reverse=True)
        starts = [fit.T_a_b for fit in fits[: stage.keep]]
    return fits[0]


def _merit(fit: Fit) -> float:
    """Shared wall, less what speaks against it many times over: two houses share walls, never all of them."""
    return fit.shared_m2 * (1 - _DISAGREEMENT * (1 - fit.agreement) / max(fit.agreement, 1e-9))


def _some(surface: Surface, count: int) -> Rows:
    """So many points, half of them of walls, and of these as many that face each way.

    Source: Rusinkiewicz and Levoy, "Efficient variants of the ICP algorithm" (2001), normal-space sampling;
    what few points face would else slide.
    """
    rng = generator(0, "alignment")
    facing = np.arctan2(surface.normals[:, 1], surface.normals[:, 0]) / math.pi * _SECTORS
    sector = np.where(surface.upright, np.floor(facing + 0.5).astype(np.int64) % _SECTORS, _SECTORS)
    wanted = [count // 2 // _SECTORS] * _SECTORS + [count // 2]
    chosen = [rng.permutation(np.flatnonzero(sector == n))[: wanted[n]] for n in range(_SECTORS + 1)]
    return np.concatenate(chosen)
