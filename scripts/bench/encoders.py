"""``placecell-bench encoders``: one encoder with each attention, trained for the same minutes of CPU time.

Eight classes of things are to be named in frames of held-out houses. A row is a training of its own, kept in
``DIR/rows``: called again, the suite goes on where it stopped, and rows beyond the budget are "not run".
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from placecell.errors import ConfigError

from .row import Row

SUITE_HELP = "encoders of each attention, trained alike: held-out accuracy and frames/s"

_ATTENTIONS = ("full", "window", "hilo", "davit", "biformer", "neighborhood", "halo", "inline")
_DROP_POSITIONS, _CODEBOOK = "+droppos", "+softmax"
ROWS = (*_ATTENTIONS, f"hilo{_CODEBOOK}", *(f"{name}{_DROP_POSITIONS}" for name in _ATTENTIONS))
_QUICK_ROWS = ("full", "hilo")
_QUICK = {
    "worlds": "builtin",
    "classes": ["bed", "sofa", "table"],
    "train_frames": 6,
    "val_frames": 2,
    "steps": 3,
    "size": "0.3M",
    "batch": 4,
}
_MISSING = float("nan")


@dataclass(frozen=True)
class Trained:
    """A row of the table.

    Args:
        name: of ``ROWS``.
        figures: what ``accuracy_val.json`` says; None where it was not run.
    """

    name: str
    figures: Mapping[str, Any] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument(
        "--minutes", type=float, default=120.0, metavar="M", help="CPU minutes of all rows (default 120)"
    )
    parser.add_argument(
        "--each", type=float, default=10.0, metavar="M", help="CPU minutes of a row (default 10)"
    )
    parser.add_argument(
        "--rows", nargs="+", default=None, metavar="NAME", help=f"which (default: {' '.join(ROWS)})"
    )
    parser.add_argument(
        "--frames", type=Path, metavar="FILE", help="rendered frames (default: in DIR, rendered first)"
    )


def run(args: argparse.Namespace) -> list[Row]:
    """Trains the rows that the budget has room for; the quick form two, for three steps.

    Raises:
        ConfigError: an unknown row, or no minutes.
    """
    wanted = tuple(args.rows or (_QUICK_ROWS if args.quick else ROWS))
    unknown = [name for name in wanted if name not in ROWS]
    if unknown or len({*wanted}) < len(wanted):
        raise ConfigError(
            expected=f"different --rows of {', '.join(ROWS)}",
            came=unknown[0] if unknown else " ".join(wanted),
            fix="see --help",
        )
    if not args.each > 0 or not args.minutes > 0:
        raise ConfigError(
            expected="--each and --minutes above 0", came=f"{args.each:g}, {args.minutes:g}", fix="say more"
        )
    rows = args.out / "rows"
    for name in wanted:
        if figures_of(rows / name) is not None:
            continue
        if spent_minutes(rows) + args.each > args.minutes + args.each / 100:
            print(f"{name}: not run, --minutes {args.minutes:g} are spent", flush=True)
            continue
        for line in _train(name, args, rows / name):
            print(f"{name}: {line}", flush=True)
    table = [Trained(name, figures_of(rows / name)) for name in (*wanted, *_others(rows, wanted))]
    (args.out / "encoders.md").write_text("\n".join(table_of(table)) + "\n", encoding="utf-8")
    return [row for trained in table for row in rows_of(trained)]


def figures_of(folder: Path) -> Mapping[str, Any] | None:
    """What a finished training wrote; None for one that isn't."""
    import json

    path = folder / "accuracy_val.json"
    if not path.exists():
        return None
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def spent_minutes(rows: Path) -> float:
    """CPU minutes of all finished rows."""
    found = [figures_of(folder) for folder in sorted(rows.iterdir())] if rows.is_dir() else []
    return sum(f["cpu_minutes"] + f["pretrain_cpu_minutes"] for f in found if f is not None)


def table_of(table: Sequence[Trained]) -> list[str]:
    """Lines of a table in Markdown."""
    lines = [
        "| row | held-out accuracy | 95 % interval | frames/s | in batches of 32 | training frames/s | "
        "parameters | steps | of DropPos |",
        "| --- | --: | :-: | --: | --: | --: | --: | --: | --: |",
    ]
    for trained in table:
        f = trained.figures
        if f is None:
            lines.append(f"| {trained.name} | not run | | | | | | | |")
            continue
        low, high = f["interval_95"] or (_MISSING, _MISSING)
        lines.append(
            f"| {trained.name} | {f['accuracy']:.3f} | {low:.3f} to {high:.3f} | {f['frames_per_s']:.0f} | "
            f"{f['frames_per_s_batch_32']:.0f} | {f['training_frames_per_s']:.0f} | {f['parameters']} | "
            f"{f['steps']} | {f['pretrain_steps']} |"
        )
    return lines


def rows_of(trained: Trained) -> list[Row]:
    """Its lines of ``bench.json``; null for what was not run."""
    f = trained.figures or {}
    return [
        Row(f"{trained.name}_accuracy", f.get("accuracy", _MISSING), "1"),
        Row(f"{trained.name}_frames", f.get("frames_per_s", _MISSING), "frames/s"),
    ]


def configuration(name: str, *, each: float, frames: Path, quick: bool) -> dict[str, Any]:
    """The task's keys for a row: the defaults of ``task=encoder``, and what the row differs by.

    With DropPos half of the minutes go to it, so that every row has the same.
    """
    task = _yaml("train", "task/encoder.yaml")["task"]
    del task["_target_"]
    attention, codebook = name.partition("+")[0], "softmax" if name.endswith(_CODEBOOK) else "off"
    return {
        **task,
        "attention": _yaml("attention", f"{attention}.yaml"),
        "codebook": _yaml("codebook", f"{codebook}.yaml"),
        "frames": str(frames),
        "minutes": each,
        "pretrain_minutes": each / 2 if name.endswith(_DROP_POSITIONS) else 0.0,
        **(_QUICK if quick else {}),
    }


def _train(name: str, args: argparse.Namespace, out: Path) -> list[str]:
    from placecell.agent.training.train_encoder import train_encoder

    frames = args.frames or args.out / ("frames_quick.safetensors" if args.quick else "frames.safetensors")
    task = configuration(name, each=args.each, frames=frames, quick=args.quick)
    config = {"task": task, "seed": 0, "out": str(out)}
    return train_encoder(**task, seed=0, out=out, config=config, progress=False)


def _others(rows: Path, wanted: Sequence[str]) -> list[str]:
    """Finished rows that were not asked for this time."""
    return [name for name in ROWS if name not in wanted and figures_of(rows / name) is not None]


def _yaml(group: str, name: str) -> dict[str, Any]:
    from omegaconf import OmegaConf

    text = resources.files("placecell.conf").joinpath(group, *name.split("/")).read_text(encoding="utf-8")
    node = OmegaConf.create(text)
    found = OmegaConf.to_container(node, resolve=False)
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}
