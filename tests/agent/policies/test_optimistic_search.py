import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from drawn_maps import GAIT, TALL, add_floor, drawn, gap, through, unknown, way

from placecell.agent.policies.columns import Columns, blocks, clearance, mark_steep
from placecell.agent.policies.optimistic_search import farthest_straight, search

SLIM = GAIT._replace(radius=0)


def cells(path):
    return [node[:2] for node in path]


def test_through_the_unknown_it_goes_straight():
    path = way(unknown(40, 9), (3, 4), (35, 4))
    assert path == [(x, 4, 0, 1) for x in range(3, 35)]  # a cell beside the goal is near enough


def test_unknown_ground_lies_at_the_height_of_the_start():
    assert {node[2] for node in way(unknown(30, 9), (3, 4), (25, 4), start_k=-7, goal_k=-7)} == {-7}


def test_unknown_ground_lies_as_high_as_where_it_is_entered():
    path = through("\n".join(["S....22446688888" + 20 * "?" + "G"] * 9), goal_k=8, storey=2)
    assert {node[2] for node in path if node[3]} == {8}
    assert sum(node[3] for node in path) == 20


def test_a_goal_beside_the_start_needs_no_way():
    assert way(unknown(9, 9), (4, 4), (5, 3)) == [(4, 4, 0, 1)]


WALL = """
..............................
..............................
..............................
..............................
...............#..............
...............#..............
...............#..............
....S..........#..........G...
...............#..............
...............#..............
...............#..............
...............#..............
...............#..............
...............#..............
...............#..............
"""


def test_it_goes_round_a_wall_with_room_for_the_body():
    columns, places = drawn(WALL)
    path = way(columns, places["S"], places["G"])
    wall = np.argwhere(columns.high == TALL)
    assert min(gap(columns, node, wall) for node in path) > GAIT.radius
    assert cells(path)[0] == places["S"]
    assert math.dist(cells(path)[-1], places["G"]) < 1.5
    assert max(y for _, y in cells(path)) > 11
    assert not any(node[3] for node in path)


def test_successive_nodes_touch():
    path = np.array(through(WALL))
    assert np.abs(np.diff(path[:, :2], axis=0)).max(1).tolist() == [1] * (len(path) - 1)


def test_what_is_behind_a_known_wall_may_be_reached_through_the_unknown():
    path = through(WALL.replace("\n..............................", "\n" + 30 * "?"))
    assert max(y for _, y in cells(path)) > 11
    assert {bool(node[3]) for node in path} == {True, False}


ROOM = """
#####################
#.........#.........#
#.........#.........#
#.........#.........#
#...S.....#.....G...#
#.........#.........#
#.........#.........#
#.........#.........#
#####################
"""


def with_door(width):
    rows = ROOM.split()
    for row in range(4 - width // 2, 4 - width // 2 + width):
        rows[row] = rows[row][:10] + "." + rows[row][11:]
    return "\n".join(rows)


@pytest.mark.parametrize(("width", "body", "passes"), [
    (3, GAIT, True), (2, GAIT, False), (1, GAIT, False), (0, SLIM, False), (1, SLIM, True),
    (5, GAIT._replace(radius=2), True), (4, GAIT._replace(radius=2), False),
])  # fmt: skip
def test_a_door_lets_a_body_through_that_fits(width, body, passes):
    path = through(with_door(width), gait=body)
    assert bool(path) == passes
    if passes:
        assert (10, 4) in cells(path) or (10, 5) in cells(path)


def test_without_a_way_there_is_none():
    columns, places = drawn(ROOM)
    path = search(columns, GAIT, *places["S"], 0, *places["G"], 0, 5)
    assert path.shape == (0, 4)


def bumped(text):
    columns, places = drawn(text)
    path = way(columns, places["S"], places["G"])
    return [node for node in path if columns.bumped[node[:2]]], path


def test_it_goes_round_what_it_ran_into():
    on, path = bumped(WALL.replace("#", "!"))
    assert not on
    assert max(y for _, y in cells(path)) > 10


def test_it_tries_again_where_it_ran_into_something_if_there_is_no_other_way():
    rows = with_door(3).split()
    for row in (3, 4, 5):
        rows[row] = rows[row][:10] + "!" + rows[row][11:]
    on, _ = bumped("\n".join(rows))
    assert len(on) == 1


def test_of_two_doors_it_tries_the_one_it_ran_into_less_often():
    rows = [
        f"#...................{'.' if 2 <= y <= 4 or 10 <= y <= 12 else '#'}...................#"
        for y in range(15)
    ]
    rows[7] = "#.........S.........#.........G........#"
    columns, places = drawn("\n".join(rows))
    columns.bumped[20, 2:5], columns.bumped[20, 10:13] = 3, 2
    assert max(y for _, y in cells(way(columns, places["S"], places["G"]))) >= 10
    columns.bumped[20, 10:13] = 4
    assert min(y for _, y in cells(way(columns, places["S"], places["G"]))) <= 4


def test_where_it_saw_far_down_it_goes_only_if_the_way_round_is_long():
    """What was seen free below the ground is a drop, mostly, or a slope of which little was seen."""
    holed = [f"S{'.' * 12}{'v' if y < 10 else '.'}{'.' * 12}G" for y in range(60)][::-1]
    columns, _ = drawn("\n".join(holed))

    def over(y):
        return next(node for node in way(columns, (0, y), (26, y), gait=SLIM) if node[0] == 13)[1]

    assert over(8) == 10
    assert over(0) < 10
    flat, _ = drawn("\n".join(row.replace("v", "-") for row in holed))
    assert way(flat, (0, 8), (26, 8), gait=SLIM)[13][:2] == (13, 8)


def test_of_two_ways_alike_it_keeps_to_the_one_it_planned():
    """Else a body between two ways, each the shorter by turns, would go back and forth."""
    rows = ["." * 40 for _ in range(31)]
    for y in range(5, 26):
        rows[y] = rows[y][:20] + "#" + rows[y][21:]
    columns, _ = drawn("\n".join(rows))
    north, south = (way(columns, (10, y), (30, 15)) for y in (16, 14))
    assert max(y for _, y in cells(north)) > 25
    assert min(y for _, y in cells(south)) < 5
    columns.planned[tuple(np.array(cells(north)).T)] = True
    assert max(y for _, y in cells(way(columns, (10, 14), (30, 15)))) > 25


@pytest.mark.parametrize("body", [GAIT, SLIM])
def test_it_does_not_slip_diagonally_between_two_obstacles(body):
    size = 21
    rows = [["#" if x + y == size - 1 else "." for x in range(size)] for y in range(size)]
    rows[3][3], rows[17][17] = "S", "G"
    assert through("\n".join("".join(row) for row in rows), gait=body) == []


def test_it_keeps_away_from_walls_where_that_is_cheap():
    path = through("""
    ##############################
    ..............................
    ..S........................G..
    ..............................
    ..............................
    ..............................
    ..............................
    ..............................
    """)
    assert {y for x, y in cells(path) if 8 <= x <= 21} == {3}  # four cells from the wall costs nothing more


def test_steep_ground_is_gone_round():
    columns, places = drawn(WALL.replace("#", "."))
    columns.steep[15, :11, 0] = True
    path = way(columns, places["S"], places["G"])
    assert not any(columns.steep[node[0], node[1], 0] for node in path)
    assert max(y for _, y in cells(path)) > 11


@pytest.mark.parametrize("gait", [GAIT, SLIM])
@pytest.mark.parametrize("around", ["?", "-"])
def test_the_top_of_a_wall_is_not_entered_from_the_unknown(around, gait):
    """The agent once planned over the top of a wall that the unknown beside it seemed to lead up to."""
    rows = [34 * around + "^" + 35 * around for _ in range(15)]
    rows[7] = "S" + rows[7][1:-1] + "G"
    columns, places = drawn("\n".join(rows))
    assert way(columns, places["S"], places["G"], gait=gait) == []
    rows[0] = rows[1] = rows[2] = 70 * around
    path = through("\n".join(rows), gait=gait)
    assert max(node[2] for node in path) == 0
    assert max(y for _, y in cells(path)) >= 12


def test_a_platform_of_which_only_the_top_is_known_may_be_reached_from_the_unknown():
    columns = unknown(60, 9)
    columns.floors[40:, :, 0] = columns.low[40:] = columns.high[40:] = 6
    columns.seen[40:] = True
    path = way(columns, (3, 4), (55, 4), goal_k=6, gait=SLIM)
    assert path[-1][2] == 6


def test_known_steps_are_climbed_and_higher_ones_are_not():
    rows = ["S..222444666888G"] * 7
    assert through("\n".join(rows), goal_k=0, storey=9)
    rows = ["S..222444777999G"] * 7
    assert through("\n".join(rows), storey=9) == []


def test_a_drop_is_not_jumped_down():
    assert through("\n".join(["S.....G"] * 7).replace("S", "S9999").replace("G", "9G"), start_k=9) == []


def bridge():
    """A floor with a bridge over it, one end of which comes down in steps that nobody passes under."""
    columns, _ = drawn("\n".join([20 * "."] * 9))
    columns.floors[2:10, 3:6, 0] = 2 * np.arange(1, 9)[:, None]
    for x in range(10, 18):
        for y in range(3, 6):
            add_floor(columns, x, y, 18)
    return columns


def test_the_way_under_a_bridge_and_the_way_over_it_are_two():
    under = way(bridge(), (0, 4), (15, 4), goal_k=0, gait=SLIM)
    over = way(bridge(), (0, 4), (15, 4), goal_k=18, gait=SLIM)
    assert {node[2] for node in under if node[0] >= 10} == {0}
    assert [node[2] for node in over][-3:] == [18, 18, 18]


def test_a_goal_on_another_storey_is_not_reached_from_below():
    columns, _ = drawn("\n".join([30 * "."] * 9))
    assert way(columns, (2, 4), (25, 4), goal_k=30, storey=5) == []
    assert way(columns, (2, 4), (25, 4), goal_k=5, storey=5)
    assert way(columns, (2, 4), (25, 4), goal_k=30, storey=30)


def test_the_map_ends_where_it_ends():
    columns, places = drawn("""
    S.........
    ..........
    ##########
    .........G
    """)
    assert way(columns, places["S"], places["G"]) == []


def price_by_hand(columns, x, y, spare):
    narrow = {0: 2.0, 1: 0.3, 2: 0.1}.get(max(spare, 0), 0.0)
    strange = 0.0 if columns.floors[x, y, 0] == 0 else 0.02 if columns.seen[x, y] else 0.1
    return 1 + strange + narrow + 20 * int(columns.bumped[x, y])


def cost_by_hand(columns, start, goal, gait):
    """Least cost over flat, known and unknown ground, by Dijkstra, from the definition of a step's cost."""
    across, rows = columns.low.shape
    near = gait.radius + 2
    best, heap = {start: 0.0}, [(0.0, start)]
    while heap:
        cost, (x, y) = heapq.heappop(heap)
        if max(abs(x - goal[0]), abs(y - goal[1])) <= 1:
            return cost
        if cost > best[x, y]:
            continue
        for dx, dy in ((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)):
            mx, my = x + dx, y + dy
            if not (0 <= mx < across and 0 <= my < rows) or blocks(columns, gait, mx, my, 0, 1):
                continue
            room = clearance(columns, gait, mx, my, 0, gait.radius + 2)
            ends = min(max(abs(mx - px), abs(my - py)) for px, py in (start, goal)) <= near
            if room <= gait.radius and not ends:
                continue
            if dx and dy and all(blocks(columns, gait, *cell, 0, 1) for cell in ((x, my), (mx, y))):
                continue
            onward = cost + math.hypot(dx, dy) * price_by_hand(columns, mx, my, room - gait.radius)
            if onward < best.get((mx, my), math.inf):
                best[mx, my] = onward
                heapq.heappush(heap, (onward, (mx, my)))
    return None


def cost_of(columns, path, gait):
    """What the found way costs by the same definition."""
    total = 0.0
    for (x, y), (mx, my) in pairwise(cells(path)):
        room = clearance(columns, gait, mx, my, 0, gait.radius + 2)
        total += math.hypot(mx - x, my - y) * price_by_hand(columns, mx, my, room - gait.radius)
    return total


@pytest.mark.parametrize("seed", range(12))
def test_the_way_is_the_cheapest_and_found_whenever_there_is_one(seed):
    rng = np.random.default_rng(seed)
    signs = rng.choice(list(".?-#!"), (24, 24), p=[0.5, 0.25, 0.16, 0.06, 0.03])
    signs[2, 2] = signs[21, 21] = "."
    columns, _ = drawn("\n".join("".join(row) for row in signs))
    gait = GAIT._replace(radius=seed % 2)
    path = way(columns, (2, 2), (21, 21), gait=gait)
    best = cost_by_hand(columns, (2, 2), (21, 21), gait)
    assert bool(path) == (best is not None)
    if path:
        # Any cell beside the goal ends the search, which leans on the distance to the goal itself.
        assert best - 1e-3 <= cost_of(columns, path, gait) <= best + 1.5


def straight(columns, path, *, limit=100.0, gait=GAIT):
    path = np.array(path, np.int32)
    x, y = (path[0, :2] + 0.5).tolist()
    return farthest_straight(columns, gait, path, x, y, int(path[0, 2]), limit)


def test_a_straight_line_reaches_as_far_as_it_is_allowed_to():
    columns = unknown(40, 9)
    path = way(columns, (3, 4), (35, 4))
    assert straight(columns, path) == len(path) - 1
    assert straight(columns, path, limit=10.0) == 10


def test_a_straight_line_keeps_the_bodys_room_from_walls():
    columns, places = drawn(WALL)
    path = way(columns, places["S"], places["G"])
    best = straight(columns, path)
    walls = np.argwhere(columns.high == TALL)

    def room(index):
        line = np.linspace(path[0][:2], path[index][:2], 200)
        return min(float(np.hypot(*(walls - p).T).min()) for p in line)

    assert 5 < best < len(path) - 1
    assert room(best) > GAIT.radius + 0.5
    assert room(len(path) - 1) < 1


def test_there_is_always_a_next_node():
    columns, places = drawn(with_door(3))
    path = way(columns, places["S"], places["G"])
    boxed = Columns(*(array.copy() for array in columns))
    boxed.bumped[:] = True
    assert straight(boxed, path) == 1
    assert straight(boxed, path[:1]) == 0


def test_a_straight_line_does_not_leap_off_a_ledge():
    rows = ["9" * 12 + "." * 12] * 7
    columns, _ = drawn("\n".join(rows))
    path = [(x, 3, 9 if x < 12 else 0, 0) for x in range(2, 20)]
    assert straight(columns, path) == 8  # x = 10, the last cell with the body's room


def test_a_straight_line_follows_a_slope():
    x = np.arange(40)
    columns, _ = drawn("\n".join(["." * 40] * 9))
    columns.floors[..., 0] = (x // 2)[:, None]
    mark_steep(columns, 0, 0, 40, 9, GAIT.climb)
    path = [(i, 4, i // 2, 0) for i in range(2, 38)]
    assert straight(columns, path) == len(path) - 1
