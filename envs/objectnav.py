"""ObjectNav: go to any object of a category, and say when you are there.

As Habitat defines it (Batra et al. 2020, "ObjectNav Revisited"): success is ``stop`` at less than 0.1 m,
along the floor, from a view point of any instance of the category.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from placecell.arrays import generator
from placecell.errors import ConfigError, EpisodeError
from placecell.geometry import Pose

from .episode import Episode, Goal
from .geodesic import NavigableArea

LOOSE_M = 1.0  # of success_1m
STRUCTURE = frozenset(("wall", "floor", "ceiling", "door", "window", "stairs"))
_SAME_STOREY_M = 0.5
_DRAWS = 300
_NAMED = 8  # in a message that stays a line


@runtime_checkable
class Furnished(Protocol):
    """What tasks about objects ask of a world."""

    @property
    def scene_id(self) -> str:
        """The scene's name."""

    @property
    def area(self) -> NavigableArea:
        """Where the body can stand."""

    @property
    def names(self) -> frozenset[str]:
        """What its things are called."""

    def goals(self, category: str) -> tuple[Goal, ...]:
        """Its things of a category that can be seen from within a metre."""


@dataclass(frozen=True)
class ObjectNav:
    """The task's numbers; the defaults are Habitat's.

    Args:
        success_distance_m: ``stop`` nearer to a view point than this (geodesic) is a success.
        max_steps: the budget; None takes the body's.
        dataset: a Habitat ObjectNav ``.json.gz``; None generates episodes.
        categories: what is asked for; None asks for all that the worlds have, but walls, doors and the like.
        closest_m, furthest_m: bounds on the geodesic distance of generated episodes.
    """

    name: ClassVar[str] = "objectnav"
    goal_keys: ClassVar[tuple[str, ...]] = ("objectgoal",)
    success_distance_m: float = 0.1
    max_steps: int | None = None
    dataset: str | None = None
    categories: tuple[str, ...] | None = None
    closest_m: float = 1.0
    furthest_m: float = 30.0

    def __post_init__(self) -> None:
        require_positive(success_distance_m=self.success_distance_m, max_steps=self.max_steps)
        require_range(self.closest_m, self.furthest_m)

    def radius_m(self, episode: Episode) -> float:
        """How near to a view point counts."""
        return self.success_distance_m

    def draw(self, world: Furnished, number: int, seed: int) -> Episode:
        """The world's ``number``-th episode: a category that it has, and a start on one of its storeys.

        Raises:
            EpisodeError: the world has nothing to ask for.
        """
        rng = generator(seed, "objectnav", world.scene_id, number)
        there = asked_for(world.names, self.categories)
        for category in rng.permutation(there).tolist():
            goals = with_radius(world.goals(category), self.success_distance_m)
            found = draw_start(world.area, goals, rng, self.closest_m, self.furthest_m) if goals else None
            if found is not None:
                start, info = found
                return Episode(str(number), world.scene_id, start, goals, info)
        raise nothing_to_ask(world.scene_id, there, self.categories)


def asked_for(names: frozenset[str], categories: Sequence[str] | None) -> list[str]:
    """Which of a world's categories a task asks for, in alphabetical order."""
    return sorted(names - STRUCTURE if categories is None else names & frozenset(categories))


def with_radius(goals: Sequence[Goal], radius_m: float) -> tuple[Goal, ...]:
    """The same goals, with the radius that a task counts."""
    return tuple(replace(goal, radius_m=radius_m) for goal in goals)


def draw_start(
    area: NavigableArea, goals: Sequence[Goal], rng: np.random.Generator, closest_m: float, furthest_m: float
) -> tuple[Pose, dict[str, float]] | None:
    """A start on the storey of one of the goals, and how far that is; None if none is found.

    The heading is uniform, the place uniform over what is left of the largest island.
    """
    stands = np.array(sorted({point for goal in goals for point in goal.stands}))
    field = area.field(*stands)
    for _ in range(_DRAWS):
        point = area.random_point(rng)
        straight = np.linalg.norm(stands - point, axis=1)
        level = np.abs(stands[:, 2] - point[2]) <= _SAME_STOREY_M
        if not level.any() or straight.min() > furthest_m:
            continue
        distance = field.distance(point)
        if closest_m <= distance <= furthest_m:
            info = {"geodesic_distance": distance, "euclidean_distance": float(straight.min())}
            return Pose(*point.tolist(), yaw_rad=rng.uniform(-math.pi, math.pi)), info
    return None


def nothing_to_ask(scene_id: str, there: Sequence[str], categories: Sequence[str] | None) -> EpisodeError:
    """The error of a world without what a task asks for."""
    asked = "objects" if categories is None or len(categories) > _NAMED else " or ".join(categories)
    came = f"{', '.join(there)}, none with a view point and a start far enough" if there else "none"
    return EpisodeError(
        expected=f"{asked} to go to in {scene_id}",
        came=came,
        fix="ask for other categories (task.categories), shorter ways (task.closest_m), or another scene",
    )


def take_categories(options: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...] | None]:
    """A task's options without ``categories``, and these as names.

    Raises:
        ConfigError: something else than a list of names.
    """
    rest = {key: value for key, value in options.items() if key != "categories"}
    value = options.get("categories")
    if value is None:
        return rest, None
    named = isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value)
    if not named:
        raise ConfigError(
            expected="a list of names, or null, as task.categories",
            came=repr(value),
            fix="write task.categories=[chair,bed]",
        )
    return rest, tuple(value)


def require_known(categories: Sequence[str] | None, known: Sequence[str], where: str) -> None:
    """Raises :class:`ConfigError` for a category that no scene can have."""
    strange = [name for name in categories or () if name not in known]
    if strange:
        raise ConfigError(
            expected=f"task.categories among those of {where}: {', '.join(known) or 'none'}",
            came=", ".join(strange),
            fix="correct the spelling, or ask for others",
        )


def require_positive(**numbers: int | float | None) -> None:
    """Raises :class:`ConfigError` for a task's number that is not above 0."""
    for name, value in numbers.items():
        if value is not None and not value > 0:
            raise ConfigError(
                expected=f"task.{name} above 0", came=f"{value}", fix=f"set {name} to a positive number"
            )


def require_range(closest_m: float, furthest_m: float) -> None:
    """Raises :class:`ConfigError` unless ways can be as long as they are asked to be."""
    if not 0 <= closest_m < furthest_m:
        raise ConfigError(
            expected="0 <= task.closest_m < task.furthest_m",
            came=f"closest_m {closest_m:g}, furthest_m {furthest_m:g}",
            fix="widen the range of path lengths, as 1 to 30",
        )
