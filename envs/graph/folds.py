"""Parts of a dataset, fixed by hash, so that what is tuned on one is reported on another.

The scans of R2R's training split make four folds, for work that leaves ``val_unseen`` closed: ``train`` to
learn on, ``development`` to choose by, ``selection`` to pick checkpoints, ``report`` to be opened once. Five
in eight scans train, one in eight is in each other fold: 35, 11, 6 and 9 of the 61.

The episodes of a development split make two halves of equal expected size: tune on ``even``, report ``odd``.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

from placecell.errors import ConfigError

from .instructed import InstructedEpisode

Fold = Literal["train", "development", "selection", "report"]
Half = Literal["even", "odd"]
FOLDS: tuple[Fold, ...] = get_args(Fold)
HALVES: tuple[Half, ...] = get_args(Half)
_OF_EIGHT: tuple[Fold, ...] = (*(("train",) * 5), "development", "selection", "report")


def fold_of(scan: str) -> Fold:
    """The fold of a scan: the first byte of its name's SHA-256, modulo 8.

    >>> fold_of("17DRP5sb8fy"), fold_of("1LXtFkjw3qL")
    ('train', 'train')
    """
    return _OF_EIGHT[hashlib.sha256(scan.encode()).digest()[0] % len(_OF_EIGHT)]


def half_of(key: str) -> Half:
    """The half of an episode, by ``{dataset}:{episode_id}``: the parity of the last byte of its SHA-256.

    >>> half_of("map2seq_unseen:6918")
    'even'
    """
    return HALVES[hashlib.sha256(key.encode()).digest()[-1] % 2]


def chosen(
    episodes: Sequence[InstructedEpisode],
    *,
    dataset: str,
    fold: str | None = None,
    half: str | None = None,
) -> tuple[InstructedEpisode, ...]:
    """The episodes of a fold and of a half, in their order; None takes all.

    Raises:
        ConfigError: an unknown fold or half, or one that holds none of the episodes.
    """
    for name, value, known in (("fold", fold, FOLDS), ("half", half, HALVES)):
        if value is not None and value not in known:
            raise ConfigError(
                expected=f"{name} to be null or one of {', '.join(known)}",
                came=repr(value),
                fix="choose one of them",
            )
    kept = tuple(
        episode
        for episode in episodes
        if (fold is None or fold_of(episode.scene_id) == fold)
        and (half is None or half_of(f"{dataset}:{episode.episode_id}") == half)
    )
    if episodes and not kept:
        raise ConfigError(
            expected=f"episodes of {dataset} in fold {fold}, half {half}",
            came="none",
            fix="choose another part, or a split with more episodes",
        )
    return kept
