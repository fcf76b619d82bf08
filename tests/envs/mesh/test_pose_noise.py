"""Drift of the pose, mistakes of labels, and levels by kind."""

import math

import numpy as np
import pytest

from placecell.arrays import generator
from placecell.envs.mesh.noise import LabelNoise, Noise, PoseNoise
from placecell.errors import ConfigError
from placecell.geometry import Pose, wrap_angle

HERE = Pose(1.0, 2.0, 0.5, 0.7, 0.1)


def moved(pose, forward, turn=0.0):
    x, y = pose.x + forward * math.cos(pose.yaw_rad), pose.y + forward * math.sin(pose.yaw_rad)
    return Pose(x, y, pose.z, wrap_angle(pose.yaw_rad + turn))


def walked(level, metres, step, seed):
    """Believed and true pose after a straight line."""
    rng, noise = generator(seed), PoseNoise(level)
    believed = true = Pose(0.0, 0.0, 0.0, 0.0)
    for _ in range(round(metres / step)):
        after = moved(true, step)
        believed, true = noise.follow(believed, true, after, rng), after
    return believed, true


def test_none_is_the_truth_and_draws_nothing():
    rng = generator(1)
    before = rng.bit_generator.state
    assert PoseNoise().follow(Pose(9.0, 9.0, 9.0, 1.0), Pose(0.0, 0.0, 0.0, 0.0), HERE, rng) is HERE
    assert PoseNoise().carried(HERE, rng) is HERE
    images = np.ones((2, 2), np.int32), np.ones((2, 2), np.int32)
    assert LabelNoise().apply(*images, 9, 5, rng) == images
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(("level", "times"), [("low", 1), ("high", 3)])
def test_drift_grows_with_the_root_of_the_way_whatever_the_step(level, times):
    for metres, step in ((1, 0.25), (9, 0.25), (9, 1.0)):
        ends = [walked(level, metres, step, seed)[0] for seed in range(250)]
        yaw = np.degrees(np.std([end.yaw_rad for end in ends]))
        along = np.std([end.x for end in ends])
        assert yaw == pytest.approx(0.5 * times * math.sqrt(metres), rel=0.15)
        assert along == pytest.approx(0.01 * times * math.sqrt(metres), rel=0.3)
        # Sideways it is the heading's error that counts: its walk, integrated.
        sideways = math.radians(0.5 * times) * math.sqrt(metres**3 / 3)
        expected = math.hypot(sideways, 0.01 * times * math.sqrt(metres))
        assert np.std([end.y for end in ends]) == pytest.approx(expected, rel=0.25)


def test_standing_still_is_not_mistaken_and_turns_are_by_their_size():
    noise = PoseNoise("low")
    still = noise.follow(Pose(3.0, 0.0, 0.0, 1.0), HERE, HERE, generator(0))
    assert (still.x, still.y, still.yaw_rad) == pytest.approx((3.0, 0.0, 1.0))
    for angle in (0.5, -1.0):
        rng = generator(0)
        ends = [noise.follow(HERE, HERE, moved(HERE, 0.0, angle), rng).yaw_rad for _ in range(2000)]
        assert np.mean(ends) == pytest.approx(HERE.yaw_rad + angle, abs=0.002)
        assert np.std(ends) == pytest.approx(0.01 * abs(angle), rel=0.1)


def test_motions_are_followed_in_the_frame_that_is_believed_in():
    believed = Pose(0.0, 0.0, 0.0, math.pi / 2)
    after = Pose(1.5, 2.0, 0.8, 0.3, 0.4)
    end = PoseNoise("low").follow(believed, Pose(1.0, 2.0, 0.5, 0.0), after, generator(2))
    # Half a metre ahead of a body that believes to look north; heights and pitch are never mistaken.
    assert (end.x, end.y) == pytest.approx((0.0, 0.5), abs=0.05)
    assert (end.z, end.pitch_rad) == pytest.approx((0.3, 0.4))
    assert end.yaw_rad == pytest.approx(math.pi / 2 + 0.3, abs=0.05)


@pytest.mark.parametrize(("level", "metres", "degrees"), [("low", 0.05, 1), ("high", 0.15, 3)])
def test_who_is_carried_finds_out_where_it_is(level, metres, degrees):
    rng = generator(0)
    ends = [PoseNoise(level).carried(HERE, rng) for _ in range(2000)]
    assert np.std([end.x for end in ends]) == pytest.approx(metres, rel=0.1)
    assert np.std([end.y for end in ends]) == pytest.approx(metres, rel=0.1)
    assert np.degrees(np.std([end.yaw_rad for end in ends])) == pytest.approx(degrees, rel=0.1)
    assert {(end.z, end.pitch_rad) for end in ends} == {(0.5, 0.1)}


@pytest.mark.parametrize(("level", "confused", "dropped"), [("low", 0.05, 0.1), ("high", 0.15, 0.3)])
def test_labels_are_confused_and_dropped_by_the_instance(level, confused, dropped):
    # Rows of two pixels: 500 instances of category 3, and a wall without an instance.
    instance = np.repeat(np.arange(501, dtype=np.int32)[:, None], 2, 1)
    category = np.where(instance > 0, 3, 1).astype(np.int32)
    before = instance.copy(), category.copy()
    lost = swapped = 0
    for frame in range(40):
        seen, named = LabelNoise(level).apply(instance, category, 500, 6, generator(frame))
        assert (named[:, 0] == named[:, 1]).all()
        assert (seen[0, 0], named[0, 0]) == (0, 1)
        assert ((seen == 0) == (named == 0))[1:].all()
        assert np.isin(named, range(6)).all()
        lost += int((named[1:, 0] == 0).sum())
        swapped += int(((named[1:, 0] != 3) & (named[1:, 0] != 0)).sum())
    assert lost / 20_000 == pytest.approx(dropped, rel=0.1)
    assert swapped / 20_000 == pytest.approx(confused, rel=0.1)
    assert np.array_equal(instance, before[0])
    assert np.array_equal(category, before[1])


def test_an_instances_luck_does_not_depend_on_who_else_is_seen():
    alone = np.full((1, 1), 7, np.int32)
    crowd = np.array([[3, 7, 9, 11]], np.int32)
    named = np.full((1, 4), 2, np.int32)
    for frame in range(60):
        once = LabelNoise("high").apply(alone, named[:, :1], 20, 9, generator(frame))
        among = LabelNoise("high").apply(crowd, named, 20, 9, generator(frame))
        assert (once[0][0, 0], once[1][0, 0]) == (among[0][0, 1], among[1][0, 1])


def test_levels_by_kind():
    assert Noise.of("low") == Noise("low", "low", "low", "low")
    assert Noise.of("low").plain() == "low"
    assert Noise.of({"pose": "high"}) == Noise(pose="high")
    mixed = {"depth": "none", "actuation": "none", "pose": "high", "labels": "none"}
    assert Noise.of({"pose": "high"}).plain() == mixed
    assert Noise.of(mixed) == Noise(pose="high")
    with pytest.raises(ConfigError, match=r"kinds of noise: depth, actuation, pose, labels, got gps;"):
        Noise.of({"gps": "low"})
    for kind in (Noise.of, PoseNoise, LabelNoise, lambda level: Noise.of({"labels": level})):
        with pytest.raises(ConfigError, match="noise level of none, low, high, got 'medium'; choose one of"):
            kind("medium")
