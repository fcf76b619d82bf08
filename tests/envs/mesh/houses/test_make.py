"""Environments of generated houses: which house, whose neighbour, which edit; and bad input in one line."""

import json
from functools import cache

import gymnasium
import numpy as np
import pytest
from built_houses import built, edited

from placecell.envs.conformance import check_info, check_observations, check_reproducible, check_reset
from placecell.envs.habitat_objectnav import write_habitat_objectnav
from placecell.envs.mesh.houses.categories import CATEGORIES, GOAL_CATEGORIES
from placecell.envs.mesh.houses.make import make_houses_env
from placecell.envs.trial import Trial
from placecell.errors import ConfigError, EpisodeError

SMALL = {"split": "val", "width": 32, "height": 32}


def make(task="objectnav", episodes=4, **options):
    task = {"name": task} if isinstance(task, str) else task
    return make_houses_env(**{**SMALL, "task": task, "episodes": episodes, **options})


def start(env, episode, seed=0):
    return env.reset(seed=seed, options={"episode": episode})


@cache
def house(name):
    """What ``house_named`` makes of a name."""
    _, split, seed = name.split("-")
    seed, _, edit = seed.partition("~")
    return edited(split, int(seed), int(edit)) if edit else built(split, int(seed))


@pytest.fixture(scope="module", autouse=True)
def made_once():
    """Each house once for all tests: with shape checks on, making one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("placecell.envs.mesh.houses.sources.house_named", house)
        yield


@pytest.fixture(scope="module")
def tours():
    return make({"name": "tour", "arm": "stale"}, 12, semantics=True)


@pytest.fixture(scope="module")
def env():
    return make(semantics=True)


@pytest.mark.parametrize("check", [check_reset, check_observations, check_info, check_reproducible])
def test_it_keeps_the_contract(check):
    task = {"name": "objectnav", "max_steps": 12}
    check(lambda: make(task, 2, houses=1, semantics=True, noise="low"), Trial(episodes=2, max_steps=12))


def test_each_episode_has_a_house_of_its_own_or_one_of_a_few(env):
    scenes = [start(env, i)[1]["scene_id"] for i in range(3)]
    assert scenes == [f"house-val-{i}" for i in range(3)]
    few = make(houses=2)
    assert [e.scene_id for e in few.episodes] == ["house-val-0", "house-val-1"] * 2
    assert few.episodes[0] == env.episodes[0]
    assert few.episodes[2].start != few.episodes[0].start
    assert [e.episode_id for e in few.episodes] == ["0", "1", "2", "3"]
    assert env.scene.name == "house-val-2"
    assert (env.provenance()["scene"], env.provenance()["houses"]) == ("generated houses, val", None)
    assert few.provenance()["houses"] == 2


def test_labels_are_those_of_the_vocabulary(env):
    assert env.categories == CATEGORIES
    for index in range(2):
        observation, info = start(env, index)
        asked = info["tags"]["category"]
        assert asked in GOAL_CATEGORIES
        assert observation["objectgoal"] == CATEGORIES.index(asked)
        furniture = {p.instance: p.category for p in house(env.scene.name).furniture}
        for instance in set(np.unique(observation["instance"]).tolist()) & set(furniture):
            (named,) = np.unique(observation["category"][observation["instance"] == instance])
            assert CATEGORIES[named] == furniture[instance]
        assert {furniture[goal.object_id] for goal in env.episodes[index].goals} == {asked}


def test_the_default_is_objectnav_with_habitats_body():
    env = make_houses_env(split="val", episodes=1)
    assert (env.task.name, env.body.name) == ("objectnav", "habitat_objectnav")


def test_points_can_be_gone_to_in_houses_too():
    env = make({"name": "pointnav"}, 3, houses=1)
    assert start(env, 1)[1]["tags"] == {"kind": "point"}
    assert len({tuple(e.start.position) for e in env.episodes}) == 3
    assert [e.episode_id for e in env.episodes] == ["0", "1", "2"]


def test_each_tour_has_a_house(tours):
    assert {e.scene_id for e in tours.episodes[:6]} == {"house-val-0"}
    assert {e.scene_id for e in tours.episodes[6:]} == {"house-val-1"}
    assert [e.episode_id for e in tours.episodes[5:8]] == ["0_5", "1_0", "1_1"]
    again = make({"name": "tour"}, 18, houses=2).episodes
    assert [again[12].scene_id, again[12].tour.tour] == ["house-val-0", "house-val-0:1"]
    assert again[0] == tours.episodes[0]
    assert again[12].start != again[0].start


def test_a_foreign_survey_is_of_the_next_house_in_its_own_frame(tours):
    start(tours, 6)
    own = list(tours.survey("same"))
    _, info = start(tours, 1)
    before = info["tags"]["seen_before"]
    foreign = list(tours.survey("foreign"))
    # House 1's own tour begins at the same place: the same poses, the same images.
    assert len(foreign) == len(own)
    for a, b in zip(foreign[::9], own[::9], strict=True):
        assert np.array_equal(a["gps"], b["gps"])
        assert np.array_equal(a["rgb"], b["rgb"])
    assert tours.scene.name == "house-val-0"
    assert tours.step(2)[4]["tags"]["seen_before"] == before


def test_a_stale_survey_is_of_the_house_before_its_furniture_was_moved(tours):
    moved = {}
    for episode in range(6):
        _, info = start(tours, episode)
        if "category" in info["tags"]:
            moved[info["tags"]["category"]] = info["tags"]["moved"]
        else:
            assert "moved" not in info["tags"]
    start(tours, 0)
    stale, same = (list(tours.survey(which)) for which in ("stale", "same"))
    then, now = ({i for o in seen for i in np.unique(o["instance"]).tolist()} for seen in (stale, same))
    now_furniture = {p.instance: p for p in house("house-val-0").furniture}
    then_furniture = {p.instance: p for p in house("house-val-0~0").furniture}
    assert then != now
    assert then <= {0, *then_furniture} | {i for i in then if i > 10_000}
    for category, was_moved in moved.items():
        places = [
            {i: (p.x, p.y, p.z, p.quarter_turns) for i, p in pieces.items() if p.category == category}
            for pieces in (now_furniture, then_furniture)
        ]
        assert was_moved == (places[0] != places[1])
    # The walk itself is through the house as it is now.
    assert tours.scene.content_hash == house("house-val-0").scene().content_hash


def walked(env, visit):
    """All that is observed and told in a short visit."""
    steps = [start(env, visit, seed=visit)]
    steps += [(seen, info) for seen, _, _, _, info in (env.step(a) for a in (2, 1, 1, 3, 1, 2, 2, 1))]
    return steps


def assert_equal_walks(one, other):
    for (seen, info), (again, told) in zip(one, other, strict=True):
        assert seen.keys() == again.keys()
        assert all(seen[key].tobytes() == again[key].tobytes() for key in seen)
        assert json.dumps(info) == json.dumps(told)


@pytest.fixture(scope="module")
def pair():
    """One that walks a tour, and one that knows only what it is told of it."""
    task = {"name": "tour", "arm": "stale", "goals": 5, "places": 2}
    return [make(task, 5, semantics=True, noise="low") for _ in range(2)]


@pytest.mark.parametrize("survey", [None, "same", "stale"])
def test_an_interrupted_tour_goes_on_in_another_environment(pair, survey):
    whole, fresh = pair
    for env in pair:
        env.go_on_with({"tour": None, "visits": [], "surveyed": {"instances": [], "views": {}}})
    assert whole.visits_per_tour == fresh.visits_per_tour == 5
    for visit in range(2):
        walked(whole, visit)
        if survey and visit == 0:
            list(whole.survey(survey))
    left = json.dumps(whole.tour_so_far())
    assert ("house-val-0~0" in left) == (survey == "stale")
    for visit in range(2, 5):
        expected = walked(whole, visit)
        fresh.go_on_with(json.loads(left))
        assert json.dumps(fresh.tour_so_far()) == left
        assert_equal_walks(walked(fresh, visit), expected)
        left = json.dumps(whole.tour_so_far())
        assert json.dumps(fresh.tour_so_far()) == left
    seen = [start(whole, visit)[1]["tags"]["seen_before"] for visit in range(2, 5)]
    assert any(seen) or survey is None
    assert not all(seen) or survey is not None


def test_moved_is_told_in_the_stale_arm_only():
    env = make({"name": "tour", "arm": "warm"}, 3)
    assert all("moved" not in start(env, i)[1]["tags"] for i in range(3))


def test_a_rare_category_is_looked_for_in_the_next_houses():
    there = [{piece.category for piece in house(f"house-val-{i}").furniture} for i in range(2)]
    rare = next(name for name in GOAL_CATEGORIES if name in there[1] - there[0])
    env = make({"name": "objectnav", "categories": [rare]}, 2, houses=2)
    for index in range(2):
        _, info = start(env, index)
        assert (info["tags"]["category"], info["scene_id"]) == (rare, "house-val-1")
    assert len({(e.scene_id, tuple(e.start.position)) for e in env.episodes}) == 2


def test_what_no_house_has_is_told_so():
    there = {piece.category for piece in house("house-val-0").furniture}
    missing = [name for name in GOAL_CATEGORIES if name not in there][:2]
    with pytest.raises(EpisodeError) as error:
        make({"name": "objectnav", "categories": missing}, houses=1)
    assert str(error.value) == (
        f"expected a house with {' or '.join(missing)}, got none of 1, house-val-0; ask for other categories "
        "(task.categories), or for more houses (env.houses)"
    )


def write(env, path, change=lambda document: None):
    episodes = env.episodes[:2]
    write_habitat_objectnav(path, episodes, {name: CATEGORIES.index(name) for name in GOAL_CATEGORIES})
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return {"name": "objectnav", "dataset": str(path)}


def rename(name):
    def change(document):
        first = document["episodes"][0]
        goals = document["goals_by_category"].pop(f"{first['scene_id']}_{first['object_category']}")
        first["scene_id"] = name
        document["goals_by_category"][f"{name}_{first['object_category']}"] = goals

    return change


def test_a_dataset_of_houses(env, tmp_path):
    copy = make(write(env, tmp_path / "val.json"), 99, semantics=True)
    assert copy.number_of_episodes == 2
    for index in range(2):
        (seen, info), (again, told) = start(env, index), start(copy, index)
        assert again["gps"] == pytest.approx(seen["gps"], abs=1e-5)
        assert np.mean(again["rgb"] == seen["rgb"]) > 0.98
        assert told["tags"] == info["tags"]
        assert told["measures"] == pytest.approx(info["measures"], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "houses", "text"),
    [("house-test-0", None, r"houses house-val-0 and so on in .*, got 'house-test-0' in episode '0'"),
     ("house-val-7", 3, r"houses house-val-0 to house-val-2 in .*, got 'house-val-7' in episode"),
     ("castle.glb", None, r"got 'castle\.glb' in episode '0'; correct the dataset's scene_id"),
     ("house-val-0~3", None, r"got 'house-val-0~3' in episode '0'")],
)  # fmt: skip
def test_a_dataset_of_other_houses_is_told_so(env, tmp_path, name, houses, text):
    task = write(env, tmp_path / "val.json", rename(name))
    with pytest.raises(EpisodeError, match=text) as error:
        make(task, houses=houses)
    assert "\n" not in str(error.value)


def test_a_dataset_that_names_another_house_of_the_split_is_told_so(env, tmp_path):
    text = r"^expected object \d+ of house-val-2 to be a \w+ at \(.*\), as episode '0' says, got [^\n]*$"
    with pytest.raises(EpisodeError, match=text):
        make(write(env, tmp_path / "val.json", rename("house-val-2")))


def test_a_dataset_that_puts_a_thing_elsewhere_is_told_so(env, tmp_path):
    def shift(document):
        for goals in document["goals_by_category"].values():
            goals[0]["position"][0] += 9.0

    with pytest.raises(EpisodeError, match=r"to be a (\w+) at \(.*\), as episode '0' says, got a \1 at \("):
        make(write(env, tmp_path / "val.json", shift))


def test_a_dataset_may_name_the_files_of_houses(env, tmp_path):
    copy = make(write(env, tmp_path / "val.json", rename("house-val-0.glb")))
    assert copy.episodes[0].goals == env.episodes[0].goals
    assert start(copy, 0)[1]["scene_id"] == "house-val-0"

    def into_a_folder(document):
        document["episodes"][1]["scene_id"] = "homes/house-val-1"

    copy = make(write(env, tmp_path / "val.json", into_a_folder))
    assert start(copy, 1)[1]["scene_id"] == "house-val-1"


def test_a_dataset_of_unknown_categories_is_told_so(env, tmp_path):
    def change(document):
        for goals in document["goals_by_category"].values():
            for goal in goals:
                goal["object_category"] = "throne"

    with pytest.raises(EpisodeError, match=r"a category that houses have in episode '0' of .*, got 'throne'"):
        make(write(env, tmp_path / "val.json", change))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [({"split": "dev"}, ConfigError, r"a split of train, val, test, got 'dev'; set env\.split"),
     ({"houses": 0}, ConfigError, r"env\.houses of 1 or more, got 0; set env\.houses=N, a whole number"),
     ({"houses": True}, ConfigError, r"env\.houses of 1 or more, got True; "),
     ({"seed": -1}, ConfigError, r"a seed of 0 or more, got -1; set seed=N"),
     ({"episodes": 0}, EpisodeError, r"a count of 1 or more, got 0"),
     ({"task": {"name": "objectnav", "categories": ["dragon"]}}, ConfigError,
      r"task\.categories among those of houses: bed, .*, got dragon; correct the spelling"),
     ({"task": {"name": "tour", "goals": 40}, "episodes": 40}, EpisodeError,
      r"a house with 38 categories to go to, for a tour of 40 goals .*, got house-val-0 with \d+ \(.*\);"),
     ({"noise": {"sound": "low"}}, ConfigError, r"kinds of noise: depth, .*, got sound"),
     ({"body": "giant"}, ConfigError, r"a body: .*, got 'giant'")],
)  # fmt: skip
def test_bad_input_is_told_in_one_line(options, error, text):
    with pytest.raises(error, match=text) as raised:
        make_houses_env(**{**SMALL, **options})
    assert "\n" not in str(raised.value)


def test_gymnasium_makes_vectors_of_them():
    vector = gymnasium.vector.SyncVectorEnv([make, lambda: make(houses=1)])
    observation, _ = vector.reset(seed=[1, 2], options={"episode": 0})
    assert observation["rgb"].shape == (2, 32, 32, 3)
    vector.close()
