"""Which episode of a dataset a reset begins: the one asked for, or one drawn."""

import numpy as np

from placecell.errors import EpisodeError


def episode_index(asked: object, count: int, rng: np.random.Generator) -> int:
    """The index of an episode.

    Args:
        asked: ``options["episode"]`` of a reset; None draws one.
        count: how many episodes there are.
        rng: draws; it is left as it was where an episode is asked for.

    Raises:
        EpisodeError: something else than one of them is asked for.
    """
    if asked is None:
        return int(rng.integers(count))
    if not isinstance(asked, int | np.integer) or isinstance(asked, bool) or not 0 <= asked < count:
        raise EpisodeError(
            expected=f"an episode from 0 to {count - 1}",
            came=repr(asked),
            fix="pass options={'episode': i} within the dataset",
        )
    return int(asked)
