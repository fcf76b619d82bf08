"""Tours of instructions: their order, the frame they share, what an oracle shows between the visits."""

from itertools import pairwise

import numpy as np
import pytest
from instructed_worlds import episode, house

from placecell.envs.graph import make_r2r_env
from placecell.envs.graph.tours import make_instruction_tour, tours_of, way_between
from placecell.envs.tour import Tour
from placecell.errors import ConfigError, EnvironmentUseError

TOUR = {"name": "tour"}


@pytest.fixture
def env(data):
    return make_r2r_env(task=TOUR)


def stop(env, episode, *actions):
    env.reset(seed=0, options={"episode": episode})
    for action in actions:
        env.step(action)
    return env.step(0)[4]


def seen_at(env, observations):
    return [env.graph.names[seen["node"][0]] for seen in observations]


def test_a_tour_holds_each_path_of_a_scan_once_with_one_of_its_instructions(env):
    assert env.visits_per_tour == (3, 3, 1, 1)
    assert sum(env.visits_per_tour) == env.number_of_episodes
    tours = {}
    for one in env.episodes:
        tours.setdefault(one.tour.tour, []).append((one.tour.visit, one.path_id, one.episode_id[-1]))
    assert list(tours) == ["house:0", "house:1", "house:2", "hut:0"]
    assert [visit for visit, *_ in tours["house:1"]] == [0, 1, 2]
    assert {(path, k) for _, path, k in tours["house:1"]} == {("7", "1"), ("9", "1"), ("3", "1")}


def test_the_next_path_starts_nearest_to_where_the_last_one_ended():
    paths = {"1": "abcd", "2": "dcb", "3": "be", "4": "fd"}
    episodes = [episode(path, episode_id=f"{n}_0", path_id=n) for n, path in paths.items()]
    ordered, lengths = tours_of(episodes, {"house": house()})
    assert lengths == (4,)
    graph = house()
    for number, (before, after) in enumerate(pairwise(ordered)):
        away = graph.distances_from(graph.index_of(before.goal))
        left = [away[graph.index_of(one.start)] for one in ordered[number + 1 :]]
        assert away[graph.index_of(after.start)] == min(left)
    assert [one.episode_id for one in tours_of(episodes[::-1], {"house": graph})[0]] == [
        one.episode_id for one in ordered
    ]
    assert tours_of(episodes, {"house": graph}, 2)[1] == (2,)


def test_all_visits_share_the_frame_of_the_first_start(env):
    first = env.episodes[0]
    origins = []
    for visit in range(3):
        seen, _ = env.reset(seed=0, options={"episode": visit})
        origins.append(env.origin)
        at = env.graph.positions[env.graph.index_of(env.episodes[visit].start)]
        start = env.graph.positions[env.graph.index_of(first.start)]
        assert np.linalg.norm(seen["gps"]) == pytest.approx(np.linalg.norm(at - start), abs=1e-5)
    assert origins[0] == origins[1] == origins[2]


def test_the_oracle_leads_from_where_a_visit_stopped_over_its_goal_to_the_next_start(env):
    env.reset(seed=0, options={"episode": 0})
    assert list(env.carried()) == []
    stop(env, 0)
    env.reset(seed=0, options={"episode": 1})
    graph, before, here = env.graph, env.episodes[0], env.episodes[1]
    carried = list(env.carried())
    ends = [graph.index_of(name) for name in (before.start, before.goal, here.start)]
    assert seen_at(env, carried) == [graph.names[n] for n in way_between(graph, *ends)[1:-1]]
    assert before.goal in [before.start, here.start, *seen_at(env, carried)]
    assert all(seen["instruction"] == "" and env.observation_space.contains(seen) for seen in carried)


def test_way_between_passes_the_goal_and_leaves_out_a_secret_one():
    a, b, c, d, e, f = range(6)
    assert way_between(house(), a, d, e) == (a, b, c, d, c, b, e)
    assert way_between(house(), a, None, c) == (a, b, c)
    assert way_between(house(), f, f, f) == (f,)


def test_another_process_goes_on_as_if_the_tour_had_not_stopped(env, data):
    stop(env, 0, 1)
    stop(env, 1)
    kept = env.tour_so_far()
    _, info = env.reset(seed=0, options={"episode": 2})
    carried = list(env.carried())
    other = make_r2r_env(task=TOUR)
    other.go_on_with(kept)
    _, again = other.reset(seed=0, options={"episode": 2})
    assert again == info
    for one, same in zip(carried, other.carried(), strict=True):
        for key in one:
            np.testing.assert_array_equal(one[key], same[key])


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        ({"tour": 3}, "the name of a tour, got 3"),
        ({"visits": {}}, "a list of visits"),
        ({"visits": [{"visit": 0, "walked": []}]}, "names of the panoramas walked"),
        ({"visits": [{"visit": -1, "walked": ["a"]}]}, "visits counted from 0"),
        ({"more": 1}, "the keys tour, visits, surveyed"),
    ],
)
def test_a_damaged_history_is_refused(env, damage, line):
    with pytest.raises(EnvironmentUseError, match=line):
        env.go_on_with({**env.tour_so_far(), **damage})


def test_a_goal_counts_as_seen_once_it_was_walked_passed_or_surveyed(env):
    assert stop(env, 0)["tags"]["seen_before"] is False
    goals = [one.goal for one in env.episodes[:3]]
    for visit in (1, 2):
        _, info = env.reset(seed=0, options={"episode": visit})
        way = seen_at(env, env.carried())
        assert info["tags"]["seen_before"] is (goals[visit] in [*goals[:visit], *way, env.episodes[0].start])
        stop(env, visit)
    env.reset(seed=0, options={"episode": 3})
    shown = list(env.survey("same"))
    assert seen_at(env, shown) == list("abcdef")
    assert env.step(0)[4]["tags"]["seen_before"] is True
    assert env.reset(seed=0, options={"episode": 0})[1]["tags"]["seen_before"] is False


def test_a_foreign_survey_shows_the_next_scan_and_leaves_the_tour_alone(env, data):
    env.reset(seed=0, options={"episode": 0})
    foreign = list(env.survey("foreign"))
    assert [seen["node"][0] for seen in foreign] == [0, 1, 2]
    # In the frame of the hut's own tour, which begins at g and looks north.
    np.testing.assert_allclose(
        np.stack([seen["gps"] for seen in foreign])[:, :2], [[0, 0], [2, 0], [4, 0]], atol=1e-6
    )
    assert env.step(0)[4]["tags"]["seen_before"] is False
    alone = make_r2r_env(task=TOUR, scans=["hut"])
    alone.reset(seed=0, options={"episode": 0})
    with pytest.raises(EnvironmentUseError, match=r"expected another scan to survey, for the arm foreign"):
        alone.survey("foreign")


def test_the_whole_tour_is_measured_at_the_end_of_its_last_visit(env):
    for visit in range(3):
        env.reset(seed=0, options={"episode": visit})
        over = False
        while not over:
            *_, over, _, info = env.step(env.gold_action())
            assert ("tour_ndtw" in info["measures"]) == (over and visit == 2)
    assert info["measures"]["tour_ndtw"] == 1
    stop(env, 0)
    assert "tour_ndtw" not in stop(env, 2)["measures"]  # the visit between is not known
    assert stop(env, 6)["measures"]["tour_ndtw"] < 1


def test_options_of_houses_are_accepted_as_they_are_and_refused_when_changed():
    default = {**vars(Tour()), "arm": "warm"}
    assert make_instruction_tour(default).arm == "warm"
    assert make_instruction_tour({**default, "visits": 20}).visits == 20
    with pytest.raises(ConfigError, match=r"got task.places=2; leave task.places out"):
        make_instruction_tour({**default, "places": 2})
    with pytest.raises(
        ConfigError, match=r"expected task.arm of cold, warm, known, foreign, geometry in tours"
    ):
        make_instruction_tour({**default, "arm": "stale"})
    with pytest.raises(ConfigError, match=r"expected task.visits of 1 or more, or null, got 0"):
        make_instruction_tour({"visits": 0})
    with pytest.raises(ConfigError, match=r"keys of task: .*, got arn"):
        make_instruction_tour({"arn": "cold"})


def test_tours_of_houses_have_goals_and_no_visits():
    with pytest.raises(ConfigError, match=r"got task.visits=4, which tours of instructions have"):
        Tour(visits=4)


@pytest.mark.real_data
def test_val_seen_makes_a_tour_of_each_scans_first_second_and_third_instructions():
    env = make_r2r_env(task=TOUR)
    assert (len(env.visits_per_tour), max(env.visits_per_tour), sum(env.visits_per_tour)) == (169, 11, 1021)
