"""Datasets of instructions by name: where their files lie, and who reads them."""

from collections.abc import Callable
from pathlib import Path

from placecell.errors import EpisodeError

from ..folders import data_folder, existing_folder
from .instructed import InstructedEpisode
from .r2r_files import read_r2r
from .rxr_files import read_rxr
from .street_files import read_streets

Read = Callable[[Path], tuple[InstructedEpisode, ...]]
_FILES: dict[str, tuple[str, tuple[str, ...], Read]] = {
    "r2r": ("r2r", ("R2R_{split}.json",), read_r2r),
    "rxr": ("rxr", ("rxr_{split}_guide.jsonl.gz", "rxr_{split}_guide.jsonl"), read_rxr),
}
_STREETS: tuple[str, ...] = ("{split}.json", "{split}.jsonl", "{split}.jsonl.gz")


def read_dataset(dataset: str, split: str, *, folder: Path | None = None) -> tuple[InstructedEpisode, ...]:
    """The episodes of one split.

    Args:
        dataset: ``r2r``, ``rxr``, or the folder of a street dataset (``map2seq_unseen``). R4R has no files:
            join R2R's with :func:`~placecell.envs.graph.r4r.join_r4r`.
        split: as its files name it: ``R2R_{split}.json``, ``rxr_{split}_guide.jsonl[.gz]``,
            ``{split}.json``.
        folder: that holds the files; None takes ``PLACECELL_DATA/{dataset}``.

    Raises:
        DataError: no such folder.
        EpisodeError: no file of that split, which names the splits that are there, or a damaged one.
    """
    name, patterns, read = _FILES.get(dataset, (dataset, _STREETS, read_streets))
    place = data_folder(name) if folder is None else existing_folder(folder, "name the folder of the files")
    for pattern in patterns:
        path = place / pattern.format(split=split)
        if path.is_file():
            return read(path)
    raise EpisodeError(
        expected=f"a split of {dataset} in {place}: {', '.join(_splits(place, patterns)) or 'none is there'}",
        came=repr(split),
        fix=f"choose one of them, or put {patterns[0].format(split=split)} there",
    )


def _splits(place: Path, patterns: tuple[str, ...]) -> list[str]:
    found = set()
    for pattern in patterns:
        before, after = pattern.split("{split}")
        found |= {
            path.name[len(before) : len(path.name) - len(after)] for path in place.glob(f"{before}*{after}")
        }
    return sorted(found)
