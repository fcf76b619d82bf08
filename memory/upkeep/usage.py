"""How much a memory held as it went on, and what of it was dropped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from ..archive import damaged

Counts = Int64[np.ndarray, " m"]
PREFIX = "upkeep."
MOST_POINTS = 256
"""A growth curve of more points loses every second, and takes half as many from then on."""
_STRIDES = 1 << 40
_MOST = 1 << 60
"""No count comes near to it, and one that is read goes on being counted without an end of its 64 bits."""


@dataclass(frozen=True)
class Dropped:
    """What was dropped of a part since the memory was empty."""

    rows: int = 0
    nbytes: int = 0
    items: int = 0

    def __add__(self, other: "Dropped") -> "Dropped":
        return Dropped(self.rows + other.rows, self.nbytes + other.nbytes, self.items + other.items)

    def __sub__(self, other: "Dropped") -> "Dropped":
        return Dropped(self.rows - other.rows, self.nbytes - other.nbytes, self.items - other.items)


@dataclass(frozen=True)
class Usage:
    """The growth curve, at most ``MOST_POINTS`` points, evenly spread over the writes; and what was dropped.

    Args:
        steps: (m,) by the memory's clock.
        nbytes: (m,) held after the write of that step.
        items: (m,) likewise.
        dropped: of each part of which something was dropped.
    """

    steps: Counts
    nbytes: Counts
    items: Counts
    dropped: Mapping[str, Dropped]

    @property
    def dropped_in_all(self) -> Dropped:
        """The sum over the parts."""
        return sum(self.dropped.values(), Dropped())


@dataclass
class Ledger:
    """Keeps the points of a :class:`Usage`; bounded, and the same for the same writes."""

    stride: int = 1
    calls: int = 0
    points: list[tuple[int, int, int]] = field(default_factory=list)
    dropped: dict[str, Dropped] = field(default_factory=dict)

    @property
    def due(self) -> bool:
        """Whether the write that is being noted becomes a point."""
        return self.calls % self.stride == 0

    def note(self, step: int, nbytes: int, items: int) -> None:
        """The point of a write that is :attr:`due`."""
        self.points.append((step, nbytes, items))
        if len(self.points) > MOST_POINTS:
            self.points, self.stride = self.points[::2], 2 * self.stride

    def note_dropped(self, part: str, more: Dropped) -> None:
        """A part lost something."""
        self.dropped[part] = self.dropped.get(part, Dropped()) + more

    def usage(self) -> Usage:
        """A copy."""
        steps, nbytes, items = np.array(self.points, np.int64).reshape(-1, 3).T.copy()
        return Usage(steps, nbytes, items, dict(sorted(self.dropped.items())))

    def pack(self) -> dict[str, np.ndarray]:
        """As arrays by names that begin with ``upkeep.``."""
        names = sorted(self.dropped)
        lost = [(part.rows, part.nbytes, part.items) for part in (self.dropped[name] for name in names)]
        return {
            f"{PREFIX}counters": np.array([self.stride, self.calls], np.int64),
            f"{PREFIX}points": np.array(self.points, np.int64).reshape(-1, 3),
            f"{PREFIX}parts": np.frombuffer("\n".join(names).encode(), np.uint8).copy(),
            f"{PREFIX}dropped": np.array(lost, np.int64).reshape(-1, 3),
        }

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray]) -> "Ledger":
        """What :meth:`pack` gave; one that holds nothing where there is none of it (an older archive).

        Raises:
            ArchiveError: arrays of which some are missing, of another type or shape, or that make no sense.
        """
        if not any(name.startswith(PREFIX) for name in arrays):
            return cls()
        stride, calls = _array(arrays, "counters", np.int64, (2,)).tolist()
        points = _array(arrays, "points", np.int64, (None, 3))
        lost = _array(arrays, "dropped", np.int64, (None, 3))
        text = _array(arrays, "parts", np.uint8, (None,)).tobytes()
        names = text.decode("ascii", "replace").split("\n") if len(text) else []
        sense = 1 <= stride <= _STRIDES and stride & (stride - 1) == 0 and calls >= 0
        if not (sense and len(points) <= MOST_POINTS and len(lost) == len(set(names)) == len(names)):
            raise damaged("a growth curve's stride, calls and points that hold together", "others")
        counts = np.concatenate([lost.reshape(-1), points.reshape(-1), np.array([calls], np.int64)])
        if int(counts.min()) < 0 or int(counts.max()) > _MOST:
            raise damaged(f"counts of 0 to {_MOST} in the growth curve", "others")
        told = {name: Dropped(*row) for name, row in zip(names, lost.tolist(), strict=True)}
        return cls(stride, calls, [(a, b, c) for a, b, c in points.tolist()], told)


def _array(
    arrays: Mapping[str, np.ndarray], name: str, dtype: type, shape: tuple[int | None, ...]
) -> np.ndarray:
    found = arrays.get(PREFIX + name)
    wanted = f"{PREFIX}{name} of {np.dtype(dtype)}, {len(shape)} axes"
    if found is None:
        raise damaged(wanted, "none")
    fits = found.ndim == len(shape) and all(
        size is None or size == came for size, came in zip(shape, found.shape, strict=True)
    )
    if found.dtype != dtype or not fits:
        raise damaged(wanted, f"{found.dtype} {found.shape}")
    return found
