import gymnasium
import pytest
from percepts import percept

from placecell.agent import make
from placecell.agent.loop import run_episode
from placecell.agent.policies.expert import ExpertPolicy
from placecell.arrays import generator
from placecell.errors import ConfigError
from placecell.memory import NoMemory, Retrieval


class Guided(gymnasium.Env):
    def expert_action(self):
        return 5


def test_the_expert_does_what_the_environment_says_and_is_marked_an_oracle():
    policy = ExpertPolicy(gymnasium.Wrapper(Guided()))
    policy.begin_episode(generator(0))
    assert policy.oracle == ("shortest_path",)
    assert policy.decide(percept(), Retrieval()).action == 5


def test_an_environment_without_an_expert_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"^expected an environment with an expert_action\(\), got Env; choose another agent, or give",
    ):
        ExpertPolicy(gymnasium.Env())


@pytest.mark.parametrize("episode", [0, 1, 2])
def test_the_expert_walks_the_shortest_path(home, episode):
    agent = make.expert(home, NoMemory())
    last = run_episode(home, agent, seed=0, episode=episode, rng=generator(0))
    measures = last.info["measures"]
    assert measures["success"] == 1
    assert measures["spl"] > 0.97
