"""A binary heap in two arrays, for searches compiled by Numba."""

from typing import no_type_check

from numba import njit


@njit(cache=True)
@no_type_check
def push(keys, items, size, key, item):
    """Adds to a binary heap held in two arrays (which must have room); returns its new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], items[at] = keys[above], items[above]
        at = above
    keys[at], items[at] = key, item
    return size + 1


@njit(cache=True)
@no_type_check
def pop(keys, items, size):
    """Removes the item with the smallest key; returns ``(item, new size)``."""
    top = items[0]
    size -= 1
    key, item = keys[size], items[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], items[at] = keys[below], items[below]
        at = below
    keys[at], items[at] = key, item
    return top, size
