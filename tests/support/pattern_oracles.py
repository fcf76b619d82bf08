"""Who sees whom, token by token from the published definitions, to hold attention patterns against."""

import itertools
import math

import numpy as np


def mask_of(size, sees):
    """(n, n) pairs of raster tokens; ``sees(q, k)`` is asked with coordinates."""
    at = list(itertools.product(*map(range, size)))
    return np.array([[sees(q, k) for k in at] for q in at])


def window_mask(size, sides):
    return mask_of(size, lambda q, k: all(i // w == j // w for i, j, w in zip(q, k, sides)))


def shifted_mask(size, sides, shift):
    """The map is rolled, cut into windows, and regions that were not adjacent are kept apart."""
    n, axes = math.prod(size), tuple(range(len(size)))
    rolled = np.roll(np.arange(n).reshape(size), [-s for s in shift], axes)
    number = {}
    for place in itertools.product(*map(range, size)):
        region = tuple(
            0 if s == 0 or p < length - w else 1 if p < length - s else 2
            for p, length, w, s in zip(place, size, sides, shift)
        )
        number[int(rolled[place])] = (tuple(p // w for p, w in zip(place, sides)), region)
    return np.array([[number[q] == number[k] for k in range(n)] for q in range(n)])


def halo_mask(size, block, halo):
    def near(i, j):
        return i // block * block - halo <= j < i // block * block + block + halo

    return mask_of(size, lambda q, k: all(map(near, q, k)))


def axis_keys(i, length, window, stride, dilation, causal):
    """The keys of coordinate i along one axis of generalized neighborhood attention."""
    group = [j for j in range(length) if j % dilation == i % dilation]
    own = group.index(i)
    members = [p for p in range(len(group)) if p // stride == own // stride]
    if causal:
        leader = min(members[0] + stride - 1, len(group) - 1)
        return [group[p] for p in range(len(group)) if leader - window < p <= own]
    leader = min(members[0] + stride // 2, len(group) - 1)
    seen = [leader - window // 2 + step for step in range(window)]
    while seen[0] < 0:
        seen = [p + 1 for p in seen]
    while seen[-1] >= len(group):
        seen = [p - 1 for p in seen]
    return [group[p] for p in seen]


def neighborhood_mask(size, window, stride, dilation, causal):
    options = list(zip(size, window, stride, dilation, causal))
    keys = [[set(axis_keys(i, *option)) for i in range(option[0])] for option in options]
    return mask_of(size, lambda q, k: all(j in own[i] for own, i, j in zip(keys, q, k)))


def s2_mask(n, heads, block, local, stride, step, causal):
    seen = np.zeros((heads, n, n), dtype=bool)
    for h, q, k in np.ndindex(heads, n, n):
        i, j = q // block, k // block
        shard = (j + h * step) % stride == 0
        seen[h, q, k] = (abs(i - j) < local or shard) and (k <= q or not causal)
    return seen


def radial_mask(frames, s):
    def sees(q, k):
        apart, aside = abs(q[0] - k[0]), abs(q[1] - k[1])
        if apart <= 1 or k[0] == 0:
            return True
        halvings = int(math.log2(apart))
        if 2**halvings <= s:
            return aside + 1 <= s / 2**halvings
        return aside == 0 and apart % math.ceil(2**halvings / s) == 0

    return mask_of((frames, s), sees)
