"""Counts which things are near which in train houses, and leaves the counts where they were asked for."""

from collections.abc import Mapping
from pathlib import Path

from ..policies.expectation import learn_expectation_from_houses
from .folder import TrainingFolder

EXPECTATION_FILE = "expectation.json"


def train_expectation(
    *, split: str, houses: int, seed: int, out: Path, config: Mapping[str, object], progress: bool
) -> list[str]:
    """Counts over houses 0 to ``houses`` - 1 of a split and writes ``expectation.json``.

    Args:
        split, houses: which houses.
        seed: changes nothing: counting draws no numbers.
        out: the folder.
        config: what is written as ``config.yaml``.
        progress: unused: it takes less than a second a house.

    Returns:
        A line that says how it went.

    Raises:
        DataError: fewer than one house.
        OutputError: ``out`` cannot be written, or holds another training.
    """
    folder = TrainingFolder(out, config)
    expectation = learn_expectation_from_houses(split, houses)
    expectation.save(folder.path / EXPECTATION_FILE)
    counted = f"{len(expectation.categories)} categories in {houses} {split} houses"
    return [f"{counted}; look into {out}: {EXPECTATION_FILE}, config.yaml"]
