"""What each action does, on a crossing and in a house drawn by hand."""

import math

import numpy as np
import pytest
from graph_data import STREETS, WAYS
from instructed_worlds import house, made_graph

from placecell.envs.graph.action_spaces import (
    FORWARD,
    LEFT,
    RIGHT,
    TURN_AROUND,
    Global,
    Local,
    Orar,
    Stand,
    Velma,
    known_way,
    make_action_space,
)
from placecell.errors import ConfigError

EAST, NORTH, WEST, SOUTH = 0.0, math.pi / 2, -math.pi, -math.pi / 2
CITY = made_graph(
    "city",
    {name: (10 * x, 10 * y) for name, (x, y) in STREETS.items()},
    [link for way in WAYS for link in (way.split(), way.split()[::-1])],
)
HOUSE = house()


def at(name, yaw, came_from=None):
    return Stand(CITY.index_of(name), yaw, 0.0, None if came_from is None else CITY.index_of(came_from))


def after(space, stand, *actions):
    """Where actions lead, as the panorama's name and the compass point that is faced."""
    for action in actions:
        moves = space.moves(CITY, stand, (), action)
        if not moves:
            return None
        stand = moves[-1]
    points = {0: "east", 90: "north", 180: "west", -180: "west", -90: "south"}
    return CITY.names[stand.node], points[round(math.degrees(stand.yaw_rad))]


def test_forward_of_orar_goes_along_the_edge_and_looks_along_the_nearest_of_the_next():
    assert after(Orar(), at("w1", EAST), FORWARD) == ("x", "east")
    assert after(Orar(), at("n1", SOUTH), FORWARD, FORWARD) is None  # s1 has one neighbour
    # Nothing leads on to the south at e1: of east and west, as far away, the first is faced.
    assert after(Orar(), at("w1", WEST), FORWARD) is None


def test_a_turn_of_orar_goes_to_the_next_edge_on_that_side_all_the_way_round():
    turns = [after(Orar(), at("x", EAST), *[LEFT] * n) for n in (1, 2, 3, 4)]
    assert turns == [("x", "north"), ("x", "west"), ("x", "south"), ("x", "east")]
    assert after(Orar(), at("x", EAST), RIGHT) == ("x", "south")
    assert after(Orar(), at("w1", EAST), LEFT) == after(Orar(), at("w1", EAST), RIGHT) == ("w1", "west")
    assert after(Orar(), at("e1", WEST), LEFT) == ("e1", "east")


def test_orar_leads_into_no_dead_end_but_out_of_one():
    assert after(Orar(), at("e1", NORTH), FORWARD) is None
    assert after(Orar(), at("t1", SOUTH), FORWARD) == ("e1", "west")
    assert after(Orar(), at("t1", SOUTH), LEFT) is None


def test_velma_counts_from_the_way_on_where_it_has_just_arrived():
    arrived = Velma().moves(CITY, at("w1", EAST), (), FORWARD)[-1]
    assert (CITY.names[arrived.node], arrived.yaw_rad) == ("x", EAST)
    assert after(Velma(), arrived, FORWARD) == ("e1", "east")
    assert after(Velma(), arrived, LEFT) == ("x", "north")
    assert after(Velma(), arrived, RIGHT) == ("x", "south")
    assert after(Velma(), arrived, LEFT, FORWARD) == ("n1", "north")
    # Of the two ways on at a T one is left and the other right: it is straight ahead and faced already.
    at_t = Velma().moves(CITY, at("x", EAST), (), FORWARD)[-1]
    assert after(Velma(), at_t, LEFT) == ("e1", "north")
    assert after(Velma(), at_t, RIGHT) is None
    assert after(Velma(), at_t, FORWARD) == ("e2", "east")


def test_velma_keeps_the_heading_of_the_edge_it_walked_and_takes_the_middle_way():
    # From the branch of the T the way on is neither left nor right: east and west are as far away.
    arrived = Velma().moves(CITY, at("t1", SOUTH), (), FORWARD)[-1]
    assert (CITY.names[arrived.node], arrived.yaw_rad) == ("e1", SOUTH)
    assert after(Velma(), arrived, LEFT, FORWARD) == ("e2", "east")
    assert after(Velma(), arrived, RIGHT, FORWARD) == ("x", "west")


def test_velma_takes_a_turn_on_a_plain_stretch_as_forward_and_turns_around_where_asked():
    for action in (FORWARD, LEFT, RIGHT):
        assert after(Velma(), at("w1", EAST), action) == ("x", "east")
    assert after(Velma(), at("w1", EAST), TURN_AROUND, FORWARD) == ("w2", "west")
    assert after(Velma(), at("w2", WEST, "w1"), LEFT) is None
    assert after(Velma(), at("w2", WEST, "w1"), FORWARD) is None
    assert after(Velma(), at("w2", WEST, "w1"), TURN_AROUND, FORWARD) == ("w1", "east")


@pytest.mark.parametrize("space", [Orar(), Velma()])
def test_the_first_action_towards_a_neighbour_begins_the_fewest(space):
    for name in ("x", "e1", "w1"):
        node = CITY.index_of(name)
        for edge in range(CITY.first[node], CITY.first[node + 1]):
            for target in CITY.neighbours(node).tolist():
                stand, steps = Stand(node, float(CITY.yaw[edge])), 0
                while stand.node == node and (action := space.towards(CITY, stand, target)) is not None:
                    stand = space.moves(CITY, stand, (), action)[-1]
                    steps += 1
                entered = stand.node == target
                assert entered or (isinstance(space, Orar) and len(CITY.neighbours(target)) < 2)
                assert steps <= 3
                assert not entered or (steps == 1) == (CITY.other[edge] == target)


def test_local_goes_to_a_candidate_and_looks_along_the_way():
    (there,) = Local(3).moves(HOUSE, Stand(1, 2.0), (), 2)
    assert (there.node, there.came_from) == (int(HOUSE.neighbours(1)[1]), 1)
    assert there.yaw_rad == HOUSE.yaw[HOUSE.edge(1, there.node)]
    assert Local(3).moves(HOUSE, Stand(0, 0.0), (), 2) == ()
    assert Local(3).towards(HOUSE, Stand(0, 0.0), 1) == 1
    assert Local(3).towards(HOUSE, Stand(0, 0.0), 2) is None


def test_global_walks_over_known_edges_alone():
    places = dict(zip("abcdef", range(6), strict=True))
    walk = Global(6).moves(HOUSE, Stand(places["c"], 0.0), {places[n] for n in "abc"}, places["e"] + 1)
    assert [HOUSE.names[stand.node] for stand in walk] == ["b", "e"]
    for a, b in zip([places["c"], walk[0].node], [stand.node for stand in walk], strict=True):
        HOUSE.edge(a, b)
    # f is a neighbour of d alone, and d was seen, not visited.
    assert Global(6).moves(HOUSE, Stand(places["c"], 0.0), {places[n] for n in "abc"}, places["f"] + 1) == ()
    assert Global(6).moves(HOUSE, Stand(places["c"], 0.0), {places["c"]}, places["c"] + 1) == ()


def test_a_known_way_is_the_shortest_of_those_known():
    # A square with a short cut over s, which is only known once s has been visited.
    square = made_graph(
        "square", {"a": (0, 0), "p": (0, 3), "q": (4, 3), "b": (4, 0), "s": (2, 0)},
        [edge for way in ("ap", "pq", "qb", "as", "sb") for edge in (way, way[::-1])],
    )  # fmt: skip
    a, p, q, b, s = range(5)
    assert known_way(square, {a, p, q}, a, b) == (a, p, q, b)
    assert known_way(square, {a, p, q, s}, a, b) == (a, s, b)
    assert known_way(square, {a}, a, q) == ()


def test_an_unknown_action_space_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"expected env.actions of local, global, orar, velma, got 'fly'"):
        make_action_space("fly", most_neighbours=3, most_nodes=9)
    names = [len(make_action_space(n, most_neighbours=3, most_nodes=9).names) for n in ("local", "global")]
    assert names == [4, 10]
    assert np.all(
        [make_action_space(n, most_neighbours=3, most_nodes=9).names[0] == "stop" for n in ("orar", "velma")]
    )
