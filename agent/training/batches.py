"""Batches of training frames, drawn afresh for each step from a pool of houses that slowly changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int64, UInt8
from numba import njit

from placecell.arrays import Rgb, generator
from placecell.envs.body import PRESETS
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.envs.mesh.noise import DepthNoise

from ..perception.channels import channels
from .frames import LabelledFrame, Views, camera_of
from .worlds import World

_LEVELS, _LEVEL_ODDS = ("none", "low", "high"), (0.5, 0.4, 0.1)
_PITCHES_RAD, _PITCH_ODDS = (0.0, -0.5236, 0.5236), (0.85, 0.1, 0.05)
_AIMED = 0.5  # of the frames are drawn towards a category that is drawn evenly
_NO_RETURN_WEIGHT = 0.2  # of a cell without depth: the map never hears of it


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from.

    Args:
        x: (b, h, w, 8), see ``channels``.
        category: (b, h / 2, w / 2) the id that most of a cell's four pixels have.
        weight: (b, h / 2, w / 2) how much a cell counts.
    """

    x: Float32[np.ndarray, "b h w 8"]
    category: Int64[np.ndarray, "b r c"]
    weight: Float32[np.ndarray, "b r c"]


class Batches:
    """The batch of any step, a function of seed and step alone, so that a training goes on where it stopped.

    One frame a house: slot ``j`` of the pool shows house ``j + size * k``, and every slot changes its house
    after ``life`` steps, one slot at a time.

    Args:
        world: the scenes; the train split is drawn from.
        seed: of everything drawn.
        size: frames a batch, houses in the pool.
        life: steps that a house stays.
    """

    def __init__(self, world: World, seed: int, size: int, life: int) -> None:
        self._world, self._seed, self._size, self._life = world, seed, size, life
        self._pool: list[tuple[int, Views] | None] = [None] * size
        self._cameras = _cameras()

    def __call__(self, step: int) -> Batch:
        """The batch of a step."""
        rng = generator(self._seed, "segmenter batch", step)
        samples = [self._sample(self._views(slot, step), rng) for slot in range(self._size)]
        return Batch(*(np.stack(arrays) for arrays in zip(*samples, strict=True)))

    def houses(self, step: int) -> list[int]:
        """Which houses a step sees, by slot."""
        return [
            slot + self._size * ((step + slot * self._life // self._size) // self._life)
            for slot in range(self._size)
        ]

    def frequencies(self, batches: int) -> np.ndarray:
        """Share of the cells that each category has, over some batches of steps before the first."""
        counts = np.zeros(len(CATEGORIES))
        for step in range(-batches, 0):
            rng = generator(self._seed, "segmenter batch", step)
            for slot in range(self._size):
                _, category, weight = self._sample(self._views(slot, 0), rng)
                counts += np.bincount(category.ravel(), weight.ravel(), len(CATEGORIES))
        return counts / counts.sum()

    def _views(self, slot: int, step: int) -> Views:
        number = self.houses(step)[slot]
        held = self._pool[slot]
        if held is None or held[0] != number:
            rng = generator(self._seed, "segmenter house", number)
            held = self._pool[slot] = number, Views(self._world("train", number), rng)
        return held[1]

    def _sample(self, views: Views, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        camera = self._cameras[rng.integers(len(self._cameras))]
        pitch_rad = float(rng.choice(_PITCHES_RAD, p=_PITCH_ODDS))
        frame = views.draw(rng, camera, pitch_rad=pitch_rad, aimed=bool(rng.random() < _AIMED))
        noise = DepthNoise(str(rng.choice(_LEVELS, p=_LEVEL_ODDS)))
        depth = noise.apply(frame.depth, rng)
        x = channels(recoloured(frame.rgb, rng), depth, camera.pinhole(), pitch_rad, camera.height_m)
        category, weight = cells(frame.category, depth)
        if rng.random() < 0.5:
            x, category, weight = x[:, ::-1], category[:, ::-1], weight[:, ::-1]
        return x, category, weight


def validation_frames(
    world: World, split: str, houses: int, frames: int, noise: str = "none"
) -> Iterator[tuple[int, LabelledFrame]]:
    """(house, frame) of each house of a split: the objectnav body's camera, half of them aimed."""
    camera = camera_of(PRESETS["habitat_objectnav"])
    sensor = DepthNoise(noise)
    for number in range(houses):
        rng = generator(number, "segmenter validation", split)
        views = Views(world(split, number), rng)
        for index in range(frames):
            frame = views.draw(rng, camera, aimed=index % 2 == 1)
            depth = sensor.apply(frame.depth, rng)
            yield number, LabelledFrame(frame.rgb, depth, frame.category, frame.instance, camera, 0.0)


def recoloured(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """The image under another lamp and exposure, through a noisy sensor."""
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, 3)
    offset = rng.uniform(-20, 20)
    grain = rng.uniform(0, 6)
    image = rgb * gain.astype(np.float32) + np.float32(offset)
    image += grain * rng.standard_normal((*rgb.shape[:2], 1), np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def cells(
    category: UInt8[np.ndarray, "h w"], depth: np.ndarray
) -> tuple[Int64[np.ndarray, "r c"], Float32[np.ndarray, "r c"]]:
    """Of each 2 x 2 pixels: the id that most of them have (the first of equals), and how much it counts."""
    h, w = category.shape
    best, weight = np.empty((h // 2, w // 2), np.int64), np.empty((h // 2, w // 2), np.float32)
    _cells(category, depth, best, weight)
    return best, weight


def _cameras() -> list[Camera]:
    """The objectnav body's camera, most often, and some that sit or see differently."""
    usual = camera_of(PRESETS["habitat_objectnav"])
    kinds = [(79.0, 0.88)] * 8 + [(72.0, 0.8), (86.0, 1.0), (79.0, 1.25), (90.0, 1.25)]
    near, far = usual.min_depth_m, usual.max_depth_m
    ranges = [(near, far)] * 11 + [(0.0, 10.0)]
    return [
        Camera(
            width=usual.width, height=usual.height, hfov_deg=hfov_deg, height_m=height_m,
            min_depth_m=low, max_depth_m=high,
        )
        for (hfov_deg, height_m), (low, high) in zip(kinds, ranges, strict=True)
    ]  # fmt: skip


@njit(cache=True)
@no_type_check
def _cells(category, depth, best, weight):
    ids = np.empty(4, np.int64)
    for r in range(best.shape[0]):
        for c in range(best.shape[1]):
            returns = False
            for i in range(4):
                y, x = 2 * r + (i >> 1), 2 * c + (i & 1)
                ids[i] = category[y, x]
                returns |= depth[y, x] > 0
            most = 0
            for i in range(4):
                votes = 0
                for k in range(4):
                    votes += ids[k] == ids[i]
                if votes > most:
                    most, best[r, c] = votes, ids[i]
            weight[r, c] = 1.0 if returns else _NO_RETURN_WEIGHT
