import math

import numpy as np
import pytest
from percepts import percept as percept_in_a_house
from seen_panoramas import CATEGORIES, World, observation, percept, perception

from placecell.agent.perception.panorama import PanoramaPerception, panorama_of, straightest
from placecell.agent.perception.percept import InstructionGoal
from placecell.errors import ConfigError, EnvironmentUseError
from placecell.memory import FlatNeighbours, FrameList, NoMemory, Query, SemanticGrid, SpatialMemory

LAMP, CHAIR, TABLE = 1, 2, 3
# Four panoramas 2 m apart in a row; the lamp stands beside the second and third, the table beyond the last.
ROW = [(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (4.0, 0.0, 0.0), (6.0, 0.0, 0.0)]
LAMP_AT, TABLE_AT = (3.3, 1.6, -0.2), (7.5, -1.0, -0.9)
MIDDLE = np.array([5.2, 0.2, -0.5])  # a short term answers within 3 m
MEMORIES = {
    "full": lambda: SpatialMemory(max_depth_m=10.0),
    "octree": lambda: SpatialMemory(max_depth_m=10.0, topology=False, short_term=False, long_term=False),
    "graph": lambda: SpatialMemory(octree=False, short_term=False, long_term=False),
    "short term": lambda: SpatialMemory(octree=False, topology=False, long_term=False),
    "flat": FlatNeighbours,
    "frames": FrameList,
    "grid": SemanticGrid,
}


def walked(memory, places=ROW, features=None):
    """The row walked into a memory, each panorama seeing what is within 3 m."""
    memory.begin_episode("cold")
    looks = perception()
    for step, at in enumerate(places):
        near = [(c, p) for c, p in ((LAMP, LAMP_AT), (TABLE, TABLE_AT)) if math.dist(at, p) < 3]
        memory.write(looks(observation(at, objects=near, node=step, features=features), step).frame)
    return memory


def test_it_reads_where_one_can_go_and_what_is_there():
    seen = percept(
        (1.0, 2.0, 0.5), [(7, (1.0, 4.0, 0.5)), (3, (4.0, 2.0, 3.5))], yaw_rad=math.pi / 2, node=5,
        objects=[(TABLE, (1.0, 1.0, 0.5))], text="Go up.", collided=True, step=4,
    )  # fmt: skip
    assert (seen.node, seen.collided, seen.step, seen.instruction) == (5, True, 4, "Go up.")
    assert seen.goal == InstructionGoal("Go up.")
    assert seen.candidates.tolist() == [7, 3]
    np.testing.assert_allclose(seen.headings, [0, -math.pi / 2], atol=1e-6)
    np.testing.assert_allclose(seen.elevations, [0, math.pi / 4], atol=1e-6)
    np.testing.assert_allclose(seen.positions, [[1, 4, 0.5], [4, 2, 3.5]], atol=1e-5)
    (table,) = seen.objects
    assert (table.category, table.name) == (TABLE, "dining table")
    assert abs(table.heading_rad) == pytest.approx(math.pi, abs=1e-6)
    np.testing.assert_allclose(table.position, [1, 1, 0.5], atol=1e-5)


@pytest.mark.parametrize(("ways", "actions"), [
    ("local", [1, 2]), ("global", [8, 4]), (("stop", "forward", "left", "right"), [-1, -1]),
])  # fmt: skip
def test_it_says_which_action_goes_where(ways, actions):
    seen = percept(ways=[(7, (2.0, 0.0, 0.0)), (3, (0.0, 2.0, 0.0))], ways_of_world=ways)
    assert seen.actions.tolist() == actions
    assert seen.ways == (ways if isinstance(ways, str) else "turning")


def test_actions_of_another_world_are_one_clear_error():
    with pytest.raises(ConfigError, match="actions stop, turn_left"):
        PanoramaPerception(World(("stop", "turn_left")))


def test_a_policy_for_panoramas_says_what_it_was_given_instead():
    with pytest.raises(ConfigError, match="a Percept of another world"):
        panorama_of(percept_in_a_house())


def test_what_is_missing_is_named():
    seen = observation()
    del seen["candidates"], seen["node"]
    with pytest.raises(EnvironmentUseError, match="one without node, candidates"):
        perception()(seen, 0)


def test_it_asks_for_what_the_instruction_is_after_or_for_what_is_around():
    assert percept().query.category is None
    looks = perception(asks_for=lambda text: LAMP if "lamp" in text else None)
    assert looks(observation(text="stop at the lamp"), 0).query.category == LAMP
    for text in ("stop", ""):
        assert looks(observation(text=text), 0).query.category is None


def test_images_become_one_embedding():
    features = np.arange(72, dtype=np.float32).reshape(36, 2)
    np.testing.assert_allclose(percept(features=features).frame.embedding, features.mean(0))
    np.testing.assert_array_equal(percept(features=features[3]).frame.embedding, features[3])
    assert percept().frame.embedding is None


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_a_memory_recalls_an_object_where_it_stood(memory):
    memory = walked(memory())
    for category, place in ((LAMP, LAMP_AT), (TABLE, TABLE_AT)):
        items = memory.retrieve(Query(MIDDLE, 100.0, category=category), 3).items
        assert items
        assert math.dist(items[0].position[:2], place[:2]) < 0.35
        assert items[0].category == category
    assert not memory.retrieve(Query(MIDDLE, 100.0, category=CHAIR), 3).items


def test_no_memory_takes_the_frames_too():
    assert walked(NoMemory()).stats()["items"] == 0


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("features", [None, np.ones((36, 4), np.float32)])
def test_the_graph_keeps_a_place_a_panorama_and_the_ways_walked(labels, features):
    memory = SpatialMemory(octree=False, short_term=False, long_term=False)
    memory.begin_episode("cold")
    looks = PanoramaPerception(World(labels=labels))
    for step, at in enumerate([*ROW, ROW[2]]):
        near = [(LAMP, LAMP_AT)] if step == 1 and labels else []
        memory.write(looks(observation(at, objects=near, features=features), step).frame)
    graph = memory.topology.as_networkx()
    places = {node for node, kind in graph.nodes(data="kind") if kind == "place"}
    assert len(places) == 4
    ways = [data for a, b, data in graph.edges(data=True) if {a, b} <= places]
    assert [way["distance_m"] for way in ways] == pytest.approx([2.0, 2.0, 2.0])


@pytest.mark.parametrize("headings", [[0.4, -0.1, 3.0], [0.4, 2 * math.pi - 0.1]])
def test_the_straightest_way_is_found_round_the_circle(headings):
    assert straightest(np.array(headings)) == 1


def test_categories_without_a_name_are_told_by_number():
    looks = PanoramaPerception(World(categories=CATEGORIES[:2]))
    assert looks(observation(objects=[(TABLE, (1.0, 0.0, 0.0))]), 0).objects[0].name == "3"
