from dataclasses import replace

import numpy as np

from placecell.geometry import Pinhole
from placecell.memory import Frame
from placecell.memory.sight.descriptor import WIDTH, descriptor_of

CAMERA = Pinhole.from_hfov(64, 48, 1.4)


def view(seed, **changes):
    """Blocks of colour, depth and labels."""
    rng = np.random.default_rng(seed)
    block = np.ones((12, 16), int)
    frame = Frame(
        np.eye(4),
        CAMERA,
        np.kron(rng.uniform(0.5, 9, (4, 4)), block).astype(np.float32),
        np.kron(rng.integers(0, 256, (4, 4, 3)), block[..., None]).astype(np.uint8),
        np.kron(rng.integers(0, 9, (4, 4)), block),
    )
    return replace(frame, **changes)


def gap(one, other):
    return np.linalg.norm(descriptor_of(one).astype(float) - descriptor_of(other))


def test_a_unit_vector_that_is_the_same_for_the_same_frame():
    vector = descriptor_of(view(1))
    assert (vector.shape, vector.dtype) == ((WIDTH,), np.float32)
    assert abs(np.linalg.norm(vector) - 1) < 1e-6
    np.testing.assert_array_equal(vector, descriptor_of(view(1)))


def test_a_like_view_is_near_and_another_one_far():
    moved = view(1)
    shifted = replace(moved, depth=np.roll(moved.depth, 3, 1), rgb=np.roll(moved.rgb, 3, 1))
    assert 0 < gap(moved, shifted) < 0.6
    assert min(gap(view(1), view(seed)) for seed in range(2, 12)) > 0.8


def test_it_hangs_on_colour_labels_and_depth_each():
    for change in ({"rgb": view(2).rgb}, {"labels": view(2).labels}, {"depth": view(2).depth}):
        assert gap(view(1), view(1, **change)) > 0.2


def test_an_embedding_takes_its_stead():
    np.testing.assert_allclose(descriptor_of(view(1, embedding=np.array([3.0, 4.0]))), [0.6, 0.8], rtol=1e-6)


def test_a_frame_that_shows_nothing_has_none():
    nothing = Frame(np.eye(4), CAMERA, np.zeros((48, 64), np.float32), None, np.zeros((48, 64), int))
    assert descriptor_of(nothing) is None
    assert descriptor_of(replace(nothing, embedding=np.zeros(3))) is None
    assert descriptor_of(replace(nothing, rgb=np.full((48, 64, 3), 200, np.uint8))) is not None
