"""Tours of different lengths, and an agent that is led from goal to start, as in IVLN."""

import json

import numpy as np
import pytest
from rounds import Rounds, walker

from placecell.agent.plan import Leg, legs, tours
from placecell.agent.runner import run
from placecell.errors import ConfigError

LENGTHS = (1, 3, 2)
FIRST = (0, 1, 4)
VISITED = [0.0, 1.0, 2.0, 3.0]


class Led(Rounds):
    """Between two visits the agent is shown two cells."""

    visits_per_tour = LENGTHS

    def carried(self):
        for cell in (50.0, 51.0):
            yield {"cell": np.array([cell])}

    def _info(self):
        tour = max(number for number, first in enumerate(FIRST) if first <= self.episode)
        info = super()._info()
        info["tags"] |= {"tour": tour, "visit": self.episode - FIRST[tour]}
        return info | {"scene_id": f"house {tour}"}


def lines(out):
    return [{**json.loads(line), "seconds": 0} for line in (out / "results.jsonl").read_text().splitlines()]


def walk(out, arm, stop=None, episodes=6):
    env, agent, held = Led(), walker(), []
    begin = agent.policy.begin_episode

    def note(rng):
        held.append(list(agent.memory.cells))
        if env.episode == stop:
            raise KeyboardInterrupt
        begin(rng)

    agent.policy.begin_episode = note
    run(env, agent, episodes=episodes, seed=0, out=out, config={}, arm=arm)
    return held


def test_each_tour_is_a_leg_of_its_length():
    assert [leg.pending for leg in legs(6, LENGTHS)] == [(0,), (1, 2, 3), (4, 5)]
    assert legs(5, LENGTHS, {1: "done", 2: "crashed"}) == (Leg(0, (0,)), Leg(1, (3,), (2,)), Leg(4, (4,)))
    assert [*tours(0, LENGTHS)] == [*tours(0, 2)] == []


def test_a_kept_memory_takes_in_what_the_agent_is_shown_on_its_way_to_the_next_start(tmp_path):
    way = [50.0, 51.0]
    first, second = [], [*VISITED, *way]
    assert walk(tmp_path, "warm") == [
        first, first, second, [*second, *second], first, second,
    ]  # fmt: skip


@pytest.mark.parametrize(("arm", "begins"), [("cold", []), ("foreign", [20.0, 21.0])])
def test_a_memory_that_keeps_nothing_of_a_visit_keeps_nothing_of_the_way(tmp_path, arm, begins):
    assert walk(tmp_path, arm) == [begins] * 6


@pytest.mark.parametrize("stop", range(6))
def test_a_tour_cut_off_anywhere_comes_to_the_same_end(tmp_path, stop):
    walk(tmp_path / "calm", "warm")
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "cut", "warm", stop=stop)
    walk(tmp_path / "cut", "warm")
    assert lines(tmp_path / "cut") == lines(tmp_path / "calm")
    assert not (tmp_path / "cut" / "tours").exists()


def test_lengths_that_do_not_add_up_are_refused(tmp_path):
    env = Led()
    env.visits_per_tour = (1, 2)
    with pytest.raises(ConfigError, match="tours of 6 episodes in all, got 3, in 2 tours"):
        run(env, walker(), episodes=3, seed=0, out=tmp_path, config={}, arm="warm")
