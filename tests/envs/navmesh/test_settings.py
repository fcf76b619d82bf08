import math

import pytest

from placecell.envs.navmesh.settings import WalkSettings
from placecell.errors import ConfigError


@pytest.mark.parametrize(
    ("metres", "cell", "down", "up"),
    [(0.2, 0.05, 4, 4), (0.3, 0.05, 6, 6), (0.1, 0.05, 2, 2), (0.18, 0.05, 3, 4), (0.15, 0.05, 3, 3),
     (0.6, 0.2, 3, 3), (0.7, 0.1, 7, 7), (0.88, 0.05, 17, 18), (1.5, 0.05, 30, 30), (1.5, 0.2, 7, 8)],
)  # fmt: skip
def test_metres_become_whole_cells_as_recast_divides(metres, cell, down, up):
    settings = WalkSettings(
        radius_m=metres, height_m=metres, max_climb_m=metres, cell_size_m=cell, cell_height_m=cell
    )
    assert (settings.climb_cells, settings.height_cells, settings.radius_cells) == (down, up, up)


def test_double_precision_would_get_it_wrong():
    assert math.floor(0.3 / 0.05) == 5
    assert WalkSettings(max_climb_m=0.3).climb_cells == 6


def test_a_body_without_width_or_climb():
    settings = WalkSettings(radius_m=0.0, max_climb_m=0.0)
    assert (settings.radius_cells, settings.climb_cells) == (0, 0)


@pytest.mark.parametrize("name", ["height_m", "cell_size_m", "cell_height_m"])
@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
def test_sizes_are_positive(name, value):
    with pytest.raises(ConfigError, match=rf"expected a positive {name}, got {value}; set {name} to metres"):
        WalkSettings(**{name: value})


@pytest.mark.parametrize("name", ["radius_m", "max_climb_m"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_radius_and_climb_are_not_negative(name, value):
    with pytest.raises(ConfigError, match=rf"expected {name} of 0 or more, got {value}; set {name} in metr"):
        WalkSettings(**{name: value})


@pytest.mark.parametrize("slope", [-1.0, 90.0, math.nan])
def test_a_slope_is_no_wall(slope):
    with pytest.raises(ConfigError, match=rf"max_slope_deg from 0 to below 90, got {slope}; 45 is what Hab"):
        WalkSettings(max_slope_deg=slope)
