import math

import pytest
from seen_panoramas import CATEGORIES, World, begin, observation

from placecell.agent.perception.panorama import PanoramaPerception
from placecell.agent.policies.follow.things import Mentions
from placecell.agent.policies.graph import STOP, GraphPolicy, usual_moves
from placecell.memory import NoMemory, SpatialMemory

# A cross of corridors, 2 m a hop, its arms five long; the start is in the middle, looking east.
ARMS = {"e": (1, 0), "n": (0, 1), "w": (-1, 0), "s": (0, -1)}
PLACES = {0: (0.0, 0.0, 0.0)} | {
    1 + 5 * a + n: (2.0 * (n + 1) * x, 2.0 * (n + 1) * y, 0.0)
    for a, (x, y) in enumerate(ARMS.values()) for n in range(5)
}  # fmt: skip
LAMP = 1


def neighbours(node, places):
    here = places[node]
    return [
        (to, place) for to, place in places.items() if to != node and math.dist(here[:2], place[:2]) < 2.1
    ]


class House:
    """Walks a policy through panoramas, as the loop does."""

    def __init__(self, places=PLACES, things=(), ways="local"):
        self.places, self.things, self.world = places, things, World(ways)

    def walk(self, text, memory=None, most=35):
        memory = memory or NoMemory()
        memory.begin_episode("cold")
        mentions = Mentions(CATEGORIES)
        looks = PanoramaPerception(self.world, asks_for=mentions.goal_of)
        policy = begin(GraphPolicy(memory, mentions))
        node, yaw, path, self.traces, self.modes = 0, 0.0, [0], [], []
        for step in range(most):
            here, ways = self.places[node], neighbours(node, self.places)
            near = [thing for thing in self.things if math.dist(thing[1], here) < 3]
            seen = looks(observation(here, ways, yaw_rad=yaw, node=node, objects=near, text=text), step)
            memory.write(seen.frame)
            decision = policy.decide(seen, memory.retrieve(seen.query, 8))
            self.traces.append(decision.trace)
            self.modes.append(decision.trace["mode"])
            if decision.action == STOP:
                break
            to = decision.action - 1 if seen.ways == "global" else ways[decision.action - 1][0]
            yaw = math.atan2(self.places[to][1] - here[1], self.places[to][0] - here[0])
            node = to
            path.append(node)
        return path


def arm_of(node):
    return "start" if node == 0 else list(ARMS)[(node - 1) // 5]


@pytest.mark.parametrize(("text", "arm"), [
    ("Walk straight down the hallway and stop.", "e"),
    ("Turn left and walk down the hallway. Stop.", "n"),
    ("Turn around and walk on. Stop at the end.", "w"),
    ("Take a right and go forward. Wait there.", "s"),
])  # fmt: skip
@pytest.mark.parametrize("ways", ["local", "global"])
def test_it_goes_where_the_first_words_say_and_stops_after_the_usual_moves(text, arm, ways):
    house = House(ways=ways)
    path = house.walk(text)
    assert arm_of(path[-1]) == arm
    assert len(path) - 1 == usual_moves(text) == 4
    assert house.modes == ["follow"] * 4 + ["stop"]


@pytest.mark.parametrize(("words", "arm"), [("up", "n"), ("down", "s")])
def test_stairs_are_taken_by_their_rise(words, arm):
    slope = {node: (x, y, 0.5 * y) for node, (x, y, _) in PLACES.items()}
    assert arm_of(House(slope).walk(f"Go {words} the stairs and wait.")[-1]) == arm


def test_it_goes_back_where_what_was_said_does_not_come():
    """The arm ahead ends at once, and one to the side is as long as walks are."""
    short = {node: place for node, place in PLACES.items() if arm_of(node) in ("start", "n") or node == 1}
    house = House(short)
    path = house.walk("Walk on and stop.")
    assert path[:3] == [0, 1, 0]
    assert arm_of(path[-1]) == "n"
    assert house.modes[1] == "go back"


def test_a_thing_remembered_where_a_clause_names_it_draws_the_walk_there():
    things = [(LAMP, (0.3, 2.4, 0.0))]
    text = "Leave past the lamp and go on."
    slanted = {node: (x, y, z) for node, (x, y, z) in PLACES.items() if arm_of(node) in ("start", "n", "s")}
    arms = [arm_of(House(slanted, found).walk(text, memory)[-1]) for found, memory in (
        ([], SpatialMemory(max_depth_m=10.0)), (things, NoMemory()),
        (things, SpatialMemory(max_depth_m=10.0)),
    )]  # fmt: skip
    assert arms[0] == arms[1]  # nothing there, or nothing remembered
    mirrored = [(LAMP, (0.3, -2.4, 0.0))]
    assert arms[2] == "n"
    assert arm_of(House(slanted, mirrored).walk(text, SpatialMemory(max_depth_m=10.0))[-1]) == "s"


def test_the_trace_tells_the_clauses_and_what_is_supposed():
    house, text = House(), "Turn left, go on. Stop by the lamp."
    house.walk(text)
    first, *rest = house.traces
    assert [text[a:b] for a, b in first["clauses"]] == ["Turn left", "go on", "Stop by the lamp"]
    assert all("clauses" not in trace for trace in rest)
    for trace in house.traces:
        assert trace["clause"] in first["clauses"]
        assert 1 <= len(trace["hypotheses"]) <= 16
        weights = [weight for _, _, weight, _ in trace["hypotheses"]]
        assert weights == sorted(weights, reverse=True)
    assert rest[-1]["clause"] == first["clauses"][-1]


def test_alone_in_a_room_it_stops():
    assert House({0: (0.0, 0.0, 0.0)}).walk("Go on.") == [0]


@pytest.mark.parametrize(("words", "moves"), [(5, 4), (19, 4), (20, 5), (27, 5), (28, 6), (200, 6)])
def test_longer_instructions_are_of_longer_walks(words, moves):
    assert usual_moves("word " * words) == moves
