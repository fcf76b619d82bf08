"""Generated PointNav datasets, on areas whose geodesics are known in closed form."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from placecell.envs.episode import read_habitat_pointnav, write_habitat_pointnav
from placecell.envs.generate import PathFilter, generate_pointnav
from placecell.errors import EpisodeError


@dataclass
class Hall:
    """A 20 m x 10 m hall, at will with a wall across its middle (passed at y = 0) and with two storeys."""

    wall: bool = True
    storeys: int = 1
    asked: int = 0

    def random_point(self, rng):
        return np.array([rng.uniform(0, 20), rng.uniform(0, 10), 3.0 * rng.integers(self.storeys)])

    def geodesic_distance(self, start, goal):
        self.asked += 1
        if self.wall and (start[0] < 10) != (goal[0] < 10):
            door = np.array([10.0, 0.0, 0.0])
            return float(np.linalg.norm(start - door) + np.linalg.norm(goal - door))
        return float(np.linalg.norm(goal - start))


@dataclass
class Nowhere(Hall):
    """Every pair is ``distance_m`` apart on foot."""

    distance_m: float = math.inf

    def geodesic_distance(self, start, goal):
        return self.distance_m


def generate(area, count=30, seed=3, **settings):
    return generate_pointnav(area, scene_id="hall", count=count, seed=seed, settings=PathFilter(**settings))


def test_every_episode_passes_the_filters_and_says_its_distance():
    hall = Hall(storeys=2)
    episodes = generate(hall, count=60)
    assert [episode.episode_id for episode in episodes] == [str(n) for n in range(60)]
    for episode in episodes:
        goal = np.array(episode.goals[0].position)
        distance = hall.geodesic_distance(episode.start.position, goal)
        assert episode.scene_id == "hall"
        assert episode.info["geodesic_distance"] == distance
        assert episode.info["euclidean_distance"] == np.linalg.norm(goal - episode.start.position)
        assert 1 <= distance <= 30
        assert episode.start.z == goal[2]
        assert -math.pi <= episode.start.yaw_rad <= math.pi
        assert episode.goals[0].radius_m == 0.2
    assert {episode.start.z for episode in episodes} == {0.0, 3.0}
    ratios = [e.info["geodesic_distance"] / e.info["euclidean_distance"] for e in episodes]
    assert np.mean(np.array(ratios) >= 1.1) > 0.9  # unfiltered: about 0.4
    assert len({episode.start.yaw_rad for episode in episodes}) == 60


def test_one_seed_gives_one_dataset_and_more_of_it_begins_the_same():
    assert generate(Hall()) == generate(Hall())
    assert generate(Hall(), count=30)[:12] == generate(Hall(), count=12)
    assert generate(Hall(), seed=4) != generate(Hall())
    other_scene = generate_pointnav(Hall(), scene_id="other", count=1, seed=3)
    assert other_scene[0].start != generate(Hall(), count=1)[0].start


def test_straight_lines_are_kept_as_rarely_as_habitat_keeps_them():
    hall = Hall(wall=False)
    generate(hall, count=80, closest_m=0.0)
    assert 80 / hall.asked == pytest.approx(20 * (1 - 0.98) ** 2, rel=0.25)


def test_a_ratio_of_zero_keeps_straight_lines():
    hall = Hall(wall=False)
    generate(hall, count=50, closest_m=0.0, min_ratio=0.0)
    assert hall.asked == 50


def test_bounds_on_the_length():
    lengths = [e.info["geodesic_distance"] for e in generate(Hall(), closest_m=8.0, furthest_m=9.0)]
    assert 8 <= min(lengths) < max(lengths) <= 9


def test_storeys_may_differ_when_asked():
    free = generate(Hall(storeys=2), count=40, same_storey=False)
    assert any(episode.start.z != episode.goals[0].position[2] for episode in free)


def test_a_goal_is_given_up_after_some_starts():
    points = []

    class Watched(Nowhere):
        def random_point(self, rng):
            points.append(super().random_point(rng))
            return points[-1]

    with pytest.raises(EpisodeError, match="refused by reachable"):
        generate(Watched(), draws=20, starts_per_goal=5)
    assert len(points) == 20 + 20 // 5


def test_generated_episodes_pass_through_habitats_file(tmp_path):
    episodes = generate(Hall())
    write_habitat_pointnav(tmp_path / "val.json.gz", episodes)
    read = read_habitat_pointnav(tmp_path / "val.json.gz")
    assert [(e.episode_id, e.goals, e.info) for e in read] == [
        (e.episode_id, e.goals, e.info) for e in episodes
    ]


@pytest.mark.parametrize(
    ("area", "settings", "message"),
    [
        (Nowhere(), {}, "none in 50 draws for episode 0, 50 of them refused by reachable; check that random"),
        (Nowhere(distance_m=0.5), {}, "50 of them refused by closest_m; ask for shorter paths"),
        (Nowhere(distance_m=31.0), {}, "50 of them refused by furthest_m; allow longer paths"),
        (Hall(), {"furthest_m": 1e-3, "closest_m": 0.0}, "50 of them refused by furthest_m"),
        (Hall(storeys=9999), {}, "refused by same_storey; let goals lie on other storeys"),
        (
            Hall(wall=False),
            {"min_ratio": 1.2, "draws": 5},
            "in 5 draws.*refused by min_ratio; allow straighter paths",
        ),
    ],
)
def test_when_nothing_fits_the_filter_to_blame_is_named(area, settings, message):
    with pytest.raises(
        EpisodeError, match=f"expected a start and a goal in hall that pass .*{message}"
    ) as caught:
        generate(area, **{"draws": 50} | settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: generate(Hall(), count=0), "a count of 1 or more, got 0; ask for one"),
        (
            lambda: PathFilter(closest_m=5.0, furthest_m=5.0),
            "closest_m < furthest_m, got closest_m 5, furthest_m 5",
        ),
        (lambda: PathFilter(closest_m=-1.0), "got closest_m -1"),
        (lambda: PathFilter(draws=0), "draws of 1 or more, got 10 and 0"),
    ],
)
def test_settings_that_cannot_work(call, message):
    with pytest.raises(EpisodeError, match=message):
        call()
