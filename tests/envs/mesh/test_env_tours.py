"""Tours in MeshNav: one frame, yoked starts, what was seen before, surveys that disturb nothing."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest

from placecell.envs.body import Action
from placecell.envs.conformance import CHECKS
from placecell.envs.mesh import make_mesh_env
from placecell.envs.trial import Trial
from placecell.errors import EnvironmentUseError, EpisodeError
from placecell.geometry import Pose, transform

SMALL = {"width": 48, "height": 48, "episodes": 12, "body": "habitat_objectnav", "semantics": True}


def make(task=None, **options):
    return make_mesh_env(task={"name": "tour", **(task or {})}, **{**SMALL, **options})


@pytest.fixture(scope="module")
def env():
    return make()


def start(env, episode, seed=0):
    return env.reset(seed=seed, options={"episode": episode})


def look_round(env):
    for _ in range(12):
        observation, _, _, _, info = env.step(Action.TURN_LEFT)
    return observation, info


def place_of(env):
    """The index of a tour's place that is no first visit."""
    return next(i for i, e in enumerate(env.episodes) if e.goals[0].category is None and e.tour.visit > 0)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check):
    check(lambda: make({"max_steps": 20}, noise="low"), Trial(episodes=2, max_steps=20))


def test_visits_of_a_tour_share_its_frame(env):
    origin = env.episodes[0].start
    c, s = math.cos(origin.yaw_rad), math.sin(origin.yaw_rad)
    for episode in range(6):
        observation, info = start(env, episode)
        x, y, z = observation["gps"].astype(float)
        world = (origin.x + c * x - s * y, origin.y + s * x + c * y, origin.z + z)
        assert world == pytest.approx(env.episodes[episode].start.position.tolist(), abs=1e-5)
        assert info["pose"]["position"] == pytest.approx(world, abs=1e-5)
        turned = env.episodes[episode].start.yaw_rad - origin.yaw_rad
        assert math.cos(observation["compass"][0] - turned) == pytest.approx(1)
    assert start(env, 0)[0]["gps"] == pytest.approx(np.zeros(3))
    assert start(env, 6)[0]["gps"] == pytest.approx(np.zeros(3))
    assert env.episodes[6].origin != origin


def test_a_tour_says_where_its_frame_is_whatever_the_body_believes():
    env = make(noise="low")
    for episode in (0, 1, 7):
        _, info = start(env, episode)
        T_world_episode = Pose(*env.origin["position"], env.origin["yaw_rad"]).T_world_body()
        first = env.episodes[episode].origin
        assert env.origin["position"] == pytest.approx(first.position.tolist())
        way = transform(T_world_episode, np.array(env.shortest_path()))
        assert way[0] == pytest.approx(info["pose"]["position"])
        length = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
        assert length == pytest.approx(info["measures"]["distance_to_goal"], rel=0.01)
        goals = transform(T_world_episode, np.array(info["goal_positions"]))
        assert goals == pytest.approx(np.array([goal.position for goal in env.episodes[episode].goals]))


def test_a_visit_asks_for_an_object_or_a_place(env):
    kinds = set()
    for index, episode in enumerate(env.episodes):
        observation, info = start(env, index)
        goal, tags = episode.goals[0], info["tags"]
        kinds.add(tags["kind"])
        assert (tags["tour"], tags["visit"]) == (episode.tour.tour, index % 6)
        assert tags["repeat"] == episode.tour.repeat
        assert "moved" not in tags
        if goal.category is None:
            assert tags.keys() == {"kind", "tour", "visit", "repeat", "seen_before"}
            assert observation["objectgoal"] == 0
            assert observation["pointgoal"] == pytest.approx(info["goal_positions"][0], abs=1e-5)
            gap = observation["pointgoal"][:2] - observation["gps"][:2]
            assert observation["pointgoal_with_gps_compass"][0] == pytest.approx(math.hypot(*gap), abs=1e-5)
        else:
            assert tags["category"] == goal.category == env.categories[int(observation["objectgoal"][0])]
            assert not observation["pointgoal"].any()
            assert not observation["pointgoal_with_gps_compass"].any()
    assert kinds == {"object", "place"}


def test_success_is_by_what_is_asked_for(env):
    for episode in (place_of(env), 0):
        _, info = start(env, episode)
        over = False
        while not over:
            _, _, terminated, truncated, info = env.step(env.expert_action())
            over = terminated or truncated
        assert info["measures"]["success"] == 1.0
        assert ("success_1m" in info["measures"]) == (info["tags"]["kind"] == "object")
        limit = 0.1 if info["tags"]["kind"] == "object" else 0.2
        assert info["measures"]["distance_to_goal"] < limit


def brute_force(env, visit):
    """Whether earlier visits, in which the body looks round at its start, show the goal."""
    ids = {goal.object_id for goal in env.episodes[visit].goals}
    seen = False
    for earlier in range(visit):
        observation, _ = start(env, earlier)
        for _ in range(13):
            seen |= any(int((observation["instance"] == i).sum()) >= 20 for i in ids)
            observation, *_ = env.step(Action.TURN_LEFT)
    return seen


def test_seen_before_is_what_earlier_visits_showed(env):
    objects = [i for i in range(6) if env.episodes[i].goals[0].category is not None]
    expected = {i: brute_force(env, i) for i in objects}
    found = {}
    for visit in range(6):
        _, info = start(env, visit)
        found[visit] = info["tags"]["seen_before"]
        _, info = look_round(env)
        env.step(Action.TURN_LEFT)
        # What this visit itself shows is not "before".
        assert info["tags"]["seen_before"] == found[visit]
        assert start(env, visit)[1]["tags"]["seen_before"] == found[visit]
        for _ in range(13):
            env.step(Action.TURN_LEFT)
    assert {i: found[i] for i in objects} == expected
    assert set(expected.values()) == {True, False}


def test_another_tour_and_its_first_visit_begin_anew(env):
    for first in (0, 6):
        for visit in range(first, first + 3):
            start(env, visit)
            look_round(env)
        assert not start(env, first)[1]["tags"]["seen_before"]
        last = next(i for i in range(first + 5, first, -1) if env.episodes[i].goals[0].category)
        start(env, 6 - first)
        assert not start(env, last)[1]["tags"]["seen_before"]


def test_a_survey_shows_the_house_and_disturbs_nothing(env):
    visit = next(i for i in range(6) if env.episodes[i].goals[0].category and i > 0)
    plain = [start(env, visit)]
    plain += [(o, i) for o, _, _, _, i in (env.step(a) for a in (1, 2, 1, 3))]
    again = [start(env, visit)]
    again += [(o, i) for o, _, _, _, i in (env.step(a) for a in (1, 2))]
    assert not again[-1][1]["tags"]["seen_before"]
    survey = list(env.survey("same"))
    again += [(o, i) for o, _, _, _, i in (env.step(a) for a in (1, 3))]
    for (seen, info), (other, told) in zip(plain, again, strict=True):
        assert all(np.array_equal(seen[key], other[key]) for key in seen)
        assert info["measures"] == told["measures"]
    assert again[-1][1]["tags"]["seen_before"]
    assert start(env, visit)[1]["tags"]["seen_before"]
    assert start(env, place_of(env))[1]["tags"]["seen_before"] or place_of(env) > 5
    assert not start(env, 6)[1]["tags"]["seen_before"]
    for observation in survey:
        assert observation in env.observation_space
        assert not observation["objectgoal"].any()
        assert not observation["pointgoal"].any()
    shown = {i for o in survey for i in np.unique(o["instance"]).tolist()}
    assert shown >= set(env.world.things)


def test_a_tour_goes_on_in_another_environment(env):
    """What is told at each visit is what an uninterrupted tour tells, whichever visits were walked here."""
    other = make()
    for visit in range(6):
        if visit:
            other.go_on_with(json.loads(json.dumps(env.tour_so_far())))
        told = [start(each, visit)[1] for each in (env, other)]
        assert told[0] == told[1]
        look_round(env)
    assert env.tour_so_far()["visits"][3] == json.loads(json.dumps(env.tour_so_far()))["visits"][3]
    # A visit that is walked again shows nothing of its first time, and another tour nothing of this one.
    other.go_on_with(env.tour_so_far())
    start(other, 2)
    start(env, 2)
    assert [each["visit"] for each in other.tour_so_far()["visits"]] == [0, 1, 2]
    assert other.tour_so_far() == env.tour_so_far()
    start(other, 6)
    assert other.tour_so_far()["tour"] == env.episodes[6].tour.tour
    assert [each["visit"] for each in other.tour_so_far()["visits"]] == [0]


def test_whoever_goes_on_begins_with_a_reset(env):
    other = make()
    nothing = {"tour": None, "visits": [], "surveyed": {"instances": [], "views": {}}}
    assert other.tour_so_far() == nothing
    start(other, 1)
    other.go_on_with(nothing)
    with pytest.raises(EnvironmentUseError, match=r"reset\(\) before anything else"):
        other.step(1)


def test_a_body_that_stands_still_is_told_once(env):
    start(env, 0)
    for _ in range(9):
        env.step(Action.LOOK_DOWN)
    (poses,) = env.tour_so_far()["visits"][0]["views"].values()
    assert len(poses) < 9
    assert poses[0] == [*env.pose.position.tolist(), env.pose.yaw_rad, 0.0]


def test_visits_of_a_tour_are_counted(env):
    assert env.visits_per_tour == 6
    assert make({"goals": 3}).visits_per_tour == 3
    assert make_mesh_env(task={"name": "pointnav"}, episodes=2, width=8, height=8).visits_per_tour == 1


VIEW = [0.0, 0.5, 0.0, 1.0, 0.0]


def a_tour(**change):
    surveyed = {"instances": [4, 5], "views": {"home": [VIEW]}}
    visit = {"visit": 0, "instances": [7], "views": {"home": [VIEW], "home~3": [VIEW]}}
    return {"tour": "home:0", "visits": [visit], "surveyed": surveyed, **change}


def a_visit(**change):
    return a_tour(visits=[{**a_tour()["visits"][0], **change}])


@pytest.mark.parametrize(
    ("tour", "text"),
    [({}, "with the keys tour, visits, surveyed, got none; pass it as it was, or walk the tour from its"),
     ({"tour": None}, "with the keys tour, visits, surveyed, got tour;"),
     (a_tour(more=1), "got tour, visits, surveyed, more;"),
     (a_tour(tour=3), "with the name of a tour, as SCENE:NUMBER, got 3;"),
     (a_tour(tour="home"), "with the name of a tour, as SCENE:NUMBER, got home;"),
     (a_tour(tour="house:0"), "with views of house, got views of home;"),
     (a_tour(tour=None), "with views of None, got views of home;"),
     (a_tour(visits={}), r"with a list of visits, got \{\};"),
     (a_tour(visits=[3]), "with the keys visit, instances, views, got 3;"),
     (a_tour(visits=[*a_tour()["visits"]] * 2), "with visits counted from 0, each once, got 0;"),
     (a_tour(surveyed={"instances": []}), "with the keys instances, views, got instances;"),
     (a_visit(visit=-1), "with visits counted from 0, each once, got -1;"),
     (a_visit(visit=True), "with visits counted from 0, each once, got True;"),
     (a_visit(instances=[1, "2"]), r"with instances as whole numbers from 0, got \[1, '2'\];"),
     (a_visit(instances=5), "with instances as whole numbers from 0, got 5;"),
     (a_visit(views=[VIEW]), "with views by the name of their world, got"),
     (a_visit(views={"homely": [VIEW]}), "with views of home, got views of homely;"),
     (a_visit(views={"home": 1.0}), "with lists of poses, got 1.0;"),
     (a_visit(views={"home": [VIEW[:4]]}), r"with poses of five finite numbers, got \[0.0, 0.5, 0.0, 1.0\];"),
     (a_visit(views={"home": [[*VIEW[:4], math.nan]]}), "with poses of five finite numbers, got .* nan"),
     (a_visit(views={"home": ["a long word " * 20]}), r"numbers, got a long word .*\.\.\.; pass")],
)  # fmt: skip
def test_a_tour_that_does_not_hold_together(env, tour, text):
    start(env, 1)
    before = env.tour_so_far()
    with pytest.raises(EnvironmentUseError, match=text) as error:
        env.go_on_with(tour)
    assert "\n" not in str(error.value)
    assert env.tour_so_far() == before
    env.step(1)


def test_survey_poses_are_exact_without_noise_and_in_the_tours_frame(env):
    start(env, 2)
    origin = env.episodes[0].start
    c, s = math.cos(origin.yaw_rad), math.sin(origin.yaw_rad)
    survey = list(env.survey("same"))
    assert len(survey) % 6 == 0
    for observation in survey[::7]:
        x, y, z = observation["gps"].astype(float)
        point = np.array([origin.x + c * x - s * y, origin.y + s * x + c * y, origin.z + z])
        assert np.linalg.norm(env.area.snap(point) - point) < 1e-4
    first = survey[:6]
    assert all(np.array_equal(o["gps"], first[0]["gps"]) for o in first)
    turns = np.degrees([float(b["compass"][0] - a["compass"][0]) for a, b in pairwise(first)])
    assert turns % 360 == pytest.approx(60, abs=1e-3)


def test_survey_noise_is_the_episodes_own():
    env = make(noise="low")
    surveys = []
    for seed in (1, 1, 2):
        start(env, 1, seed=seed)
        surveys.append(list(env.survey("same"))[:8])
    clean = make()
    start(clean, 1)
    exact = list(clean.survey("same"))[:8]
    for a, b, _, d in zip(*surveys, exact, strict=True):
        assert all(np.array_equal(a[key], b[key]) for key in a)
        assert 0 < np.linalg.norm(a["gps"] - d["gps"]) < 0.3
        assert np.array_equal(a["rgb"], d["rgb"])
    assert any(not np.array_equal(a["depth"], c["depth"]) for a, _, c in zip(*surveys, strict=True))
    assert any(
        not np.array_equal(a["category"], d["category"]) for a, d in zip(surveys[0], exact, strict=True)
    )


def test_later_visits_begin_where_the_body_believes_to_be():
    env, clean = make(noise={"pose": "low"}), make()
    off = []
    for episode in range(6):
        believed, _ = start(env, episode, seed=3)
        true, _ = start(clean, episode, seed=3)
        off.append(float(np.linalg.norm(believed["gps"] - true["gps"])))
        if env.episodes[episode].goals[0].category is None:
            # The goal is given in the tour's true frame; where it lies is from where one believes to be.
            assert np.array_equal(believed["pointgoal"], true["pointgoal"])
            if episode:
                assert believed["pointgoal_with_gps_compass"][0] != true["pointgoal_with_gps_compass"][0]
    assert off[0] == 0
    assert all(0 < error < 0.3 for error in off[1:])


def test_a_place_is_in_view_where_its_floor_is(env):
    found = set()
    for visit in (i for i, e in enumerate(env.episodes) if e.goals[0].category is None):
        _, info = start(env, visit)
        over = False
        while not over:
            _, _, terminated, truncated, info = env.step(env.expert_action())
            found.add(info["goal_in_view"])
            over = terminated or truncated
            gap = np.subtract(env.episodes[visit].goals[0].position, info["pose"]["position"])
            away = float(np.linalg.norm(gap))
            if info["goal_in_view"]:
                ahead = math.cos(math.atan2(gap[1], gap[0]) - info["pose"]["yaw_rad"])
                assert ahead > math.cos(math.radians(40))
                assert away > 0.9  # nearer floor is below the image
                assert away == pytest.approx(info["measures"]["distance_to_goal"], rel=0.1)
    assert found == {True, False}


def test_what_a_single_scene_cannot_show(env):
    fresh = make()
    with pytest.raises(EnvironmentUseError, match=r"reset\(\) before anything else"):
        fresh.survey("same")
    start(env, 0)
    for which in ("foreign", "stale"):
        with pytest.raises(EnvironmentUseError, match=rf"a survey of the {which} house in a single"):
            env.survey(which)


def test_a_tour_longer_than_the_objects_allow():
    with pytest.raises(EpisodeError, match=r"a house with 18 categories .* got builtin scene .* with"):
        make({"goals": 20}, episodes=20)


def test_the_same_seed_gives_the_same_tour():
    assert list(make(seed=2).episodes) == list(make(seed=2).episodes)
    assert list(make(seed=2).episodes) != list(make(seed=3).episodes)
