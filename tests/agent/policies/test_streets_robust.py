"""Whatever the text and the streets: an episode ends, and nothing but its own text and way decides how."""

import dataclasses

import numpy as np
import pytest
from blocks import plain_habits, write_town
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.loop import run_episode
from placecell.agent.make import streets
from placecell.agent.perception.panorama import PanoramaPerception
from placecell.agent.perception.percept import InstructionGoal
from placecell.agent.policies.routes.lexicon import BESIDE, CARDINALS, NEXT, ORDINALS, PASSING, REACHING
from placecell.agent.policies.routes.stopping import Habits
from placecell.agent.policies.streets import StreetsPolicy
from placecell.envs.graph.make import make_streets_env
from placecell.memory import NoMemory, Retrieval, SpatialMemory

UP, GONE = (12, 1), [(9, 6), (8, 6), (7, 6), (12, 9)]
TEXT = "Turn left at the light. Stop two steps after."
SAID = (
    *CARDINALS, *ORDINALS, *PASSING, *REACHING, *BESIDE, *NEXT, "light", "block", "corner", "one", "street",
    "turn", "left", "right", "go straight", "stop", "of the", "then", ".", ",", "half", "until you can't",
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(SAID), max_size=40).map(" ".join))


@pytest.fixture(scope="module", autouse=True)
def town(tmp_path_factory):
    """The same text and start with two paths, in a town where some ways end."""
    folder = tmp_path_factory.mktemp("made")
    paths = ((UP, (12, 6), (10, 6)), (UP, (12, 6), (18, 6)))
    write_town(folder / "town", [(TEXT, path, 0) for path in paths], missing=GONE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACECELL_DATA", str(folder))
        yield folder


def actions(env, text=None, episode=0, habits=None):
    """What is done from the start on, with another text than the episode's."""
    policy, perception = StreetsPolicy(habits or plain_habits()), PanoramaPerception(env)
    observation, _ = env.reset(seed=0, options={"episode": episode})
    policy.begin_episode(np.random.default_rng(0))
    done, over = [], False
    while not over:
        percept = perception(observation, len(done))
        if text is not None:
            percept = dataclasses.replace(percept, goal=InstructionGoal(text))
        done.append(policy.decide(percept, Retrieval()).action)
        assert env.action_space.contains(done[-1])
        observation, _, ended, cut, _ = env.step(done[-1])
        over = ended or cut
    return done


@pytest.fixture(scope="module")
def turning(town):
    return make_streets_env("town")


@settings(max_examples=25, deadline=None)
@given(text=TEXTS, habits=st.sampled_from(["map2seq_unseen", "touchdown_unseen", "general"]))
def test_any_text_is_walked_to_an_end(turning, text, habits):
    done = actions(turning, text, habits=Habits.load(habits))
    assert 0 < len(done) <= 55


@pytest.mark.parametrize(
    "text",
    ["Left", "?!... -- ;;", "Allez tout droit, à gauche au feu.", "请在红绿灯处左转。", "left " * 1000,
     "of the " * 500, "a couple of couple of " * 250],
)  # fmt: skip
@pytest.mark.parametrize("ways", ["orar", "local"])
def test_odd_texts_are_walked_too(text, ways):
    assert actions(make_streets_env("town", actions=ways), text)[-1] == 0


@pytest.mark.parametrize("ways", ["orar", "local"])
@pytest.mark.parametrize(("nodes", "links"), [
    ("a,0,40.7,-74\nb,0,40.7001,-74\n", "a,0,b\nb,180,a\n"),
    ("a,0,40.7,-74\nb,0,40.7001,-74\nc,0,40.7002,-74\n", "a,0,b\nb,0,c\n"),
])  # fmt: skip
def test_streets_of_two_or_three_panoramas_are_walked_to_an_end(town, tmp_path, nodes, links, ways):
    """Also where every link leads one way, and the last panorama has none."""
    (tmp_path / "nodes.txt").write_text(nodes)
    (tmp_path / "links.txt").write_text(links)
    line = '{"id": 0, "instructions_id": 0, "navigation_text": "Go left.", "start_heading": 0, '
    (tmp_path / "dev.json").write_text(line + '"route_panoids": ["a", "b"]}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACECELL_DATA", str(tmp_path.parent))
        done = actions(make_streets_env(tmp_path.name, actions=ways))
    assert done[-1] == 0


def test_the_route_that_is_described_has_no_part_in_it(turning):
    assert actions(turning, episode=0) == actions(turning, episode=1)


def test_a_memory_keeps_the_panoramas_walked_and_recalls_those_before(turning):
    walks = []
    for memory in (NoMemory(), SpatialMemory(voxel_size_m=0.1, max_depth_m=10.0)):
        steps = []
        agent = streets(turning, memory, habits="touchdown_unseen")
        rng = np.random.default_rng(0)
        run_episode(turning, agent, seed=0, episode=0, rng=rng, on_step=[steps.append])
        walks.append([step.decision.action for step in steps])
    assert walks[0] == walks[1]
    places = {tuple(np.round(step.percept.pose.position)) for step in steps}
    assert len(memory.places().positions) == len(places)
    assert min(len(step.retrieval.items) for step in steps[8:]) > 4
