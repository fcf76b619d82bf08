"""GraphNav behind Gymnasium's interface: its checker, its vectors, and our contract in every form."""

import os

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

import placecell.envs  # noqa: F401 (registers the ids)
from placecell.envs.conformance import check_environment
from placecell.envs.graph import make_graph_env

ID = "placecell/GraphNav-v0"
FORMS = {
    "local": {},
    "global": {"actions": "global"},
    "labels": {"semantics": True},
    "r4r": {"dataset": "r4r"},
    "secret": {"split": "test"},
    "tour": {"task": {"name": "tour", "arm": "warm"}},
    "orar": {"world": "streets", "dataset": "made_streets"},
    "velma": {"world": "streets", "dataset": "made_streets", "actions": "velma"},
    "streets, local": {"world": "streets", "dataset": "made_streets", "actions": "local"},
}


@pytest.mark.parametrize("form", FORMS)
def test_it_keeps_the_contract(data, form):
    check_environment(lambda: make_graph_env(**{"max_steps": 12, **FORMS[form]}), max_steps=12)


def test_it_keeps_the_contract_with_shuffled_landmarks(data):
    points = {"points_of_interest": str(data / "made_streets" / "shops.txt"), "permute_points": True}
    options = {**FORMS["orar"], **points, "max_steps": 8}
    check_environment(lambda: make_graph_env(**options), max_steps=8, episodes=3)


@pytest.mark.parametrize("form", FORMS)
def test_it_passes_gymnasiums_checker_without_a_warning(data, form):
    check_env(gymnasium.make(ID, **FORMS[form]).unwrapped, skip_render_check=True)


def test_two_make_a_vector(data):
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="sync")
    observation, _ = envs.reset(seed=3)
    assert observation["candidates"].shape[0] == 2
    assert len(observation["instruction"]) == 2
    envs.close()


@pytest.mark.real_data
@pytest.mark.parametrize("form", ["local", "tour"])
def test_it_keeps_the_contract_on_matterport(form):
    assert os.environ["PLACECELL_DATA"]
    options = {"scans": ["1LXtFkjw3qL", "8WUmhLawc2A"], **FORMS[form]}
    check_environment(lambda: make_graph_env(**options), max_steps=35)
