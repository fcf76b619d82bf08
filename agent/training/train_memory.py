"""Trains the reversible memory token on walks through train houses, on one thread of a CPU."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from placecell.errors import ConfigError

from .checkpoint import load_progress, save_progress
from .folder import TrainingFolder
from .memory_batches import PlaceBatches
from .memory_training import MemoryTraining, recall
from .stepping import require_positive, run_steps
from .walk_store import load_walks, save_walks
from .walks import Walk, made_walk, recorded_walks, split_of
from .worlds import world_named

TOKEN_FILE, WALKS_FILE, RECALL_FILE = "reversible.safetensors", "walks.safetensors", "recall_val.json"
Walks = dict[str, list[Walk]]


def train_memory(
    *, walks: Sequence[str] | str | None, worlds: str, houses: int, val_houses: int, goals: int,
    depth_noise: str, leaf_cell_m: float, steps: int, minutes: float, batch: int, places: int,
    most_writes: int, queries: int, learning_rate: float, weight_decay: float, temperature: float,
    average: float, save_every: int, seed: int, out: Path, config: Mapping[str, object], progress: bool,
) -> list[str]:  # fmt: skip
    """Trains, or goes on with the training that ``out`` holds; leaves its files there.

    ``reversible.safetensors`` (the token, as :meth:`ReversibleMemoryToken.load` reads it),
    ``metrics.jsonl``, ``config.yaml``, ``recall_val.json``, ``walks.safetensors`` (what was learnt from)
    and ``resume.safetensors``.

    Args:
        walks: folders of runs in generated houses, recorded with ``record=full``; train houses are learnt
            from, val houses validate. None: the shortest-path expert walks, see ``made_walk``.
        worlds: "houses", or "builtin" for a quick try; where it walks.
        houses, val_houses, goals, depth_noise: how many train and val houses, goals in each; of the sensor.
        leaf_cell_m: edge of a place.
        steps: of the whole training.
        minutes: of CPU time, over all calls, walking included, after which it ends early.
        batch, places, most_writes, queries, learning_rate, weight_decay, temperature, average: see
            :class:`MemoryTraining`.
        save_every: steps between two savings.
        seed: of weights and batches; the walks are the same ones.
        out: the folder.
        config: what is written as ``config.yaml``.
        progress: prints a line at each saving.

    Returns:
        Lines that say how it went.

    Raises:
        ConfigError: a number that makes no training, or walks of test houses, or none to learn from.
        DataError: a folder without recorded episodes.
        OutputError: ``out`` cannot be written, or holds another training.
        ArchiveError: its files, or those of a recording, are damaged.
    """
    require_positive(
        houses=houses, val_houses=val_houses, goals=goals, leaf_cell_m=leaf_cell_m, steps=steps,
        minutes=minutes, batch=batch, places=places, most_writes=most_writes, queries=queries,
        learning_rate=learning_rate, temperature=temperature, save_every=save_every,
    )  # fmt: skip
    torch.set_num_threads(1)  # more would add in another order, and other weights come out
    folder = TrainingFolder(out, config)
    started = time.process_time()
    if walks is None:
        by_split = _walk(out / WALKS_FILE, worlds, {"train": houses, "val": val_houses}, goals, depth_noise)
    else:
        by_split = _read([walks] if isinstance(walks, str) else list(walks))

    def batches(split: str, drawn_with: int) -> PlaceBatches:
        return PlaceBatches(
            by_split[split], drawn_with, size=batch, places=places, most_writes=most_writes,
            queries=queries, leaf_cell_m=leaf_cell_m,
        )  # fmt: skip

    training = MemoryTraining(
        batches("train", seed), by_split["train"][0].observations.shape[1], seed=seed, steps=steps,
        learning_rate=learning_rate, weight_decay=weight_decay, temperature=temperature, average=average,
    )  # fmt: skip
    state = load_progress(out, training.network, training.average, training.optimizer)
    state.cpu_s += time.process_time() - started
    folder.keep_metrics(state.step)
    token = training.averaged

    def save() -> None:
        token.save(out / TOKEN_FILE)
        save_progress(out, state, training.network, training.average, training.optimizer)

    run_steps(
        training.step, save, state, folder,
        steps=steps, minutes=minutes, save_every=save_every, progress=progress,
    )  # fmt: skip
    found = recall(token, batches("val", 0)) if by_split["val"] else None
    folder.write_json(RECALL_FILE, found)
    ended = "" if state.step == steps else f", ended early by task.minutes={minutes:g}"
    told = "no walks in val houses" if found is None else (
        f"walks in val houses: the right place is found first in {found['recall_1']:.3f}, among five in "
        f"{found['recall_5']:.3f} of {found['queries']} returns"
    )  # fmt: skip
    return [
        f"{state.step} of {steps} steps in {state.cpu_s / 60:.1f} CPU minutes{ended}",
        told,
        f"look into {out}: {TOKEN_FILE}, {RECALL_FILE}, metrics.jsonl, config.yaml",
    ]


def _walk(path: Path, worlds: str, houses: Mapping[str, int], goals: int, depth_noise: str) -> Walks:
    """Walks that were made and kept in an earlier call, or are now."""
    world = world_named(worlds)
    if not path.exists():
        made = {
            split: [made_walk(world, split, n, goals=goals, depth_noise=depth_noise) for n in range(count)]
            for split, count in houses.items()
        }
        save_walks(path, made)
    return load_walks(path)  # rounded as they are kept: a later call learns from the same numbers


def _read(folders: Sequence[str]) -> Walks:
    """Recorded walks, by the splits of their houses."""
    found: Walks = {"train": [], "val": [], "test": []}
    for walk in recorded_walks([Path(name) for name in folders]):
        found[split_of(walk.scene)].append(walk)
    if found["test"]:
        raise ConfigError(
            expected="walks in train and val houses",
            came=f"a walk in {found['test'][0].scene}",
            fix="leave test houses out of task.walks: what is published is measured in them",
        )
    if not found["train"]:
        raise ConfigError(
            expected="walks in train houses to learn from",
            came=f"none in {', '.join(folders)}",
            fix="record some: placecell-run env=houses env.split=train record=full",
        )
    return found
