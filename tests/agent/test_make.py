from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

import placecell.conf
from placecell.agent.loop import Agent
from placecell.agent.policies.baselines import ForwardPolicy, RandomPolicy
from placecell.agent.policies.expert import ExpertPolicy
from placecell.agent.policies.modular import ModularPolicy
from placecell.errors import ConfigError
from placecell.memory import NoMemory, SpatialMemory
from placecell.scripts.build import build
from placecell.scripts.run import main

CONF = Path(placecell.conf.__file__).parent
POLICIES = {
    "expert": ExpertPolicy, "forward": ForwardPolicy, "modular": ModularPolicy, "random": RandomPolicy,
}  # fmt: skip
MEMORIES = {"full": SpatialMemory, "none": NoMemory}


def composed(*overrides):
    with initialize_config_module("placecell.conf", version_base="1.3"):
        return compose("run", list(overrides))


def made(home, *overrides):
    cfg = composed(*overrides)
    return build(cfg.agent, "agent", env=home, memory=build(cfg.memory, "memory"))


def test_these_are_all_choices():
    assert sorted(path.stem for path in (CONF / "agent").glob("*.yaml")) == sorted(POLICIES)
    assert sorted(path.stem for path in (CONF / "memory").glob("*.yaml")) == sorted(MEMORIES)


@pytest.mark.parametrize("choice", POLICIES)
def test_an_agent_is_made_with_the_memory_it_needs(home, choice):
    agent = made(home, f"agent={choice}")
    assert isinstance(agent, Agent)
    assert isinstance(agent.policy, POLICIES[choice])
    assert isinstance(agent.memory, SpatialMemory if choice == "modular" else NoMemory)
    assert agent.k == 3


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("choice", sorted(set(POLICIES) - {"modular"}))
def test_an_agent_that_needs_no_map_takes_any_memory(home, choice, memory):
    agent = made(home, f"agent={choice}", f"memory={memory}", "agent.k=5")
    assert isinstance(agent.memory, MEMORIES[memory])
    assert agent.k == 5


def test_the_mapping_agent_refuses_a_memory_without_a_map(home):
    with pytest.raises(
        ConfigError, match="a memory with an octree to plan on, got NoMemory; set memory=full"
    ):
        made(home, "agent=modular", "memory=none")


def test_the_same_mistake_on_the_command_line_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(["agent=modular", "memory=none", "env.width=16", "env.height=16", "episodes=1", "out=made"])
    complaint = capsys.readouterr().err
    assert code == 2
    assert complaint == (
        "placecell-run: expected a memory with an octree to plan on, got NoMemory; set memory=full, "
        "or choose an agent that needs no map (random, forward, expert)\n"
    )
    assert not list(tmp_path.iterdir())


def test_keys_of_an_agent_reach_it(home):
    agent = made(home, "agent=modular", "agent.range_m=4.0", "memory.voxel_size_m=0.2")
    assert agent.memory.octree.voxel_size_m == 0.2
    with pytest.raises(ConfigError, match="a key of agent: range_m, k"):
        made(home, "agent=modular", "+agent.rang_m=4")
