import numpy as np
import pytest

from placecell.agent.perception.upsampling import to_pixels


def test_on_one_surface_every_pixel_has_its_cell_s_name():
    cells = np.arange(12).reshape(3, 4)
    depth = np.full((6, 8), 2.0, np.float32)
    np.testing.assert_array_equal(to_pixels(cells, depth), cells.repeat(2, 0).repeat(2, 1))


def test_odd_sizes_end_within_their_last_cells():
    cells = np.arange(6).reshape(2, 3)
    out = to_pixels(cells, np.full((3, 5), 2.0, np.float32))
    np.testing.assert_array_equal(out, cells.repeat(2, 0).repeat(2, 1)[:3, :5])


@pytest.mark.parametrize("turned", [False, True])
def test_the_outline_follows_depth_where_a_cell_spans_two_surfaces(turned):
    """A thing (7) at 1 m before a wall (1) at 3 m, its edge in the middle of the cells of column 2."""
    depth = np.full((6, 10), 3.0, np.float32)
    depth[:, :5] = 1.0
    cells = np.array([[7, 7, 7, 1, 1]] * 3)
    out = to_pixels(cells.T, depth.T).T if turned else to_pixels(cells, depth)
    np.testing.assert_array_equal(out, np.where(depth == 1, 7, 1))


def test_no_neighbour_on_its_surface_leaves_a_pixel_its_cell_s_name():
    depth = np.full((4, 4), 2.0, np.float32)
    depth[1, 1] = 1.0  # a lone near pixel: its neighbours are all far
    cells = np.array([[5, 6], [6, 6]])
    out = to_pixels(cells, depth)
    assert out[1, 1] == 5
    assert out[0, 1] == 6  # far, as the cell to its right is
    depth[1, 1] = 0.0
    assert to_pixels(cells, depth)[1, 1] == 5


def test_it_agrees_with_its_definition_in_numpy():
    rng = np.random.default_rng(4)
    depth = rng.choice([0.0, 1.0, 1.03, 2.0, 2.05], (14, 18)).astype(np.float32)
    depth[4:10, 4:12] = 1.0
    cells = rng.integers(0, 9, (7, 9))
    out = to_pixels(cells, depth)
    for (y, x), z in np.ndenumerate(depth):

        def mean(r, c):
            four = depth[2 * r : 2 * r + 2, 2 * c : 2 * c + 2]
            four = four[four > 0]
            return four.mean() if len(four) and four.max() <= 1.05 * four.min() else None

        r, c = y // 2, x // 2
        expected = cells[r, c]
        if z > 0 and mean(r, c) is None:
            side, below = c + (1 if x % 2 else -1), r + (1 if y % 2 else -1)
            near = [
                (abs(mean(*at) - z), i, cells[at])
                for i, at in enumerate([(r, side), (below, c), (below, side)])
                if 0 <= at[0] < 7 and 0 <= at[1] < 9 and mean(*at) is not None
            ]
            near = [entry for entry in near if entry[0] < 0.05 * z - 1e-6]
            expected = min(near)[2] if near else expected
        assert out[y, x] == expected, (y, x)
