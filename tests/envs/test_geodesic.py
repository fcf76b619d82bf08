"""Distances, paths, standing and snapping: laws, hand-computed cases, and plain Dijkstra as a bound."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from solids import area, at, box, floor, join, ramp, stairs

from placecell.arrays import generator
from placecell.errors import NavigationError

ROOM = floor(0.0, 0.0, 6.0, 6.0)
SHARES = np.linspace(0.01, 0.99, 20)


@pytest.fixture(scope="module")
def room():
    return area(ROOM)


@pytest.fixture(scope="module")
def maze():
    """Walls to walk round, on one floor."""
    return area(
        floor(0.0, 0.0, 8.0, 6.0), box(2.0, 0.0, 0.0, 2.2, 4.5, 2.0), box(4.0, 1.5, 0.0, 4.3, 6.0, 2.0),
        box(5.5, 2.0, 0.0, 7.0, 3.1, 2.0), box(0.7, 2.6, 0.0, 1.1, 3.0, 2.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def storeys():
    """Two storeys, the upper one open over the ramp that joins them."""
    return area(
        floor(0.0, 0.0, 12.0, 6.0), ramp(3.0, 0.0, 9.0, 2.0, 0.0, 3.0), floor(9.0, 0.0, 12.0, 6.0, 3.0),
        floor(3.0, 2.0, 9.0, 6.0, 3.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def staircase():
    """Two levels and a block to walk round on each."""
    return area(
        floor(0.0, 0.0, 4.0, 4.0), stairs(4.0, 0.0, 4.0, 0.2, 0.3, 10), floor(7.0, 0.0, 10.0, 4.0, 2.0),
        box(1.5, 1.0, 0.0, 2.5, 3.0, 2.0), box(8.02, 1.0, 2.0, 8.48, 4.0, 4.0),
    )  # fmt: skip


@pytest.fixture(params=["room", "maze", "storeys", "staircase"])
def any_area(request):
    return request.getfixturevalue(request.param)


def points(area, count, seed=0):
    rng = generator(seed, "points")
    return [area.random_point(rng) for _ in range(count)]


def over_ground(area, p):
    """Whether any cell has these x and y: a chord may float above stairs, but leaves no room for a fall."""
    g, size = area.ground, area.settings.cell_size_m
    column, row = int((p[0] - g.origin[0]) / size), int((g.origin[1] - p[1]) / size)
    return bool(g.first[row * g.columns + column] < g.first[row * g.columns + column + 1])


def length(path):
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def test_a_distance_to_itself_is_nothing(any_area):
    for p in points(any_area, 20):
        assert any_area.geodesic_distance(p, p) == pytest.approx(0, abs=1e-9)
        assert any_area.field(p).distance(p) == pytest.approx(0, abs=1e-9)


def test_distances_are_symmetric(any_area):
    for a, b in zip(points(any_area, 20), points(any_area, 20, seed=1)):
        there, back = any_area.geodesic_distance(a, b), any_area.geodesic_distance(b, a)
        assert there == pytest.approx(back, rel=0.01, abs=1e-6)


def test_a_detour_is_no_shortcut(any_area):
    chosen = points(any_area, 8)
    d = np.array([[any_area.geodesic_distance(a, b) for b in chosen] for a in chosen])
    straight = np.linalg.norm(np.array(chosen)[:, None] - np.array(chosen), axis=-1)
    assert (d >= straight - 1e-9).all()
    assert (d[:, None, :] <= (d[:, :, None] + d) * 1.005 + 1e-6).all()


def test_in_the_open_a_distance_is_the_straight_one(room):
    for a, b in zip(points(room, 50), points(room, 50, seed=1)):
        straight = np.linalg.norm(a - b)
        assert room.geodesic_distance(a, b) == pytest.approx(straight, abs=1e-6)
        assert room.field(b).distance(a) == pytest.approx(straight, abs=1e-6)


@pytest.mark.parametrize("angle", [10.0, 22.5, 30.0, 45.0, 67.5, 80.0])
def test_a_diagonal_is_not_as_long_as_its_steps_on_a_grid(room, angle):
    run, rise = 4 * math.cos(math.radians(angle)), 4 * math.sin(math.radians(angle))
    eight_connected = max(run, rise) + (math.sqrt(2) - 1) * min(run, rise)
    assert room.geodesic_distance(at(1, 1), at(1 + run, 1 + rise)) == pytest.approx(4, rel=0.005)
    assert angle in (45.0,) or eight_connected > 4 * 1.05


@pytest.mark.parametrize(("start", "goal"), [((1.5, 3.5), (3.5, 4.6)), ((1.5, 1.2), (3.0, 4.7))])
def test_round_one_corner_it_is_two_legs(start, goal):
    # A block's corner at (2, 4), and a body 0.1 m wide each way.
    ground = area(ROOM, box(2.01, 2.01, 0.0, 3.99, 3.99, 2.0))
    legs = math.dist(start, (1.9, 4.1)) + math.dist((1.9, 4.1), goal)
    assert math.dist(start, goal) < legs * 0.99
    assert ground.geodesic_distance(at(*start), at(*goal)) == pytest.approx(legs, rel=0.01)
    assert len(ground.shortest_path(at(*start), at(*goal))) <= 5


def test_dijkstra_on_the_same_cells_bounds_every_distance(maze):
    g = maze.ground
    rows, cols = [], []
    for side in range(4):
        i = np.flatnonzero(g.neighbour[:, side] >= 0)
        j = g.neighbour[i, side]
        corner = g.neighbour[j, (side + 1) % 4]
        open_both_ways = (corner >= 0) & (g.neighbour[i, (side + 1) % 4] >= 0)
        rows += [i, i[open_both_ways]]
        cols += [j, corner[open_both_ways]]
    i, j = np.concatenate(rows), np.concatenate(cols)
    steps = np.linalg.norm(g.centres()[i] - g.centres()[j], axis=1)
    graph = csr_matrix((steps, (i, j)), (len(g), len(g)))
    rng = generator(0, "cells")
    for goal in rng.integers(len(g), size=4):
        eight = dijkstra(graph, directed=False, indices=goal)
        field = maze.field(g.centres()[goal])
        for start in rng.integers(len(g), size=60):
            # The eight directions of a grid are at most 8.24 % too long; the middles of cells add a little.
            ours = field.distance(g.centres()[start])
            assert eight[start] / 1.0824 - 0.01 <= ours <= eight[start] + 1e-6


def test_a_field_gives_the_geodesic_distance(any_area):
    goal, *starts = points(any_area, 40)
    field = any_area.field(goal)
    theirs = np.array([any_area.geodesic_distance(start, goal) for start in starts])
    ours = np.array([field.distance(start) for start in starts])
    assert ours == pytest.approx(theirs, rel=0.01, abs=1e-6)
    assert np.median(np.abs(ours - theirs)) < 1e-9


def test_a_field_does_not_depend_on_what_was_asked_before(any_area):
    goal, *starts = points(any_area, 40)
    fresh = [any_area.field(goal).distance(start) for start in starts]
    rng = generator(0, "orders")
    for _ in range(3):
        field = any_area.field(goal)
        order = rng.permutation(len(starts))
        asked = {i: field.distance(starts[i]) for i in order}
        assert [asked[i] for i in range(len(starts))] == fresh


def test_of_several_goals_the_nearest_counts(any_area):
    goals, starts = points(any_area, 4), points(any_area, 30, seed=1)
    together, alone = any_area.field(*goals), [any_area.field(goal) for goal in goals]
    for start in starts:
        nearest = min(alone, key=lambda field, start=start: field.distance(start))
        assert together.distance(start) == pytest.approx(nearest.distance(start), rel=0.005, abs=1e-6)
        assert together.path(start)[-1] == pytest.approx(nearest.path(start)[-1])


def test_goals_in_one_cell_count_each(room):
    near, far = at(3.01, 3.01), at(3.04, 3.01)
    for goals in [(near, far), (far, near), (far, near, far)]:
        field = room.field(*goals)
        assert field.distance(at(1, 3.01)) == pytest.approx(2.01)
        assert field.distance(at(5, 3.01)) == pytest.approx(1.96)
        assert field.path(at(1, 3.01))[-1] == pytest.approx(near)
        assert field.path(at(5, 3.01))[-1] == pytest.approx(far)


def test_thousands_of_goals(room):
    goals = room.ground.centres()[:: len(room.ground) // 6000]
    assert len(goals) > 4096
    field = room.field(*goals)
    assert max(field.distance(p) for p in points(room, 20)) < 0.1


def test_a_field_needs_a_goal(room):
    with pytest.raises(NavigationError, match=r"at least one goal, got none; pass the goal's position"):
        room.field()


def test_a_path_is_legs_over_the_ground_that_sum_to_the_distance(any_area):
    for start, goal in zip(points(any_area, 15), points(any_area, 15, seed=1)):
        path = any_area.shortest_path(start, goal)
        assert path[0] == pytest.approx(start, abs=1e-6)
        assert path[-1] == pytest.approx(goal, abs=1e-6)
        assert length(path) == pytest.approx(any_area.geodesic_distance(start, goal), abs=1e-6)
        field = any_area.field(goal)
        assert length(field.path(start)) == pytest.approx(field.distance(start), abs=1e-6)
        assert all(over_ground(any_area, a + s * (b - a)) for a, b in pairwise(path) for s in SHARES)


def test_between_islands_there_is_no_way():
    ground = area(floor(0.0, 0.0, 3.0, 3.0), floor(5.0, 0.0, 7.0, 3.0))
    left, right = at(1, 1), at(6, 1)
    assert ground.geodesic_distance(left, right) == math.inf
    assert ground.field(left).distance(right) == math.inf
    assert ground.field(left, right).distance(at(5.5, 1)) == pytest.approx(0.5)
    for path in (lambda: ground.shortest_path(left, right), lambda: ground.field(right).path(left)):
        with pytest.raises(
            NavigationError,
            match=r"a goal on the same island as the start, got a start at \(1, 1, 0\) cut off from it",
        ):
            path()


def test_from_storey_to_storey_the_way_leads_over_the_ramp(storeys):
    assert storeys.number_of_islands == 1
    below, above = at(6, 4), at(6, 4, 3)
    # To the ramp's foot, up, and back along the landing, close to the edges.
    legs = [
        math.dist((6, 4, 0), (3.35, 2, 0.2)),
        math.dist((3.35, 2, 0.2), (8.8, 2, 2.9)),
        math.dist((8.8, 2), (6, 4)),
    ]
    assert storeys.geodesic_distance(below, above) == pytest.approx(sum(legs), rel=0.04)
    assert storeys.field(above).distance(below) == pytest.approx(sum(legs), rel=0.04)
    heights = storeys.shortest_path(below, above)[:, 2]
    assert (np.diff(heights) >= 0).all()
    assert storeys.geodesic_distance(at(10, 5), at(11, 5)) == pytest.approx(1, abs=1e-6)
    assert storeys.geodesic_distance(at(10, 5, 3), at(11, 5, 3)) == pytest.approx(1, abs=1e-6)


def test_a_leg_up_a_slope_counts_as_its_chord(staircase):
    # As in Habitat, whose paths have points at corners only.
    assert staircase.geodesic_distance(at(3, 0.5), at(7.5, 0.5, 2)) == pytest.approx(
        math.hypot(4.5, 2), rel=0.01
    )


def test_standing_points_are_the_nearest_ones(room):
    assert room.snap(at(3.123, 2.017)) == pytest.approx(at(3.123, 2.017))
    assert room.snap(at(3, 3, 0.15)) == pytest.approx(at(3, 3))
    edge = 0.05 + 0.1
    assert room.snap(at(-1, 3)) == pytest.approx(at(edge, 3), abs=1e-5)
    assert room.snap(at(-0.5, 7)) == pytest.approx(at(edge, 6 - edge), abs=1e-5)
    for p in points(room, 20):
        assert room.snap(p) == pytest.approx(p, abs=1e-9)


def test_snapping_is_settled_after_once(any_area):
    rng = generator(1, "snap")
    for p in points(any_area, 30):
        once = any_area.snap(p + rng.normal(0, 0.5, 3))
        assert any_area.snap(once) == pytest.approx(once, abs=1e-9)


@pytest.mark.parametrize("p", [at(-3, 3), at(3, 3, 9), at(math.nan, 0), at(math.inf, 0), at(1e9, -1e9)])
def test_a_point_off_the_floor_is_refused(room, p):
    with pytest.raises(
        NavigationError, match=r"^expected a point within 2 m of walkable ground, got \("
    ) as e:
        room.stand(p)
    assert "in the z-up world frame; move the point onto the floor, or check the scene's up axis" in str(
        e.value
    )
    for ask in (lambda: room.field(p), lambda: room.geodesic_distance(at(3, 3), p)):
        with pytest.raises(NavigationError, match="walkable ground"):
            ask()


def test_reach_is_a_bound(room):
    assert room.snap(at(-0.3, 3), reach_m=0.5) == pytest.approx(at(0.15, 3), abs=1e-5)
    with pytest.raises(NavigationError, match=r"within 0\.4 m"):
        room.snap(at(-0.3, 3), reach_m=0.4)


def test_snapping_to_a_chosen_island(storeys):
    ground = area(floor(0.0, 0.0, 3.0, 3.0), floor(4.0, 0.0, 6.0, 3.0))
    assert ground.snap(at(2.9, 1))[0] < 3
    assert ground.snap(at(2.9, 1), island=1)[0] == pytest.approx(4.15, abs=1e-5)
    assert ground.island_of(ground.stand(at(2.9, 1), island=1)) == 1
    # Of two storeys the nearer.
    assert [storeys.snap(at(10, 5, z))[2] for z in (0.3, 1.4, 1.6, 3.4)] == [0, 0, 3, 3]


def test_random_points_are_even_over_their_island_and_seeded():
    ground = area(floor(0.0, 0.0, 6.0, 3.0), floor(8.0, 0.0, 10.0, 3.0))
    drawn = np.array(points(ground, 4000))
    assert np.array_equal(drawn, np.array(points(ground, 4000)))
    assert not np.array_equal(drawn[:10], np.array(points(ground, 10, seed=1)))
    low, high = drawn.min(0), drawn.max(0)
    assert low == pytest.approx(at(0.15, 0.15), abs=0.02)
    assert high == pytest.approx(at(5.85, 2.85), abs=0.02)
    counts, _, _ = np.histogram2d(
        drawn[:, 0], drawn[:, 1], [np.linspace(0.15, 5.85, 5), np.linspace(0.15, 2.85, 3)]
    )
    expected = 4000 / 8
    assert ((counts - expected) ** 2 / expected).sum() < 24.3  # chi-square, 7 degrees of freedom, 0.1 %
    rng = generator(0, "other")
    assert all(ground.random_point(rng, island=1)[0] > 8 for _ in range(50))
    with pytest.raises(NavigationError, match=r"an island from 0 to 1, got 2; 0 is the largest"):
        ground.random_point(rng, island=2)


def test_points_and_standings_ask_for_the_same(maze):
    goal, start = points(maze, 2)
    field = maze.field(goal)
    assert field.distance(maze.stand(start)) == field.distance(start)
    assert np.array_equal(field.path(maze.stand(start)), field.path(start))


def test_a_scene_far_from_the_origin():
    here, there = join(ROOM, box(2.0, 2.0, 0.0, 4.0, 4.0, 2.0)), at(-512, 256, 64)
    near, far = area(here), area((here[0] + there, here[1]))
    a, b = at(1.5, 1.5), at(4.5, 4.7)
    assert far.geodesic_distance(a + there, b + there) == pytest.approx(near.geodesic_distance(a, b))
