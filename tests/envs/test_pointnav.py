"""The task's keys, its datasets, and episodes that cannot be walked: one clear line each."""

from dataclasses import replace

import pytest
from solids import area, at, floor

from placecell.envs.episode import Episode, Goal, write_habitat_pointnav
from placecell.envs.pointnav import PointNav, require_walkable
from placecell.envs.task import make_task
from placecell.errors import ConfigError, EpisodeError
from placecell.geometry import Pose

EPISODE = Episode("7", "scenes/flat.glb", Pose(1.0, 1.0, 0.0, 0.5), (Goal((4.0, 4.0, 0.0), 0.2),))


@pytest.fixture(scope="module")
def ground():
    """Two islands."""
    return area(floor(0.0, 0.0, 6.0, 6.0), floor(10.0, 0.0, 13.0, 3.0))


@pytest.fixture
def dataset(tmp_path):
    """Writes a dataset, gives the task that reads it."""

    def write(*episodes):
        path = tmp_path / "some.json.gz"
        write_habitat_pointnav(path, episodes)
        return PointNav(dataset=str(path))

    return write


def read(task, ground, scene="elsewhere/flat.obj"):
    return task.episodes(ground, scene_id=scene, count=3, seed=0)


def test_keys_of_a_config_become_the_task():
    assert make_task({}) == make_task({"name": "pointnav"}) == PointNav()
    task = make_task({"name": "pointnav", "success_distance_m": 1, "max_steps": None, "furthest_m": 12})
    assert task == PointNav(success_distance_m=1.0, furthest_m=12.0)
    assert make_task({"max_steps": 30, "same_storey": False}) == PointNav(max_steps=30, same_storey=False)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"name": "vln"}, r"a task that MeshNav knows: pointnav, objectnav, tour, got 'vln'; set task= to one"),
     ({"sucess_distance_m": 1}, r"keys of task: success_distance_m, max_steps, .*, got sucess_distance_m"),
     ({"max_steps": "many"}, r"a whole number or null as task\.max_steps, got 'many'; correct the value"),
     ({"success_distance_m": True}, r"a number as task\.success_distance_m, got True"),
     ({"success_distance_m": 0}, r"task\.success_distance_m above 0, got 0\.0; set success_distance_m to a"),
     ({"max_steps": 0}, r"task\.max_steps above 0, got 0; set max_steps to a positive number")],
)  # fmt: skip
def test_what_is_no_task_is_told_in_one_line(options, text):
    with pytest.raises(ConfigError, match=text) as error:
        make_task(options)
    assert "\n" not in str(error.value)


def test_without_a_dataset_episodes_are_generated_through_the_tasks_filters(ground):
    task = PointNav(closest_m=2.0, furthest_m=4.0, min_ratio=0.0)
    episodes = read(task, ground)
    assert episodes == read(task, ground)
    assert episodes != task.episodes(ground, scene_id="elsewhere/flat.obj", count=3, seed=1)
    assert len(episodes) == 3
    for episode in episodes:
        require_walkable(ground, episode)
        assert 2 <= episode.info["geodesic_distance"] <= 4
        assert episode.scene_id == "elsewhere/flat.obj"


def test_a_dataset_gives_the_episodes_of_this_scene_wherever_it_lies(ground, dataset):
    other = replace(EPISODE, episode_id="8", scene_id="scenes/house.glb")
    unnamed = replace(EPISODE, episode_id="9", scene_id="")
    found = read(dataset(EPISODE, other, unnamed), ground)
    assert [episode.episode_id for episode in found] == ["7", "9"]
    assert found[0].start.position == pytest.approx(EPISODE.start.position)


def test_hm3ds_double_endings_are_no_part_of_a_scenes_name(ground, dataset):
    task = dataset(replace(EPISODE, scene_id="hm3d/val/flat/flat.basis.glb"))
    assert [e.episode_id for e in read(task, ground)] == ["7"]


def test_a_dataset_of_another_scene_is_told_so(ground, dataset):
    task = dataset(replace(EPISODE, scene_id="x/house.glb"), replace(EPISODE, scene_id="y/attic.glb"))
    with pytest.raises(EpisodeError) as error:
        read(task, ground)
    assert str(error.value) == (
        "expected episodes of the scene elsewhere/flat.obj, got 2 episodes of attic.glb, house.glb; "
        "set env.scene to a scene of the dataset, or task.dataset to one of this scene"
    )


def test_a_start_off_the_floor_is_told_so(ground, dataset):
    for z in (3.0, -2.0):
        task = dataset(EPISODE, replace(EPISODE, episode_id="lost", start=Pose(1.0, 1.0, z, 0.0)))
        with pytest.raises(
            EpisodeError,
            match=rf"^expected the start of episode 'lost' within 0\.5 m of the floor, got \(1, 1, {z:g}\)",
        ) as error:
            read(task, ground)
        assert "\n" not in str(error.value)


def test_a_goal_off_the_floor_is_told_so(ground, dataset):
    task = dataset(replace(EPISODE, goals=(Goal((4.0, 4.0, 0.0)), Goal((8.0, 4.0, 0.0)))))
    with pytest.raises(
        EpisodeError, match=r"the goal of episode '7' within 0\.5 m of the floor, got \(8, 4, 0\)"
    ):
        read(task, ground)


def test_a_goal_that_cannot_be_reached_is_told_so(ground, dataset):
    with pytest.raises(EpisodeError) as error:
        read(dataset(replace(EPISODE, goals=(Goal((11.0, 1.0, 0.0)),))), ground)
    assert str(error.value) == (
        "expected a goal of episode '7' that can be reached from its start, got goals on other islands of "
        "the floor; leave the episode out, or use the body it was made for (env.body)"
    )


def test_one_goal_within_reach_is_enough(ground):
    require_walkable(ground, replace(EPISODE, goals=(Goal((11.0, 1.0, 0.0)), Goal((4.0, 4.0, 0.0)))))


def test_heights_up_to_half_a_metre_off_are_forgiven(ground):
    require_walkable(ground, replace(EPISODE, start=Pose(1.0, 1.0, 0.18, 0.0)))
    assert ground.snap(at(1.0, 1.0, 0.18))[2] == 0
