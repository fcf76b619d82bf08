"""The peers of ``placecell-bench memory``: libraries of the extra ``bench``, used the fastest way we know.

They get points, in world coordinates and contiguous: turning depth into points is ours alone to pay.
"""

import ctypes
import importlib
import importlib.util
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32, Int64

from placecell.errors import MissingPartError

_PACKAGES = {
    "libusb_package": "libusb-package",
    "open3d": "open3d-cpu",
    "pyoctomap": "pyoctomap",
    "rustworkx": "rustworkx",
}
_ROOM = 1 << 21


def open3d() -> ModuleType:
    """Open3D.

    Raises:
        MissingPartError: it, or the libusb that it links to, is not installed.
    """
    libusb = _part("libusb_package")
    # Open3D's wheel names libusb but does not carry it: it has to be there, for all to see, before.
    ctypes.CDLL(str(libusb.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    return _part("open3d")


def octomap() -> ModuleType:
    """OctoMap.

    Raises:
        MissingPartError: pyoctomap is not installed.
    """
    return _part("pyoctomap")


def require_all() -> None:
    """Says that a peer is missing before minutes of measuring, not after.

    Raises:
        MissingPartError: one is.
    """
    for module, package in _PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            raise _missing(package, "none")


def _part(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(_PACKAGES[module], str(error)) from error


def _missing(package: str, came: str) -> MissingPartError:
    return MissingPartError(
        expected=f"{package}, which placecell-bench memory measures us against",
        came=came,
        fix="pip install 'placecell[bench]'",
    )


class Open3dMap:
    """Count and sum of positions of each voxel: ``o3d.core.HashMap`` finds the row, torch adds to it.

    Args:
        voxel_m: the voxels' size.
        sort_first: reduces each frame by ``torch.unique`` before the hash map sees it.
    """

    def __init__(self, voxel_m: float, *, sort_first: bool = False) -> None:
        self._core = open3d().core
        self._voxel, self._sort = voxel_m, sort_first
        int32, float32 = self._core.int32, self._core.float32
        self._map = self._core.HashMap(_ROOM, int32, (3,), float32, (4,))
        self._sums = torch.from_numpy(self._map.value_tensor().numpy())
        self._sums.zero_()

    def insert(self, points: Float32[np.ndarray, "n 3"]) -> None:
        """Adds a frame's points."""
        xyz = torch.from_numpy(points)
        index = (xyz * (1 / self._voxel)).floor_()
        sums = torch.ones((len(points), 4))
        sums[:, 1:] = xyz
        if self._sort:
            index, sums = _reduced(index, sums)
        keys = self._core.Tensor.from_numpy(index.to(torch.int32).numpy())
        self._map.activate(keys)
        rows, _ = self._map.find(keys)
        self._sums.index_add_(0, torch.from_numpy(rows.numpy()), sums)

    def content(self) -> tuple[Int32[np.ndarray, "n 3"], Float32[np.ndarray, "n 4"]]:
        """The voxels, and of each the count and the sum of positions."""
        rows = self._map.active_buf_indices().numpy()
        return self._map.key_tensor().numpy()[rows], self._sums.numpy()[rows]


def _reduced(index: torch.Tensor, sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    place = index.to(torch.int64) + (1 << 20)
    code, inverse = torch.unique(place[:, 0] | place[:, 1] << 21 | place[:, 2] << 42, return_inverse=True)
    reduced = torch.zeros((len(code), 4)).index_add_(0, inverse, sums)
    mask = (1 << 21) - 1
    return torch.stack([code & mask, (code >> 21) & mask, code >> 42], 1) - (1 << 20), reduced


class Open3dSet:
    """Which voxels are occupied: ``o3d.core.HashSet``."""

    def __init__(self, indices: Int64[np.ndarray, "n 3"], voxel_m: float) -> None:
        self._core, self._voxel = open3d().core, voxel_m
        self._set = self._core.HashSet(2 * len(indices), self._core.int32, (3,))
        self._set.insert(self._core.Tensor.from_numpy(np.ascontiguousarray(indices, np.int32)))

    def find(self, points: Float64[np.ndarray, "n 3"]) -> np.ndarray:
        """(n,) whether the voxel of each point is occupied."""
        index = (torch.from_numpy(points) * (1 / self._voxel)).floor_().to(torch.int32)
        _, found = self._set.find(self._core.Tensor.from_numpy(index.numpy()))
        there: np.ndarray = found.numpy()
        return there


class Open3dNearest:
    """The k nearest of fixed points: ``o3d.core.nns``."""

    def __init__(self, points: Float64[np.ndarray, "n 3"]) -> None:
        self._tensor = open3d().core.Tensor
        self._search = open3d().core.nns.NearestNeighborSearch(self._tensor.from_numpy(points))
        self._search.knn_index()

    def nearest(self, points: Float64[np.ndarray, "n 3"], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, k) of the fixed points and distances (n, k)."""
        rows, squares = self._search.knn_search(self._tensor.from_numpy(points), k)
        return rows.numpy(), np.sqrt(squares.numpy())


class OctoMapEnds:
    """Where rays end, and nothing of where they went: ``OcTree.updateNodes``, sums up the tree left out."""

    def __init__(self, voxel_m: float) -> None:
        self._tree: Any = octomap().OcTree(voxel_m)

    def insert(self, points: Float64[np.ndarray, "n 3"]) -> None:
        """Adds a frame's points."""
        self._tree.updateNodes(points, True, lazy_eval=True)


class OctoMapRays:
    """Hits and free space, a ray for each voxel in which one ends: ``OcTree.insertPointCloud``."""

    def __init__(self, voxel_m: float) -> None:
        self._tree: Any = octomap().OcTree(voxel_m)

    def insert(self, points: Float64[np.ndarray, "n 3"], origin: Float64[np.ndarray, "3"]) -> None:
        """Adds a frame's points, seen from ``origin``."""
        self._tree.insertPointCloud(points, origin, -1.0, True, True)
