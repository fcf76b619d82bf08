"""Walks through houses as a memory gets them: an observation a step, and where the camera was."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import generator
from placecell.envs.body import PRESETS, Action
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.make import make_cameras
from placecell.envs.mesh.noise import Noise
from placecell.envs.mesh.observation import Sensors
from placecell.envs.mesh.world import World as Ground
from placecell.errors import ArchiveError, ConfigError, DataError
from placecell.geometry import Pose, wrap_angle
from placecell.memory import Frame, morton
from placecell.memory.sight.descriptor import WIDTH, descriptor_of

from ..recording import Recording
from .worlds import World

APART_STEPS = 15
"""Whoever was elsewhere for so many steps comes back: that is another visit."""
_BODY = PRESETS["habitat_objectnav"]
_PIXELS = 64  # across: the descriptor thins a larger image to as many
_NEAR_M = 0.3
_MOST_STEPS = 200  # to one goal
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Walk:
    """One walk in one house.

    Args:
        scene: the house's name.
        observations: (n, d) unit vectors, without the simulator's labels.
        positions: (n, 3) of the camera, metres, z up.
        yaws_rad: (n,) where the camera looked.
    """

    scene: str
    observations: Float32[np.ndarray, "n d"]
    positions: Float64[np.ndarray, "n 3"]
    yaws_rad: Float64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.observations)


def made_walk(
    world: World, split: str, number: int, *, goals: int, depth_noise: str = "low", seed: int = 0
) -> Walk:
    """The shortest-path expert from goal to goal in a scene; it turns on the spot at each goal for a while.

    A test house is only for the figures that are published in the end: nothing may be learnt or chosen by it.

    Args:
        world: the scenes.
        split, number: which of them.
        goals: points, drawn evenly over the largest island.
        depth_noise: ``none``, ``low`` or ``high``.
        seed: another one is another walk through the same scene.
    """
    rng = generator(number, "memory walk", split, *([seed] if seed else []))
    ground = Ground.of(world(split, number), _BODY)
    walker = _Walker(ground, Sensors(_cameras(), (), semantics=False, noise=Noise(depth=depth_noise)), rng)
    for _ in range(goals):
        walker.go_to(ground.area.random_point(rng))
        walker.turn(int(rng.integers(-_turns() + 1, _turns())))
    return walker.walk(ground.scene.name)


def recorded_walks(folders: Sequence[Path]) -> list[Walk]:
    """Walks of runs that were recorded with ``record=full``; the visits of one tour are one walk.

    The observations are made anew, of colour and depth alone: labels that were recorded are left out.

    Args:
        folders: of runs, each with ``episodes/``.

    Raises:
        DataError: a folder without episodes.
        ArchiveError: an episode that was recorded without frames, or is damaged.
    """
    walks: dict[tuple[str, object], list[Walk]] = {}
    for folder in folders:
        episodes = sorted((folder / "episodes").glob("*/header.json"))
        if not episodes:
            raise DataError(
                expected=f"recorded episodes in {folder / 'episodes'}", came="none",
                fix="name the folder of a run that was made with record=full",
            )  # fmt: skip
        for header in episodes:
            recording = Recording.read(header.parent)
            tour = (recording.header.get("tags") or {}).get("tour")
            alone = str(header.parent) if tour is None else f"{folder} {tour}"
            walk = _recorded(recording)
            walks.setdefault((walk.scene, alone), []).append(walk)
    return [_joined(parts) for parts in walks.values()]


def split_of(scene: str) -> str:
    """``train``, ``val`` or ``test``, by a generated house's name.

    Raises:
        ConfigError: another name.
    """
    parts = scene.split("-")
    if len(parts) < 3 or parts[0] != "house" or parts[1] not in _SPLITS:
        raise ConfigError(
            expected="walks in generated houses (house-train-N, house-val-N)", came=scene,
            fix="record with env=houses",
        )  # fmt: skip
    return parts[1]


def leaf_keys(
    positions: Float64[np.ndarray, "n 3"], cell_m: float, shift_m: Float64[np.ndarray, " 3"] | None = None
) -> Int64[np.ndarray, " n"]:
    """The octree cell of edge ``cell_m`` that each position is in, as its Morton key.

    Args:
        positions: (n, 3) metres.
        cell_m: edge of a cell.
        shift_m: (3,) of the grid; None: the octree's own.
    """
    moved = positions if shift_m is None else positions + shift_m
    return morton.encode(np.floor(moved / cell_m).astype(np.int64))


def visits_of(keys: Int64[np.ndarray, " n"]) -> Mapping[int, list[Int64[np.ndarray, " m"]]]:
    """By place, the steps of each of its visits, in order; a visit ends when the place was left for long."""
    found: dict[int, list[np.ndarray]] = {}
    order = np.argsort(keys, kind="stable")
    for steps in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        found[int(keys[steps[0]])] = np.split(steps, np.flatnonzero(np.diff(steps) > APART_STEPS) + 1)
    return found


class _Walker:
    """A body that looks after every action."""

    def __init__(self, ground: Ground, sensors: Sensors, rng: np.random.Generator) -> None:
        self._ground, self._sensors, self._rng = ground, sensors, rng
        self._camera = sensors.cameras[0].pinhole()
        self._standing = ground.area.stand(ground.area.random_point(rng))
        self._yaw_rad = float(rng.uniform(-math.pi, math.pi))
        self._seen: list[np.ndarray] = []
        self._poses: list[tuple[float, ...]] = []
        self._look()

    def go_to(self, goal: np.ndarray) -> None:
        field = self._ground.area.field(goal)
        for _ in range(_MOST_STEPS):
            action = self._ground.expert.action(field, self._standing, self._yaw_rad, _NEAR_M)
            if action == Action.STOP:
                return
            if action == Action.MOVE_FORWARD:
                step = self._ground.area.step(
                    self._standing, self._yaw_rad, _BODY.forward_m,
                    sliding=_BODY.sliding, sticky=_BODY.sticky,
                )  # fmt: skip
                self._standing = step.standing
                self._look()
            else:
                self.turn(1 if action == Action.TURN_LEFT else -1)

    def turn(self, times: int) -> None:
        for _ in range(abs(times)):
            self._yaw_rad = wrap_angle(self._yaw_rad + math.copysign(_BODY.turn_rad, times))
            self._look()

    def walk(self, scene: str) -> Walk:
        poses = np.array(self._poses)
        return Walk(scene, np.stack(self._seen), poses[:, :3], poses[:, 3])

    def _look(self) -> None:
        x, y, z = self._ground.area.point(self._standing).tolist()
        pose = Pose(x, y, z, self._yaw_rad)
        images, _ = self._sensors.look(self._ground, pose, lambda _: self._rng)
        T_world_camera = pose.T_world_camera(_BODY.camera_height_m)
        frame = Frame(T_world_camera, self._camera, images["depth"], images["rgb"], None, len(self._seen))
        self._seen.append(_observation(frame))
        self._poses.append((*T_world_camera[:3, 3].tolist(), self._yaw_rad))


def _turns() -> int:
    return round(2 * math.pi / _BODY.turn_rad)


def _cameras() -> tuple[Camera, ...]:
    return make_cameras(_BODY, _PIXELS, _PIXELS, ())


def _recorded(recording: Recording) -> Walk:
    seen, poses = [], []
    for step in range(len(recording.steps)):
        frame = recording.frame(step)
        T = frame.T_world_camera
        bare = Frame(T, frame.camera, frame.depth, frame.rgb, None, frame.step)
        seen.append(_observation(bare))
        poses.append((*T[:3, 3].tolist(), math.atan2(T[1, 2], T[0, 2])))
    if not seen:
        raise ArchiveError(
            expected=f"recorded steps in {recording.folder}", came="none", fix="leave that episode out"
        )
    scene = Path(str(recording.header["scene_id"])).stem
    return Walk(scene, np.stack(seen), np.array(poses)[:, :3], np.array(poses)[:, 3])


def _observation(frame: Frame) -> Float32[np.ndarray, " d"]:
    """The descriptor of colour and depth; zeros where there is neither."""
    found = descriptor_of(frame)
    return np.zeros(WIDTH, np.float32) if found is None else found


def _joined(parts: Sequence[Walk]) -> Walk:
    return Walk(
        parts[0].scene,
        np.concatenate([part.observations for part in parts]),
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.yaws_rad for part in parts]),
    )
