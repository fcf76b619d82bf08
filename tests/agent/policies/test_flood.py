import numpy as np
import pytest
from drawn_maps import GAIT, drawn, through, unknown

from placecell.agent.policies.columns import LAYERS
from placecell.agent.policies.flood import Flood, Flooded, flood

POINT = GAIT._replace(radius=0)


def flooded(text, *, gait=POINT, gap=0.0):
    columns, places = drawn(text)
    return flood(columns, gait, *places["S"], 0, gap), places


def test_over_open_floor_the_way_is_the_octile_distance():
    nodes, places = flooded("\n".join(["." * 9] * 4 + ["S" + "." * 8] + ["." * 9] * 4))
    sx, sy = places["S"]
    x, y = np.mgrid[:9, :9]
    dx, dy = abs(x - sx), abs(y - sy)
    octile = np.maximum(dx, dy) + (np.sqrt(2) - 1) * np.minimum(dx, dy)
    np.testing.assert_allclose(nodes.cost[..., 0], octile, rtol=1e-5)
    assert not np.isfinite(nodes.cost[..., LAYERS]).any()


def test_it_goes_round_walls_and_not_through_them():
    nodes, places = flooded(
        """
        .......
        ...#...
        S..#..G
        ...#...
        """
    )
    assert nodes.cost[3, 2, 0] == np.inf
    assert nodes.cost[(*places["G"], 0)] == pytest.approx(2 + 4 * np.sqrt(2), abs=1e-4)
    closed, places = flooded("S.#.G\n..#..\n..#..")
    assert closed.cost[(*places["G"], 0)] == np.inf


def test_a_wide_body_does_not_fit_where_a_thin_one_does():
    text = """
        .....#.....
        S.........G
        .....#.....
    """
    thin, places = flooded(text)
    wide, _ = flooded(text, gait=GAIT)
    assert np.isfinite(thin.cost[(*places["G"], 0)])
    assert wide.cost[(*places["G"], 0)] == np.inf


def test_the_unknown_costs_twice_and_is_entered_only_so_far():
    text = "S....????....G"
    near, places = flooded(text, gap=3.5)
    far, _ = flooded(text, gap=4.5)
    assert near.cost[(*places["G"], 0)] == np.inf
    assert np.isfinite(near.cost[7, 0, LAYERS])
    assert not np.isfinite(near.cost[8, 0, LAYERS])
    assert far.cost[(*places["G"], 0)] == pytest.approx(13 + 4)


def test_where_the_body_ran_into_something_it_is_dear_and_a_hole_dearer_than_the_unknown():
    plain, places = flooded("S..?..G", gap=2)
    bumped, _ = flooded("S.!?..G", gap=2)
    hole, _ = flooded("S..v..G", gap=2)
    cost = [nodes.cost[(*places["G"], 0)] for nodes in (plain, bumped, hole)]
    assert cost[0] == pytest.approx(7)
    assert cost[1] == pytest.approx(27)
    assert cost[2] == pytest.approx(10)


def test_steps_up_within_the_climb_are_floors_at_their_height():
    nodes, places = flooded("S..22.44G")
    assert nodes.level[3, 0, 0] == 2
    assert nodes.cost[(*places["G"], 0)] == np.inf
    assert not np.isfinite(nodes.cost[6, 0, 0])


@pytest.mark.parametrize("seed", range(6))
def test_what_it_reaches_is_what_the_search_reaches(seed):
    rng = np.random.default_rng(seed)
    signs = rng.choice(list("...........##1"), size=(12, 12))
    signs[0, 0], signs[-1, -1] = "S", "G"
    text = "\n".join("".join(row) for row in signs)
    nodes, places = flooded(text, gait=POINT)
    gx, gy = places["G"]
    # The search is content with a neighbour of the goal.
    ends = nodes.cost[max(gx - 1, 0) : gx + 2, max(gy - 1, 0) : gy + 2, 0]
    assert np.isfinite(ends).any() == bool(through(text, gait=POINT))


def test_a_flood_knows_where_its_cells_lie():
    nodes = Flooded(np.full((4, 5, LAYERS + 1), 7.0, np.float32), np.full((4, 5, LAYERS + 1), 2, np.int16))
    world = Flood(nodes, np.array([-10, 20]), 0.1)
    np.testing.assert_allclose(world.point(1, 2, 0), [-0.85, 2.25, 0.3])
    assert world.cost_m(1, 2, 0) == pytest.approx(0.7)


def test_from_unknown_ground_it_starts_all_the_same():
    nodes = flood(unknown(9, 9), POINT, 4, 4, 0, 2.0)
    assert nodes.cost[4, 4, LAYERS] == 0
    assert np.isfinite(nodes.cost[..., LAYERS]).sum() == 13  # the octile disc of radius 2
