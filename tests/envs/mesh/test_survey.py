"""Where a survey stands: everywhere near enough, on every storey, and the same each time."""

import math

import numpy as np
import pytest
from solids import area, box, floor, stairs

from placecell.envs.episode import Episode, Goal
from placecell.envs.mesh.survey import HEADINGS, Nowhere, require_which, standing_points, survey_poses
from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose


def farthest(ground, points):
    field = ground.field(*points)
    centres = ground.ground.centres()[ground.ground.island == 0][::23]
    return max(field.distance(centre) for centre in centres)


@pytest.mark.parametrize("spacing_m", [1.0, 2.0, 3.0])
def test_no_floor_is_farther_than_the_spacing(spacing_m):
    ground = area(floor(0.0, 0.0, 9.0, 6.0), box(4.0, 0.0, 0.0, 4.1, 5.0, 2.5))
    points = standing_points(ground, spacing_m)
    assert np.array_equal(points, standing_points(ground, spacing_m))
    # The way along the floor counts, not the way through the wall.
    assert farthest(ground, points) <= spacing_m + 0.1
    apart = [ground.geodesic_distance(a, b) for i, a in enumerate(points) for b in points[:i]]
    assert min(apart) > 0.8 * spacing_m - 0.2


def test_other_islands_are_left_out_and_other_storeys_are_not():
    upstairs = area(
        floor(0.0, 0.0, 4.0, 4.0), stairs(4.0, 1.0, 2.5, 0.15, 0.3, 16), floor(8.5, 0.0, 12.0, 4.0, 2.4),
        floor(20.0, 0.0, 22.0, 2.0),
    )  # fmt: skip
    points = standing_points(upstairs)
    assert points[:, 2].min() < 0.1
    assert points[:, 2].max() > 2.3
    assert points[:, 0].max() < 13
    assert farthest(upstairs, points) <= 2.1


def test_six_headings_at_each_point():
    ground = area(floor(0.0, 0.0, 4.0, 4.0))
    poses = list(survey_poses(ground))
    points = standing_points(ground)
    assert len(poses) == HEADINGS * len(points)
    assert [p.position.tolist() for p in poses[::HEADINGS]] == points.tolist()
    turns = np.diff([p.yaw_rad for p in poses[:HEADINGS]]) % (2 * math.pi)
    assert turns == pytest.approx(math.pi / 3)


def test_a_small_room_is_stood_in_once():
    assert len(standing_points(area(floor(0.0, 0.0, 1.6, 1.6)))) == 1


def test_which_houses_there_are():
    for which in ("same", "foreign", "stale"):
        require_which(which)
    with pytest.raises(
        EnvironmentUseError, match=r"survey of the house same, foreign, stale, got 'other'; pass"
    ):
        require_which("other")
    episode = Episode("0", "hall", Pose(0.0, 0.0, 0.0, 0.0), (Goal((1.0, 0.0, 0.0)),))
    for call in (Nowhere().foreign, Nowhere().stale, Nowhere().moved):
        with pytest.raises(EnvironmentUseError, match=r"houses that have neighbours .*walk generated houses"):
            call(episode)
