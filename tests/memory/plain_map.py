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


def looks_past(frame, voxel, size):
    """Whether every pixel whose centre lies over a voxel's middle, half an edge around, ends behind it."""
    T = frame.T_world_camera
    x, y, z = (T[:3, :3].T @ ((np.array(voxel) + 0.5) * size - T[:3, 3])).tolist()
    if z < size:
        return True
    camera, (height, width) = frame.camera, frame.depth.shape
    over_u = np.abs(np.arange(width) + 0.5 - camera.fx * x / z - camera.cx) <= size * camera.fx / z / 2 + 0.5
    over_v = np.abs(np.arange(height) + 0.5 - camera.fy * y / z - camera.cy) <= size * camera.fy / z / 2 + 0.5
    depth = frame.depth[over_v][:, over_u]
    return not ((depth > 0) & (depth < z + np.sqrt(3) / 2 * size)).any()


class PlainMap:
    def __init__(self, size):
        self.size = size
        self.hits, self.last_seen, self.evidence = defaultdict(int), {}, {}
        self.colours, self.parts = defaultdict(list), defaultdict(lambda: np.zeros(3))

    def insert(self, frame, max_depth, min_depth=0.0, carve=True):
        depth = frame.depth.astype(float).ravel()
        used = depth > max(min_depth, 0.0)
        is_hit = used & (depth < max_depth)
        clipped = np.minimum(depth, max_depth).reshape(frame.depth.shape)
        points = transform(frame.T_world_camera, frame.camera.backproject(clipped).reshape(-1, 3))
        rgb = None if frame.rgb is None else frame.rgb.reshape(-1, 3)
        origin = frame.T_world_camera[:3, 3] if carve else None
        self._insert(points, used, is_hit, rgb, origin, frame.step, frame)

    def insert_points(self, points, origin=None, step=0):
        every = np.ones(len(points), bool)
        self._insert(points, every, every, None, origin, step, None)

    def _insert(self, points, used, is_hit, rgb, origin, step, frame):
        voxels = [tuple(v) for v in np.floor(points / self.size).astype(int).tolist()]
        hit, ends = defaultdict(list), {}
        for n in np.flatnonzero(used):
            ends.setdefault((voxels[n], bool(is_hit[n])), points[n])
            if is_hit[n]:
                hit[voxels[n]].append(n)
        missed = set()
        for (voxel, _), end in ends.items() if origin is not None else ():
            missed |= voxels_on(origin, end, self.size) | {voxel}
        for voxel in missed - hit.keys():
            evidence = self.evidence.get(voxel, 0)
            if evidence <= 0 or frame is None or looks_past(frame, voxel, self.size):
                self.evidence[voxel] = -1 if evidence == 1 else max(evidence - 1, -2)
        for voxel, pixels in hit.items():
            self.evidence[voxel] = min(self.evidence.get(voxel, 0) + 3, 9)
            self.hits[voxel] += len(pixels)
            self.last_seen[voxel] = max(self.last_seen.get(voxel, -1), step)
            self.parts[voxel] += np.floor((points[pixels] / self.size - voxel) * 256).sum(0)
            if rgb is not None:
                self.colours[voxel].append(np.floor(rgb[pixels].astype(float).mean(0) + 0.5))

    def mean_point(self, voxel):
        if voxel not in self.hits:
            return (np.array(voxel) + 0.5) * self.size
        return (voxel + (self.parts[voxel] / self.hits[voxel] + 0.5) / 256) * self.size


def random_frame(seed, *, step=0, far=3.0, size=(9, 12), spread_m=0.5, colour=True, labels=False):
    """A camera with a free pose (head tilted, off the origin) before random depth with gaps."""
    rng = np.random.default_rng(seed)
    height, width = size
    depth = rng.uniform(0.05, far, size).astype(np.float32)
    depth[rng.random(size) < 0.15] = 0.0
    pose = Pose(*rng.uniform(-spread_m, spread_m, 3), rng.uniform(-3, 3), rng.uniform(-1, 1))
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8) if colour else None
    ids = rng.choice([0, 1, 2, 300, 65535], size) if labels else None
    return Frame(pose.T_world_camera(0.2), Pinhole.from_hfov(width, height, 1.5), depth, rgb, ids, step)


def looking_east(depth_m, step=0, rgb=None, x=0.05, label=None):
    """One pixel along +x, from the middle of voxel (0, 0, 0) of a 0.1 m map."""
    camera = Pinhole(1, 1, 100.0, 100.0, 0.5, 0.5)
    image = np.full((1, 1), depth_m, np.float32)
    labels = None if label is None else np.full((1, 1), label)
    return Frame(Pose(x, 0.05, 0.0, 0.0).T_world_camera(0.05), camera, image, rgb, labels, step)
