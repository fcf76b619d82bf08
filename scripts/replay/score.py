"""An R2R submission file scored by the rules of the field's evaluator."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .reading import console, write_files

if TYPE_CHECKING:
    from rich.table import Table

    from placecell.envs.graph.instructed import InstructedEpisode

HELP = "scores an R2R submission file"
DATASETS = ("r2r", "r4r", "rxr")
SCORES = "scores.json"
_METRES = ("distance_to_goal", "oracle_error", "path_length")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the file, what it is scored on, and where to write."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the submission")
    parser.add_argument("--split", required=True, help="the split that it is for, as val_seen")
    parser.add_argument("--dataset", default="r2r", choices=DATASETS, help="default r2r")
    parser.add_argument(
        "--partial", action="store_true", help="score what is there, though instructions are missing"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where {SCORES} goes; nowhere, if not named")


def run(arguments: argparse.Namespace) -> int:
    """Shows the means, and writes each instruction's measures where ``--out`` names a folder."""
    from placecell.envs.graph.datasets import read_dataset
    from placecell.envs.graph.matterport import load_scans
    from placecell.envs.graph.r4r import join_r4r
    from placecell.envs.graph.submission import mean_of, read_submission, score

    joined = arguments.dataset == "r4r"
    episodes: Sequence[InstructedEpisode]
    episodes = read_dataset("r2r" if joined else arguments.dataset, arguments.split)
    graphs = load_scans(dict.fromkeys(episode.scene_id for episode in episodes))
    if joined:
        episodes = join_r4r(episodes, graphs)
    found = read_submission(arguments.file, episodes, graphs, partial=arguments.partial)
    rows = score(found, episodes, graphs)
    means = mean_of(rows)
    what = f"{arguments.dataset} {arguments.split}: {len(rows)} of {len(episodes)} instructions"
    if any(episode.goal is None for episode in episodes):
        what += "; its goals are secret, so that only lengths can be told"
    print(what)
    console().print(_table(means))
    if arguments.out is not None:
        document = {
            "dataset": arguments.dataset,
            "split": arguments.split,
            "instructions": len(rows),
            "of": len(episodes),
            "mean": means,
            "by_instruction": rows,
        }
        write_files(arguments.out, {SCORES: json.dumps(document, indent=1) + "\n"})
        print(f"each instruction's measures in {arguments.out / SCORES}")
    return 0


def _table(means: Mapping[str, float]) -> "Table":
    from rich.table import Table

    table = Table()
    table.add_column("measure")
    table.add_column("mean", justify="right")
    for name, mean in means.items():
        table.add_row(name, f"{mean:.2f} m" if name in _METRES else f"{mean:.4f}")
    return table
