import json

import numpy as np
import pytest
from box_world import BED, BODY, NAMES, SINK, TABLE, Box, BoxWorld, two_rooms, walk

from placecell.agent.policies import approaching
from placecell.agent.policies.actions import STOP
from placecell.agent.policies.expectation import learn_expectation
from placecell.agent.policies.modular import make_modular_policy
from placecell.errors import ConfigError
from placecell.geometry import Pose
from placecell.memory import (
    FlatNeighbours,
    FrameList,
    MemoryItem,
    NoMemory,
    Retrieval,
    SemanticGrid,
    SpatialMemory,
)

FAR_BED = Box((7.0, 2.6, 0.0), (7.9, 3.9, 0.5), BED)
NEAR_TABLE = Box((2.6, 0.1, 0.0), (3.4, 0.8, 0.7), TABLE)
SINK_THERE = Box((5.0, 0.0, 0.6), (5.6, 0.4, 0.9), SINK)


def policy_for(memory, **options):
    return make_modular_policy(memory, BODY, 10.0, categories=NAMES, **options)


def sought(goal, *things, memory=None, **options):
    """The world after an episode, and its decisions."""
    memory = memory or SpatialMemory(max_depth_m=10.0)
    world = BoxWorld(two_rooms(*things), goal)
    return world, walk(world, memory, policy_for(memory), **options)


def modes(decisions):
    return [d.trace["mode"] for d in decisions]


@pytest.fixture(scope="module")
def bedward():
    return sought(BED, FAR_BED, NEAR_TABLE)


def test_it_finds_an_object_in_the_next_room_and_stops_within_a_metre(bedward):
    world, decisions = bedward
    assert decisions[-1].action == STOP
    assert world.gap_m(BED) < 0.9
    assert world.path_m < 1.5 * 5.5


def test_it_looks_around_explores_approaches_and_stops(bedward):
    _, decisions = bedward
    told = [mode.partition("/")[0] for mode in modes(decisions)]
    assert told[0] == "look_around"
    assert "approach" in told
    assert told[-1] == "stop"
    assert told.index("approach") > told.index("explore") if "explore" in told else True


def test_its_trace_is_plain_json_and_names_its_candidate(bedward):
    _, decisions = bedward
    for decision in decisions:
        trace = dict(decision.trace)
        assert json.loads(json.dumps(trace, allow_nan=False)) == trace
        assert trace["rejected"] == 0
        approaching = trace["mode"].startswith(("approach", "verify", "stop"))
        assert (trace["candidate"] is not None) == approaching
    x, y, _ = decisions[-1].trace["candidate"]
    assert 6.8 < x < 8.0
    assert 2.4 < y < 4.0


@pytest.mark.parametrize("memory", [NoMemory, FrameList, FlatNeighbours, SemanticGrid])
def test_any_memory_will_do(memory):
    world, decisions = sought(BED, FAR_BED, NEAR_TABLE, memory=memory())
    assert decisions[-1].action == STOP
    assert world.gap_m(BED) < 0.9


def test_what_hangs_on_a_wall_is_stood_before():
    picture = Box((7.95, 1.2, 1.3), (8.0, 1.9, 1.8), SINK)
    world, decisions = sought(SINK, picture, FAR_BED)
    assert decisions[-1].action == STOP
    assert world.gap_m(SINK) < 0.9


def test_a_warm_memory_saves_the_look_around_and_the_way():
    memory = SpatialMemory(max_depth_m=10.0)
    things = (FAR_BED, NEAR_TABLE, SINK_THERE)
    walk(BoxWorld(two_rooms(*things), BED), memory, policy_for(memory))
    warm_policy = policy_for(memory)
    cold, warm = BoxWorld(two_rooms(*things), BED), BoxWorld(two_rooms(*things), BED)
    after = walk(warm, memory, warm_policy, start="warm")
    before = walk(cold, SpatialMemory(max_depth_m=10.0), policy_for(SpatialMemory(max_depth_m=10.0)))
    assert "look_around" not in modes(after)
    assert modes(after)[0].startswith("approach")
    assert after[-1].action == STOP
    assert warm.gap_m(BED) < 0.9
    assert len(after) < len(before)


def test_an_approach_takes_as_long_as_it_comes_nearer(monkeypatch):
    memory = SpatialMemory(max_depth_m=10.0)
    walk(BoxWorld(two_rooms(FAR_BED), BED), memory, policy_for(memory))
    monkeypatch.setattr(approaching, "_PATIENCE", 12)
    world = BoxWorld(two_rooms(FAR_BED), BED)
    decisions = walk(world, memory, policy_for(memory), start="warm")
    assert len(decisions) > 24
    assert decisions[-1].action == STOP
    assert decisions[-1].trace["rejected"] == 0


def test_what_is_no_longer_there_is_given_up_and_found_elsewhere():
    """A bed is remembered in the near room; it has been carried to the far one."""
    memory = SpatialMemory(max_depth_m=10.0)
    old = Box((2.4, 2.6, 0.0), (3.4, 3.9, 0.5), BED)
    walk(BoxWorld(two_rooms(old), BED, Pose(1.0, 1.0, 0.0, 0.5)), memory, policy_for(memory))
    world = BoxWorld(two_rooms(FAR_BED), BED)
    decisions = walk(world, memory, policy_for(memory), start="warm")
    assert decisions[0].trace["candidate"][0] < 4.0
    assert decisions[-1].action == STOP
    assert world.gap_m(BED) < 0.9


class Liar(NoMemory):
    """Swears that there is a bed where there is only floor."""

    def retrieve(self, query, k):
        points = np.stack(np.meshgrid([2.5, 2.6, 2.7], [3.0, 3.1, 3.2], [0.3, 0.4]), -1).reshape(-1, 3)
        item = MemoryItem(points.mean(0), 0.99, "lie", 0, category=query.category, points=points)
        return Retrieval((item,))


def test_a_memory_that_lies_is_not_believed_for_ever():
    world, decisions = sought(BED, FAR_BED, memory=Liar())
    assert decisions[0].trace["candidate"] is not None
    assert decisions[-1].action == STOP
    assert decisions[-1].trace["rejected"] >= 1
    assert world.gap_m(BED) < 0.9


def test_it_never_stops_where_nothing_of_the_kind_was_seen():
    _, decisions = sought(BED, NEAR_TABLE, memory=Liar(), steps=250)
    assert len(decisions) == 250
    assert "wander" in {mode.partition("/")[0] for mode in modes(decisions)}


def test_the_same_chance_takes_the_same_steps_and_an_episode_forgets_the_last():
    memory = SpatialMemory(max_depth_m=10.0)
    policy = policy_for(memory)
    runs = [walk(BoxWorld(two_rooms(FAR_BED, NEAR_TABLE), BED), memory, policy) for _ in range(2)]
    assert [d.action for d in runs[0]] == [d.action for d in runs[1]]
    assert [d.trace for d in runs[0]] == [d.trace for d in runs[1]]


def test_without_labels_it_says_what_to_set():
    world = BoxWorld(two_rooms(FAR_BED), BED)
    memory = SpatialMemory()
    policy = policy_for(memory)
    policy.begin_episode(np.random.default_rng(0))
    with pytest.raises(
        ConfigError, match=r"frames with labels to look for a bed in.*set perception=segmenter"
    ):
        policy.decide(world.percept(labelled=False), Retrieval())


def test_it_draws_its_map_with_what_it_heads_for(bedward):
    memory = SpatialMemory(max_depth_m=10.0)
    policy = policy_for(memory)
    walk(BoxWorld(two_rooms(FAR_BED), SINK), memory, policy, steps=20)
    assert policy.top_down().ndim == 3


def test_of_two_frontiers_it_takes_the_one_that_promises_more():
    """Two doors alike; by one stands a table, and beds go with tables in the homes it learned from."""
    homes = [(("table", "bed"), np.array([[0.0, 0, 0], [1.0, 0, 0]]), np.zeros(2, np.int64))] * 30
    homes += [(("sink",), np.zeros((1, 3)), np.zeros(1, np.int64))] * 30
    learned = learn_expectation(homes)
    walls = [
        ((-4.2, -0.2), (4.2, 0.0)), ((-4.2, 3.0), (4.2, 3.2)), ((-4.2, 0.0), (-4.0, 3.0)),
        ((4.0, 0.0), (4.2, 1.0)), ((4.0, 2.0), (4.2, 3.0)), ((-4.2, 0.0), (-4.0, 1.0)),
    ]  # fmt: skip
    walls[2] = ((-4.2, 2.0), (-4.0, 3.0))
    room = [Box((-9.0, -4.0, -0.2), (9.0, 8.0, 0.0), 2), *(Box((*a, 0.0), (*b, 2.4), 1) for a, b in walls)]
    for side in (-1, 1):
        x = sorted((side * 2.4, side * 3.2))
        things = [Box((x[0], 0.0, 0.0), (x[1], 0.7, 0.7), TABLE)]
        x = sorted((-side * 2.4, -side * 3.2))
        things.append(Box((x[0], 0.0, 0.0), (x[1], 0.7, 0.7), SINK))
        memory = SpatialMemory(max_depth_m=10.0)
        world = BoxWorld(room + things, BED, Pose(0.0, 1.5, 0.0, np.pi / 2))
        walk(world, memory, policy_for(memory, expectation=learned), steps=40)
        assert np.sign(world.pose.x) == side
