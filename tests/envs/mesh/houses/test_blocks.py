import itertools

import numpy as np
import pytest

from placecell.envs.mesh.houses.blocks import Blocks


def filled(rng, shape=(5, 6, 4)):
    """Blocks with an empty rim, filled at random with two stuffs of three owners."""
    lines = [np.cumsum(rng.uniform(0.1, 1.0, n + 1)) for n in shape]
    blocks = Blocks(lines)
    inner = (slice(1, -1),) * 3
    blocks.code[inner] = rng.integers(0, 3, [n - 2 for n in shape])
    blocks.owner[...] = rng.integers(-1, 2, shape)
    return blocks


def by_hand(blocks):
    """Area by key, axis and side, cell by cell."""
    sizes = [np.diff(line) for line in blocks.lines]
    areas = {}
    for cell in itertools.product(*(range(n) for n in blocks.code.shape)):
        for axis, step in itertools.product(range(3), (-1, 1)):
            there = tuple(c + step * (k == axis) for k, c in enumerate(cell))
            if blocks.code[cell] == 0 or blocks.code[there] != 0:
                continue
            owner = blocks.owner[cell] or blocks.owner[there]
            b, c = (axis + 1) % 3, (axis + 2) % 3
            key = (int(blocks.code[cell] * 4096 + owner + 2048), axis, step)
            areas[key] = areas.get(key, 0) + sizes[b][cell[b]] * sizes[c][cell[c]]
    return areas


@pytest.mark.parametrize("seed", range(6))
def test_the_surface_is_what_cells_say_one_by_one(seed):
    blocks = filled(np.random.default_rng(seed))
    surface = blocks.surface()
    a, b, d = surface.corners[:, 0], surface.corners[:, 1], surface.corners[:, 3]
    normal = np.cross(b - a, d - a)
    areas = {}
    for key, axis, n in zip(surface.key.tolist(), surface.axis.tolist(), normal, strict=True):
        side = int(np.sign(n[axis]))
        areas[key, axis, side] = areas.get((key, axis, side), 0) + abs(n[axis])
    expected = by_hand(blocks)
    assert areas.keys() == expected.keys()
    for key, area in expected.items():
        assert areas[key] == pytest.approx(area)


def test_alike_faces_become_one_rectangle():
    blocks = Blocks([np.arange(5.0), np.arange(4.0), np.arange(4.0)])
    blocks.code[1:3, 1, 1] = 1
    surface = blocks.surface()
    assert len(surface.key) == 6
    assert {(axis, tuple(np.ptp(quad, 0))) for axis, quad in zip(surface.axis.tolist(), surface.corners)} == {
        (0, (0.0, 1.0, 1.0)),
        (1, (2.0, 0.0, 1.0)),
        (2, (2.0, 1.0, 0.0)),
    }
    blocks.owner[2, 1, 1] = 5
    assert len(blocks.surface().key) == 10


def test_spans_find_their_lines_in_spite_of_rounding():
    blocks = Blocks([[0.1 + 0.2, 0.0, 0.3, 0.7], [0.0, 1.0], [0.0, 1.0]])
    assert blocks.code.shape == (2, 1, 1)
    assert blocks.at((0.1 + 0.2, 0.7), (0.0, 1.0), (0.0, 1.0)) == (slice(1, 2), slice(0, 1), slice(0, 1))
