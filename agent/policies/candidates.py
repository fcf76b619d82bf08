"""Which of the recalled objects to head for, and which have been looked at and were not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from placecell.arrays import Point, Points
from placecell.memory import MemoryItem

_SAME_M = 0.35  # voxels of one object in two recalls lie no further apart
_REJECTED_SHARE = 0.5
_REJECTED_M = 0.5


@dataclass(frozen=True)
class Candidate:
    """An object that was recalled: its voxel centres (n, 3), and how sure the memory is of its name (0-1)."""

    points: Points
    score: float

    @property
    def middle(self) -> Point:
        """The mean of its points."""
        return self.points.mean(0)

    def same(self, other: "Candidate") -> bool:
        """Whether both are (partly) the same thing."""
        distances, _ = cKDTree(self.points).query(other.points, distance_upper_bound=_SAME_M)
        return bool(np.isfinite(distances).mean() >= 0.2)


def candidates_of(items: Sequence[MemoryItem], category: int) -> list[Candidate]:
    """The recalled objects of a category; one without points is taken to be where its position is."""
    return [
        Candidate(item.position[None] if item.points is None else item.points, item.score)
        for item in items
        if item.category == category
    ]


@dataclass
class Rejected:
    """Places where an object was recalled and none was found."""

    places: list[Points] = field(default_factory=list)

    def add(self, points: Points) -> None:
        """Remembers that nothing of the kind is here."""
        self.places.append(points)

    def forget(self) -> None:
        """Gives all of them another chance."""
        self.places.clear()

    def holds(self, candidate: Candidate) -> bool:
        """Whether most of a candidate lies where one was rejected."""
        if not self.places:
            return False
        distances, _ = cKDTree(np.concatenate(self.places)).query(
            candidate.points, distance_upper_bound=_REJECTED_M
        )
        return bool(np.isfinite(distances).mean() >= _REJECTED_SHARE)

    def __len__(self) -> int:
        return len(self.places)
