from collections import Counter

import pytest
from instructed_worlds import episode

from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.folds import FOLDS, chosen, fold_of, half_of
from placecell.errors import ConfigError

EPISODES = tuple(episode(episode_id=f"{n}_0") for n in range(40))


def test_halves_part_the_episodes():
    even, odd = (chosen(EPISODES, dataset="r2r", half=half) for half in ("even", "odd"))
    assert sorted(e.episode_id for e in even + odd) == sorted(e.episode_id for e in EPISODES)
    assert 8 < len(even) < 32
    assert all(half_of(f"r2r:{e.episode_id}") == "even" for e in even)
    assert even != chosen(EPISODES, dataset="rxr", half="even")


def test_a_fold_is_of_whole_scans():
    assert chosen(EPISODES, dataset="r2r", fold=fold_of("house")) == EPISODES
    other = next(fold for fold in FOLDS if fold != fold_of("house"))
    with pytest.raises(ConfigError, match=f"episodes of r2r in fold {other}, half None, got none"):
        chosen(EPISODES, dataset="r2r", fold=other)


@pytest.mark.parametrize("options", [{"fold": "dev"}, {"half": "both"}])
def test_an_unknown_part_lists_the_known_ones(options):
    with pytest.raises(ConfigError, match=r"to be null or one of .*(report|odd), got '(dev|both)'"):
        chosen(EPISODES, dataset="r2r", **options)


@pytest.mark.real_data
def test_the_folds_and_halves_stay_as_they_are():
    scans = {e.scene_id for e in read_dataset("r2r", "train")}
    folds = Counter(map(fold_of, scans))
    assert folds == {"train": 35, "development": 11, "selection": 6, "report": 9}
    halves = {
        name: len(chosen(read_dataset(name, "dev"), dataset=name, half="odd"))
        for name in ("map2seq_unseen", "touchdown_unseen")
    }
    assert halves == {"map2seq_unseen": 376, "touchdown_unseen": 424}
