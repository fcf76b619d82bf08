"""Walks in one file, so that a training that goes on need not walk again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError

from .walks import Walk


def save_walks(path: Path, walks: Mapping[str, Sequence[Walk]]) -> None:
    """Writes the walks of each split; observations as float16."""
    every = [walk for split in walks.values() for walk in split]
    arrays = {
        "observations": np.concatenate([walk.observations for walk in every]).astype(np.float16),
        "positions": np.concatenate([walk.positions for walk in every]),
        "yaws_rad": np.concatenate([walk.yaws_rad for walk in every]),
    }
    names = {split: [(walk.scene, len(walk)) for walk in of_split] for split, of_split in walks.items()}
    atomic_write(path, save(arrays, {"walks": json.dumps(names)}))


def load_walks(path: Path) -> dict[str, list[Walk]]:
    """What :func:`save_walks` wrote.

    Raises:
        ArchiveError: the file is damaged.
    """
    try:
        with safe_open(path, framework="np") as file:
            names = json.loads(file.metadata()["walks"])
            arrays = [file.get_tensor(name) for name in ("observations", "positions", "yaws_rad")]
        found: dict[str, list[Walk]] = {}
        start = 0
        for split, walks in names.items():
            found[split] = []
            for scene, steps in walks:
                seen, positions, yaws_rad = (array[start : start + steps] for array in arrays)
                found[split].append(Walk(scene, seen.astype(np.float32), positions, yaws_rad))
                start += steps
        if start != len(arrays[0]):
            raise ValueError(f"{len(arrays[0])} steps, {start} of them in walks")
        return found
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ArchiveError(
            expected=f"the walks of a training in {path}", came=f"{error}", fix="remove it to walk again"
        ) from error
