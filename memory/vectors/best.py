"""The best rows so far: sorted by cosine, of equals the oldest first."""

from typing import no_type_check

from numba import njit


@njit(cache=True)
@no_type_check
def take(rows, cosines, numbers, count, row, cosine, number):
    """Puts a row among the best, where it is one; returns how many there are now.

    Args:
        rows: (k,) int64 the best so far, of which the first ``count`` are set.
        cosines: (k,) float32 theirs.
        numbers: (k,) int64 theirs: the lower is the older.
        count: how many are set.
        row: that may be one.
        cosine: its; not a number is none.
        number: its.
    """
    k = len(rows)
    if count == k and not (cosine > cosines[k - 1] or (cosine == cosines[k - 1] and number < numbers[k - 1])):
        return count
    at = count if count < k else k - 1
    while at > 0 and (cosine > cosines[at - 1] or (cosine == cosines[at - 1] and number < numbers[at - 1])):
        rows[at], cosines[at], numbers[at] = rows[at - 1], cosines[at - 1], numbers[at - 1]
        at -= 1
    rows[at], cosines[at], numbers[at] = row, cosine, number
    return count + 1 if count < k else k
