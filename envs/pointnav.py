"""PointNav: go to a point given in the frame of the start, and say when you are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from placecell.errors import ConfigError, EpisodeError, NavigationError

from .episode import Episode, read_habitat_pointnav
from .generate import PathFilter, generate_pointnav
from .geodesic import NavigableArea
from .options import from_options

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

    def episodes(self, area: NavigableArea, *, scene_id: str, count: int, seed: int) -> tuple[Episode, ...]:
        """The dataset's episodes of this scene, or ``count`` generated ones.

        Raises:
            EpisodeError: none fits, a start is off the floor, or a goal cannot be reached.
        """
        if self.dataset is None:
            paths = PathFilter(self.closest_m, self.furthest_m, self.min_ratio, self.same_storey)
            return generate_pointnav(area, scene_id=scene_id, count=count, seed=seed, settings=paths)
        episodes = read_habitat_pointnav(Path(self.dataset).expanduser())
        here = tuple(e for e in episodes if _bare_name(e.scene_id) in (_bare_name(scene_id), ""))
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


def _bare_name(scene_id: str) -> str:
    """A scene's name without folders and endings: HM3D's ``val/X/X.basis.glb`` is ``X``."""
    return Path(scene_id).name.split(".")[0]


def require_walkable(area: NavigableArea, episode: Episode) -> None:
    """Raises :class:`EpisodeError` unless the start and a goal stand on one island of the floor."""
    start = _on_floor(area, episode, "start", episode.start.position)
    goals = [_on_floor(area, episode, "goal", goal.position) for goal in episode.goals]
    if start not in goals:
        raise EpisodeError(
            expected=f"a goal of episode {episode.episode_id!r} that can be reached from its start",
            came="goals on other islands of the floor",
            fix="leave the episode out, or use the body it was made for (env.body)",
        )


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


def make_task(choice: Mapping[str, object]) -> PointNav:
    """The task of a config node, whose ``name`` must be ``pointnav``.

    Raises:
        ConfigError: another task, a key it does not have, or a value of another type.
    """
    if choice.get("name", "pointnav") != "pointnav":
        raise ConfigError(
            expected="a task that MeshNav knows: pointnav", came=repr(choice["name"]), fix="set task=pointnav"
        )
    return from_options(PointNav, {k: v for k, v in choice.items() if k != "name"}, where="task")
