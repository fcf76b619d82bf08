"""Frames that each show one thing well, by its class: rendered once, kept in a file, shared by trainings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Int32, Int64, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from placecell.arrays import atomic_write, generator
from placecell.envs.body import PRESETS
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.errors import ArchiveError, ConfigError

from .frames import LabelledFrame, Views, camera_of
from .worlds import World, world_named

CLASSES = ("bed", "sofa", "wardrobe", "bookshelf", "refrigerator", "stove", "toilet", "sink")
SPLITS = ("train", "val")
_TRIES = 4  # views for each frame that a house may give of a class
_RIVALS = 0.5  # the others of the classes together cover less than this share of what the named one covers
_ARRAYS = ("rgb", "depth", "label", "house")
_BARREN = 200  # houses in a row without a frame that was still asked for


@dataclass(frozen=True)
class Asked:
    """Which frames.

    Args:
        worlds: "houses" or "builtin".
        classes: names of ``CATEGORIES``.
        train, val: frames of each class from houses of these splits, as many of one class as of another.
        a_house: most frames of a class from one house.
        share: of the image's pixels that the thing named covers at least.
    """

    worlds: str
    classes: tuple[str, ...]
    train: int
    val: int
    a_house: int
    share: float

    def __post_init__(self) -> None:
        unknown = [name for name in self.classes if name not in CATEGORIES[1:]]
        if unknown or len(self.classes) < 2 or len({*self.classes}) < len(self.classes):
            raise ConfigError(
                expected="task.classes of two or more different categories of houses",
                came=f"{unknown[0]}" if unknown else f"{list(self.classes)}",
                fix="take names such as bed, sofa, toilet",
            )
        if not 0 < self.share < 1:
            raise ConfigError(
                expected="task.share between 0 and 1", came=f"{self.share:g}", fix="set task.share=0.05"
            )


@dataclass(frozen=True, eq=False)
class SeenFrames:
    """Frames of one split.

    Args:
        rgb: (n, h, w, 3).
        depth: (n, h, w) metres, 0 = no return.
        label: (n,) index of the class that is shown.
        house: (n,) number of the house within the split.
    """

    rgb: UInt8[np.ndarray, "n h w 3"]
    depth: Float16[np.ndarray, "n h w"]
    label: Int64[np.ndarray, " n"]
    house: Int32[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.label)


def label_of(category: UInt8[np.ndarray, "h w"], classes: Sequence[int], share: float) -> int | None:
    """Which of the classes a view shows: the one that covers ``share`` of it, where no others rival it.

    Args:
        category: (h, w) ids.
        classes: ids.
        share: of the pixels.

    Returns:
        An index of ``classes``, or None for a view that shows none well, or more than one.

    >>> view = np.array([[1, 1, 1, 1], [0, 0, 0, 2]], np.uint8)
    >>> label_of(view, [2, 1], 0.5), label_of(view, [2, 1], 0.6)
    (1, None)
    """
    covered = np.bincount(category.ravel(), minlength=len(CATEGORIES))[list(classes)]
    best = int(covered.argmax())
    rivals = int(covered.sum() - covered[best])
    shown = covered[best] >= share * category.size and rivals < _RIVALS * covered[best]
    return best if shown else None


def see(asked: Asked, split: str, world: World | None = None) -> SeenFrames:
    """Renders the frames of a split, house after house until there are enough of each class.

    Raises:
        ConfigError: house after house shows none of a class.
    """
    world, wanted = world or world_named(asked.worlds), asked.train if split == "train" else asked.val
    camera = camera_of(PRESETS["habitat_objectnav"])
    counts = np.zeros(len(asked.classes), np.int64)
    found: list[tuple[LabelledFrame, int, int]] = []
    number = last = 0
    while counts.min() < wanted:
        if number - last > _BARREN:
            scarce = int(counts.argmin())
            raise ConfigError(
                expected=f"{wanted} frames of {asked.classes[scarce]} in {split} scenes",
                came=f"{counts[scarce]} in the first {number}",
                fix="ask for fewer, for a smaller task.share, or for other task.classes",
            )
        rng = generator(number, "seen frames", split)
        of_house = _of_house(Views(world(split, number), rng), rng, camera, asked, wanted - counts)
        for frame, label in of_house:
            found.append((frame, label, number))
            counts[label] += 1
        number, last = number + 1, number if of_house else last
    return SeenFrames(
        np.stack([frame.rgb for frame, _, _ in found]),
        np.stack([frame.depth for frame, _, _ in found]).astype(np.float16),
        np.array([label for _, label, _ in found]),
        np.array([house for _, _, house in found], np.int32),
    )


def _of_house(
    views: Views, rng: np.random.Generator, camera: Camera, asked: Asked, missing: Int64[np.ndarray, " c"]
) -> list[tuple[LabelledFrame, int]]:
    ids = [CATEGORIES.index(name) for name in asked.classes]
    found: list[tuple[LabelledFrame, int]] = []
    for label, towards in enumerate(ids):
        most = min(asked.a_house, int(missing[label]))
        tries = _TRIES * most if towards in views.names else 0
        for _ in range(tries):
            if most == 0:
                break
            frame = views.draw(rng, camera, towards=towards)
            if label_of(frame.category, ids, asked.share) == label:
                found.append((frame, label))
                most -= 1
    return found


def seen_frames(path: Path, asked: Asked) -> dict[str, SeenFrames]:
    """The frames that a file holds, by split; rendered and written first where there is no such file.

    Raises:
        ConfigError: the file holds other frames than are asked for, or as :func:`see`.
        ArchiveError: it is damaged.
    """
    if not path.exists():
        save_frames(path, asked, {split: see(asked, split) for split in SPLITS})
    return load_frames(path, asked)


def save_frames(path: Path, asked: Asked, frames: Mapping[str, SeenFrames]) -> None:
    """Writes the frames of each split, and what was asked for."""
    arrays = {f"{split}.{name}": getattr(of, name) for split, of in frames.items() for name in _ARRAYS}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, save(arrays, {"asked": json.dumps(asdict(asked))}))


def load_frames(path: Path, asked: Asked) -> dict[str, SeenFrames]:
    """What :func:`save_frames` wrote.

    Raises:
        ConfigError: other frames than are asked for.
        ArchiveError: the file is damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            kept = json.loads(file.metadata()["asked"])
            frames = {
                split: SeenFrames(*(file.get_tensor(f"{split}.{name}") for name in _ARRAYS))
                for split in SPLITS
            }
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ArchiveError(
            expected=f"frames to learn from in {path}", came=f"{error}", fix="remove it to render them again"
        ) from error
    wanted = json.loads(json.dumps(asdict(asked)))
    for name, value in wanted.items():
        if kept.get(name) != value:
            raise ConfigError(
                expected=f"task.{name}={kept.get(name)}, by which the frames in {path} were rendered",
                came=f"{value}",
                fix="ask for the same, or name another file: task.frames=FILE",
            )
    return frames
