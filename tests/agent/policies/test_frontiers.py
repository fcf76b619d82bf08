import math

import numpy as np
from drawn_maps import GAIT, add_floor, drawn

from placecell.agent.policies.flood import Flood, flood
from placecell.agent.policies.frontiers import count_unseen, find_frontiers

POINT = GAIT._replace(radius=0)


def frontiers(text, *, fewest=1, gap=0.0, change=None):
    columns, places = drawn(text)
    if change is not None:
        change(columns)
    nodes = flood(columns, POINT, *places["S"], 0, gap)
    return find_frontiers(columns, POINT, Flood(nodes, np.zeros(2, np.int64), 1.0), fewest)


def cells(found):
    return sorted((math.floor(f.position[0]), math.floor(f.position[1])) for f in found)


def test_a_closed_room_has_no_frontier():
    assert frontiers("#####\n#...#\n#.S.#\n#####") == []


def test_each_stretch_of_border_is_one_frontier_with_its_length_and_way():
    found = frontiers(
        """
        ###??###
        #......#
        #......#
        #S.....?
        #......#
        ########
        """
    )
    assert cells(found) == [(3, 4), (6, 2)]
    assert sorted(f.cells for f in found) == [1, 2]
    gate = next(f for f in found if f.cells == 1)
    np.testing.assert_allclose(gate.position, [6.5, 2.5, 1.0])
    assert gate.cost_m == 5


def test_cracks_are_left_out():
    text = "##?##???#\n#.......#\n#S......#\n#########"
    assert len(frontiers(text)) == 2
    assert [f.cells for f in frontiers(text, fewest=2)] == [3]


def test_what_the_body_cannot_reach_is_no_frontier():
    assert frontiers("#########\n#S.#....?\n#########") == []


def test_ground_seen_free_without_a_floor_counts_where_the_way_leads_over_it():
    text = "######\n#S.--?\n######"
    assert frontiers(text) == []
    assert cells(frontiers(text, gap=2.5)) == [(4, 1)]


def test_floors_far_above_one_another_are_two_stretches():
    def upstairs(columns):
        for x in (3, 4):
            add_floor(columns, x, 1, 30)

    text = "#??????\n#.....#\n#S....#\n#######"
    one = frontiers(text)
    assert len(one) == len(frontiers(text, change=upstairs)) == 1
    assert one[0].cells == 5


def look(text, heading_deg, reach=6.0, half_deg=30.0):
    columns, places = drawn(text)
    x, y = places["S"]
    headings = np.radians(np.atleast_1d(heading_deg).astype(float))
    return count_unseen(columns, POINT, x + 0.5, y + 0.5, 0, headings, math.radians(half_deg), reach)


def test_a_direction_is_worth_what_is_unseen_in_it():
    text = "\n".join(["?" * 6 + "." * 7] * 4 + ["?" * 6 + "S......"] + ["?" * 6 + "." * 7] * 4)
    east, north, west = look(text, [0, 90, 180])
    assert east == 0
    assert west > 12
    assert 0 < north < west


def test_walls_hide_what_is_behind_them():
    open_, walled = ("\n".join([row] * 5) for row in ("......????", "....#.????"))
    for text, worth in ((open_, True), (walled, False)):
        rows = text.split("\n")
        rows[2] = "S" + rows[2][1:]
        assert (look("\n".join(rows), 0, reach=9.0)[0] > 0) == worth
