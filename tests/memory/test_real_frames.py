"""Recorded indoor frames (hand-held Kinect): the map's surface is where the depth images say."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from placecell.geometry import Pinhole, transform
from placecell.memory import FREE, OCCUPIED, Frame, SpatialMemory

DATA = os.environ.get("PLACECELL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(DATA is None, reason="set PLACECELL_DATA to the folder that holds rgbd/tsdf50"),
]


def read_frames(folder, every):
    K = np.loadtxt(folder / "camera-intrinsics.txt")
    camera = Pinhole(640, 480, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    for step, path in enumerate(sorted((folder / "rgbd-frames").glob("*.depth.png"))[::every]):
        depth_mm = np.array(Image.open(path))
        depth = np.where((depth_mm == 0) | (depth_mm == 65535), 0, depth_mm / 1000).astype(np.float32)
        T = np.loadtxt(str(path).replace("depth.png", "pose.txt"))
        u, _, vt = np.linalg.svd(T[:3, :3])  # as recorded, orthonormal to 2e-4 only
        T[:3, :3] = u @ vt
        rgb = np.array(Image.open(str(path).replace("depth.png", "color.png")))
        yield Frame(T, camera, depth, rgb, step=step)


@pytest.mark.parametrize("voxel_size_m", [0.05, 0.1])
def test_the_surface_is_where_the_depth_is(voxel_size_m):
    frames = list(read_frames(Path(DATA) / "rgbd" / "tsdf50", every=5))
    memory = SpatialMemory(voxel_size_m, max_depth_m=6.0)
    for frame in frames:
        memory.write(frame)
    octree, shifts = memory.octree, np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3)
    near = same = free = count = 0
    for frame in frames:
        seen = frame.camera.backproject(frame.depth)[::5, ::5][frame.depth[::5, ::5] > 0]
        points = transform(frame.T_world_camera, seen)
        state = octree.state(points)
        around = [octree.state(octree.centre_of(octree.index_of(points) + shift)) for shift in shifts]
        near += (np.array(around) == OCCUPIED).any(0).sum()
        same, free, count = (
            same + (state == OCCUPIED).sum(),
            free + (state == FREE).sum(),
            count + len(points),
        )
    assert count > 50_000
    assert near / count >= 0.99
    assert same / count >= 0.97
    assert free / count <= 0.03
    everything = octree.read(octree.occupied())
    assert everything.coloured.all()
    assert everything.colours.std() > 20
