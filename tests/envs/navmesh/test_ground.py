"""Which cells carry a body: by laws of the grid, by hand, and against a plain map of heights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import area, at, box, floor, join, ramp, stairs

from placecell.arrays import generator
from placecell.envs.navmesh.ground import build_ground
from placecell.envs.navmesh.settings import WalkSettings
from placecell.errors import NavigationError, SceneError

ROOM = floor(0.0, 0.0, 6.0, 6.0)
OPPOSITE = [2, 3, 0, 1]


def upside_down(mesh):
    return mesh[0], mesh[1][:, ::-1]


def clutter(seed):
    """A room with boxes, no two of one height, all too high to climb and too small to stand on."""
    rng = generator(seed, "clutter")
    boxes = []
    for i in range(6):
        x, y = rng.uniform(0.4, 5.0, 2)
        w, d = rng.uniform(0.1, 0.6, 2)
        boxes.append(box(x, y, 0.0, x + w, y + d, 0.5 + 0.1 * i))
    return join(ROOM, *boxes)


@pytest.mark.parametrize(("radius", "side"), [(0.0, 78), (0.1, 74), (0.18, 70), (0.3, 66)])
def test_a_floor_loses_its_edge_and_the_bodys_radius(radius, side):
    # 80 cells a side; the outermost stand over the void, those left lose ceil(radius / 0.05) more each side.
    ground = area(floor(0.0, 0.0, 4.0, 4.0), radius_m=radius)
    assert len(ground.ground) == side**2
    assert ground.island_area() == pytest.approx((side * 0.05) ** 2)


def test_the_bodys_radius_is_kept_from_a_wall():
    ground = area(ROOM, box(2.01, -1.0, 0.0, 2.04, 7.0, 2.0), radius_m=0.3)
    x = ground.ground.centres()[:, 0]
    assert x[x < 2].max() == pytest.approx(2.0 - 0.3 - 0.025)
    assert x[x > 2].min() == pytest.approx(2.05 + 0.3 + 0.025)


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=8, deadline=None)
def test_laws_of_the_grid(seed):
    ground = build_ground(*clutter(seed), WalkSettings(radius_m=0.0, min_island_cells=1))
    n = len(ground)
    cell = np.arange(n)
    column_of_cell = ground.row.astype(int) * ground.columns + ground.column
    assert (np.diff(column_of_cell) >= 0).all()
    assert np.array_equal(np.searchsorted(column_of_cell, np.arange(len(ground.first))), ground.first)
    for side, (east, south) in enumerate([(-1, 0), (0, 1), (1, 0), (0, -1)]):
        has = ground.neighbour[:, side] >= 0
        other = ground.neighbour[has, side]
        assert np.array_equal(ground.neighbour[other, OPPOSITE[side]], cell[has])
        assert np.array_equal(ground.column[other], ground.column[has] + east)
        assert np.array_equal(ground.row[other], ground.row[has] + south)
        assert (np.abs(ground.z[other] - ground.z[has]) <= 0.25).all()
        assert np.array_equal(ground.island[other], ground.island[has])
    sizes = np.bincount(ground.island)
    assert (np.diff(sizes) <= 0).all()
    assert (sizes > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_floor_is_where_a_plain_map_of_heights_has_it(seed):
    vertices, faces = clutter(seed)
    ground = build_ground(vertices, faces, WalkSettings(radius_m=0.0))
    top = np.zeros((120, 120))
    for corners in vertices[4:].reshape(-1, 8, 3):
        (x0, y0, _), (x1, y1, z1) = corners.min(0), corners.max(0)
        c0, c1 = int(x0 / 0.05), int(x1 / 0.05) + 1
        r0, r1 = int((6 - y1) / 0.05), int((6 - y0) / 0.05) + 1
        top[r0:r1, c0:c1] = np.maximum(top[r0:r1, c0:c1], z1)
    expected = np.zeros((120, 120), bool)
    expected[1:-1, 1:-1] = top[1:-1, 1:-1] == 0
    found = np.zeros((120, 120), bool)
    found[ground.row, ground.column] = True
    assert (ground.z == 0).all()
    # The floor between boxes may lie in pieces below a square metre, which are dropped.
    assert not (found & ~expected).any()
    assert (expected & ~found).sum() < 400


@pytest.mark.parametrize("seed", range(3))
def test_the_whole_scene_may_be_moved_by_whole_cells(seed):
    vertices, faces = clutter(seed)
    here = build_ground(vertices, faces, WalkSettings())
    there = build_ground(vertices + np.array([64.0, -32.0, 8.0]), faces, WalkSettings())
    assert np.array_equal(here.neighbour, there.neighbour)
    assert there.centres() == pytest.approx(here.centres() + np.array([64.0, -32.0, 8.0]))


def test_islands_are_numbered_by_area_and_small_ones_dropped():
    ground = area(
        floor(0.0, 0.0, 2.0, 2.0), floor(10.0, 0.0, 14.0, 4.0), floor(0.0, 10.0, 3.0, 13.0),
        floor(10.0, 10.0, 11.0, 11.0), radius_m=0.0,
    )  # fmt: skip
    assert ground.number_of_islands == 3
    assert [ground.island_area(i) for i in range(3)] == pytest.approx([3.9**2, 2.9**2, 1.9**2])
    assert [ground.island_of(ground.stand(at(x, y))) for x, y in [(12, 2), (1, 11), (1, 1)]] == [0, 1, 2]
    with pytest.raises(NavigationError, match=r"within 0\.3 m of walkable ground, got \(10\.5, 10\.5, 0\)"):
        ground.stand(at(10.5, 10.5), reach_m=0.3)


@pytest.mark.parametrize(("rise", "climbs"), [(0.1, True), (0.2, True), (0.3, False)])
def test_stairs_with_steps_up_to_max_climb_lead_up(rise, climbs):
    top = 6 * rise
    ground = area(
        floor(0.0, 0.0, 4.0, 4.0), stairs(4.0, 0.0, 4.0, rise, 0.5, 6), floor(7.0, 0.0, 10.0, 4.0, top)
    )
    assert np.isfinite(ground.geodesic_distance(at(1, 2), at(9, 2, top))) == climbs
    assert ground.snap(at(9, 2, top))[2] == pytest.approx(top)


@pytest.mark.parametrize(("slope", "climbs"), [(30, True), (44, True), (46, False), (60, False)])
def test_a_ramp_of_less_than_45_degrees_leads_up(slope, climbs):
    top = float(2 * np.tan(np.radians(slope)))
    ground = area(
        floor(0.0, 0.0, 4.0, 4.0), ramp(4.0, 0.0, 6.0, 4.0, 0.0, top), floor(6.0, 0.0, 9.0, 4.0, top)
    )
    assert np.isfinite(ground.geodesic_distance(at(1, 2), at(8, 2, top))) == climbs
    assert ground.number_of_islands == (1 if climbs else 2)


def test_heights_follow_a_ramp():
    ground = area(
        floor(0.0, 0.0, 4.0, 4.0), ramp(4.0, 0.0, 8.0, 4.0, 0.0, 2.0), floor(8.0, 0.0, 12.0, 4.0, 2.0)
    )
    for x in np.linspace(4.5, 7.5, 13):
        assert ground.snap(at(x, 2, (x - 4) / 2))[2] == pytest.approx((x - 4) / 2, abs=0.03)


@pytest.mark.parametrize(("top", "islands"), [(0.1, 1), (0.2, 1), (0.3, 2)])
def test_a_low_kerb_is_stepped_over(top, islands):
    ground = area(ROOM, box(2.52, -1.0, 0.0, 2.78, 7.0, top))
    assert ground.number_of_islands == islands


def test_a_steep_kerb_is_stepped_on_where_it_is_low():
    # The rounded foot of a wall: steeper than any slope, lower than any climb.
    kerb = ramp(2.5, 0.0, 2.6, 6.0, 0.0, 0.18)
    assert area(ROOM, kerb).number_of_islands == 1
    assert area(floor(0.0, 0.0, 2.5, 6.0), kerb, floor(2.6, 0.0, 6.0, 6.0, 0.18)).number_of_islands == 2


@pytest.mark.parametrize(("height", "under"), [(1.5, False), (0.7, False), (0.6, True)])
def test_only_a_low_body_stands_under_a_table(height, under):
    # The floor's top fills the lowest quantum, as in Recast: 0.72 m are free room for less than 0.65.
    ground = area(ROOM, box(2.01, 2.01, 0.72, 3.99, 3.99, 0.78), height_m=height)
    east, north, _ = (ground.ground.centres()[ground.ground.z == 0] - 3).T
    away = np.abs(east[np.abs(north) < 0.5]).min()
    assert away == pytest.approx(0.025 if under else 1.0 + 0.1 + 0.025)
    assert ground.snap(at(3, 3, 0.78))[2] == pytest.approx(0.78)


def test_nobody_stands_at_a_ledge():
    ground = area(floor(0.0, 0.0, 6.0, 6.0), box(1.01, 1.01, 0.0, 4.99, 4.99, 1.0))
    assert ground.number_of_islands == 2
    high = ground.ground.centres()[ground.ground.z == 1.0]
    assert high[:, :2].min() == pytest.approx(1.0 + 0.05 + 0.1 + 0.025)
    assert high[:, :2].max() == pytest.approx(5.0 - 0.05 - 0.1 - 0.025)


def test_the_floor_goes_on_beneath_a_ceiling_and_above_it():
    ground = area(floor(0.0, 0.0, 4.0, 4.0), box(0.0, 0.0, 2.0, 4.0, 4.0, 2.2))
    assert ground.number_of_islands == 2
    for height in (0.0, 2.2):
        assert ground.snap(at(2, 2, height))[2] == pytest.approx(height)


@pytest.mark.parametrize(
    "mesh",
    [upside_down(ROOM), floor(0.0, 0.0, 0.8, 0.8),
     ramp(0.0, 0.0, 4.0, 4.0, 0.0, 8.0), join(ROOM, upside_down(floor(0.0, 0.0, 6.0, 6.0, 1.2))),
     (np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 2]]), np.array([[0, 1, 2]]))],
    ids=["faces down", "too small", "too steep", "too low", "a line"],
)  # fmt: skip
def test_a_mesh_without_ground_is_told_so_in_one_line(mesh):
    with pytest.raises(
        SceneError, match=r"^expected a mesh with ground for a body of radius 0\.1 m and"
    ) as e:
        area(mesh)
    assert "\n" not in str(e.value)
    assert "check that the right axis is up" in str(e.value)


def test_a_mesh_in_millimetres_is_told_so_before_memory_runs_out():
    with pytest.raises(
        SceneError, match=r"of at most 400000000 grid .* 4000 x 4000 m in .*scale the mesh to"
    ):
        area(floor(0.0, 0.0, 4000.0, 4000.0))
