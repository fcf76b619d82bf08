"""``placecell-bench graphs``: reference agents on R2R and on the streets, a tour, the streets' agent, speed.

``graphs.md`` holds the tables, each figure beside the published one. The runs lie in ``runs``; killed, the
same command goes on with them.
"""

import argparse
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

from .row import Row

if TYPE_CHECKING:
    from .graph_walk import Walked

SUITE_HELP = (
    "R2R, Touchdown and Map2Seq: reference agents beside published figures, steps a second, load times"
)

_QUICK = ("r2r_expert", "r2r_random", "map2seq_gold", "map2seq_streets_even")
_QUICK_EPISODES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--only", type=_names, metavar="A,B", help="rows (default: all)")
    parser.add_argument("--episodes", type=int, metavar="N", help="of each run (default: all of its dataset)")
    parser.add_argument("--points", metavar="FILE", help="points of interest in the streets: id,lat,lng,tags")
    parser.add_argument("--no-speed", action="store_true", help="neither load times nor steps a second")
    parser.add_argument("--tables", action="store_true", help="of what there is by now; nothing is walked")


def run(args: argparse.Namespace) -> list[Row]:
    """Walks what is missing, measures speed, and writes ``graphs.md``.

    Raises:
        ConfigError: an unknown row, or no episodes.
        OutputError: the folder holds other runs, or one that cannot be read.
    """
    from placecell.arrays import atomic_write

    from ..run import main
    from .graph_cases import cases
    from .graph_speed import speed
    from .graph_tables import markdown
    from .graph_walk import there, walk

    episodes = args.episodes if args.episodes is not None else _QUICK_EPISODES if args.quick else None
    if episodes is not None and episodes < 1:
        raise ConfigError(expected="--episodes of 1 or more", came=str(episodes), fix="say --episodes 100")
    known = {case.name: case for case in cases(args.points)}
    wanted = args.only or (_QUICK if args.quick else tuple(known))
    if unknown := [name for name in wanted if name not in known]:
        raise ConfigError(
            expected=f"rows among {', '.join(known)}", came=", ".join(unknown), fix="correct --only"
        )
    chosen = [case for name, case in known.items() if name in wanted]
    tell = partial(print, flush=True)
    if args.tables:
        walked = [there(case, args.out) for case in chosen]
    else:
        walked = [walk(case, args.out, main, episodes=episodes, tell=tell) for case in chosen]
    quick = args.quick or args.tables
    fast = [] if args.no_speed else speed(seconds=1.0 if quick else 5.0, quick=args.quick)
    atomic_write(args.out / "graphs.md", markdown(walked, fast, _made()))
    return [*(row for each in walked for row in rows_of(each)), *fast]


def _made() -> list[str]:
    """The command and the machine."""
    from placecell.agent.provenance import hardware

    machine = hardware()
    return [
        "```\nplacecell-bench graphs --out DIR\n```",
        f"{machine['cores']} cores, {machine['cpu']}; no GPU is used. Inputs that no agent has in the "
        "world are marked as oracles; all are given their pose.",
    ]


def rows_of(walked: "Walked") -> list[Row]:
    """A row for each figure that is known, or the first measure of a case without."""
    first = "task_completion" if walked.case.world == "streets" else "success"
    if walked.refused is not None:
        return [Row(f"{walked.case.name}_{first}", math.nan, "not run")]
    rows = []
    for known in walked.case.known:
        mean = walked.mean(known.measure)
        value = math.nan if mean is None else mean.mean
        rows.append(
            Row(
                f"{walked.case.name}_{known.measure}", value, _unit(known.measure), target=known.said,
                passed=bool(known.low <= value <= known.high),
            )
        )  # fmt: skip
    if not any(known.measure == first for known in walked.case.known):
        mean = walked.mean(first)
        rows.insert(0, Row(f"{walked.case.name}_{first}", math.nan if mean is None else mean.mean, "1"))
    return rows


def _unit(measure: str) -> str:
    return {"distance_to_goal": "m", "shortest_path_distance": "hops"}.get(measure, "1")


def _names(text: str) -> Sequence[str]:
    return tuple(part for part in text.split(",") if part)
