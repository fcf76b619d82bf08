from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_module

import placecell.conf
from placecell.agent.loop import Agent
from placecell.agent.perception.semantics import NoSemantics, OracleSemantics
from placecell.agent.policies.baselines import ForwardPolicy, RandomPolicy
from placecell.agent.policies.expert import ExpertPolicy
from placecell.agent.policies.modular import ModularPolicy
from placecell.errors import ConfigError, DataError
from placecell.geometry import Pinhole, Pose
from placecell.memory import FlatNeighbours, Frame, FrameList, NoMemory, SemanticGrid, SpatialMemory
from placecell.scripts.build import build, build_env
from placecell.scripts.run import main

CONF = Path(placecell.conf.__file__).parent
POLICIES = {
    "expert": ExpertPolicy, "forward": ForwardPolicy, "modular": ModularPolicy, "random": RandomPolicy,
}  # fmt: skip
ON_GRAPHS = ("gold", "graph", "streets", "uniform")
MEMORIES = {
    "flat": FlatNeighbours,
    "frames": FrameList,
    "full": SpatialMemory,
    "grid": SemanticGrid,
    "no_long_term": SpatialMemory,
    "no_octree": SpatialMemory,
    "no_short_term": SpatialMemory,
    "no_topology": SpatialMemory,
    "none": NoMemory,
    "octree": SpatialMemory,
}
SEMANTICS = {"none": NoSemantics, "oracle": OracleSemantics}


def composed(*overrides):
    with initialize_config_module("placecell.conf", version_base="1.3"):
        return compose("run", list(overrides))


def made(home, *overrides):
    cfg = composed(*overrides)
    return build(cfg.agent, "agent", env=home, memory=build(cfg.memory, "memory"))


def test_these_are_all_choices():
    assert sorted(path.stem for path in (CONF / "agent").glob("*.yaml")) == sorted((*POLICIES, *ON_GRAPHS))
    assert sorted(path.stem for path in (CONF / "memory").glob("*.yaml")) == sorted(MEMORIES)


@pytest.mark.parametrize("choice", POLICIES)
def test_an_agent_is_made_with_the_memory_it_needs(home, choice):
    agent = made(home, f"agent={choice}")
    assert isinstance(agent, Agent)
    assert isinstance(agent.policy, POLICIES[choice])
    assert isinstance(agent.memory, SpatialMemory if choice == "modular" else NoMemory)
    assert agent.k == (16 if choice == "modular" else 3)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("choice", POLICIES)
def test_every_agent_takes_any_memory(home, choice, memory):
    agent = made(home, f"agent={choice}", f"memory={memory}", "agent.k=5")
    assert isinstance(agent.memory, MEMORIES[memory])
    assert agent.k == 5


@pytest.mark.parametrize(
    ("choice", "parts"),
    [
        ("full", (True, True, True, True)),
        ("no_octree", (False, True, True, True)),
        ("no_topology", (True, False, True, True)),
        ("no_short_term", (True, True, False, True)),
        ("no_long_term", (True, True, True, False)),
        ("octree", (True, False, False, False)),
    ],
)
def test_parts_of_the_memory_switch_off(choice, parts):
    memory = build(composed(f"memory={choice}").memory, "memory")
    held = (memory.octree, memory.topology, memory.short_term, memory.long_term)
    assert tuple(part is not None for part in held) == parts
    assert memory.max_depth_m == 10.0


@pytest.mark.parametrize("tokens", ["flat", "mean", "reversible"])
def test_the_long_term_s_tokens_are_chosen_on_the_command_line(tokens):
    """A leaf and a place have a row each, an observation as it is has one."""
    memory = build(composed("memory=full", f"memory.long_term_tokens={tokens}").memory, "memory")
    camera = Pinhole.from_hfov(12, 8, 1.4)
    for step in range(3):
        depth = np.full((8, 12), 2.0 + 0.1 * step, np.float32)
        memory.write(Frame(Pose(0, 0, 0, 0).T_world_camera(0.9), camera, depth, step=step))
    assert memory.long_term.tokens == tokens
    assert len(memory.long_term) == (3 if tokens == "flat" else 2)
    assert (memory.long_term.chains is not None) == (tokens == "reversible")


def test_tokens_that_there_are_not_are_one_clear_error():
    cfg = composed("memory=full", "memory.long_term_tokens=median")
    with pytest.raises(ConfigError, match="median"):
        build(cfg.memory, "memory")


@pytest.mark.parametrize(("choice", "kind"), SEMANTICS.items())
def test_perception_names_what_is_seen(choice, kind):
    cfg = composed(f"perception={choice}")
    assert isinstance(build(cfg.perception, "perception"), kind)
    assert cfg.env.semantics == (choice == "oracle")


@pytest.mark.parametrize("choice", ["forward", "modular", "random"])
def test_the_oracle_s_labels_are_in_the_frames_of_agents_that_look(home, choice):
    observation, _ = home.reset(seed=0, options={"episode": 0})
    image = np.full(observation["depth"].shape, 3, np.int32)
    seen = made(home, f"agent={choice}", "perception=oracle").perception(observation | {"category": image}, 0)
    np.testing.assert_array_equal(seen.frame.labels, image)
    assert made(home, f"agent={choice}").perception(observation, 0).frame.labels is None


def test_without_what_it_should_have_learned_the_mapping_agent_says_how_to_make_it(home):
    with pytest.raises(DataError, match=r"none.json, got no such file; make it with placecell-train"):
        made(home, "agent=modular", "agent.expectation=none.json")


THINGS = {
    "a thing": (["task=objectnav"], True),
    "things and a place": (["task=tour", "task.goals=2", "task.repeats=0"], True),
    "places": (["task=tour", "task.goals=2", "task.places=2", "task.repeats=0"], False),
    "a point": (["task=pointnav"], False),
}


@pytest.mark.parametrize(("task", "refused"), THINGS.values(), ids=THINGS)
def test_what_has_no_names_is_not_sent_for_things(task, refused):
    small = ["env=houses", "env.width=16", "env.height=16", "episodes=2", "perception=none"]
    cfg = composed(*small, *task)
    env = build_env(cfg)
    memory = build(cfg.memory, "memory")
    if refused:
        with pytest.raises(ConfigError, match=r"got one without labels; set perception=segmenter"):
            build(cfg.agent, "agent", env=env, memory=memory)
        cfg = composed(*small, *task, "agent=random")
    assert isinstance(build(cfg.agent, "agent", env=env, memory=memory), Agent)


def test_a_run_without_names_ends_in_one_line_before_it_begins(tmp_path, capsys):
    out = tmp_path / "made"
    arguments = ["env=houses", "task=tour", "perception=none", "agent=modular", "episodes=2", "workers=0"]
    assert main([*arguments, "progress=false", f"out={out}"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("placecell-run: expected a perception that names things, ")
    assert complaint.count("\n") == 1
    assert not out.exists()


def test_a_mistake_on_the_command_line_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(
        ["agent=modular", "agent.range_m=0", "env.width=16", "env.height=16", "episodes=1", "out=made"]
    )
    complaint = capsys.readouterr().err
    assert code == 2
    assert complaint == (
        "placecell-run: expected a range_m above 0 metres, got 0; set agent.range_m=10, or leave it out\n"
    )
    assert not list(tmp_path.iterdir())


def test_keys_of_an_agent_reach_it(home):
    agent = made(home, "agent=modular", "agent.range_m=4.0", "memory.voxel_size_m=0.2")
    assert agent.memory.octree.voxel_size_m == 0.2
    with pytest.raises(ConfigError, match="a key of agent: semantics, range_m, expectation, k"):
        made(home, "agent=modular", "+agent.rang_m=4")
