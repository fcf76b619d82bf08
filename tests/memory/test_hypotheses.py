import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, PlacecellError
from placecell.memory.hypotheses import Branch, Hypotheses


def begun(**settings):
    hypotheses = Hypotheses(2, **settings)
    hypotheses.begin({(0, 0): 1.0}, place=5)
    return hypotheses


def test_weights_sum_to_one_and_the_heaviest_is_first():
    hypotheses = begun()
    hypotheses.grow([Branch(0, (1, 0), 1.0), Branch(0, (0, 0), 3.0)])
    assert [(guess.state, guess.weight) for guess in hypotheses.present] == [((0, 0), 0.75), ((1, 0), 0.25)]


def test_equal_states_are_one_whose_parent_gave_the_most():
    hypotheses = begun()
    hypotheses.grow([Branch(0, (1, 0), 1.0), Branch(0, (2, 0), 1.0)])
    second = hypotheses.present[1].number
    hypotheses.grow([Branch(0, (3, 3), 0.1), Branch(1, (3, 3), 0.3)])
    assert len(hypotheses) == 1
    assert hypotheses.present[0].parent == second
    assert hypotheses.present[0].weight == 1.0


def test_the_lightest_are_dropped_beyond_the_bound():
    hypotheses = begun(most=2)
    hypotheses.grow([Branch(0, (n, 0), float(n)) for n in range(1, 6)])
    assert [guess.state[0] for guess in hypotheses.present] == [5, 4]
    assert sum(guess.weight for guess in hypotheses.present) == pytest.approx(1.0)


def test_a_share_below_the_least_is_dropped_but_never_the_heaviest():
    hypotheses = begun(least=0.1)
    hypotheses.grow([Branch(0, (1, 0), 0.95), Branch(0, (2, 0), 0.05)])
    assert len(hypotheses) == 1


def test_a_lineage_leads_back_to_where_it_parted():
    hypotheses = begun()
    hypotheses.grow([Branch(0, (1, 0), 1.0), Branch(0, (2, 0), 0.5)], place=7)
    hypotheses.grow([Branch(1, (2, 1), 1.0)], place=9)
    chain = hypotheses.lineage(hypotheses.present[0].number)
    assert [(guess.state, guess.place) for guess in chain] == [((0, 0), 5), ((2, 0), 7), ((2, 1), 9)]
    assert hypotheses.lineage(99) == ()


def test_old_ancestors_are_forgotten():
    hypotheses = begun(remembered=4)
    for step in range(10):
        hypotheses.grow([Branch(0, (step, 0), 1.0)])
    assert len(hypotheses.lineage(hypotheses.present[0].number)) == 4


def test_unpacked_it_goes_on_as_it_would_have():
    hypotheses = begun()
    hypotheses.grow([Branch(0, (1, 0), 1.0), Branch(0, (2, 0), 0.5)], place=7)
    again = Hypotheses(2)
    again.unpack(hypotheses.pack())
    for both in (hypotheses, again):
        both.grow([Branch(0, (3, 0), 1.0), Branch(1, (4, 0), 2.0)])
    assert again.present == hypotheses.present
    packed, repacked = hypotheses.pack(), again.pack()
    assert all(np.array_equal(packed[name], repacked[name]) for name in packed)


@pytest.mark.parametrize(
    ("branches", "words"),
    [
        ([Branch(1, (0, 0), 1.0)], r"parents from 0 to 0, got \[1\]"),
        ([Branch(0, (0, 0), 0.0)], "a weight above 0, got 1 of weight 0"),
        ([Branch(0, (0,), 1.0)], r"states of 2 numbers .* got \(0,\) of weight 1.0"),
        ([Branch(0, (0, 0), float("nan"))], "of weight nan"),
    ],
)
def test_what_cannot_be_grown_is_said(branches, words):
    with pytest.raises(PlacecellError, match=words):
        begun().grow(branches)


def test_settings_and_arrays_that_do_not_fit_are_said():
    with pytest.raises(ConfigError, match="most and remembered of 1 or more"):
        Hypotheses(2, most=0)
    packed = begun().pack()
    with pytest.raises(ArchiveError, match=r"states of 3 numbers.*got states of shape \(1, 2\)"):
        Hypotheses(3).unpack(packed)
    with pytest.raises(ArchiveError, match="states of 2 numbers"):
        Hypotheses(2).unpack({**packed, "parents": packed["parents"][:0]})
    del packed["weights"]
    with pytest.raises(ArchiveError, match="got no weights"):
        Hypotheses(2).unpack(packed)
