import pytest
from instructed_worlds import episode, house

from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.instructed import nodes_of
from placecell.envs.graph.matterport import load_scans
from placecell.envs.graph.r4r import join_r4r
from placecell.errors import EpisodeError

GRAPHS = {"house": house()}


def path(number, nodes, *texts, **changes):
    return [
        episode(nodes, text, episode_id=f"{number}_{k}", path_id=str(number), **changes)
        for k, text in enumerate(texts)
    ]


def test_paths_whose_ends_are_near_are_joined_in_every_way():
    episodes = [*path(4, "ab", "one. ", "two. "), *path(9, "cd", "three. ", "four. ", start_yaw_rad=1.0)]
    joined = join_r4r(episodes, GRAPHS)
    # b -> c is 2 m, so 4 leads on to 9; 4 on 4 (b -> a, 2 m) and 9 on 9 (d -> c, 2 m) lead back.
    assert ["".join(e.path) for e in joined[::4]] == ["abab", "abcd", "cdcd"]
    assert [e.episode_id for e in joined] == [f"{n}_{k}" for n in range(3) for k in range(4)]
    texts = ["one. three. ", "one. four. ", "two. three. ", "two. four. "]
    assert [e.instruction for e in joined[4:8]] == texts
    assert {e.start_yaw_rad for e in joined[4:8]} == {0.0}
    assert dict(joined[4].info) == {"first_path_id": "4", "second_path_id": "9"}
    for one in joined:
        nodes_of(GRAPHS["house"], one)


def test_the_way_between_is_the_shortest_path():
    made = join_r4r([*path(1, "be", "x"), *path(2, "ba", "y")], GRAPHS)
    joined = next(e for e in made if "y" in e.instruction)
    assert "".join(joined.path) == "beba"
    assert joined.instruction == "xy"


def test_three_metres_are_near_and_more_is_not():
    assert {e.instruction for e in join_r4r([*path(1, "df", "x"), *path(2, "dc", "y")], GRAPHS)} >= {
        "xy",
        "xx",
    }
    assert "xy" not in {e.instruction for e in join_r4r([*path(1, "be", "x"), *path(2, "cd", "y")], GRAPHS)}


def test_a_secret_goal_and_an_unknown_scan_are_refused():
    with pytest.raises(
        EpisodeError, match="R2R paths with their goals, to join, got path 1, whose goal is secret"
    ):
        join_r4r(path(1, "a", "x"), GRAPHS)
    with pytest.raises(EpisodeError, match="graph of each scan, attic too, got graphs of 1 scans"):
        join_r4r(path(1, "ab", "x", scene_id="attic"), GRAPHS)


@pytest.mark.real_data
def test_the_published_counts_of_val_seen():
    episodes = read_dataset("r2r", "val_seen")
    graphs = load_scans({e.scene_id for e in episodes})
    joined = join_r4r(episodes, graphs)
    assert (len(joined), len({e.path_id for e in joined})) == (1_035, 115)
    lengths = [graphs[e.scene_id].path_length(nodes_of(graphs[e.scene_id], e)) for e in joined[::9]]
    assert sum(lengths) / 115 == pytest.approx(20.3605, abs=0.01)
    assert sum(len(e.path) for e in joined[::9]) / 115 == pytest.approx(12.2174, abs=1e-4)
