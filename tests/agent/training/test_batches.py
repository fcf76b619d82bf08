import numpy as np
import pytest

from placecell.agent.training.batches import Batches, cells, recoloured, validation_frames
from placecell.agent.training.worlds import WORLDS
from placecell.arrays import generator
from placecell.envs.mesh.houses.categories import CATEGORIES

WORLD = WORLDS["builtin"]


def fresh(size=3, life=6, seed=5):
    return Batches(WORLD, seed, size, life)


def test_a_step_s_batch_depends_on_seed_and_step_alone():
    walked = fresh()
    for step in range(7):
        last = walked(step)
    jumped = fresh()(6)
    for name in ("x", "category", "weight"):
        np.testing.assert_array_equal(getattr(last, name), getattr(jumped, name))
    assert not np.array_equal(fresh(seed=6)(6).x, last.x)
    assert last.x.shape == (3, 128, 128, 8)
    assert last.category.shape == last.weight.shape == (3, 64, 64)


@pytest.mark.parametrize(("size", "life"), [(3, 6), (4, 10), (16, 280), (5, 2)])
def test_slots_change_their_house_one_after_the_other_and_never_share_one(size, life):
    batches = fresh(size, life)
    walk = np.array([batches.houses(step) for step in range(5 * life)])
    assert (walk[0] == np.arange(size)).all()
    used = [set(column) for column in walk.T]
    assert sum(map(len, used)) == len(set().union(*used))
    for column in walk.T:
        changes = np.flatnonzero(np.diff(column)) + 1
        assert (np.diff(changes) == life).all()
    assert np.diff(walk, axis=0).astype(bool).sum(1).max() <= -(-size // life)


def test_colour_geometry_and_names_of_a_sample_belong_together():
    """Where depth was kept, what is called floor lies low and faces up, mirrored or not."""
    batches = fresh(size=4)
    floor, ceiling = CATEGORIES.index("floor"), CATEGORIES.index("ceiling")
    batch = [batches(step) for step in range(4)]
    x = np.concatenate([b.x for b in batch])[:, ::2, ::2]
    names = np.concatenate([b.category for b in batch])
    known = x[..., 4] == 1
    assert np.median(x[..., 5][known & (names == floor)]) == pytest.approx(0, abs=0.01)
    assert np.median(x[..., 6][known & (names == floor)]) > 0.9
    assert np.median(x[..., 6][known & (names == ceiling)]) < -0.9
    assert (x[..., 7][names == floor] < 0).mean() > 0.9


def test_a_cell_bears_the_name_of_most_of_its_pixels_and_the_first_of_equals():
    names = np.array([[1, 2, 3, 4, 9], [2, 2, 4, 3, 9], [5, 6, 0, 7, 9], [7, 8, 7, 0, 9]], np.uint8)
    depth = np.zeros((4, 5), np.float32)
    depth[0, 1] = depth[3, 3] = 1
    best, weight = cells(names, depth)
    assert best.tolist() == [[2, 3], [5, 0]]
    np.testing.assert_allclose(weight, [[1, 0.2], [0.2, 1]])


def test_frequencies_are_shares_of_what_the_houses_show():
    shares = fresh().frequencies(4)
    assert shares.sum() == pytest.approx(1)
    assert shares[CATEGORIES.index("wall")] > shares[CATEGORIES.index("chair")] > 0
    assert shares[CATEGORIES.index("piano")] == 0


def test_another_lamp_keeps_the_picture():
    rgb = generator(0).integers(60, 190, (32, 32, 3)).astype(np.uint8)
    rng = generator(1)
    for _ in range(10):
        other = recoloured(rgb, rng)
        assert other.dtype == np.uint8
        assert not np.array_equal(other, rgb)
        assert np.corrcoef(other.ravel().astype(float), rgb.ravel())[0, 1] > 0.9


def test_validation_frames_are_the_same_each_time_and_of_the_split():
    first, again = (list(validation_frames(WORLD, "val", 2, 3)) for _ in range(2))
    assert [house for house, _ in first] == [0, 0, 0, 1, 1, 1]
    for (_, a), (_, b) in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
    _, other = next(validation_frames(WORLD, "test", 1, 1))
    assert not np.array_equal(first[0][1].rgb, other.rgb)
    _, noisy = next(validation_frames(WORLD, "val", 1, 1, "high"))
    np.testing.assert_array_equal(noisy.rgb, first[0][1].rgb)
    assert not np.array_equal(noisy.depth, first[0][1].depth)
