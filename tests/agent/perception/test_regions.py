"""Regions of cells: the published bounds, cells that share an image out, growth that stops at the border."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.perception.regions import PixelBox, Region, crop_box
from placecell.errors import ConfigError

CELLS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=5)


def test_a_region_spans_from_its_first_cells_start_to_its_last_cells_end():
    region = Region.hull([(5, 1), (2, 3), (4, 2)])
    assert region == Region(2, 1, 5, 3)
    box = region.pixels((480, 640))
    assert box == PixelBox(2 * 640 // 8, 1 * 480 // 8, (5 + 1) * 640 // 8, (3 + 1) * 480 // 8)
    assert box.size == (180, 320)
    assert box.area == 180 * 320


def test_growth_is_a_cell_on_each_side_and_stops_at_the_border():
    assert Region(2, 1, 5, 3).grown() == Region(1, 0, 6, 4)
    assert Region(0, 7, 0, 7).grown() == Region(0, 6, 1, 7)
    assert Region(0, 0, 7, 7).grown(3) == Region(0, 0, 7, 7)
    assert crop_box(Region(3, 3, 3, 3), (64, 80)) == PixelBox(20, 16, 50, 40)
    assert crop_box(Region(3, 3, 3, 3), (64, 80), grow=0) == PixelBox(30, 24, 40, 32)


@settings(deadline=None)
@given(named=CELLS, cells=st.integers(0, 9))
def test_a_grown_region_holds_the_old_one_and_lies_on_the_grid(named, cells):
    region = Region.hull(named)
    grown = region.grown(cells)
    assert grown.left == max(region.left - cells, 0)
    assert grown.right == min(region.right + cells, 7)
    assert grown.top <= region.top <= region.bottom <= grown.bottom


@settings(deadline=None)
@given(grid=st.integers(1, 9), height=st.integers(9, 40), width=st.integers(9, 40))
def test_cells_share_the_image_out_also_where_k_does_not_divide_it(grid, height, width):
    seen = np.zeros((height, width), int)
    for x in range(grid):
        for y in range(grid):
            box = Region(x, y, x, y, grid).pixels((height, width))
            box.require_within((height, width))
            seen[box.slices] += 1
    assert (seen == 1).all()
    assert Region(0, 0, grid - 1, grid - 1, grid).pixels((height, width)) == PixelBox.whole((height, width))


def test_slices_take_the_pixels_of_the_original_image():
    rgb = np.arange(16 * 24 * 3).reshape(16, 24, 3)
    box = crop_box(Region(0, 2, 3, 5), rgb.shape[:2])
    np.testing.assert_array_equal(rgb[box.slices], rgb[2:14, 0:15])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Region(0, 0, 8, 3), r"region of cells 0 to 7.*columns 0 to 8, rows 0 to 3"),
        (lambda: Region(-1, 0, 2, 3), r"columns -1 to 2"),
        (lambda: Region(4, 0, 2, 3), r"left <= right.*columns 4 to 2.*Region\.hull"),
        (lambda: Region(0, 0, 0, 0, 0), r"a grid of 1 or more cells a side, got k = 0; use k = 8"),
        (lambda: Region.hull([]), r"cells to take the hull of, got none"),
        (lambda: Region(0, 0, 0, 0).grown(-1), r"0 or more cells of growth, got -1"),
        (
            lambda: Region(0, 0, 1, 1).pixels((6, 90)),
            r"8 x 8 pixels or more.*got 90 x 6.*a grid of 6 or less",
        ),
        (lambda: Region(0, 0, 1, 1).pixels((0, 9)), r"got 9 x 0 pixels.*a grid of 1 or less"),
        (lambda: PixelBox(3, 0, 3, 5), r"left < right.*left 3, top 0, right 3, bottom 5"),
        (lambda: PixelBox(-2, 0, 3, 5), r"0 <= left.*left -2"),
        (lambda: PixelBox(0, 0, 9, 5).require_within((9, 5)), r"within an image of 5 x 9.*columns 0 to 9"),
    ],
)
def test_bad_input_is_told_in_a_line(make, text):
    with pytest.raises(ConfigError, match=text) as told:
        make()
    assert "\n" not in str(told.value)
