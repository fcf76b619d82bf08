"""Patch features in voxels: a sparse product that equals the mean over pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.memory.voxel import patch_features
from placecell.memory.voxel.patch_features import MOST_WEIGHT, fuse, pixel_counts


def frame(seed, height, width, voxels):
    """Pixels that end in some voxels, in patches of them or anywhere, each voxel at least once."""
    rng = np.random.default_rng(seed)
    pixel_rows = rng.integers(-1, voxels, (height, width)).astype(np.int32)
    pixel_rows.ravel()[rng.permutation(height * width)[:voxels]] = np.arange(voxels)
    return pixel_rows


def patches_of(height, width, high, wide):
    v, u = np.mgrid[:height, :width]
    return (v * high // height) * wide + u * wide // width


def mean_by_pixel(pixel_rows, features, voxels):
    """Point by point: the definition."""
    high, wide, d = features.shape
    patch = patches_of(*pixel_rows.shape, high, wide)
    sums, counts = np.zeros((voxels, d)), np.zeros(voxels)
    for row, p in zip(pixel_rows.ravel().tolist(), patch.ravel().tolist(), strict=True):
        if row >= 0:
            sums[row] += features.reshape(-1, d)[p]
            counts[row] += 1
    return sums, counts


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(4, 12), st.integers(4, 15), st.integers(1, 9), st.integers(1, 9))
def test_the_sparse_matrix_counts_the_pixels_of_each_voxel_and_patch(seed, height, width, high, wide):
    pixel_rows = frame(seed, height, width, 5)
    starts, patches, counts = pixel_counts(pixel_rows, 5, high, wide)
    dense, patch = np.zeros((5, high * wide)), patches_of(height, width, high, wide)
    for row, p in zip(pixel_rows.ravel().tolist(), patch.ravel().tolist(), strict=True):
        if row >= 0:
            dense[row, p] += 1
    for i in range(5):
        of_it = slice(starts[i], starts[i + 1])
        assert patches[of_it].tolist() == np.flatnonzero(dense[i]).tolist()
        assert counts[of_it].tolist() == dense[i, dense[i] > 0].tolist()


@pytest.mark.parametrize(("kind", "tolerance"), [(np.float32, 1e-6), (np.float16, 2e-3)])
def test_a_voxel_holds_the_mean_over_all_pixels_of_all_frames(kind, tolerance):
    rng = np.random.default_rng(3)
    feature, weight = np.zeros((20, 7), kind), np.zeros(20, np.float32)
    rows = rng.permutation(20)[:9].astype(np.int64)
    sums, counts = np.zeros((9, 7)), np.zeros(9)
    for seed in range(4):
        pixel_rows = frame(seed, 24, 30, 9)
        features = rng.standard_normal((5, 6, 7)).astype(kind)
        fuse(feature, weight, rows, pixel_rows, features)
        more, pixels = mean_by_pixel(pixel_rows, features.astype(np.float64), 9)
        sums, counts = sums + more, counts + pixels
    np.testing.assert_allclose(feature[rows], sums / counts[:, None], atol=tolerance)
    assert weight[rows].tolist() == counts.tolist()
    others = np.setdiff1d(np.arange(20), rows)
    assert not feature[others].any()
    assert not weight[others].any()


def test_a_voxel_without_pixels_keeps_what_it_has():
    feature, weight = np.full((2, 3), 0.5, np.float16), np.array([4.0, 4.0], np.float32)
    only_second = np.full((4, 4), 1, np.int32)
    fuse(feature, weight, np.arange(2), only_second, np.ones((2, 2, 3), np.float32))
    assert feature[0].tolist() == [0.5] * 3
    assert weight.tolist() == [4.0, 20.0]
    np.testing.assert_allclose(feature[1], (4 * 0.5 + 16 * 1) / 20, rtol=1e-3)


def test_a_weight_is_bounded_and_the_mean_still_moves():
    feature, weight = np.zeros((1, 1), np.float32), np.array([MOST_WEIGHT], np.float32)
    fuse(feature, weight, np.zeros(1, np.int64), np.zeros((2, 2), np.int32), np.ones((1, 1, 1)))
    assert weight[0] == MOST_WEIGHT
    assert feature[0, 0] > 0


def test_half_precision_is_converted_as_numpy_does():
    every = np.arange(1 << 16, dtype=np.uint16)
    finite = np.isfinite(every.view(np.float16))
    single = np.empty(len(every), np.float32)
    patch_features._widen(every, single.view(np.uint32), single, np.float32(1))
    assert (single[finite] == every.view(np.float16)[finite].astype(np.float32)).all()
    # Numbers between two of float16 too; below 6e-5 (its subnormal range) they round twice.
    rng = np.random.default_rng(0)
    numbers = (rng.standard_normal(100_000) * 10.0 ** rng.integers(-3, 4, 100_000)).astype(np.float32)
    numbers = numbers[np.abs(numbers) > 6.2e-5].clip(-65504, 65504)
    half, scratch = np.empty(len(numbers), np.uint16), numbers.copy()
    patch_features._narrow(scratch.view(np.uint32), scratch, half)
    assert (half == numbers.astype(np.float16).view(np.uint16)).all()


def test_a_store_of_half_precision_holds_no_infinity():
    feature, weight = np.zeros((1, 1), np.float16), np.zeros(1, np.float32)
    for value in (1e6, -1e7):
        weight[:] = 0
        fuse(feature, weight, np.zeros(1, np.int64), np.zeros((2, 2), np.int32), np.full((1, 1, 1), value))
        assert feature[0, 0] == np.sign(value) * 65504
