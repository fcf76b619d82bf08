"""A frame on a device, and the lattice of blocks that everything it says lies in."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..morton import SIGN_OFFSET
from ..voxel.block_pool import BLOCK, FRACTION
from ..voxel.frame_view import View

_MOST_TABLE = 1 << 24


@dataclass(frozen=True)
class TorchView:
    """What a reduction needs of a frame: its images on a device, its camera and pose as plain floats.

    Args:
        depth: (h, w) float32; a scan has no pixels.
        rgb: (h, w, 3) uint8, or None.
        labels: (h, w) int64, or None.
        features: (gh, gw, d) float32, or None.
        rotation: rows of the camera's rotation in the world.
        origin: where the camera stands.
        fx, fy, cx, cy: the pinhole, pixels.
        size: edge length of a voxel.
        min_depth, max_depth: planar depth between which a return is a surface.
    """

    depth: Tensor
    rgb: Tensor | None
    labels: Tensor | None
    features: Tensor | None
    rotation: tuple[tuple[float, ...], ...]
    origin: tuple[float, ...]
    fx: float
    fy: float
    cx: float
    cy: float
    size: float
    min_depth: float
    max_depth: float

    @classmethod
    def of(
        cls,
        view: View,
        device: torch.device,
        rgb: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        features: np.ndarray | None = None,
    ) -> "TorchView":
        """What a compiled kernel would take, and a frame's other images, on a device."""
        return cls(
            tensor_of(view.depth, device),
            None if rgb is None else tensor_of(rgb, device),
            None if labels is None else tensor_of(labels.astype(np.int64), device),
            None if features is None else tensor_of(features.astype(np.float32), device),
            tuple(tuple(row) for row in view.rotation.tolist()),
            tuple(view.origin.tolist()),
            *(float(number) for number in view[3:]),
        )

    def fixed(self, depth: Tensor) -> list[Tensor]:
        """Of each axis (h, w) int32: where pixels of such depth (h, w) float64 end, in 256ths of a voxel.

        One rounding an operation, in the order of ``frame_reduction``: the same places to the bit.
        """
        (x, y), fixed, unit = self._rays(), [], divisor(self.size / FRACTION, depth)
        for (a, b, c), t in zip(self.rotation, self.origin, strict=True):
            place = (x * a + (y * b + c)[:, None]).mul_(depth).add_(t).div_(unit)
            fixed.append(place.floor_().to(torch.int32))
        return fixed

    def points(self, pixels: Tensor, depth: Tensor) -> Tensor:
        """(n, 3) float64 world points of pixels (n,), numbered in reading order, at depths (n,) float64."""
        x, y = self._rays()
        x, y = x[pixels % len(x)], y[pixels // len(x)]
        axes = zip(self.rotation, self.origin, strict=True)
        return torch.stack([(x * a + (y * b + c)) * depth + t for (a, b, c), t in axes], 1)

    def _rays(self) -> tuple[Tensor, Tensor]:
        """Of each column (w,) and row (h,) the slope of the ray through the pixels' centres."""
        height, width = self.depth.shape
        u, v = (torch.arange(n, device=self.depth.device, dtype=torch.float64) for n in (width, height))
        return (u + 0.5 - self.cx) / divisor(self.fx, u), (v + 0.5 - self.cy) / divisor(self.fy, v)

    def bounds(self, near: float, far: float) -> tuple[np.ndarray, np.ndarray]:
        """A world box [lower, upper] of the camera and of all points between two planar depths."""
        height, width = self.depth.shape
        u = (np.array([0.5, width - 0.5]) - self.cx) / self.fx
        v = (np.array([0.5, height - 0.5]) - self.cy) / self.fy
        rays = np.stack([*(axis.ravel() for axis in np.meshgrid(u, v)), np.ones(4)], 1)
        corners = np.concatenate([rays * near, rays * far, np.zeros((1, 3))])
        points = corners @ np.array(self.rotation).T + np.array(self.origin)
        return points.min(0), points.max(0)


def divisor(value: float, like: Tensor) -> Tensor:
    """A number to divide by: by a Python number a GPU multiplies with the reciprocal, which rounds twice."""
    return torch.tensor(value, dtype=torch.float64, device=like.device)


def tensor_of(array: np.ndarray, device: torch.device) -> Tensor:
    """A copy on a device: torch warns of arrays that it may not write to."""
    return torch.from_numpy(np.array(array, order="C")).to(device)


@dataclass(frozen=True)
class Lattice:
    """A box of blocks, numbered in rows: block (x, y, z) is ``((x * ny) + y) * nz + z`` from its corner.

    Args:
        corner: the lowest block's coordinates.
        shape: how many blocks along each axis.
    """

    corner: tuple[int, int, int]
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, lower: np.ndarray, upper: np.ndarray, size: float) -> "Lattice":
        """The blocks that hold a world box, with a voxel of slack for rounding, cut to the range of keys."""
        low, high = (
            np.clip(np.floor(corner / size) + slack, -SIGN_OFFSET, SIGN_OFFSET - 1).astype(np.int64) >> 3
            for corner, slack in ((lower, -1), (upper, 1))
        )
        corner, shape = low.tolist(), (high - low + 1).tolist()
        return cls((corner[0], corner[1], corner[2]), (shape[0], shape[1], shape[2]))

    @property
    def blocks(self) -> int:
        """How many blocks it has."""
        return math.prod(self.shape)

    def blocks_at(self, numbers: Tensor) -> Tensor:
        """(n, 3) the coordinates of blocks, from their numbers (n,)."""
        _, ny, nz = self.shape
        x, y, z = numbers // (ny * nz), numbers // nz % ny, numbers % nz
        return torch.stack([x, y, z], 1) + torch.tensor(self.corner, device=numbers.device)

    @property
    def strides(self) -> tuple[int, int, int]:
        """How far apart two voxels are along each axis when all voxels are numbered in rows."""
        _, ny, nz = self.shape
        return ny * nz * BLOCK * BLOCK, nz * BLOCK, 1


def compact(numbers: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """The different ones of numbers in [0, end), rising, and of each number its place among them.

    By a table where one of the numbers' range is small, as it is for a camera's blocks: no sort.
    """
    if end > _MOST_TABLE:
        found, places = torch.unique(numbers, return_inverse=True)
        return found, places
    table = torch.bincount(numbers, minlength=end)
    found = table.nonzero()[:, 0]
    table[found] = torch.arange(len(found), device=numbers.device)
    return found, table.index_select(0, numbers)
