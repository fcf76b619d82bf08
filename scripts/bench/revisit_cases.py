"""Walks cut in two, for the revisit suite: what is written of each place, and who comes back to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from placecell.agent.training.walks import APART_STEPS, Walk, leaf_keys
from placecell.arrays import generator
from placecell.errors import DataError
from placecell.geometry import Pinhole
from placecell.memory import Frame
from placecell.memory.sight.descriptor import descriptor_of
from placecell.memory.topology import TopologyGraph

TURNED_RAD = 0.7854
"""A query is of another heading if nothing was written in its place that looked within 45 degrees of it."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is written and what is asked; places are numbered from 0.

    Args:
        written: (n, d) unit vectors, in order of time.
        place: (n,) the place of each.
        at: (n, 3) where the camera was, metres.
        asked: (q, d).
        right: (q,) the place of each: one that was written.
        asked_at: (q, 3).
        turned: (q,) whether the place was written from other headings alone.
    """

    written: Float32[np.ndarray, "n d"]
    place: Int64[np.ndarray, " n"]
    at: Float64[np.ndarray, "n 3"]
    asked: Float32[np.ndarray, "q d"]
    right: Int64[np.ndarray, " q"]
    asked_at: Float64[np.ndarray, "q 3"]
    turned: Bool[np.ndarray, " q"]

    @property
    def places(self) -> int:
        """How many there are."""
        return int(self.place.max()) + 1


def halves(walk: Walk, cell_m: float) -> Mapping[str, Case]:
    """The walk's first half, and who comes back in its second, by octree leaf and by place of the graph.

    Between the halves as many steps are left out as make another visit.
    """
    half = len(walk) // 2
    before, after = np.arange(half), np.arange(half + APART_STEPS, len(walk))
    keys = {"leaf": leaf_keys(walk.positions, cell_m), "node": node_ids(walk)}
    return {space: cut(walk, of_space, before, after) for space, of_space in keys.items()}


def alternating(walk: Walk, cell_m: float, seed: int) -> Case:
    """Half of the steps, drawn by ``seed``, are written, the others ask."""
    mixed = generator(seed, "revisits, real frames").permutation(len(walk))
    half = len(walk) // 2
    return cut(walk, leaf_keys(walk.positions, cell_m), np.sort(mixed[:half]), np.sort(mixed[half:]))


def cut(walk: Walk, keys: Int64[np.ndarray, " n"], before: np.ndarray, after: np.ndarray) -> Case:
    """What is written in the steps ``before``, and those of ``after`` that are in a place of them."""
    known, place = np.unique(keys[before], return_inverse=True)
    back = after[np.isin(keys[after], known)]
    right = np.searchsorted(known, keys[back])
    apart = np.abs(wrap_angles(walk.yaws_rad[back][:, None] - walk.yaws_rad[before][None]))
    apart[right[:, None] != place[None]] = np.inf
    return Case(
        walk.observations[before], place, walk.positions[before], walk.observations[back], right,
        walk.positions[back], apart.min(1, initial=np.inf) > TURNED_RAD,
    )  # fmt: skip


def wrap_angles(angles: np.ndarray) -> np.ndarray:
    """Each in -pi to pi, as :func:`~placecell.geometry.wrap_angle`."""
    return np.remainder(angles + np.pi, 2 * np.pi) - np.pi


def node_ids(walk: Walk) -> Int64[np.ndarray, " n"]:
    """The place of each step in a graph that was shown the walk; those that became one are one."""
    graph, ids = TopologyGraph(), np.zeros(len(walk), np.int64)
    gone: dict[int, int] = {}
    for step, (position, seen) in enumerate(zip(walk.positions, walk.observations, strict=True)):
        visit = graph.visit(position, seen if seen.any() else None, step)
        gone |= dict.fromkeys(visit.absorbed, visit.place)
        ids[step] = visit.place
    for old in sorted(gone, reverse=True):  # the older one stays: chains of them lead downwards
        ids[ids == old] = gone[old]
    return ids


def read_walk(folder: Path) -> Walk:
    """Recorded frames of a hand-held camera, as a walk.

    Raises:
        DataError: no frames there.
    """
    from PIL import Image

    K = np.loadtxt(folder / "camera-intrinsics.txt")
    camera = Pinhole(640, 480, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    seen, poses, yaws_rad = [], [], []
    for step, path in enumerate(sorted(folder.glob("*/*.depth.png"))):
        depth_mm = np.array(Image.open(path))
        depth = np.where((depth_mm == 0) | (depth_mm == 65535), 0, depth_mm / 1000).astype(np.float32)
        T = np.loadtxt(str(path).replace("depth.png", "pose.txt"))
        u, _, vt = np.linalg.svd(T[:3, :3])  # as recorded, orthonormal to 2e-4 only
        T[:3, :3] = u @ vt
        rgb = np.array(Image.open(str(path).replace("depth.png", "color.png")))
        found = descriptor_of(Frame(T, camera, depth, rgb, None, step))
        if found is None:
            continue
        seen.append(found)
        poses.append(T[:3, 3])
        yaws_rad.append(float(np.arctan2(T[1, 2], T[0, 2])))
    if not seen:
        raise DataError(expected=f"RGB-D frames in {folder}", came="none", fix="fetch them: placecell-data")
    return Walk(folder.name, np.stack(seen), np.stack(poses), np.array(yaws_rad))
