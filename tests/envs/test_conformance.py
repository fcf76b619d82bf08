"""The contract suite accepts a small honest environment, and names the clause that each broken one breaks."""

import gymnasium
import pytest
from corridors import BROKEN, LIMIT, AssertsTheOrder, Corridor, LendsItsBuffer

from placecell.envs.conformance import CHECKS, check_environment
from placecell.envs.trial import ContractError, Trial
from placecell.errors import PlacecellError


def check_named(clause):
    return next(check for check in CHECKS if check.__name__ == f"check_{clause}")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_honest_environment_passes_every_clause(check):
    check(Corridor, Trial())


def test_the_whole_contract_at_once():
    check_environment(Corridor)
    check_environment(Corridor, episodes=9, max_steps=LIMIT, seed=7)


def test_gymnasiums_wrappers_pass_too():
    spec = gymnasium.envs.registration.EnvSpec("placecell-test/Corridor-v0", entry_point=Corridor)
    check_environment(lambda: gymnasium.make(spec))


@pytest.mark.parametrize(("broken", "clause"), BROKEN)
def test_a_broken_environment_is_told_which_clause(broken, clause):
    with pytest.raises(ContractError, match=rf"\(clause '{clause}'\), got .+; .+") as caught:
        check_named(clause)(broken, Trial())
    assert caught.value.clause == clause
    assert isinstance(caught.value, PlacecellError)
    assert isinstance(caught.value, AssertionError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("broken", "clause"), BROKEN)
def test_the_whole_contract_refuses_it(broken, clause):
    with pytest.raises(ContractError):
        check_environment(broken)


def test_every_clause_has_an_environment_that_breaks_it():
    assert {case.values[1] for case in BROKEN} == {check.__name__[6:] for check in CHECKS}


def test_an_error_says_what_to_do():
    with pytest.raises(
        ContractError, match=r"'rgb' at step 1.*memory of an earlier array; copy the array before"
    ):
        check_named("fresh_arrays")(LendsItsBuffer, Trial())
    with pytest.raises(
        ContractError, match=r"episode 0 to end .*got 5 steps without an end; make the environment"
    ):
        check_named("step_limit")(Corridor, Trial(max_steps=5))
    with pytest.raises(
        ContractError, match=r"step before reset to be refused .*got AssertionError: call reset.*; raise"
    ):
        check_named("call_order")(AssertsTheOrder, Trial())
