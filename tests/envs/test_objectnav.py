"""ObjectNav's episodes: what is asked for, where they start; and what cannot be asked for, in one line."""

import math
from collections import Counter

import numpy as np
import pytest
from furnished import Furnished
from solids import area, floor

from placecell.envs.objectnav import ObjectNav, asked_for, require_known
from placecell.envs.task import DrawnEpisodes, make_task
from placecell.errors import ConfigError, EpisodeError

GROUND = area(floor(0.0, 0.0, 8.0, 8.0))
THINGS = {"bed": [(1.0, 1.0, 0.0)], "chair": [(6.0, 6.0, 0.0), (6.0, 1.0, 0.0)], "vase": [None],
          "wall": [(4.0, 4.0, 0.0)]}  # fmt: skip
HALL = Furnished(GROUND, THINGS)


def test_an_episode_asks_for_all_instances_of_one_category():
    episodes = [ObjectNav().draw(HALL, number, 5) for number in range(40)]
    assert episodes == [ObjectNav().draw(HALL, number, 5) for number in range(40)]
    assert episodes[:9] != [ObjectNav().draw(HALL, number, 6) for number in range(9)]
    counts = Counter(episode.goals[0].category for episode in episodes)
    # Walls are never asked for, nor what has no view point; the others as often as each other.
    assert set(counts) == {"bed", "chair"}
    assert counts["bed"] > 10 < counts["chair"]
    for episode in episodes:
        stands = np.array([g.view_points[0] for g in episode.goals])
        assert len(episode.goals) == len(THINGS[episode.goals[0].category])
        assert {goal.radius_m for goal in episode.goals} == {0.1}
        straight = np.linalg.norm(stands - episode.start.position, axis=1).min()
        assert episode.info["geodesic_distance"] == pytest.approx(straight, rel=0.01)
        assert episode.info["euclidean_distance"] == pytest.approx(straight)
        assert 1 <= episode.info["geodesic_distance"] <= 30


def test_how_far_and_which_can_be_asked_for():
    task = ObjectNav(categories=("chair", "piano"), closest_m=2.0, furthest_m=3.0)
    for number in range(8):
        episode = task.draw(HALL, number, 0)
        assert episode.goals[0].category == "chair"
        assert 2 <= episode.info["geodesic_distance"] <= 3
    assert asked_for(HALL.names, None) == ["bed", "chair", "vase"]
    assert asked_for(HALL.names, ("chair", "piano", "wall")) == ["chair", "wall"]


def test_starts_are_on_a_storey_of_the_goal():
    two = area(floor(0.0, 0.0, 8.0, 8.0), floor(10.0, 0.0, 16.0, 8.0, 3.0))
    upstairs = Furnished(two, {"bed": [(12.0, 1.0, 3.0)]})
    with pytest.raises(
        EpisodeError, match=r"objects to go to in hall, got bed, none with a view point and a"
    ):
        ObjectNav().draw(upstairs, 0, 0)


@pytest.mark.parametrize(
    ("task", "things", "text"),
    [(ObjectNav(), {}, r"^expected objects to go to in hall, got none; ask for other categories"),
     (ObjectNav(categories=("bed", "piano")), {"sofa": [(1.0, 1.0, 0.0)]}, r"bed or piano to go to in hall"),
     (ObjectNav(), {"vase": [None]}, r"got vase, none with a view point and a start far enough"),
     (ObjectNav(closest_m=20.0), THINGS, r"shorter ways \(task\.closest_m\)")],
)  # fmt: skip
def test_nothing_to_ask_for_is_told_in_one_line(task, things, text):
    with pytest.raises(EpisodeError, match=text) as error:
        task.draw(Furnished(GROUND, things), 0, 0)
    assert "\n" not in str(error.value)


def test_keys_of_a_config_become_the_task():
    task = make_task({"name": "objectnav", "categories": ["bed"], "closest_m": 2, "max_steps": 9})
    assert task == ObjectNav(categories=("bed",), closest_m=2.0, max_steps=9)
    assert make_task({"name": "objectnav", "categories": None}) == ObjectNav()


@pytest.mark.parametrize(
    ("options", "text"),
    [({"categories": "bed"}, r"a list of names, or null, as task\.categories, got 'bed'; write task\.cat"),
     ({"categories": []}, r"a list of names, or null, as task\.categories, got \[\]"),
     ({"categories": [3]}, r"a list of names, .*, got \[3\]"),
     ({"success_distance_m": 0.0}, r"task\.success_distance_m above 0, got 0\.0"),
     ({"max_steps": -1}, r"task\.max_steps above 0, got -1"),
     ({"closest_m": 9, "furthest_m": 3}, r"0 <= task\.closest_m < task\.furthest_m, got closest_m 9"),
     ({"min_ratio": 1}, r"keys of task: .*, got min_ratio; correct the spelling")],
)  # fmt: skip
def test_what_is_no_task_is_told_in_one_line(options, text):
    with pytest.raises(ConfigError, match=text) as error:
        make_task({"name": "objectnav", **options})
    assert "\n" not in str(error.value)


def test_categories_that_no_scene_has():
    require_known(None, [], "houses")
    require_known(("bed",), ["bed", "sofa"], "houses")
    with pytest.raises(
        ConfigError, match=r"task\.categories among those of houses: bed, sofa, got dragon; correct the spell"
    ):
        require_known(("bed", "dragon"), ["bed", "sofa"], "houses")


def test_episodes_are_drawn_once_and_but_for_the_first_when_looked_at():
    drawn = []

    def draw(block):
        drawn.append(block)
        return tuple(ObjectNav().draw(HALL, 2 * block + i, 0) for i in range(2))

    episodes = DrawnEpisodes(5, draw, 2)
    assert (len(episodes), drawn) == (5, [0])
    assert episodes[3].episode_id == "1_1"
    assert episodes[2].start == episodes[-3].start
    assert drawn == [0, 1]
    assert [episode.episode_id for episode in episodes] == ["0_0", "0_1", "1_0", "1_1", "2_0"]
    assert [episode.episode_id for episode in episodes[3:]] == ["1_1", "2_0"]
    assert drawn == [0, 1, 2]
    assert [e.episode_id for e in DrawnEpisodes(2, draw)] == ["0", "1"]
    for outside in (5, -6):
        with pytest.raises(IndexError):
            episodes[outside]
    with pytest.raises(EpisodeError, match="a count of 1 or more, got 0"):
        DrawnEpisodes(0, draw)


def test_a_long_dataset_keeps_the_latest_few_of_its_episodes():
    drawn = []

    def draw(block):
        drawn.append(block)
        return (ObjectNav().draw(HALL, block, 0),)

    episodes = DrawnEpisodes(30, draw)
    starts = [episode.start for episode in episodes]
    assert drawn == list(range(30))
    assert len(episodes._blocks) == 8
    assert [episodes[29].start, episodes[22].start, episodes[3].start] == [starts[29], starts[22], starts[3]]
    assert drawn[30:] == [3]


def test_headings_are_all_round():
    yaws = [ObjectNav().draw(HALL, number, 1).start.yaw_rad for number in range(30)]
    assert min(yaws) < -math.pi / 2
    assert max(yaws) > math.pi / 2
