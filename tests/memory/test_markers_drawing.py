"""Discs with numbers on frames and on bird's-eye images."""

import numpy as np
import pytest

from placecell.memory import SparseOctree
from placecell.memory.bev import render_bev
from placecell.memory.markers import Mark, Marker, ObjectMarkers, draw
from placecell.memory.picture.marker_drawing import disc_places, disc_radius, draw_numbers


def plain(value, size=(90, 120)):
    return np.full((*size, 3), value, np.uint8)


def changed(image, drawn):
    return (image != drawn).any(-1)


@pytest.mark.parametrize("value", [0, 90, 150, 255])
def test_a_disc_lies_on_its_pixel_with_contrast(value):
    image = plain(value)
    drawn = draw_numbers(image, [(7, (60, 40))])
    assert (image == value).all()
    rows, columns = np.nonzero(changed(image, drawn))
    assert abs(rows.mean() - 40) < 1.5
    assert abs(columns.mean() - 60) < 1.5
    assert np.ptp(rows) <= 2 * disc_radius(image) + 1
    disc = drawn[36:45, 56:65].astype(int).mean(-1)
    assert disc.max() - disc.min() > 180


def test_numbers_can_be_told_apart():
    image = plain(120, (240, 320))
    seen = {draw_numbers(image, [(n, (100, 100))]).tobytes() for n in (1, 7, 12, 17, 71, 712, 1000)}
    assert len(seen) == 7


def test_the_same_numbers_give_the_same_image():
    numbers = [(n, (7 * n % 120, 11 * n % 90)) for n in range(30)]
    first, second = (draw_numbers(plain(80), numbers) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_discs_are_whole_and_within_the_image():
    size, radius = (90, 120), 7
    corners = [(0, 0), (119, 0), (0, 89), (119, 89), (60, 0), (0, 40)]
    for x, y in disc_places(corners, radius, size):
        assert radius <= x <= 119 - radius
        assert radius <= y <= 89 - radius
    image = plain(128)
    for corner in corners:
        alone = changed(image, draw_numbers(image, [(8, corner)])).sum()
        assert alone >= 0.95 * changed(image, draw_numbers(image, [(8, (60, 45))])).sum()


def test_discs_do_not_cover_each_other_where_there_is_room():
    places = np.array(disc_places([(60, 45)] * 5, 7, (90, 120)))
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1) + 1e9 * np.eye(5)
    assert apart.min() >= 15
    assert np.linalg.norm(places - (60, 45), axis=1).max() <= 4 * 7 + 1


def test_pixels_outside_and_images_too_small_get_none():
    image = plain(128)
    outside = [(1, (-1, 5)), (2, (120, 5)), (3, (5, 90))]
    np.testing.assert_array_equal(draw_numbers(image, outside), image)
    tiny = plain(128, (9, 60))
    np.testing.assert_array_equal(draw_numbers(tiny, [(1, (4, 4))]), tiny)


def test_of_marks_the_nearest_keeps_its_place():
    near, far = Mark(9, 1, (60, 45), 1.0, 1.0, 50), Mark(2, 1, (60, 45), 3.0, 1.0, 50)
    image = plain(128)
    both, alone = draw(image, [far, near]), draw(image, [near])
    np.testing.assert_array_equal(both[40:51, 55:66], alone[40:51, 55:66])
    np.testing.assert_array_equal(both, draw(image, [near, far]))
    assert changed(image, both).sum() > changed(image, alone).sum()


def slab():
    octree = SparseOctree(0.1)
    octree.insert_points((np.argwhere(np.ones((40, 30, 1))) + 0.5) * 0.1)
    return octree


def test_in_a_bird_s_eye_image_the_number_is_at_the_middle_of_the_box():
    seen = render_bev(slab(), (300, 400))
    cube = np.full(3, 0.4)
    shown = Marker(5, 1, np.array([1.0, 2.0, 0.4]), cube)
    column, row = np.floor(seen.to_pixel(shown.position[None]))[0]
    rows, columns = np.nonzero(changed(seen.image, seen.marked((shown,)).image))
    assert abs(rows.mean() - row) < 1.5
    assert abs(columns.mean() - column) < 1.5
    beside = Marker(6, 1, np.array([9.0, 2.0, 0.4]), cube)
    under_the_ceiling = Marker(7, 1, np.array([1.0, 2.0, 2.3]), cube)
    np.testing.assert_array_equal(seen.marked((beside, under_the_ceiling)).image, seen.image)
    np.testing.assert_array_equal(seen.marked((shown,)).heights, seen.heights)


def test_render_bev_draws_the_objects_of_the_map():
    class Told(ObjectMarkers):
        def marks(self):
            return (Marker(3, 1, np.array([2.0, 1.0, 0.3]), np.full(3, 0.5)),)

    plain_map = render_bev(slab(), (300, 400))
    marked = render_bev(slab(), (300, 400), markers=Told())
    np.testing.assert_array_equal(marked.image, plain_map.marked(Told().marks()).image)
    assert changed(plain_map.image, marked.image).any()
