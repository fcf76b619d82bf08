"""Voxel indices as one sortable integer: a bijection over 21 bits an axis, negative indices included.

Three bits of a key are one level of the octree: ``key >> 3`` names the parent, ``key >> 9`` the 8x8x8
block. Source: Morton, "A computer oriented geodetic data base" (1966).
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit

BITS = 21
SIGN_OFFSET = 1 << (BITS - 1)
"""Indices from ``-SIGN_OFFSET`` to ``SIGN_OFFSET - 1`` have a key."""


@njit(cache=True)
@no_type_check
def spread(x):
    """The low 21 bits of ``x``, two empty bits after each."""
    x &= 0x1FFFFF
    x = (x | (x << 32)) & 0x1F00000000FFFF
    x = (x | (x << 16)) & 0x1F0000FF0000FF
    x = (x | (x << 8)) & 0x100F00F00F00F00F
    x = (x | (x << 4)) & 0x10C30C30C30C30C3
    return (x | (x << 2)) & 0x1249249249249249


@njit(cache=True)
@no_type_check
def gather(x):
    """The inverse of :func:`spread`: every third bit of ``x``."""
    x &= 0x1249249249249249
    x = (x | (x >> 2)) & 0x10C30C30C30C30C3
    x = (x | (x >> 4)) & 0x100F00F00F00F00F
    x = (x | (x >> 8)) & 0x1F0000FF0000FF
    x = (x | (x >> 16)) & 0x1F00000000FFFF
    return (x | (x >> 32)) & 0x1FFFFF


@njit(cache=True)
@no_type_check
def _encode(indices, keys):
    for n in range(len(indices)):
        x, y, z = indices[n, 0] + SIGN_OFFSET, indices[n, 1] + SIGN_OFFSET, indices[n, 2] + SIGN_OFFSET
        keys[n] = spread(x) | (spread(y) << 1) | (spread(z) << 2)


@njit(cache=True)
@no_type_check
def _decode(keys, indices):
    for n in range(len(keys)):
        for axis in range(3):
            indices[n, axis] = gather(keys[n] >> axis) - SIGN_OFFSET


def encode(indices: Int64[np.ndarray, "n 3"]) -> Int64[np.ndarray, " n"]:
    """The key of each voxel: bits of x, y, z interleaved, x lowest; never negative.

    Args:
        indices: (n, 3) voxel indices, each in ``[-SIGN_OFFSET, SIGN_OFFSET)``.

    >>> encode(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])) - encode(np.array([[0, 0, 0]]))
    array([0, 1, 2])
    """
    keys = np.empty(len(indices), np.int64)
    _encode(indices, keys)
    return keys


def decode(keys: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n 3"]:
    """The inverse of :func:`encode`.

    >>> decode(encode(np.array([[-5, 0, 7]])))
    array([[-5,  0,  7]])
    """
    indices = np.empty((len(keys), 3), np.int64)
    _decode(keys, indices)
    return indices
