"""PointNav: go to a point given in the frame of the start, and say when you are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from placecell.arrays import Points
from placecell.errors import ConfigError, EpisodeError, NavigationError

from .episode import Episode, read_habitat_pointnav
from .generate import PathFilter, draw_pointnav, generate_pointnav
from .geodesic import NavigableArea
from .habitat_files import bare_name

_REACH_M = 0.5


@dataclass(frozen=True)
class PointNav:
    """The task's numbers; the defaults are Habitat's.

    Args:
        success_distance_m: ``stop`` nearer to the goal than this (geodesic) is a success.
        max_steps: the budget; None takes the body's.
        dataset: a Habitat PointNav ``.json.gz``; None generates episodes for the scene.
        closest_m, furthest_m, min_ratio, same_storey: filters of generated episodes (see ``PathFilter``).
    """

    name: ClassVar[str] = "pointnav"
    goal_keys: ClassVar[tuple[str, ...]] = ("pointgoal", "pointgoal_with_gps_compass")
    success_distance_m: float = 0.2
    max_steps: int | None = None
    dataset: str | None = None
    closest_m: float = 1.0
    furthest_m: float = 30.0
    min_ratio: float = 1.1
    same_storey: bool = True

    def __post_init__(self) -> None:
        for name, value in (("success_distance_m", self.success_distance_m), ("max_steps", self.max_steps)):
            if value is not None and not value > 0:
                raise ConfigError(
                    expected=f"task.{name} above 0", came=f"{value}", fix=f"set {name} to a positive number"
                )

    def radius_m(self, episode: Episode) -> float:
        """How near to the goal counts."""
        return self.success_distance_m

    @property
    def paths(self) -> PathFilter:
        """The filters of generated episodes."""
        return PathFilter(self.closest_m, self.furthest_m, self.min_ratio, self.same_storey)

    def draw(self, area: NavigableArea, scene_id: str, number: int, seed: int) -> Episode:
        """The scene's ``number``-th generated episode; raises :class:`EpisodeError` as the generator."""
        return draw_pointnav(area, scene_id, number, seed, self.paths)

    def episodes(self, area: NavigableArea, *, scene_id: str, count: int, seed: int) -> tuple[Episode, ...]:
        """The dataset's episodes of this scene, or ``count`` generated ones.

        Raises:
            EpisodeError: none fits, a start is off the floor, or a goal cannot be reached.
        """
        if self.dataset is None:
            return generate_pointnav(area, scene_id=scene_id, count=count, seed=seed, settings=self.paths)
        return of_scene(read_habitat_pointnav(Path(self.dataset).expanduser()), area, scene_id)


def of_scene(episodes: Sequence[Episode], area: NavigableArea, scene_id: str) -> tuple[Episode, ...]:
    """A dataset's episodes of one scene.

    Raises:
        EpisodeError: there is none, a start is off the floor, or a goal cannot be reached.
    """
    here = tuple(e for e in episodes if bare_name(e.scene_id) in (bare_name(scene_id), ""))
    if not here:
        scenes = sorted({Path(e.scene_id).name for e in episodes})
        raise EpisodeError(
            expected=f"episodes of the scene {scene_id}",
            came=f"{len(episodes)} episodes of {', '.join(scenes[:5]) or 'no scene'}",
            fix="set env.scene to a scene of the dataset, or task.dataset to one of this scene",
        )
    for episode in here:
        require_walkable(area, episode)
    return here


def require_walkable(area: NavigableArea, episode: Episode) -> None:
    """Raises :class:`EpisodeError` unless the start and a goal stand on one island of the floor."""
    start = _on_floor(area, episode, "start", episode.start.position)
    within_reach = [
        any(_on_floor(area, episode, "goal", point) == start for point in goal.stands)
        for goal in episode.goals
    ]
    if not any(within_reach):
        raise EpisodeError(
            expected=f"a goal of episode {episode.episode_id!r} that can be reached from its start",
            came="goals on other islands of the floor",
            fix="leave the episode out, or use the body it was made for (env.body)",
        )


def goal_points(episode: Episode) -> Points:
    """Where one stands to have reached a goal of the episode, each point once, (n, 3)."""
    stands = np.array([point for goal in episode.goals for point in goal.stands])
    return stands[np.sort(np.unique(stands.round(6), axis=0, return_index=True)[1])]


def _on_floor(area: NavigableArea, episode: Episode, name: str, position: object) -> int:
    point = np.asarray(position, np.float64)
    try:
        return area.island_of(area.stand(point, reach_m=_REACH_M))
    except NavigationError as error:
        raise EpisodeError(
            expected=f"the {name} of episode {episode.episode_id!r} within {_REACH_M:g} m of the floor",
            came=error.came,
            fix="check that the episode is of this scene, its up axis and its units",
        ) from error
