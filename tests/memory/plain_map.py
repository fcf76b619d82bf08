"""The map by brute force: dictionaries, and each ray cut at every voxel boundary."""

from collections import defaultdict

import numpy as np

from placecell.geometry import Pinhole, Pose, transform
from placecell.memory import Frame


def voxels_on(origin, end, size):
    """All voxels that a segment passes, by the middles between its crossings."""
    cuts = [0.0, 1.0]
    for axis in range(3):
        a, b = sorted((origin[axis], end[axis]))
        for boundary in np.arange(np.ceil(a / size), np.floor(b / size) + 1) * size:
            if a < boundary < b:
                cuts.append((boundary - origin[axis]) / (end[axis] - origin[axis]))
    cuts = np.unique(cuts)
    middles = origin + (end - origin) * ((cuts[1:] + cuts[:-1]) / 2)[:, None]
    return {tuple(v) for v in np.floor(middles / size).astype(int).tolist()}


class PlainMap:
    def __init__(self, size):
        self.size = size
        self.hits, self.misses, self.last_seen = defaultdict(int), defaultdict(int), {}
        self.colours = defaultdict(list)

    def insert(self, frame, max_depth, min_depth=0.0):
        depth = frame.depth.astype(float).ravel()
        used = depth > max(min_depth, 0.0)
        is_hit = used & (depth < max_depth)
        clipped = np.minimum(depth, max_depth).reshape(frame.depth.shape)
        points = transform(frame.T_world_camera, frame.camera.backproject(clipped).reshape(-1, 3))
        voxels = [tuple(v) for v in np.floor(points / self.size).astype(int).tolist()]
        origin = frame.T_world_camera[:3, 3]
        hit, ends = defaultdict(list), {}
        for n in np.flatnonzero(used):
            ends.setdefault((voxels[n], bool(is_hit[n])), points[n])
            if is_hit[n]:
                hit[voxels[n]].append(n)
        missed = set()
        for (voxel, _), end in ends.items():
            missed |= voxels_on(origin, end, self.size) | {voxel}
        for voxel in missed - hit.keys():
            self.misses[voxel] += 1
        for voxel, pixels in hit.items():
            self.hits[voxel] += len(pixels)
            self.last_seen[voxel] = max(self.last_seen.get(voxel, -1), frame.step)
            if frame.rgb is not None:
                mean = frame.rgb.reshape(-1, 3)[pixels].astype(float).mean(0)
                self.colours[voxel].append(np.floor(mean + 0.5))


def random_frame(seed, *, step=0, far=3.0, size=(9, 12), spread_m=0.5, colour=True):
    """A camera with a free pose (head tilted, off the origin) before random depth with gaps."""
    rng = np.random.default_rng(seed)
    height, width = size
    depth = rng.uniform(0.05, far, size).astype(np.float32)
    depth[rng.random(size) < 0.15] = 0.0
    pose = Pose(*rng.uniform(-spread_m, spread_m, 3), rng.uniform(-3, 3), rng.uniform(-1, 1))
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8) if colour else None
    return Frame(pose.T_world_camera(0.2), Pinhole.from_hfov(width, height, 1.5), depth, rgb, step=step)


def looking_east(depth_m, step=0, rgb=None, x=0.05, label=None):
    """One pixel along +x, from the middle of voxel (0, 0, 0) of a 0.1 m map."""
    camera = Pinhole(1, 1, 100.0, 100.0, 0.5, 0.5)
    image = np.full((1, 1), depth_m, np.float32)
    labels = None if label is None else np.full((1, 1), label)
    return Frame(Pose(x, 0.05, 0.0, 0.0).T_world_camera(0.05), camera, image, rgb, labels, step)
