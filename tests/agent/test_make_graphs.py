"""Agents of panorama graphs, made from the config and walked in made worlds."""

import pytest
from graph_data import write_data
from hydra import compose, initialize_config_module

from placecell.agent.loop import run_episode
from placecell.agent.perception.panorama import PanoramaPerception
from placecell.agent.policies import panorama_baselines as baselines
from placecell.agent.policies.expert import ExpertPolicy
from placecell.agent.policies.graph import GraphPolicy
from placecell.arrays import generator
from placecell.errors import ConfigError
from placecell.scripts.build import build, build_env

STREETS = ["env=streets", "env.dataset=made_streets"]
HOUSES = ["env=r2r"]
MADE = [
    ("random", HOUSES, baselines.RandomHeadingPolicy),
    ("random", STREETS, baselines.RandomTurnsPolicy),
    ("forward", HOUSES, baselines.StraightOnPolicy),
    ("forward", STREETS, baselines.StreetAheadPolicy),
    ("uniform", HOUSES, baselines.UniformPolicy),
    ("gold", HOUSES, baselines.GoldPolicy),
    ("gold", STREETS, baselines.GoldPolicy),
    ("expert", HOUSES, ExpertPolicy),
    ("graph", HOUSES, GraphPolicy),
    ("graph", [*HOUSES, "env.actions=global", "env.semantics=true"], GraphPolicy),
]


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    folder = write_data(tmp_path_factory.mktemp("made") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACECELL_DATA", str(folder))
        yield folder


def composed(*overrides):
    with initialize_config_module("placecell.conf", version_base="1.3"):
        return compose("run", list(overrides))


def made(*overrides):
    cfg = composed("task=instruction", *overrides)
    env = build_env(cfg)
    return env, build(cfg.agent, "agent", env=env, memory=build(cfg.memory, "memory"))


def walked(env, agent, episode=0):
    return run_episode(env, agent, seed=0, episode=episode, rng=generator(0, "test"))


@pytest.mark.parametrize(("agent", "world", "policy"), MADE)
@pytest.mark.parametrize("memory", ["none", "full"])
def test_the_world_decides_what_a_name_means(agent, world, policy, memory):
    env, made_agent = made(f"agent={agent}", *world, f"memory={memory}")
    assert isinstance(made_agent.policy, policy)
    assert isinstance(made_agent.perception, PanoramaPerception)
    assert walked(env, made_agent).info["measures"]


@pytest.mark.parametrize("options", [["env.actions=global"], ["env.semantics=true", "memory=full"], []])
@pytest.mark.parametrize("agent", ["gold", "expert"])
def test_oracles_reach_the_goal(agent, options):
    env, oracle = made(f"agent={agent}", *HOUSES, *options)
    for episode in range(env.number_of_episodes):
        measures = walked(env, oracle, episode).info["measures"]
        assert (measures["success"], measures["spl"]) == (1.0, 1.0)


def test_the_random_agent_is_told_where_north_is():
    env, agent = made("agent=random", *HOUSES)
    env.reset(options={"episode": 0})  # looks east at the start
    assert agent.policy._north_rad() == pytest.approx(1.5707963, abs=1e-6)


def test_agents_of_graphs_need_one_and_some_candidates(home):
    for agent in ("gold", "graph", "uniform"):
        cfg = composed(f"agent={agent}")
        with pytest.raises(ConfigError, match=f"a panorama graph for agent={agent}, got MeshNavEnv"):
            build(cfg.agent, "agent", env=home, memory=build(cfg.memory, "memory"))
    for agent in ("graph", "uniform"):
        with pytest.raises(ConfigError, match=r"stop, forward, left, right; set env.actions=local"):
            made(f"agent={agent}", *STREETS)


def test_the_mapping_agent_names_those_that_read_instructions():
    with pytest.raises(ConfigError, match=r"a panorama graph; set agent=graph"):
        made("agent=modular", *HOUSES)


def test_a_task_on_the_command_line_goes_before_the_agent_s():
    assert composed("agent=gold", "env=r2r").task.name == "instruction"
    assert composed("agent=gold", "env=r2r", "task=tour").task.name == "tour"
