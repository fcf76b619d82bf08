import numpy as np
import pytest

from placecell.arrays import generator
from placecell.envs.mesh.noise import ActuationNoise, DepthNoise, Displacement
from placecell.errors import ConfigError

FLAT = np.full((200, 200), 3.0, np.float32)


def test_none_is_the_identity_and_draws_nothing():
    rng = generator(1)
    before = rng.bit_generator.state
    assert DepthNoise("none").apply(FLAT, rng) is FLAT
    assert ActuationNoise("none").forward(0.25, rng) == Displacement(forward_m=0.25)
    assert ActuationNoise("none").turn(0.5, rng) == Displacement(turn_rad=0.5)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("level", ["low", "high"])
def test_the_same_generator_gives_the_same_noise(level):
    noise, body = DepthNoise(level), ActuationNoise(level)
    images = [noise.apply(FLAT, generator(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(images[0], images[1])
    assert (images[0] != images[2]).any()
    assert body.forward(0.25, generator(3)) == body.forward(0.25, generator(3))
    assert body.turn(0.5, generator(3)) != body.turn(0.5, generator(4))


def spread(level, z):
    depth = DepthNoise(level).apply(np.full((200, 200), z, np.float32), generator(0))
    return float((depth[depth > 0] - z).std()), float((depth == 0).mean())


def test_depth_noise_grows_with_the_square_of_the_distance_and_with_the_level():
    for level, per_m in (("low", 0.0014), ("high", 0.0042)):
        near, far = spread(level, 1.5)[0], spread(level, 4.5)[0]
        assert 5 < far / near < 14
        # Steps of the disparity add up to a third on top of the spread itself.
        assert per_m * 1.5**2 * 0.9 < near < per_m * 1.5**2 * 1.5
    assert spread("low", 3.0)[0] * 2 < spread("high", 3.0)[0]
    assert spread("low", 3.0)[1] < 0.005 < spread("high", 3.0)[1] < 0.02


def test_holes_open_at_edges_and_nothing_stays_nothing():
    depth = np.full((100, 100), 2.0, np.float32)
    depth[:, 50:] = 4.0
    depth[:10] = 0.0
    original = depth.copy()
    noisy = DepthNoise("high").apply(depth, generator(0))
    np.testing.assert_array_equal(depth, original)
    assert noisy.dtype == np.float32
    assert np.isfinite(noisy).all()
    assert noisy.min() >= 0
    assert not noisy[:10].any()
    inside = noisy[12:] == 0
    assert inside[:, 49:51].mean() > 0.3 > 0.05 > np.delete(inside, [49, 50], 1).mean()


def test_depth_of_nothing_at_all_and_of_one_pixel():
    assert not DepthNoise("low").apply(np.zeros((4, 5), np.float32), generator(0)).any()
    assert DepthNoise("low").apply(np.full((1, 1), 2.0, np.float32), generator(0)).shape == (1, 1)


@pytest.mark.parametrize(("level", "relative"), [("low", 0.02), ("high", 0.08)])
def test_actuation_noise_is_unbiased_and_in_proportion(level, relative):
    rng = generator(0)
    noise = ActuationNoise(level)
    moves = [noise.forward(0.25, rng) for _ in range(4000)]
    ahead = np.array([move.forward_m for move in moves])
    assert abs(ahead.mean() - 0.25) < 0.25 * relative * 0.1
    np.testing.assert_allclose(ahead.std(), 0.25 * relative, rtol=0.1)
    assert abs(np.mean([move.turn_rad for move in moves])) < 0.25 * relative * 0.1
    turns = np.array([noise.turn(0.5, rng).turn_rad for _ in range(4000)])
    np.testing.assert_allclose(turns.std(), 0.5 * relative, rtol=0.1)
    assert noise.turn(0.5, rng).forward_m == 0


@pytest.mark.parametrize("kind", [DepthNoise, ActuationNoise])
def test_unknown_level(kind):
    with pytest.raises(ConfigError, match="noise level of none, low, high, got 'medium'; choose one of"):
        kind("medium")
