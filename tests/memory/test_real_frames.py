"""Recorded indoor frames (hand-held Kinects): the map's surface is where the depth images say."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from placecell.geometry import Pinhole, transform
from placecell.memory import FREE, OCCUPIED, Frame, SparseOctree, SpatialMemory

DATA = os.environ.get("PLACECELL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(DATA is None, reason="set PLACECELL_DATA to the folder that holds rgbd/"),
]
SETS = {"3dmatch": ("seq-01", 1), "tsdf50": ("rgbd-frames", 10)}
MAX_DEPTH_M = 4.0


def read_frames(name, every):
    folder = Path(DATA) / "rgbd" / name
    K = np.loadtxt(folder / "camera-intrinsics.txt")
    camera = Pinhole(640, 480, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    for step, path in enumerate(sorted((folder / SETS[name][0]).glob("*.depth.png"))[::every]):
        depth_mm = np.array(Image.open(path))
        depth = np.where((depth_mm == 0) | (depth_mm == 65535), 0, depth_mm / 1000).astype(np.float32)
        T = np.loadtxt(str(path).replace("depth.png", "pose.txt"))
        u, _, vt = np.linalg.svd(T[:3, :3])  # as recorded, orthonormal to 2e-4 only
        T[:3, :3] = u @ vt
        rgb = np.array(Image.open(str(path).replace("depth.png", "color.png")))
        yield Frame(T, camera, depth, rgb, step=step)


def ends(frame):
    """(n, 3) where the frame's pixels end that are nearer than the limit, world frame."""
    seen = (frame.depth > 0) & (frame.depth < MAX_DEPTH_M)
    return transform(frame.T_world_camera, frame.camera.backproject(frame.depth)[seen].astype(np.float64))


@pytest.fixture(scope="module", params=[(name, size) for name in SETS for size in (0.05, 0.1)], ids=str)
def room(request):
    """A room's map, its frames, and all points that they saw, a frame a part."""
    name, voxel_size_m = request.param
    frames, octree = list(read_frames(name, SETS[name][1])), SparseOctree(voxel_size_m)
    for frame in frames:
        octree.insert(frame, MAX_DEPTH_M)
    return octree, frames, [ends(frame) for frame in frames]


def test_every_recorded_point_has_a_surface_within_one_voxel(room):
    octree, _, parts = room
    points = np.concatenate(parts)[::5]
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3)
    around = [octree.find(octree.centre_of(octree.index_of(points) + shift)) >= 0 for shift in shifts]
    assert len(points) > 100_000
    assert np.any(around, axis=0).mean() >= 0.999
    assert (octree.state(points) == OCCUPIED).mean() >= 0.99


def test_voxels_hold_the_count_and_the_mean_of_their_points(room):
    """Against NumPy on the points themselves."""
    octree, _, parts = room
    points = np.concatenate(parts)
    indices = np.floor(points / octree.voxel_size_m).astype(np.int64)
    voxels, inverse, counts = np.unique(indices, axis=0, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(inverse, points[:, axis]) for axis in range(3)], 1)
    held = octree.read(voxels)
    np.testing.assert_array_equal(held.hits, counts)
    assert np.abs(held.points - sums / counts[:, None]).max() <= octree.voxel_size_m / 512 + 1e-9


def test_surfaces_lie_where_points_were_recorded(room):
    octree, _, parts = room
    recorded = cKDTree(np.concatenate(parts))
    surface = octree.read(octree.occupied())
    distances, _ = recorded.query(surface.points)
    assert len(surface) > 1000
    assert distances.max() <= octree.voxel_size_m
    assert np.median(distances) <= 0.1 * octree.voxel_size_m


def test_rays_from_the_poses_stop_where_the_depth_is(room):
    """None goes on for a voxel behind the surface, and none stops in the air."""
    octree, frames, parts = room
    recorded, behind, air, count = cKDTree(np.concatenate(parts)), 0, 0, 0
    for frame, points in zip(frames, parts, strict=True):
        ways = points[::97] - frame.T_world_camera[:3, 3]
        origins, depths = points[::97] - ways, np.linalg.norm(ways, axis=1)
        hits = octree.cast(origins, ways, 10.0)
        behind += (hits.distances > depths + octree.voxel_size_m).sum()
        met = hits.handles >= 0
        stops = origins[met] + (ways / depths[:, None])[met] * hits.distances[met, None]
        # A ray stops on the face of a voxel, at most a diagonal off what was recorded in it.
        air += (recorded.query(stops)[0] > np.sqrt(3) * octree.voxel_size_m).sum()
        count += len(points[::97])
    assert count > 5000
    assert behind / count <= 0.001
    assert air == 0


@pytest.mark.parametrize("voxel_size_m", [0.05, 0.1])
def test_a_memory_maps_them_in_colour(voxel_size_m):
    frames = list(read_frames("tsdf50", every=5))
    memory = SpatialMemory(voxel_size_m, max_depth_m=6.0)
    for frame in frames:
        memory.write(frame)
    octree, points = memory.octree, np.concatenate([ends(frame)[::25] for frame in frames])
    state = octree.state(points)
    assert len(points) > 50_000
    assert (state == OCCUPIED).mean() >= 0.97
    assert (state == FREE).mean() <= 0.03
    everything = octree.read(octree.occupied())
    assert everything.coloured.all()
    assert everything.colours.std() > 20
