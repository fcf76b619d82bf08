import pytest

from placecell.agent.plan import Leg, Plan, legs
from placecell.errors import ConfigError


def test_every_episode_of_a_run_is_in_one_leg():
    for size in (1, 2, 3, 6, 7):
        pending = [episode for leg in legs(7, size) for episode in leg.pending]
        assert pending == list(range(7))


def test_what_is_done_is_left_out_and_what_was_lost_is_named():
    done = {0: "done", 1: "crashed", 3: "done", 4: "stalled", 5: "done"}
    assert legs(8, 3, done) == (Leg(0, (2,), (1,)), Leg(6, (6, 7)))
    assert legs(6, 1, done) == (Leg(2, (2,)),)
    assert legs(3, 3, dict.fromkeys(range(3), "done")) == ()


def test_a_seed_below_0_is_refused():
    with pytest.raises(ConfigError, match="expected a seed of 0 or more, got -1; set seed=N"):
        Plan(-1)
