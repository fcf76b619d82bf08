import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.memory.graph.routes import RoadNet
from placecell.memory.topology import TopologyGraph


def line_graph(xs, **options):
    graph = TopologyGraph(radius_m=0.5, same_m=0.1, **options)
    for step, x in enumerate(xs):
        graph.visit(np.array([x, 0.0, 0.0]), None, step)
    return graph


def cheapest(costs, start):
    """Bellman and Ford's way: relax every edge until nothing changes."""
    best = {start: 0.0}
    while True:
        before = dict(best)
        for (a, b), cost in costs.items():
            for here, there in ((a, b), (b, a)):
                if here in best and best[here] + cost < best.get(there, np.inf):
                    best[there] = best[here] + cost
        if best == before:
            return best


@st.composite
def nets(draw):
    """Sparse graphs: rings, chains, dead ends, islands and edges without a cost all occur."""
    n = draw(st.integers(2, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ids = np.sort(rng.choice(1000, n, replace=False))
    points = rng.integers(0, 4, (n, 3)).astype(float)
    pairs = [(a, b) for a in range(n) for b in range(a)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=n + 3))
    if draw(st.booleans()):
        chosen = list({*chosen, *((k + 1, k) for k in range(n - 1))})
    ends = np.array([[ids[b], ids[a]] for a, b in chosen], np.int64).reshape(-1, 2)
    rows = np.searchsorted(ids, ends)
    straight = np.linalg.norm(points[rows[:, 0]] - points[rows[:, 1]], axis=-1)
    factor = draw(st.sampled_from([(1, 1), (0.2, 3), (0, 1)]))
    costs = straight * rng.uniform(*factor, len(ends)) + rng.choice([0.0, 0.0, 1.0], len(ends))
    return ids, points, ends, costs


@settings(deadline=None, max_examples=150)
@given(nets())
def test_routes_and_costs_equal_brute_force(net):
    ids, _, ends, costs = net
    by_pair = {(int(a), int(b)): float(cost) for (a, b), cost in zip(ends, costs)}
    roads = RoadNet(*net)
    for a in ids.tolist():
        best = cheapest(by_pair, a)
        found = roads.costs_from(a)
        assert found.places.tolist() == ids.tolist()
        np.testing.assert_allclose(found.costs, [best.get(b, np.inf) for b in ids.tolist()], atol=1e-12)
        for b in ids.tolist():
            route = roads.route(a, b)
            if b not in best:
                assert route is None
                continue
            assert route.cost == pytest.approx(best[b], abs=1e-9)
            assert (route.places[0], route.places[-1]) == (a, b)
            steps = [by_pair[min(pair), max(pair)] for pair in zip(route.places, route.places[1:])]
            assert sum(steps) == pytest.approx(best[b], abs=1e-9)
            assert len({*route.places}) == len(route.places)


@pytest.mark.parametrize("kept", [1.0, 0.02])
def test_routes_over_many_places_equal_networkx(kept):
    rng = np.random.default_rng(3)
    view = networkx.random_geometric_graph(400, 0.09, seed=3)
    points = np.column_stack([[view.nodes[n]["pos"] for n in view], np.zeros(400)])
    tree = {*networkx.minimum_spanning_edges(view, data=False)} if kept < 1 else {*view.edges}
    ends = np.array(sorted({*tree} | {edge for edge in view.edges if rng.random() < kept}))
    costs = np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=-1) * rng.uniform(1, 2, len(ends))
    roads = RoadNet(np.arange(400), points, ends, costs)
    plain = networkx.Graph()
    plain.add_nodes_from(range(400))
    plain.add_weighted_edges_from((int(a), int(b), cost) for (a, b), cost in zip(ends, costs))
    for a in range(0, 400, 20):
        best = networkx.single_source_dijkstra_path_length(plain, a)
        for b in rng.integers(0, 400, 25).tolist():
            route = roads.route(a, b)
            assert (route is None) == (b not in best)
            assert route is None or route.cost == pytest.approx(best[b])


def test_a_search_leaves_nothing_behind_for_the_next():
    graph = line_graph([0, 2, 4, 6, 8])
    graph.link(0, 4, 30.0)
    first = graph.route(0, 3)
    graph.route(4, 1)
    graph.route(2, 2)
    assert graph.route(0, 3) == first
    assert graph.route(2, 2).places == (2,)
    assert graph.route(2, 2).cost == 0


def test_no_way_is_none_and_costs_inf():
    graph = line_graph([0, 2])
    graph.begin_walk()
    graph.visit(np.array([50.0, 0, 0]), None, 9)
    assert graph.route(0, 2) is None
    assert graph.costs_from(0).costs.tolist() == [0, 2, np.inf]


def test_one_place_and_no_edges():
    graph = line_graph([0])
    assert graph.route(0, 0).places == (0,)
    assert graph.costs_from(0).costs.tolist() == [0]


def test_an_edge_that_is_shorter_than_the_line_now_does_not_mislead():
    # The edge 0-1 was walked when the two stood 1.2 m apart; the line is longer since 1 moved.
    graph = TopologyGraph(radius_m=3.0, same_m=0.1, delta=0.3)
    looks = np.eye(4)
    for x, y, look in ((0, 0, 0), (1.2, 0, 1)):
        graph.visit(np.array([x, y, 0.0]), looks[look], 0)
    for _ in range(30):
        graph.visit(np.array([4.0, 0, 0]), looks[1], 0)
    graph.visit(np.array([8.0, 0, 0]), looks[2], 0)
    graph.begin_walk()
    graph.visit(np.array([4.0, 5.0, 0]), looks[3], 0)
    graph.link(0, 3, 1.0)
    graph.link(3, 2, 9.0)
    walked = graph.edge(0, 1).distance_m + graph.edge(1, 2).distance_m
    assert graph.edge(0, 1).distance_m < 1.3
    assert graph.place(1).position[0] > 3.5
    assert graph.route(0, 2).cost == pytest.approx(min(walked, 10.0))
    assert graph.route(0, 2).places == (0, 1, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.link(0, 3, 0.5),
        lambda g: [g.visit(np.array([x, 0.0, 0.0]), None, 9) for x in (0.0, 20.0)],
        lambda g: g.merge(1, 2),
        lambda g: g.unpack(line_graph([0, 1, 2, 9]).pack()),
    ],
)
def test_the_cache_follows_every_change(change):
    graph = line_graph([0, 2, 4, 6])
    assert graph.route(0, 3).cost == 6
    before = graph.costs_from(3).costs
    assert before.tolist() == [6, 4, 2, 0]
    change(graph)
    fresh = TopologyGraph(radius_m=0.5, same_m=0.1)
    fresh.unpack(graph.pack())
    assert graph.route(0, 3) == fresh.route(0, 3)
    costs = graph.costs_from(3).costs
    np.testing.assert_array_equal(costs, fresh.costs_from(3).costs)
    assert costs.tolist() != before.tolist()


def test_the_cache_is_kept_while_nothing_changes():
    graph = line_graph([0, 2, 4, 6])
    graph.route(0, 3)
    held = graph._roads
    graph.see(np.array([1.0, 1, 0]), 2, 0)
    graph.note_exits(np.array([[9.0, 9, 9]]))
    graph.begin_walk()
    graph.costs_from(1)
    assert graph._roads is held
    with pytest.raises(ValueError, match="read-only"):
        graph.costs_from(1).places[0] = 5


def test_equal_graphs_give_equal_routes_however_they_came_about():
    ends = [(0, 1), (0, 2), (1, 3), (2, 3)]
    points = [(0, 0), (2, 0), (0, 2), (2, 2)]
    ways = []
    for order in (ends, ends[::-1], [(b, a) for a, b in ends]):
        graph = TopologyGraph()
        for point in points:
            graph.begin_walk()
            graph.visit(np.array([*point, 0.0]), None, 0)
        for a, b in order:
            graph.link(a, b)
        ways.append(graph.route(0, 3))
    assert ways[0] == ways[1] == ways[2]


def test_the_view_for_people_is_a_copy():
    graph = line_graph([0, 2, 4])
    thing = graph.see(np.array([1.0, 1, 0]), 7, 5)
    view = graph.as_networkx()
    assert view.nodes[0] == {"kind": "place", "position": (0.0, 0.0, 0.0), "visits": 1, "last_seen": 0}
    assert view.nodes[thing]["category"] == 7
    assert view.edges[0, 1] == {
        "kind": "walk",
        "cost": 2.0,
        "distance_m": 2.0,
        "instruction_cost": 0.0,
        "walks": 1,
    }
    assert view.edges[2, thing] == {"kind": "seen", "times": 1}
    view.remove_node(0)
    assert len(graph) == 3
