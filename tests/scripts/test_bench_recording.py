import argparse

import numpy as np
import pytest
from recorded import Wall, plodder

from placecell.scripts.bench import recording


def wall(steps):
    return Wall(steps), plodder()


def rows_of(folder, **changes):
    case = recording.Case(**{"name": "wall", "make": wall, "episodes": 2, "steps": 4, "rounds": 2, **changes})
    return {row.name: row for row in recording.measure(case, folder)}


def test_a_case_gives_the_cost_of_each_level_against_off(tmp_path):
    rows = rows_of(tmp_path, judged=True)
    assert list(rows) == ["wall_off", "wall_light", "wall_light_bytes", "wall_full", "wall_full_bytes"]
    assert rows["wall_off"].unit == "ms/step"
    for level, target in (("light", "<= 1.05"), ("full", "<= 1.5")):
        row = rows[f"wall_{level}"]
        assert row.unit == "x record=off"
        assert row.target == target
        assert row.passed == (row.value <= recording.MOST[level])
    assert rows["wall_off"].target is rows["wall_light_bytes"].target is None


def test_bytes_are_those_of_the_files(tmp_path):
    rows = rows_of(tmp_path, episodes=1)
    for level in ("light", "full"):
        size = sum(file.stat().st_size for file in (tmp_path / level / "0").iterdir())
        assert rows[f"wall_{level}_bytes"].value == size / 4
    assert rows["wall_full_bytes"].value > rows["wall_light_bytes"].value > 100


def test_a_case_that_is_not_judged_has_no_target(tmp_path):
    assert all(row.target is None and row.passed is None for row in rows_of(tmp_path).values())


def test_of_each_step_the_cheapest_round_counts(monkeypatch, tmp_path):
    """By hand: two rounds of begin, two steps and end."""
    cost = {
        "off": [[0, 1, 5, 0], [0, 3, 1, 0]],
        "light": [[1, 2, 2, 0], [0, 2, 2, 2]],
        "full": [[4, 4, 4, 4]] * 2,
    }
    taken = {level: iter(rounds) for level, rounds in cost.items()}
    order = []

    def walk(env, agent, recorder, episode, folder):
        order.append(folder.parent.name)
        return np.array(next(taken[folder.parent.name]), float)

    monkeypatch.setattr(recording, "_walk", walk)
    rows = rows_of(tmp_path, episodes=1, judged=True)
    assert order == ["off", "light", "full", "light", "full", "off"]
    assert rows["wall_off"].value == 1000.0
    assert (rows["wall_light"].value, rows["wall_full"].value) == (2.0, 8.0)
    assert not rows["wall_light"].passed


@pytest.mark.parametrize("quick", [True, False])
def test_only_the_mapping_agent_at_128x128_is_judged(monkeypatch, tmp_path, quick):
    cases = []
    monkeypatch.setattr(recording, "measure", lambda case, folder: cases.append(case) or [])
    assert recording.run(argparse.Namespace(quick=quick, out=tmp_path)) == []
    assert [case.name for case in cases] == ["houses_128x128", "home_random_128x128", "houses_640x480"]
    assert [case.judged for case in cases] == [True, False, False]
    assert not any(tmp_path.iterdir())


def test_the_cases_walk_what_they_are_named_after():
    env, agent = recording.houses(32, 24)(3)
    assert env.observation_space["category"].shape == (24, 32)
    assert "oracle_semantics" in env.oracle
    assert type(agent.policy).__name__ == "ModularPolicy"
    env, agent = recording.home_random(3)
    assert env.embodiment["max_steps"] == 3
    assert type(agent.policy).__name__ == "RandomPolicy"
