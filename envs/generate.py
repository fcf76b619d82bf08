"""PointNav datasets for any navigable space, through Habitat's filters.

The filters are those of habitat-lab's PointNav generator (Savva et al. 2019, "Habitat: A Platform for
Embodied AI Research", section 4): a path of a fair length, on one storey, and rarely a straight line.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from placecell.arrays import Point, generator
from placecell.errors import EpisodeError
from placecell.geometry import Pose

from .episode import Episode, Goal


@runtime_checkable
class Area(Protocol):
    """Where a body can stand: what :func:`generate_pointnav` asks of a scene."""

    def random_point(self, rng: np.random.Generator) -> Point:
        """A point of the largest island, uniform by area, float64 ``(3,)``, world frame."""

    def geodesic_distance(self, start: Point, goal: Point) -> float:
        """Metres along the floor; ``inf`` if there is no way."""


@dataclass(frozen=True)
class PathFilter:
    """Which pairs of start and goal make an episode. The defaults are Habitat's.

    Args:
        closest_m, furthest_m: bounds on the geodesic distance, both included.
        min_ratio: geodesic over straight distance, from which on a pair is always kept. Below it a pair is
            kept with probability ``20 (ratio - 0.98)^2``: 0.8 % of the straight lines, 29 % just below 1.1.
        same_storey: refuse pairs whose heights differ by more than ``storey_height_m``.
        starts_per_goal: starts tried before another goal is drawn.
        draws: pairs tried for one episode before giving up.
        radius_m: the goal's success radius, written into the episode.
    """

    closest_m: float = 1.0
    furthest_m: float = 30.0
    min_ratio: float = 1.1
    same_storey: bool = True
    storey_height_m: float = 0.5
    starts_per_goal: int = 10
    draws: int = 1000
    radius_m: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.closest_m < self.furthest_m:
            raise EpisodeError(
                expected="0 <= closest_m < furthest_m",
                came=f"closest_m {self.closest_m:g}, furthest_m {self.furthest_m:g}",
                fix="widen the range of path lengths, as 1 to 30",
            )
        if self.starts_per_goal < 1 or self.draws < 1:
            raise EpisodeError(
                expected="starts_per_goal and draws of 1 or more",
                came=f"{self.starts_per_goal} and {self.draws}",
                fix="leave them at 10 and 1000",
            )


_FIXES = {
    "same_storey": "let goals lie on other storeys (task.same_storey=false)",
    "reachable": "check that random_point stays on one island",
    "closest_m": "ask for shorter paths (task.closest_m), or a larger scene",
    "furthest_m": "allow longer paths (task.furthest_m)",
    "min_ratio": "allow straighter paths (task.min_ratio, 0 keeps all), or a scene with more walls",
}


def generate_pointnav(
    area: Area, *, scene_id: str, count: int, seed: int, settings: PathFilter | None = None
) -> tuple[Episode, ...]:
    """Draws ``count`` PointNav episodes, ids ``"0"`` onwards, start headings uniform.

    The same area, scene, seed and settings give the same episodes, and a larger ``count`` begins with those
    of a smaller one. ``info`` holds ``geodesic_distance`` and ``euclidean_distance`` in metres. Habitat's
    filter on the size of islands is the area's: its random points lie on the largest.

    Raises:
        EpisodeError: ``count`` below 1, or ``settings.draws`` pairs in a row without one that fits; the
            message names the filter that refused most.
    """
    if count < 1:
        raise EpisodeError(
            expected="a count of 1 or more", came=str(count), fix="ask for one episode or more"
        )
    settings = settings or PathFilter()
    return tuple(draw_pointnav(area, scene_id, number, seed, settings) for number in range(count))


def draw_pointnav(area: Area, scene_id: str, number: int, seed: int, settings: PathFilter) -> Episode:
    """The ``number``-th of the episodes of :func:`generate_pointnav`."""
    rng = generator(seed, "pointnav", scene_id, number)
    refusals: Counter[str] = Counter()
    for draw in range(settings.draws):
        if draw % settings.starts_per_goal == 0:
            goal = area.random_point(rng)
        start = area.random_point(rng)
        geodesic_m, refusal = _judge(area, start, goal, settings, rng)
        if refusal is None:
            return Episode(
                episode_id=str(number),
                scene_id=scene_id,
                start=Pose(*start.tolist(), yaw_rad=rng.uniform(-math.pi, math.pi)),
                goals=(Goal((float(goal[0]), float(goal[1]), float(goal[2])), settings.radius_m),),
                info={
                    "geodesic_distance": geodesic_m,
                    "euclidean_distance": float(np.linalg.norm(goal - start)),
                },
            )
        refusals[refusal] += 1
    worst, times = refusals.most_common(1)[0]
    raise EpisodeError(
        expected=f"a start and a goal in {scene_id} that pass {settings}",
        came=f"none in {settings.draws} draws for episode {number}, {times} of them refused by {worst}",
        fix=_FIXES[worst],
    )


def _judge(
    area: Area, start: Point, goal: Point, settings: PathFilter, rng: np.random.Generator
) -> tuple[float, str | None]:
    """The geodesic distance, and the filter that refuses the pair. What needs no path is asked first."""
    straight_m = float(np.linalg.norm(goal - start))
    if settings.same_storey and abs(goal[2] - start[2]) > settings.storey_height_m:
        return math.nan, "same_storey"
    if straight_m > settings.furthest_m:
        return math.nan, "furthest_m"
    geodesic_m = float(area.geodesic_distance(start, goal))
    if math.isinf(geodesic_m):
        return geodesic_m, "reachable"
    if geodesic_m < settings.closest_m:
        return geodesic_m, "closest_m"
    if geodesic_m > settings.furthest_m:
        return geodesic_m, "furthest_m"
    ratio = max(1.0, geodesic_m / straight_m) if straight_m > 0 else 1.0
    if ratio < settings.min_ratio and rng.uniform() > 20 * (ratio - 0.98) ** 2:
        return geodesic_m, "min_ratio"
    return geodesic_m, None
