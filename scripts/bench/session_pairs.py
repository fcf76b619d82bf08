"""Two sessions in generated houses, each in a frame of its own, laid on each other and compared."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Transform, generator
from placecell.envs.body import PRESETS
from placecell.envs.mesh.houses import CATEGORIES, house_named
from placecell.envs.mesh.make import make_cameras
from placecell.envs.mesh.noise import Level, Noise
from placecell.envs.mesh.observation import Sensors
from placecell.envs.mesh.survey import survey_poses
from placecell.envs.mesh.world import World
from placecell.geometry import Pose, invert, transform
from placecell.memory import Frame, SpatialMemory
from placecell.memory.archives.alignment import Fit, align, yaw_and_shift
from placecell.memory.archives.difference import ObjectChange, difference
from placecell.memory.archives.merging import AGREEMENT, OVERLAP, SHARED_M2

_BODY = PRESETS["habitat_objectnav"]
_SIZE, _RANGE_M = 96, 5.0
_SHARE = 0.5  # of a house's standing points, by a line across it, that one session has
_NEAR_M = 0.3
_PIXELS = 100  # that show a thing, for it to have been seen


@dataclass(frozen=True)
class Laid:
    """One pair of sessions.

    Args:
        fit: what the alignment came to.
        error_m: mean over the second's surface of how far it lies from where it belongs; NaN for two houses.
        yaw_error_deg: NaN for two houses.
    """

    fit: Fit
    error_m: float = math.nan
    yaw_error_deg: float = math.nan

    @property
    def accepted(self) -> bool:
        """As :func:`~placecell.memory.archives.merging.estimate` accepts it."""
        fit = self.fit
        return fit.agreement >= AGREEMENT and fit.overlap >= OVERLAP and fit.shared_m2 >= SHARED_M2


@dataclass
class Changes:
    """Ends of changes (where a thing was, where it is): reported, of these right; true, of these found."""

    reported: int = 0
    right: int = 0
    true: int = 0
    found: int = 0


def laid(split: str, houses: int, noise: Level) -> tuple[list[Laid], list[Laid]]:
    """Pairs of one house, the second session turned and shifted, and pairs of two houses."""
    firsts, seconds, turns = [], [], []
    for number in range(houses):
        rng = generator(number, "sessions", split, noise)
        world = World.of(house_named(f"house-{split}-{number}").scene(), _BODY, CATEGORIES)
        across, poses = float(rng.uniform(-math.pi, math.pi)), list(survey_poses(world.area))
        T_a_b = yaw_and_shift(float(rng.uniform(-math.pi, math.pi)), rng.uniform((-8, -8, -1), (8, 8, 1)))
        turns.append(T_a_b)
        firsts.append(_session(world, _part(poses, across), noise, rng))
        seconds.append(_session(world, _part(poses, across + math.pi), noise, rng, invert(T_a_b)))
    right = [_judged(*pair) for pair in zip(firsts, seconds, turns, strict=True)]
    wrong = [Laid(_align(a, b)) for m, a in enumerate(firsts) for n, b in enumerate(seconds) if m < n]
    return right, wrong


def changes(split: str, houses: int) -> Changes:
    """Surveys of houses, and of the same with their furniture moved, in one frame."""
    counts = Changes()
    for number in range(houses):
        name = f"house-{split}-{number}"
        before, after = (World.of(house_named(n).scene(), _BODY, CATEGORIES) for n in (name, f"{name}~1"))
        rng, seen = generator(number, "changes", split), (set[int](), set[int]())
        maps = [
            _session(world, list(survey_poses(world.area)), "none", rng, seen=into)
            for world, into in zip((before, after), seen, strict=True)
        ]
        found = difference(maps[0], maps[1])
        gone, new = _changed(before, after), _changed(after, before)
        ends = [
            (before, gone, seen[0], [*found.went, *found.moved], lambda change: change.before),
            (after, new, seen[1], [*found.came, *found.moved], lambda change: change.after),
        ]
        for world, true, visible, told, where in ends:
            _count(counts, world, true, visible, told, where)
    return counts


def _count(
    counts: Changes,
    world: World,
    true: set[int],
    visible: set[int],
    told: Sequence[ObjectChange],
    where: Callable[[ObjectChange], tuple[float, float, float] | None],
) -> None:
    hit: set[int] = set()
    for change in told:
        at = where(change)
        there = {thing for thing in true if at is not None and _is_at(world, thing, change.label, at)}
        counts.reported, counts.right = counts.reported + 1, counts.right + bool(there)
        hit |= there
    counts.true, counts.found = counts.true + len(true & visible), counts.found + len(hit & visible)


def _is_at(world: World, thing: int, label: int, at: tuple[float, float, float]) -> bool:
    one = world.things[thing]
    low, high = np.asarray(one.low) - _NEAR_M, np.asarray(one.high) + _NEAR_M
    return one.category == CATEGORIES[label] and bool(((at >= low) & (at <= high)).all())


def _changed(world: World, other: World) -> set[int]:
    """The things that are not where they are in the other world."""
    there = other.things
    return {
        thing
        for thing, one in world.things.items()
        if thing not in there or math.dist(one.middle, there[thing].middle) > _NEAR_M
    }


def _part(poses: Sequence[Pose], across_rad: float) -> list[Pose]:
    """The poses on one side of a line that leaves this share of them on it."""
    along = [pose.x * math.cos(across_rad) + pose.y * math.sin(across_rad) for pose in poses]
    limit = np.quantile(along, _SHARE)
    return [pose for pose, value in zip(poses, along, strict=True) if value <= limit]


def _session(
    world: World,
    poses: Sequence[Pose],
    noise: Level,
    rng: np.random.Generator,
    T_session_world: Transform | None = None,
    seen: set[int] | None = None,
) -> SpatialMemory:
    memory = SpatialMemory(max_depth_m=_RANGE_M, topology=False, short_term=False, long_term=False)
    for frame, instances in _frames(world, poses, noise, rng):
        T = frame.T_world_camera if T_session_world is None else T_session_world @ frame.T_world_camera
        memory.write(Frame(T, frame.camera, frame.depth, frame.rgb, frame.labels, frame.step))
        if seen is not None:
            near = np.bincount(instances[(frame.depth > 0) & (frame.depth < _RANGE_M)])
            seen.update(np.flatnonzero(near >= _PIXELS).tolist())
    return memory


def _frames(
    world: World, poses: Sequence[Pose], noise: Level, rng: np.random.Generator
) -> Iterator[tuple[Frame, np.ndarray]]:
    cameras = make_cameras(_BODY, _SIZE, _SIZE, ())
    sensors = Sensors(cameras, (), semantics=True, noise=Noise(depth=noise))
    camera = cameras[0].pinhole()
    for step, pose in enumerate(poses):
        images, (instances,) = sensors.look(world, pose, lambda _: rng)
        T_world_camera = pose.T_world_camera(_BODY.camera_height_m)
        yield (
            Frame(T_world_camera, camera, images["depth"], images["rgb"], images["category"], step),
            instances,
        )


def _judged(a: SpatialMemory, b: SpatialMemory, T_a_b: Transform) -> Laid:
    fit = _align(a, b)
    assert b.octree is not None
    points = b.octree.centre_of(b.octree.occupied())
    off = transform(fit.T_a_b, points) - transform(T_a_b, points)
    turned = invert(T_a_b) @ fit.T_a_b
    yaw_deg = abs(math.degrees(math.atan2(turned[1, 0], turned[0, 0])))
    return Laid(fit, float(np.linalg.norm(off, axis=1).mean()), yaw_deg)


def _align(a: SpatialMemory, b: SpatialMemory) -> Fit:
    assert a.octree is not None
    assert b.octree is not None
    return align(a.octree, b.octree)
