"""``placecell-bench revisits``: which memory finds the place again where an observation was made before.

The first half of a walk is written, the second half asks: of every later observation that was made in a place
that was written, is that place found first, or among the first five? Head tokens, raw observations by flat
scan, running means and chance, each with as many bytes.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .row import Row

if TYPE_CHECKING:
    from placecell.memory.reversible import ReversibleMemoryToken

    from .revisit_ranks import Ranks

SUITE_HELP = "recall of a place that is come back to: head tokens, flat scan, running means, at equal bytes"

_GOALS = 16
_QUICK_HOUSES, _QUICK_SEEDS = 3, 1
_REAL = "tsdf50"
_REAL_CELL_M = 0.05
_KS = (1, 5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--split", choices=("val", "test"), default="val", help="of houses (default val)")
    parser.add_argument("--houses", type=int, default=20, metavar="N", help="houses (default 20)")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="walks in each (default 3)")
    parser.add_argument("--cell", type=float, default=1.6, metavar="M", help="edge of a leaf (default 1.6)")
    parser.add_argument(
        "--token", type=Path, default=None, metavar="FILE", help="trained token (default the shipped one)"
    )
    parser.add_argument(
        "--data", type=Path, default=None, metavar="DIR",
        help=f"holds rgbd/{_REAL} (default PLACECELL_DATA; without either its rows are left out)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> list[Row]:
    """Every row of the suite; the quick form walks in fewer houses."""
    import torch

    from placecell.errors import ConfigError
    from placecell.memory.reversible import SHIPPED, ReversibleMemoryToken

    for name, value in (("houses", args.houses), ("seeds", args.seeds), ("cell", args.cell)):
        if not value > 0:
            raise ConfigError(expected=f"{name} above 0", came=f"{value}", fix=f"set --{name} N")
    torch.set_num_threads(1)
    trained = ReversibleMemoryToken.load(args.token or SHIPPED)
    tokens = {"token": trained, "untrained": untrained(trained)}
    houses = min(args.houses, _QUICK_HOUSES) if args.quick else args.houses
    seeds = min(args.seeds, _QUICK_SEEDS) if args.quick else args.seeds
    rows = _in_houses(args.split, houses, seeds, args.cell, tokens)
    return rows + _in_a_room(args.data, tokens)


def untrained(like: "ReversibleMemoryToken") -> "ReversibleMemoryToken":
    """A token of the same sizes with the weights of its start, always the same ones."""
    import torch

    from placecell.memory.reversible import ReversibleMemoryToken

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes = like.config()
        return ReversibleMemoryToken(**sizes).eval()  # type: ignore[arg-type]


def _in_houses(
    split: str, houses: int, seeds: int, cell_m: float, tokens: "dict[str, ReversibleMemoryToken]"
) -> list[Row]:
    from placecell.agent.training.walks import made_walk
    from placecell.agent.training.worlds import house

    from .revisit_cases import halves
    from .revisit_ranks import Ranks, methods_of

    found = {"leaf": Ranks(), "node": Ranks()}
    for number in range(houses):
        for seed in range(1, seeds + 1):  # the walk of seed 0 is the one that trainings look at
            walk = made_walk(house, split, number, goals=_GOALS, seed=seed)
            for space, case in halves(walk, cell_m).items():
                for name, method in methods_of(case, tokens):
                    found[space].add(name, method, case, walk.scene)
    return [row for space, ranks in found.items() for row in rows_of(f"houses_{space}", ranks)]


def _in_a_room(data: Path | None, tokens: "dict[str, ReversibleMemoryToken]") -> list[Row]:
    from placecell.scripts.data.options import named_folder

    from .revisit_cases import alternating, read_walk
    from .revisit_ranks import Ranks, methods_of

    folder = named_folder(data)
    if folder is None or not (folder / "rgbd" / _REAL).is_dir():
        return []
    walk, ranks = read_walk(folder / "rgbd" / _REAL), Ranks()
    for seed in range(3):
        case = alternating(walk, _REAL_CELL_M, seed)
        for name, method in methods_of(case, tokens):
            ranks.add(name, method, case, walk.scene)
    return rows_of(f"{_REAL}_leaf", ranks)


def rows_of(prefix: str, ranks: "Ranks") -> list[Row]:
    """Recall of each method, and what decides: the token's less another's, query by query."""
    rows = [
        _share(f"{prefix}_{name}_{what}_{k}", ranks.hits(name, what, k))
        for name in ranks.names
        for what in ranks.kinds
        for k in _KS
        if len(ranks.hits(name, what, k)[0])
    ]
    rivals = ("heads_flat", "heads_mean", "untrained", "residues_flat")
    return rows + [_difference(f"{prefix}_token_less_{rival}", ranks, "token", rival) for rival in rivals]


def _share(name: str, hits: "tuple[Sequence[float], Sequence[str]]") -> Row:
    import numpy as np

    return Row(name, float(np.mean(hits[0])), f"1 {_interval(*hits)}")


def _difference(name: str, ranks: "Ranks", ours: str, rival: str) -> Row:
    import numpy as np

    a, houses = ranks.hits(ours, "recall", 1)
    b, _ = ranks.hits(rival, "recall", 1)
    gain = np.subtract(a, b)
    low = bounds(gain.tolist(), houses)
    better = low is not None and low[0] > 0
    unit = f"1 {_interval(gain.tolist(), houses)}"
    return Row(name, float(gain.mean()), unit, target="> 0 in all of the interval", passed=better)


def _interval(values: Sequence[float], houses: Sequence[str]) -> str:
    found = bounds(values, houses)
    told = "" if found is None else f"[{found[0]:.3f}, {found[1]:.3f}] "
    return f"{told}of {len(values)}"


def bounds(values: Sequence[float], houses: Iterable[str]) -> tuple[float, float] | None:
    """The mean's interval, whole houses drawn; None of a single one."""
    from placecell.agent.bootstrap import bootstrap_interval
    from placecell.arrays import generator

    return bootstrap_interval(values, list(houses), generator(0, "revisits"), samples=2000)
