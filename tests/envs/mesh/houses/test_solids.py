import math

import numpy as np
import pytest

from placecell.envs.mesh.houses.solids import (
    arch,
    ball,
    box,
    lathe,
    leaf,
    panel,
    prism,
    rod,
    rounded,
    sheet,
    tube,
)


def volume(mesh):
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def polygon(sides):
    """Area of a regular polygon in the unit circle."""
    return sides / 2 * math.sin(2 * math.pi / sides)


RING = ((0.5, 0.0), (0.5, 0.1), (0.3, 0.1), (0.3, 0.0))
BOWL = ((0.5, 0.0), (0.5, 0.4), (0.4, 0.4), (0.4, 0.1), (0.0, 0.1))


@pytest.mark.parametrize(
    ("mesh", "expected"),
    [
        (box(1, 2, 3, 0.2, 0.3, 0.5), 0.03),
        (panel(0, 0, 1, 0.2, 0.3, 0.5), 0.03),
        (sheet(0, 0, 1, 0.2, 0.3, 0.5), 0.03),
        (tube(0.5, 2.0, sides=8), polygon(8) * 0.25 * 2),
        (tube(0.5, 3.0, 0.0, 8), polygon(8) * 0.25),
        (lathe(RING, 12, closed=True), polygon(12) * (0.25 - 0.09) * 0.1),
        (lathe(BOWL, 12), polygon(12) * (0.25 * 0.4 - 0.16 * 0.3)),
        (rod((1, 1, 1), (1, 1, -1), 0.5, sides=8), polygon(8) * 0.25 * 2),
        (rod((0, 0, 0), (1, 2, 2), 0.5, sides=8), polygon(8) * 0.25 * 3),
        (prism(((0, 0), (2, 0), (0, 1)), 1.0, 4.0, "x"), 3.0),
        (prism(((0, 0), (2, 0), (0, 1)), 1.0, 4.0, "y"), 3.0),
        (prism(((0, 0), (2, 0), (0, 1)), 1.0, 4.0, "z"), 3.0),
        (box(1, 2, 3, 0.2, 0.3, 0.5).turned("x", 30).turned("y", -40).turned("z", 77, (3, 2, 1)), 0.03),
        (tube(0.5, 2.0, sides=8).scaled(2, 1, 3).moved(5, 6, 7), polygon(8) * 0.25 * 2 * 6),
    ],
)
def test_volumes_are_positive_and_those_of_the_solid(mesh, expected):
    assert volume(mesh) == pytest.approx(expected)


def test_balls_leaves_and_outlines_hold_what_they_should():
    full = 4 / 3 * math.pi * 0.3 * 0.2 * 0.1
    assert 0.75 * full < volume(ball(0.3, 0.2, 0.1)) < full
    assert volume(leaf((0, 0, 0), (1, 1, 1), 0.2)) > 0
    assert volume(leaf((0, 0, 0), (0, 0, 1), 0.2)) > 0
    corner = 0.1**2 * (4 - polygon(12))
    assert volume(prism(rounded(1.0, 0.8, 0.1), 0, 1)) == pytest.approx(0.8 - corner)
    assert volume(prism(arch(2.0, 0.5, 1.5, 6), 0, 1, "y")) == pytest.approx(1.0 + polygon(12) / 2)


def test_a_prism_lies_along_its_axis():
    outline = ((0, 0), (2, 0), (0, 1))
    for axis, size in (("x", (3, 2, 1)), ("y", (2, 3, 1)), ("z", (2, 1, 3))):
        vertices = prism(outline, 1.0, 4.0, axis).vertices
        np.testing.assert_allclose(vertices.max(0) - vertices.min(0), size)


def test_turning_is_counter_clockwise_about_its_line():
    turned = box(1, 0, 0, 0.2, 0.2, 0.2).turned("z", 90)
    np.testing.assert_allclose(turned.vertices.mean(0), (0, 1, 0.1), atol=1e-12)
    tipped = box(0, 0, 0, 0.2, 0.2, 1.0).turned("x", -90, (0, 0, 0))
    np.testing.assert_allclose(tipped.vertices.mean(0), (0, 0.5, 0), atol=1e-12)


def test_textures_stand_upright_on_a_panel_and_run_along_the_grain():
    front = panel(0, 0, 1.0, 0.4, 0.1, 0.6)
    corner = {tuple(v): tuple(uv) for v, uv in zip(front.vertices.tolist(), front.uv.tolist(), strict=True)}
    # Whoever faces the front sees +x on the left.
    assert corner[(0.2, 0.05, 1.0)] == pytest.approx((0, 0))
    assert corner[(-0.2, 0.05, 1.6)] == pytest.approx((1, 1))
    long = box(0, 0, 0, 0.1, 2.0, 0.1, grain=True)
    assert np.ptp(long.uv[:, 0]) == pytest.approx(2.0)
    assert np.ptp(long.uv[:, 1]) < 0.2
    upright = box(0, 0, 0, 0.1, 0.1, 2.0)
    assert np.ptp(upright.uv[:, 1]) == pytest.approx(2.05)
    assert np.ptp(upright.uv[:, 0]) == pytest.approx(0.1)
