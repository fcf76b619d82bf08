"""The heap gives back its items by rising key, whatever order they came in."""

import numpy as np
import pytest

from placecell.arrays import generator
from placecell.heap import pop, push


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_items_leave_by_rising_key(count):
    given = generator(0, "heap", count).permutation(count).astype(np.float64)
    keys, items, size = np.empty(count), np.empty(count, np.int32), 0
    for item, key in enumerate(given):
        size = push(keys, items, size, key, item)
    assert size == count
    left = []
    while size:
        item, size = pop(keys, items, size)
        left.append(given[item])
    assert left == sorted(given)
