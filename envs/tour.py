"""Tours: several goals in one house, one after the other; what a memory is worth shows on the later ones.

Starts are yoked: the body is carried to each goal's own start, so that the start, the shortest path and the
budget of a visit are the same whatever happened before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from placecell.arrays import generator
from placecell.errors import ConfigError, EpisodeError

from .episode import Episode, Goal, TourStop
from .objectnav import (
    Furnished,
    asked_for,
    draw_start,
    require_positive,
    require_range,
    with_radius,
)

ARMS = ("cold", "warm", "known", "foreign", "geometry", "stale")
_PLACE_DRAWS = 50


@dataclass(frozen=True)
class Tour:
    """The task's numbers.

    Args:
        arm: what the agent's memory holds at each start (the agent's business; ``stale`` also marks what was
            moved).
        goals: visits of a tour, places and repeats included.
        places: how many of them are points, given in the tour's frame.
        repeats: how many are objects that were asked for before.
        object_distance_m: ``stop`` nearer to an object's view point than this (geodesic) is a success.
        place_distance_m: the same for a place.
        max_steps: the budget of a visit; None takes the body's.
        categories: what is asked for; None asks for all that the worlds have, but walls, doors and the like.
        closest_m, furthest_m: bounds on the geodesic distance of each visit.
        visits: None; tours of instructions have it, see :mod:`~placecell.envs.graph.tours`.
    """

    name: ClassVar[str] = "tour"
    goal_keys: ClassVar[tuple[str, ...]] = ("objectgoal", "pointgoal", "pointgoal_with_gps_compass")
    dataset: ClassVar[str | None] = None
    arm: str = "cold"
    goals: int = 6
    places: int = 1
    repeats: int = 1
    object_distance_m: float = 0.1
    place_distance_m: float = 0.2
    max_steps: int | None = None
    categories: tuple[str, ...] | None = None
    closest_m: float = 1.0
    furthest_m: float = 30.0
    visits: int | None = None

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            known = ", ".join(ARMS)
            raise ConfigError(expected=f"task.arm of {known}", came=repr(self.arm), fix="choose one of them")
        require_positive(
            object_distance_m=self.object_distance_m, place_distance_m=self.place_distance_m,
            max_steps=self.max_steps, goals=self.goals,
        )  # fmt: skip
        require_range(self.closest_m, self.furthest_m)
        if self.visits is not None:
            raise ConfigError(
                expected="task.goals as the number of visits in tours of houses",
                came=f"task.visits={self.visits}, which tours of instructions have",
                fix="set task.goals, or walk instructions: env=r2r",
            )
        if min(self.places, self.repeats, self.objects) < 0 or (self.repeats and not self.objects):
            raise ConfigError(
                expected="task.goals of at least task.places + task.repeats, and an object to repeat",
                came=f"goals {self.goals}, places {self.places}, repeats {self.repeats}",
                fix="set task.goals=6 task.places=1 task.repeats=1",
            )

    @property
    def objects(self) -> int:
        """How many different categories a tour asks for."""
        return self.goals - self.places - self.repeats

    @property
    def success_distance_m(self) -> float:
        """How near to a point counts; objects have a distance of their own."""
        return self.place_distance_m

    def radius_m(self, episode: Episode) -> float:
        """How near to the goal counts."""
        return self.place_distance_m if episode.goals[0].category is None else self.object_distance_m

    def draw(self, world: Furnished, number: int, seed: int) -> tuple[Episode, ...]:
        """The world's ``number``-th tour, a visit an episode; the tour's frame is the first visit's start.

        Raises:
            EpisodeError: the world has fewer categories than the tour asks for.
        """
        rng = generator(seed, "tour", world.scene_id, number)
        stops = [*self._objects(world, rng), *self._places(world, rng)]
        order = self._order(stops, rng)
        tour, seen = f"{world.scene_id}:{number}", set[int]()
        visits: list[Episode] = []
        for visit, index in enumerate(order):
            goals = stops[index]
            found = draw_start(world.area, goals, rng, self.closest_m, self.furthest_m)
            if found is None:
                raise self._too_small(world)
            start, info = found
            origin = visits[0].start if visits else start
            stop = TourStop(tour, visit, index in seen)
            name = f"{number}_{visit}"
            visits.append(Episode(name, world.scene_id, start, goals, info, origin, stop))
            seen.add(index)
        return tuple(visits)

    def _objects(self, world: Furnished, rng: np.random.Generator) -> list[tuple[Goal, ...]]:
        """The goals of as many categories as are asked for, each with its instances."""
        chosen: list[tuple[Goal, ...]] = []
        for category in rng.permutation(asked_for(world.names, self.categories)).tolist():
            if len(chosen) == self.objects:
                break
            goals = with_radius(world.goals(category), self.object_distance_m)
            if goals and draw_start(world.area, goals, rng, self.closest_m, self.furthest_m) is not None:
                chosen.append(goals)
        if len(chosen) < self.objects:
            names = ", ".join(sorted(str(goals[0].category) for goals in chosen)) or "none"
            raise EpisodeError(
                expected=f"a house with {self.objects} categories to go to, for a tour of {self.goals} goals "
                f"({self.places} places, {self.repeats} repeats)",
                came=f"{world.scene_id} with {len(chosen)} ({names})",
                fix="shorten the tour (task.goals), ask for other categories, or choose another house",
            )
        return chosen

    def _places(self, world: Furnished, rng: np.random.Generator) -> list[tuple[Goal, ...]]:
        places: list[tuple[Goal, ...]] = []
        for _ in range(_PLACE_DRAWS):
            if len(places) == self.places:
                return places
            x, y, z = world.area.random_point(rng).tolist()
            goals = (Goal((x, y, z), self.place_distance_m),)
            if draw_start(world.area, goals, rng, self.closest_m, self.furthest_m) is not None:
                places.append(goals)
        raise self._too_small(world)

    def _order(self, stops: Sequence[tuple[Goal, ...]], rng: np.random.Generator) -> list[int]:
        """The stops shuffled; each repeat comes after its first visit, and not right after it if it can."""
        order: list[int] = rng.permutation(len(stops)).tolist()
        for _ in range(self.repeats):
            early = [index for index in order[: max(1, len(order) - 1)] if stops[index][0].category]
            early = early or [index for index in order if stops[index][0].category]
            chosen = early[int(rng.integers(len(early)))]
            after = min(order.index(chosen) + 2, len(order))
            order.insert(int(rng.integers(after, len(order) + 1)), chosen)
        return order

    def _too_small(self, world: Furnished) -> EpisodeError:
        return EpisodeError(
            expected=f"starts {self.closest_m:g} to {self.furthest_m:g} m from the goals of a tour",
            came=f"{world.scene_id} without",
            fix="allow shorter or longer ways (task.closest_m, task.furthest_m), or choose another house",
        )
