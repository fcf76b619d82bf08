"""OctoMap's own scans: the octree holds occupied and free what OctoMap does."""

import os
from pathlib import Path

import numpy as np
import pytest

from placecell.memory import FREE, SparseOctree
from placecell.scripts.bench.memory_octomap import (
    FOLDER,
    GRAPH,
    SCAN,
    TREE,
    Scan,
    agreement,
    cast_scans,
    octomap_states,
    read_graph,
    read_scan,
)

DATA = os.environ.get("PLACECELL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(DATA is None, reason="set PLACECELL_DATA to the folder that holds octomap/"),
]
pytest.importorskip("pyoctomap", reason="pip install placecell[bench]")


@pytest.fixture(scope="module")
def folder():
    return Path(DATA) / FOLDER


def test_the_scans_are_read_as_they_were_taken(folder):
    laser, (sphere,) = read_scan(folder / SCAN), read_graph(folder / GRAPH)
    assert (len(laser.points), len(sphere.points)) == (88_206, 10_201)
    ways = laser.points / np.linalg.norm(laser.points, axis=1)[:, None]
    # The laser turned by about a degree from beam to beam: the origin is where it stood.
    angles = np.degrees(np.arccos(np.clip((ways[1:] * ways[:-1]).sum(1), -1, 1)))
    assert np.percentile(angles, [25, 75]) == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(np.linalg.norm(sphere.points - sphere.origin, axis=1), 4.01, atol=1e-3)
    np.testing.assert_array_equal(sphere.origin, [1.0, 0.0, -0.5])


@pytest.mark.parametrize("voxel_m", [0.15, 0.3])
def test_a_laser_scan_of_a_building(folder, voxel_m):
    found = agreement([read_scan(folder / SCAN)], voxel_m)
    assert found.known > 30_000
    assert found.share >= 0.98
    assert found.coverage >= 0.97


def test_what_differs_are_points_on_the_border_of_voxels(folder):
    """OctoMap keeps coordinates as float32: given those, both hold every voxel alike."""
    scan = read_scan(folder / SCAN)
    rounded = Scan(scan.points.astype(np.float32).astype(np.float64), scan.origin)
    assert agreement([rounded], 0.2).share == 1.0


@pytest.mark.parametrize("voxel_m", [0.05, 0.1])
def test_a_scan_of_a_sphere(folder, voxel_m):
    found = agreement(read_graph(folder / GRAPH), voxel_m)
    assert found.known > 15_000
    assert found.share >= 0.98
    assert found.coverage >= 0.95


def test_scans_that_overlap(folder):
    """Where one scan's rays pass through what another one hit."""
    scans = cast_scans(folder / TREE, places=8, rays=2000)
    assert sum(len(scan.points) for scan in scans) > 10_000
    found = agreement(scans, 0.08)
    assert found.known > 100_000
    assert found.share >= 0.98
    assert found.coverage >= 0.97


def test_the_states_are_not_mistaken_for_one_another():
    """A scan of one point: what is occupied is one voxel, what is free lies before it, on both sides."""
    import pyoctomap

    tree, ours = pyoctomap.OcTree(0.1), SparseOctree(0.1)
    point, origin = np.array([[0.55, 0.05, 0.05]]), np.full(3, 0.05)
    tree.insertPointCloud(point, origin, -1.0, False, False)
    ours.insert_points(point, origin)
    row = ours.centre_of(np.stack([np.arange(-1, 8), np.zeros(9, int), np.zeros(9, int)], 1))
    expected = [0, FREE, FREE, FREE, FREE, FREE, 2, 0, 0]
    assert octomap_states(tree, row).tolist() == expected
    assert ours.state(row).tolist() == expected
