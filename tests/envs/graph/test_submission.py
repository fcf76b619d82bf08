import json
import math

import pytest
from instructed_worlds import episode, house, write_json

from placecell.envs.graph.submission import mean_of, read_submission, score, to_submission
from placecell.errors import EpisodeError

GRAPHS = {"house": house()}
EPISODES = [episode("abcd", episode_id=f"7_{k}") for k in range(3)]


def submitted(walk, instr_id="7_0"):
    return {"instr_id": instr_id, "trajectory": [[name, 0.5, 0] for name in walk]}


def scores(tmp_path, *walks):
    file = write_json(tmp_path / "s.json", [submitted(walk, f"7_{k}") for k, walk in enumerate(walks)])
    found = read_submission(file, EPISODES, GRAPHS, partial=True)
    return score(found, EPISODES, GRAPHS)


def test_what_was_walked_becomes_a_submission():
    made = to_submission({"7_0": [("a", math.pi / 2, 0.0), ("b", 0.0, -0.5)]})
    assert json.loads(json.dumps(made)) == [
        {"instr_id": "7_0", "trajectory": [["a", 0.0, 0.0], ["b", pytest.approx(math.pi / 2), -0.5]]}
    ]


def test_hand_computed_cases(tmp_path):
    rows = scores(tmp_path, "aabccc", "abe", "abcdcb")
    short, astray, back = rows["7_0"], rows["7_1"], rows["7_2"]
    # Stops at c, 2 m along the edges from d; shortest 6 m, walked 4 m; five entries after the start.
    told = ("success", "spl", "distance_to_goal", "oracle_error", "oracle_success", "path_length", "steps")
    assert [short[name] for name in told] == [1, 1, 2, 2, 1, 4, 5]
    # Ends at e, 2 + 2 + 2 m from d; b was nearest, at 4 m.
    assert [astray[name] for name in told] == [0, 0, 6, 4, 0, 4, 2]
    # Passes d and walks back to b: an oracle would have stopped.
    assert [back[name] for name in told] == [0, 0, 4, 0, 1, 10, 5]
    assert short["ndtw"] == pytest.approx(math.exp(-2 / 12))
    means = mean_of(rows)
    assert means["success"] == means["spl"] == pytest.approx(1 / 3)
    assert (means["distance_to_goal"], means["path_length"], means["steps"]) == (4, 6, 4)


def test_a_long_way_round_costs_spl(tmp_path):
    assert scores(tmp_path, "abebcd")["7_0"]["spl"] == pytest.approx(6 / 10)


def test_a_secret_goal_leaves_lengths_and_steps(tmp_path):
    file = write_json(tmp_path / "s.json", [submitted("ab")])
    secret = [episode("a", episode_id="7_0")]
    rows = score(read_submission(file, secret, GRAPHS), secret, GRAPHS)
    assert rows == {"7_0": {"path_length": 2, "steps": 1}}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([submitted("abd")], r"trajectory of 7_0 to go along the edges of house, got a jump b -> d; correct"),
        ([submitted("abx")], r"viewpoint of graph house .* in the trajectory of 7_0, got 'x'"),
        ([submitted("bc")], "trajectory of 7_0 to begin at its start a, got b"),
        ([submitted("ab", "8_0")], r"instr_ids of a split of 3 instructions in .*, got '8_0'"),
        ([submitted("ab"), submitted("ab")], r"each instr_id of .* once, got '7_0' twice"),
        ([submitted("")], r"elevation\] in the trajectory of 7_0, got a list \(\[\]\)"),
        ([{"instr_id": "7_0", "trajectory": [["a", 0.5, 0], None]}], "in the trajectory of 7_0, got null"),
        ([{"instr_id": "7_0", "trajectory": [["a", 0.5]]}], "in the trajectory of 7_0, got a list"),
        ([{"instr_id": "7_0", "trajectory": [["a", math.nan, 0]]}], "in the trajectory of 7_0, got a list"),
        ([{"instr_id": "7_0", "trajectory": [["a", 10**400, 0]]}], "in the trajectory of 7_0, got a list"),
        ([{"instr_id": 7, "trajectory": []}], "a string as 'instr_id' of entry 0"),
        ([{"instr_id": "7_0"}], "a key 'trajectory' of entry 0"),
        ({"7_0": []}, "a JSON list in .*, got an object"),
    ],
)
def test_a_submission_that_cannot_be_scored_is_one_clear_line(tmp_path, content, complaint):
    with pytest.raises(EpisodeError, match=complaint) as told:
        read_submission(write_json(tmp_path / "s.json", content), EPISODES, GRAPHS)
    assert "\n" not in str(told.value)


def test_missing_instructions_are_told(tmp_path):
    file = write_json(tmp_path / "s.json", [submitted("ab", "7_1")])
    with pytest.raises(EpisodeError, match=r"each of the 3 instructions in .*, got 2 missing, such as 7_0"):
        read_submission(file, EPISODES, GRAPHS)
    assert list(read_submission(file, EPISODES, GRAPHS, partial=True)) == ["7_1"]
    with pytest.raises(EpisodeError, match="got 3 missing"):
        read_submission(write_json(tmp_path / "none.json", []), EPISODES, GRAPHS, partial=True)
    with pytest.raises(EpisodeError, match="one scored instruction or more, got none"):
        mean_of({})
