"""Rows of insertion: a walk through the hall, each frame to each map in turn."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from placecell.memory import Frame, SparseOctree
from placecell.memory.torch_octree import TorchOctree

from .memory_hall import MAX_DEPTH_M, VOXEL_M, View, walk
from .memory_peers import OctoMapEnds, OctoMapRays, Open3dMap
from .memory_turns import compared, spent
from .row import Row

RATIO_OPEN3D, RATIO_OCTOMAP, RATIO_TORCH = 10.0, 14.0, 2.5
INDEX_BYTES = 40.0
_UNIT, _WIDTH = "M points/s", 256
_FULL, _QUICK = 200, 12


@dataclass
class Lane:
    """One map, and what it has cost.

    Args:
        insert: takes what :func:`inputs` names.
        input: ``"frame"``, ``"painted"``, ``"features"``, ``"points"``, ``"doubles"`` or ``"seen"``.
    """

    insert: Callable[..., object]
    input: str
    seconds: list[float] = field(default_factory=list)
    points: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Million points a CPU second, over all frames: room that a map makes for more is part of it."""
        return sum(self.points) / sum(self.seconds) / 1e6


def octree_lane(octree: SparseOctree | TorchOctree, kind: str = "frame", *, carve: bool = False) -> Lane:
    """Our insertion by the public method, from a frame."""
    return Lane(lambda frame: octree.insert(frame, MAX_DEPTH_M, carve=carve), kind)


def inputs(view: View, step: int, kind: str) -> tuple[object, ...]:
    """What a kind of lane is given of a view; made before the clock starts."""
    if kind in ("frame", "painted", "features"):
        return (view.frame(step, painted=kind == "painted", features=kind == "features"),)
    points = view.points()
    if kind == "points":
        return (points,)
    doubles = points.astype(np.float64)
    return (doubles,) if kind == "doubles" else (doubles, view.T_world_camera[:3, 3].copy())


def race(lanes: list[Lane], end: int, start: int = 0) -> None:
    """Walks, and gives each frame to each lane in turn."""
    for step, view in enumerate(walk(end, start), start):
        count = int(np.count_nonzero(view.depth))
        for lane in lanes:
            given = inputs(view, step, lane.input)
            lane.seconds.append(spent(lane.insert, *given))
            lane.points.append(count)


def rows(quick: bool) -> tuple[list[Row], SparseOctree]:
    """The rows, and the map of the walk for other rows to ask."""
    # Short walks are mostly room made for what is new: targets hold for the whole one.
    frames = _QUICK if quick else _FULL
    measured, octree = surfaces(frames, judged=not quick)
    more = extras(4, 4, judged=False) if quick else extras(20, _FULL, judged=True)
    return [*measured, *more, *cuda(frames)], octree


def surfaces(frames: int, *, judged: bool) -> tuple[list[Row], SparseOctree]:
    """Count and mean position, which all but OctoMap keep: it counts evidence.

    Args:
        frames: of the walk.
        judged: whether the figures are held against the targets.
    """
    octree = SparseOctree(VOXEL_M)
    lanes = {
        "ours": octree_lane(octree),
        "torch": octree_lane(TorchOctree(VOXEL_M)),
        "open3d": Lane(Open3dMap(VOXEL_M).insert, "points"),
        "sorted": Lane(Open3dMap(VOXEL_M, sort_first=True).insert, "points"),
        "octomap": Lane(OctoMapEnds(VOXEL_M).insert, "doubles"),
    }
    _warm_up()
    race(list(lanes.values()), frames)
    ours, open3d, octomap = lanes["ours"].rate, lanes["open3d"].rate, lanes["octomap"].rate
    made = [
        ("", (ours, open3d), "Open3D HashMap", RATIO_OPEN3D),
        ("_octomap", (ours, octomap), "OctoMap endpoints", RATIO_OCTOMAP),
        ("_sorted", (ours, lanes["sorted"].rate), "torch.unique + Open3D HashMap", None),
        ("_torch", (lanes["torch"].rate, open3d), "Open3D HashMap", RATIO_TORCH),
    ]
    rows = [
        compared(f"insert_position{name}", rates, _UNIT, peer, target if judged else None)
        for name, rates, peer, target in made
    ]
    return [*rows, _bytes("index_bytes", octree, judged)], octree


def extras(frames: int, to: int, *, judged: bool) -> list[Row]:
    """What agents also keep: colours and labels, features, free space. OctoMap has the last of these.

    Args:
        frames: of the walk that are raced.
        to: up to where free space alone goes on, for the size of such a map.
        judged: whether that size is held against the target.
    """
    whole = SparseOctree(VOXEL_M)
    lanes = {
        "colour_labels": octree_lane(SparseOctree(VOXEL_M), "painted"),
        "features_256": octree_lane(SparseOctree(VOXEL_M, feature_width=_WIDTH), "features"),
        "free_space": octree_lane(whole, carve=True),
    }
    rays = Lane(OctoMapRays(VOXEL_M).insert, "seen")
    race([*lanes.values(), rays], frames)
    made = [Row(f"insert_{name}", lane.rate, _UNIT) for name, lane in lanes.items() if name != "free_space"]
    free = compared("insert_free_space", (lanes["free_space"].rate, rays.rate), _UNIT, "OctoMap rays")
    race([lanes["free_space"]], to, frames)
    return [*made, free, _bytes("index_bytes_free_space", whole, judged)]


def cuda(frames: int) -> list[Row]:
    """The torch path on a GPU, by the clock on the wall; no row where there is none."""
    if not torch.cuda.is_available():
        return []
    octree, seconds, points = TorchOctree(VOXEL_M, device="cuda"), 0.0, 0
    TorchOctree(VOXEL_M, device="cuda").insert(next(walk(1)).frame(0), MAX_DEPTH_M, carve=False)
    for frame in _frames(frames):
        torch.cuda.synchronize()
        start = time.perf_counter()
        octree.insert(frame, MAX_DEPTH_M, carve=False)
        torch.cuda.synchronize()
        seconds += time.perf_counter() - start
        points += int(np.count_nonzero(frame.depth))
    return [Row("insert_position_cuda", points / seconds / 1e6, "M points/s of wall time")]


def _frames(count: int) -> Iterator[Frame]:
    return (view.frame(step) for step, view in enumerate(walk(count)))


def _warm_up() -> None:
    """Peers too do something once only."""
    points = next(walk(1)).points()
    for sort_first in (False, True):
        Open3dMap(VOXEL_M, sort_first=sort_first).insert(points)
    OctoMapEnds(VOXEL_M).insert(points.astype(np.float64))
    for octree in (SparseOctree(VOXEL_M), TorchOctree(VOXEL_M)):
        octree.insert(next(walk(1)).frame(0), MAX_DEPTH_M, carve=False)


def _bytes(name: str, octree: SparseOctree, judged: bool) -> Row:
    """What finding a voxel costs, in bytes an occupied one."""
    each = octree.index_nbytes / len(octree)
    if not judged:
        return Row(name, each, "bytes a voxel")
    return Row(name, each, "bytes a voxel", target=f"<= {INDEX_BYTES:g}", passed=each <= INDEX_BYTES)
