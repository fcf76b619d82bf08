"""Where one session's map lies in another's, estimated from the surfaces of both."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.box_world import BED, FLOOR, TABLE, WALL, Box, two_rooms
from tests.support.two_sessions import FIRST, SECOND, T_FIRST_SECOND, frames, look_around

from placecell.errors import PlacecellError
from placecell.geometry import Pinhole, Pose, invert, transform
from placecell.memory import Frame, SparseOctree
from placecell.memory.archives.alignment import fit_of, refined
from placecell.memory.archives.merging import estimate
from placecell.memory.archives.surface import Surface

DATA = os.environ.get("PLACECELL_DATA")


def mapped(stands, T=None, **world):
    octree = SparseOctree(0.1)
    for frame in frames(stands, T, **world):
        octree.insert(frame, 5.0)
    return octree


def errors(T, truth, octree):
    """(n,) metres by which points of a map are misplaced."""
    points = octree.read(octree.occupied()).points
    return np.linalg.norm(transform(T, points) - transform(truth, points), axis=1)


@pytest.fixture(scope="module")
def first():
    return mapped(FIRST)


@pytest.fixture(scope="module")
def second():
    return mapped(SECOND, invert(T_FIRST_SECOND))


def test_another_walk_in_an_unknown_frame_is_found_to_a_centimetre(first, second):
    fit = estimate(first, second)
    assert errors(fit.T_a_b, T_FIRST_SECOND, second).max() < 0.02
    assert fit.T_a_b[2, 2] == 1.0
    assert fit.residual_m < 0.03
    assert fit.overlap > 0.8
    assert fit.agreement > 0.98


def flat():
    """Another home: three rooms, 5 m by 6 m."""
    walls = [
        ((-0.2, -0.2), (5.2, 0.0)), ((-0.2, 6.0), (5.2, 6.2)), ((-0.2, 0.0), (0.0, 6.0)),
        ((5.0, 0.0), (5.2, 6.0)), ((1.6, 2.4), (5.0, 2.5)), ((2.4, 3.6), (2.5, 6.0)),
    ]  # fmt: skip
    return [
        Box((-0.2, -0.2, -0.2), (5.2, 6.2, 0.0), FLOOR),
        *(Box((*low, 0.0), (*high, 2.4), WALL) for low, high in walls),
        Box((3.5, 4.0, 0.0), (4.4, 5.2, 0.8), TABLE),
        Box((0.2, 0.2, 0.0), (1.0, 0.9, 1.9), BED),
    ]


def test_another_home_is_refused(first):
    elsewhere = mapped([*look_around(1.0, 1.5), *look_around(1.2, 4.5), *look_around(3.5, 3.0)], boxes=flat())
    with pytest.raises(
        PlacecellError,
        match=r"expected maps that overlap, got at best \d+% of the walls.*; give the transform",
    ):
        estimate(first, elsewhere)


def test_a_fit_says_what_speaks_for_and_against_it(first):
    surface = Surface.of(first)
    exact = fit_of(surface, surface, np.eye(4))
    assert (exact.residual_m, exact.overlap, exact.agreement) == (0.0, 1.0, 1.0)
    aside = fit_of(surface, surface, Pose(0.6, 0.3, 0.0, 0.0).T_world_body())
    assert aside.agreement < 0.7
    away = fit_of(surface, surface, Pose(99.0, 0.0, 0.0, 0.0).T_world_body())
    assert (away.overlap, away.touching, away.residual_m) == (0.0, 0, math.inf)


def test_normals_point_to_where_it_is_free(first):
    surface = Surface.of(first)
    inside = np.array([2.0, 2.0, 1.2])
    outer = surface.upright & (surface.points[:, 1] < 0.05) & (surface.points[:, 2] > 1.0)
    outer &= (surface.points[:, 0] > 0.3) & (surface.points[:, 0] < 3.7)
    assert outer.sum() > 100
    towards = np.einsum("nd,nd->n", surface.normals[outer], inside - surface.points[outer])
    assert (towards > 0).mean() > 0.98


def test_a_thin_wall_seen_from_its_two_sides_is_two_faces():
    """Points alone would draw the faces, which are 0.1 m apart, onto each other: by 5 cm in all."""
    west = Surface.of(mapped([*look_around(1.2, 2.0), (2.6, 2.0, 0.3), (2.6, 2.0, -0.3)], boxes=two_rooms()))
    east = Surface.of(mapped([*look_around(6.8, 2.0), (5.4, 2.0, 2.8), (5.4, 2.0, -2.8)], boxes=two_rooms()))
    every = np.arange(0, len(east.points), 2)
    T = refined(west, east, np.eye(4), every, (0.3,) * 12)
    assert np.linalg.norm(T[:3, 3]) < 0.02


@pytest.mark.real_data
@pytest.mark.skipif(DATA is None, reason="set PLACECELL_DATA to the folder that holds rgbd/")
def test_halves_of_a_recording_are_laid_on_each_other():
    """Hand-held Kinect, frames 0-24 against 25-49, the second half turned and shifted by what is looked for.

    Its world frame is the first camera's: the camera's axes are turned upright first.
    """
    folder = Path(DATA) / "rgbd" / "tsdf50"
    K = np.loadtxt(folder / "camera-intrinsics.txt")
    camera = Pinhole(160, 120, *(K[[0, 1, 0, 1], [0, 1, 2, 2]] / 4))
    T_first_second = Pose(1.7, -0.9, 0.4, 2.6).T_world_body()
    upright = Pose(0.0, 0.0, 0.0, 0.0).T_world_camera(0.0)
    maps = [SparseOctree(0.05), SparseOctree(0.05)]
    paths = sorted((folder / "rgbd-frames").glob("*.depth.png"))
    for step, path in enumerate(paths):
        depth_mm = np.array(Image.open(path))[2::4, 2::4]
        depth = np.where((depth_mm == 0) | (depth_mm == 65535), 0, depth_mm / 1000).astype(np.float32)
        T = np.loadtxt(str(path).replace("depth.png", "pose.txt"))
        u, _, vt = np.linalg.svd(T[:3, :3])
        T[:3, :3] = u @ vt
        T = upright @ T
        half = step >= len(paths) // 2
        maps[half].insert(Frame(invert(T_first_second) @ T if half else T, camera, depth, step=step), 4.0)
    fit = estimate(*maps)
    assert errors(fit.T_a_b, T_first_second, maps[1]).mean() < 0.05
    assert fit.residual_m < 0.03
