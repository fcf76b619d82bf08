"""The settings of a topology graph, and what its calls may be given."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Embedding, Point
from placecell.errors import ConfigError, PlacecellError

from ..sight.sightings import Sighting
from .nodes import NodeTable
from .parts import Keys


@dataclass(frozen=True)
class TopologySettings:
    """See :class:`~placecell.memory.topology.TopologyGraph`, whose arguments these are.

    Raises:
        ConfigError: one that makes no sense.
    """

    delta: float
    radius_m: float
    alpha: float
    beta: float
    same_m: float
    landmark_m: float

    def __post_init__(self) -> None:
        for name in ("delta", "radius_m", "same_m", "landmark_m"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ConfigError(expected=f"{name} above 0 and finite", came=f"{value:g}", fix=f"set {name}")
        for name in ("alpha", "beta"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ConfigError(
                    expected=f"{name} of 0 or more, finite", came=f"{value:g}", fix=f"set {name}"
                )
        if self.same_m > self.radius_m:
            raise ConfigError(
                expected=f"same_m of at most radius_m, {self.radius_m:g}",
                came=f"{self.same_m:g}",
                fix="lower same_m: it holds whatever places look like",
            )


def checked_point(position: Point, what: str) -> Point:
    """As float64, a copy.

    Raises:
        PlacecellError: not three finite numbers.
    """
    point = np.array(position, np.float64)
    if point.shape != (3,) or not bool(np.isfinite(point).all()):
        raise PlacecellError(
            expected=f"{'an' if what == 'exit' else 'a'} {what}'s position of three finite metres",
            came=f"{position}",
            fix="pass numpy.array([x, y, z]) in the world frame",
        )
    return point


def checked_unit(descriptor: Embedding | None, what: str) -> Float64[np.ndarray, " d"] | None:
    """A descriptor as a float64 unit vector; None stays None.

    Raises:
        PlacecellError: not finite, or without a direction.
    """
    if descriptor is None:
        return None
    vector = np.array(descriptor, np.float64)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not 0 < length < float("inf"):
        bad = int((~np.isfinite(vector)).sum())
        raise PlacecellError(
            expected=f"a {what}'s descriptor of finite numbers that are not all 0",
            came=f"{bad} NaN or infinite" if bad else f"shape {vector.shape}, length {length:g}",
            fix="check the encoder's output, or pass None where there is no descriptor",
        )
    return vector / length


def checked_sightings(
    sightings: Sequence[Sighting], landmarks: NodeTable
) -> list[Float64[np.ndarray, " d"] | None]:
    """The descriptor of each as a float64 unit vector; None where it has none, or one of zeros.

    Raises:
        PlacecellError: one that cannot be taken in by these landmarks.
    """
    if not all(map(isfinite, chain.from_iterable(s.position.tolist() for s in sightings))):
        for sighting in sightings:
            checked_point(sighting.position, "landmark")
    units = [
        None if s.embedding is None or not s.embedding.any() else checked_unit(s.embedding, "landmark")
        for s in sightings
    ]
    first = next((unit for unit in units if unit is not None), None)
    width = None if first is None else len(first)
    for sighting, unit in zip(sightings, units, strict=True):
        require_category(sighting.label)
        landmarks.require_width(unit, width)
    return units


def checked_keys(voxels: Sequence[int] | Int64[np.ndarray, "_"]) -> Keys:
    """Block keys, rising and each once."""
    return np.unique(np.asarray(voxels, np.int64).reshape(-1))


def require_cost(name: str, cost: float) -> None:
    """Raises :class:`PlacecellError` unless shortest ways can be made of a distance or cost."""
    if not 0 <= cost < float("inf"):
        raise PlacecellError(
            expected=f"{name} of 0 or more, finite",
            came=f"{cost:g}",
            fix="shortest ways need costs of 0 or more",
        )


def require_category(category: int) -> None:
    """Raises :class:`PlacecellError` for a category that nothing has."""
    if category < 1:
        raise PlacecellError(
            expected="a landmark's category of 1 or more",
            came=f"{category}",
            fix="0 is the label of what has none",
        )
