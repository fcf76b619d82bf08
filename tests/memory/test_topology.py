import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ConfigError, PlacecellError
from placecell.memory.graph.parts import Visit
from placecell.memory.topology import TopologyGraph

NORTH, EAST = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def at(x, y=0.0, z=0.0):
    return np.array([x, y, z], float)


def turned(angle):
    return np.array([np.cos(angle), np.sin(angle), 0])


def square(graph):
    """Walks four corners of 4 m, each with its own look; their ids."""
    looks = [turned(n * np.pi / 2) for n in range(4)]
    corners = [at(0), at(4), at(4, 4), at(0, 4)]
    return [graph.visit(where, look, step).place for step, (where, look) in enumerate(zip(corners, looks))]


def test_a_place_is_new_once_and_then_visited():
    graph = TopologyGraph()
    assert graph.visit(at(0), NORTH, 0) == Visit(0, created=True, closed_loop=False)
    assert graph.visit(at(0.2), NORTH, 1) == Visit(0, created=False, closed_loop=False)
    assert graph.visit(at(9), NORTH, 2) == Visit(1, created=True, closed_loop=False, new_edge=True)
    assert len(graph) == 2
    assert graph.here == 1


@pytest.mark.parametrize(
    ("position", "look", "created"),
    [
        (at(1.4), turned(0.59), False),  # L2 of the chord is 2 sin(angle / 2)
        (at(1.4), turned(0.62), True),
        (at(1.6), turned(0.0), True),
        (at(0.5), turned(np.pi), False),
        (at(0.51), turned(np.pi), True),
        (at(30), turned(0.0), True),  # a like corridor elsewhere
        (at(0, 0, 3), turned(0.0), True),  # and on another storey
    ],
)
def test_a_revisit_looks_alike_and_is_near_or_is_the_same_spot(position, look, created):
    graph = TopologyGraph(delta=0.6, radius_m=1.5, same_m=0.5)
    graph.visit(at(0), turned(0), 0)
    assert graph.visit(position, look, 1).created is created


def test_the_same_spot_comes_before_the_likest_and_the_likest_before_the_nearest():
    graph = TopologyGraph(same_m=0.4, radius_m=1.5)
    for x, angle in ((0, 0.0), (1, 1.5), (2, 3.0)):
        graph.visit(at(x), turned(angle), 0)
    assert graph.visit(at(1.3), turned(3.0), 1).place == 1
    assert graph.visit(at(1.56), turned(2.9), 1).place == 2


def test_position_and_descriptor_are_running_means():
    graph, rng = TopologyGraph(radius_m=9.0, delta=2.0), np.random.default_rng(1)
    points, looks = rng.uniform(0, 1, (40, 3)), rng.normal(size=(40, 5))
    for step, (point, look) in enumerate(zip(points, looks)):
        graph.visit(point, look, step, [step % 3])
    place, mean = graph.place(0), (looks / np.linalg.norm(looks, axis=1)[:, None]).mean(0)
    np.testing.assert_allclose(place.position, points.mean(0))
    np.testing.assert_allclose(place.descriptor, mean / np.linalg.norm(mean), atol=1e-5)
    assert (place.visits, place.last_seen, place.voxels.tolist()) == (40, 39, [0, 1, 2])
    with pytest.raises(ValueError, match="read-only"):
        place.position[0] = 1


def test_without_descriptors_position_decides():
    graph = TopologyGraph(radius_m=1.5)
    for x, place in ((0, 0), (1.4, 0), (3, 1)):
        assert graph.visit(at(x), None, 0).place == place
    assert graph.place(0).descriptor is None
    assert graph.visit(at(3.1), NORTH, 1).place == 1
    np.testing.assert_array_equal(graph.place(1).descriptor, NORTH)
    assert graph.similar(NORTH, 9).places[0].id == 1
    assert len(graph.similar(NORTH, 9).places) == 1


def test_descriptors_that_cancel_leave_none():
    graph = TopologyGraph()
    graph.visit(at(0), NORTH, 0)
    graph.visit(at(0), -NORTH, 0)
    assert graph.place(0).descriptor is None
    graph.visit(at(0), EAST, 0)
    np.testing.assert_array_equal(graph.place(0).descriptor, EAST)


def test_walking_makes_edges_and_repeats_are_averaged():
    graph = TopologyGraph(alpha=2.0, beta=0.5)
    a, b, *_ = square(graph)
    edge = graph.edge(b, a)
    assert (edge.places, edge.distance_m, edge.cost, edge.walks) == ((a, b), 4.0, 8.0, 1)
    graph.link(a, b, 7.0, instruction_cost=4.0)
    edge = graph.edge(a, b)
    assert (edge.distance_m, edge.instruction_cost, edge.walks) == (5.5, 2.0, 2)
    assert edge.cost == 2 * 5.5 + 0.5 * 2.0
    assert graph.edge(0, 2) is None
    assert graph.neighbours(1) == (0, 2)


def test_an_instruction_costs_where_it_was_walked():
    graph = TopologyGraph()
    graph.visit(at(0), None, 0, instruction_cost=9.0)
    graph.visit(at(4), None, 0, instruction_cost=3.0)
    assert graph.edge(0, 1).cost == 4 + 0.5 * 3


def test_a_loop_walk_closes_once():
    graph = TopologyGraph()
    corners = square(graph)
    assert graph.visit(at(0), turned(0), 4) == Visit(0, created=False, closed_loop=True, new_edge=True)
    assert graph.visit(at(0), turned(0), 5) == Visit(0, created=False, closed_loop=False)
    assert graph.stats()["loop_closures"] == 1
    assert graph.stats()["edges"] == len(corners)
    assert graph.route(1, 3).cost == 8.0


@pytest.mark.parametrize("seed", range(3))
def test_every_round_of_a_ring_walk_closes_at_known_places(seed):
    rng, graph = np.random.default_rng(seed), TopologyGraph(radius_m=1.5)
    looks = rng.normal(size=(24, 16))
    closed = []
    for step in range(72):
        angle = step / 24 * 2 * np.pi
        where = at(10 * np.cos(angle), 10 * np.sin(angle)) + rng.normal(0, 0.05, 3)
        closed.append(graph.visit(where, looks[step % 24] + rng.normal(0, 0.02, 16), step).closed_loop)
    assert closed == [False] * 24 + [True] * 48
    assert (len(graph), graph.stats()["edges"]) == (24, 24)


def test_a_new_walk_joins_nothing_to_where_the_last_one_ended():
    graph = TopologyGraph()
    square(graph)
    graph.begin_walk()
    assert graph.here is None
    assert graph.visit(at(0), turned(0), 9) == Visit(0, created=False, closed_loop=False)
    assert graph.edge(3, 0) is None


def test_places_that_drift_into_one_another_become_one():
    graph = TopologyGraph(same_m=0.5, radius_m=1.5)
    for x, look, key in ((-5, NORTH, 6), (0, NORTH, 7), (1.2, EAST, 8), (6, EAST, 9)):
        graph.visit(at(x), look, 0, [key])
    graph.begin_walk()
    visits = [graph.visit(at(0.49), NORTH, step) for step in range(20)]
    visits += [graph.visit(at(0.9), EAST, step) for step in range(4)]
    visit = visits.pop()
    assert all(visit.absorbed == () for visit in visits)
    assert [visit.place for visit in visits] == [1] * 20 + [2] * 3
    assert visit.absorbed == (2,)
    assert (visit.place, graph.here) == (1, 1)
    assert graph.neighbours(1) == (0, 3)
    assert graph.place(1).voxels.tolist() == [7, 8]
    assert graph.route(0, 3) is not None
    with pytest.raises(PlacecellError, match="id of a place of this graph, which has 3, got 2; use an id"):
        graph.place(2)


def test_a_merge_moves_edges_landmarks_exits_and_the_agent():
    graph = TopologyGraph()
    a, b, c, d = square(graph)
    graph.link(b, d, 9.0)
    graph.link(a, d, 3.0)
    thing = graph.see(at(1, 5), 4, 0)
    graph.note_exits(np.array([at(0, 9)]))
    assert graph.merge(d, a) == a
    assert graph.neighbours(a) == (b, c)
    edge = graph.edge(a, b)
    assert (edge.walks, edge.distance_m) == (2, 6.5)
    assert graph.edge(a, c).distance_m == 4.0
    assert graph.landmark(thing).seen_from == (a,)
    assert [mark.id for mark in graph.landmarks_of(a)] == [thing]
    np.testing.assert_array_equal(graph.exits(a), [at(0, 9)])
    assert graph.here == a
    np.testing.assert_allclose(graph.place(a).position, at(0, 2))


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_merges_lose_no_connection_and_no_two_places_are_on_one_spot(data):
    numbers = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    graph = TopologyGraph(radius_m=1.0, same_m=0.5)
    for step in range(data.draw(st.integers(2, 60))):
        visit = graph.visit(numbers.uniform(0, 4, 3) * [1, 1, 0], numbers.normal(size=2), step)
        places = [graph.place(int(node)) for node in graph.place_ids]
        assert sum(place.visits for place in places) == step + 1
        points = np.array([place.position for place in places])
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
        assert (apart[np.triu_indices(len(points), 1)] > 0.5).all()
        # One walk: everything hangs together, whatever was merged.
        assert np.isfinite(graph.costs_from(visit.place).costs).all()
        assert not any(a == b for a in graph.place_ids for b in graph.neighbours(int(a)))


def test_ids_rise_are_never_used_again_and_rows_are():
    graph = TopologyGraph()
    given = []
    for n in range(300):
        given.append(graph.visit(at(4.0 * n), None, n).place)
        given.append(graph.see(at(4.0 * n, 1), 1, n))
        if len(graph) > 5:
            graph.merge(*graph.place_ids[:2].tolist())
        if n % 10 == 9:
            graph.forget_labels()
    assert given == list(range(600))
    assert len(graph) == 5
    # Bounded content takes bounded memory, however much was written.
    assert graph.stats()["bytes"] < 20_000
    assert graph.place_ids.tolist() == sorted(graph.place_ids)


def test_node_ids_and_voxel_keys_are_apart():
    graph = TopologyGraph()
    big = (1 << 62) + 5
    place = graph.visit(at(0), None, 0, np.array([big, 1, 1])).place
    thing = graph.see(at(1), 2, 0, [place, big])
    assert graph.place(place).voxels.tolist() == [1, big]
    assert graph.landmark(thing).voxels.tolist() == [place, big]
    assert (place, thing) == (0, 1)
    with pytest.raises(PlacecellError, match=f"got {big}"):
        graph.place(big)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delta": 0.0}, "delta above 0 and finite, got 0"),
        ({"radius_m": float("nan")}, "radius_m above 0 and finite, got nan"),
        ({"beta": -1.0}, "beta of 0 or more, finite, got -1"),
        ({"alpha": float("inf")}, "alpha of 0 or more, finite, got inf"),
        ({"same_m": 2.0}, "same_m of at most radius_m, 1.5, got 2"),
    ],
)
def test_settings_that_make_no_sense(change, message):
    with pytest.raises(ConfigError, match=message):
        TopologyGraph(**change)


NAN = np.array([0, np.nan, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: g.visit(NAN, NORTH, 0), "a place's position of three finite metres"),
        (lambda g: g.visit(at(np.inf), NORTH, 0), "a place's position of three finite metres"),
        (lambda g: g.visit(at(0), NAN, 0), "a place's descriptor of finite numbers .* got 1 NaN or infinite"),
        (lambda g: g.visit(at(0), np.zeros(3), 0), "not all 0, got shape .3,., length 0"),
        (
            lambda g: g.visit(at(0), np.ones(4), 0),
            "a place's descriptor of width 3, as those before, got width 4",
        ),
        (
            lambda g: g.visit(at(0), None, 0, instruction_cost=-1.0),
            "instruction_cost of 0 or more, finite, got -1",
        ),
        (lambda g: g.see(NAN, 1, 0), "a landmark's position"),
        (lambda g: g.see(at(0), 0, 0), "a landmark's category of 1 or more, got 0"),
        (lambda g: g.see(at(0), 1, 0, (), np.ones(4)), "a landmark's descriptor of width 2"),
        (lambda g: g.link(0, 0), "two different places, got 0 twice"),
        (lambda g: g.link(0, 77), "a place of this graph, which has 4, got 77"),
        (lambda g: g.link(0, 1, -2.0), "distance_m of 0 or more, finite, got -2"),
        (lambda g: g.merge(0, 4), "a place of this graph, which has 4, got 4"),
        (lambda g: g.route(0, -1), "got -1"),
        (lambda g: g.costs_from(99), "got 99"),
        (lambda g: g.landmark(0), "a landmark of this graph, which has 1, got 0"),
        (lambda g: g.exits(99), "got 99"),
        (lambda g: g.note_exits(np.array([at(9), NAN])), "an exit's position"),
        (lambda g: g.note_exits(np.array([at(9)]), 99), "got 99"),
        (lambda g: g.nearest_places(NAN, 1), "a query's position"),
        (lambda g: g.nearest_places(at(0), 0), "a k of 1 or more"),
        (lambda g: g.similar(np.ones(2), 1), "descriptor of width 3"),
    ],
)
def test_bad_input_is_one_line_and_leaves_the_graph_as_it_was(call, message):
    graph = TopologyGraph()
    square(graph)
    graph.see(at(1), 3, 0, (), np.ones(2))
    before = graph.pack()
    with pytest.raises(PlacecellError, match=message) as raised:
        call(graph)
    assert "\n" not in str(raised.value)
    after = graph.pack()
    assert all(np.array_equal(after[name], array) for name, array in before.items())


def test_exits_need_a_place():
    with pytest.raises(PlacecellError, match="a place for the exits, got none yet in this walk"):
        TopologyGraph().note_exits(np.array([at(9)]))
