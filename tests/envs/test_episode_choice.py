"""Which episode a reset begins."""

import numpy as np
import pytest

from placecell.envs.episode_choice import episode_index
from placecell.errors import EpisodeError


def test_the_one_asked_for_is_taken_and_nothing_is_drawn():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert [episode_index(asked, 4, rng) for asked in (0, 3, np.int64(2))] == [0, 3, 2]
    assert rng.bit_generator.state == before


def test_without_one_all_are_drawn_and_the_generator_decides():
    drawn = [episode_index(None, 4, np.random.default_rng(seed)) for seed in range(40)]
    assert set(drawn) == set(range(4))
    assert drawn == [episode_index(None, 4, np.random.default_rng(seed)) for seed in range(40)]


@pytest.mark.parametrize("asked", [4, -1, "1", 1.0, True, [0]])
def test_what_is_none_of_them_is_told(asked):
    with pytest.raises(EpisodeError, match=r"^expected an episode from 0 to 3, got .+; pass options="):
        episode_index(asked, 4, np.random.default_rng(0))
