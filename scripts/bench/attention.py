"""``placecell-bench attention``: what plans and modules gain over full attention, and what they promise.

On the CPU, one thread: forward, and forward and backward, in turn with full attention that comes with the
same projections, or with none. ``attention.md`` and ``attention.json`` hold the tables, ``ratio.png`` the
plot, ``mask_*.png`` the plans. With a CUDA device the same in bfloat16, and long sequences.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from placecell.arrays import atomic_write
from placecell.errors import ConfigError

from .attention_cases import CASES, PEERS, Work, kind_of, peer, require_known, work
from .memory_turns import in_turn, one_processor
from .row import Row

if TYPE_CHECKING:
    from .attention_cuda import CudaRow

SUITE_HELP = "attention plans and modules against full attention: ratio, density, operations"

SIZES, QUICK_SIZES = (16, 32, 64, 128), (16, 32)
PASSES = ("forward", "both")
MOST_COUNTED = 32
"""Sides of maps up to which operations are counted as they run: unfused attention holds every score."""

_ROUNDS, _QUICK_ROUNDS, _BIG_ROUNDS = 5, 1, 2
_BIG = 128


@dataclass(frozen=True)
class Measured:
    """One case on one map, forward or both passes.

    ``seconds`` is None where it was not measured, and ``why`` says so. ``gain`` is ratio x density for a
    plan, ratio x share of operations for a module; 1 means that every operation left out is time won.
    """

    case: str
    side: int
    what: str
    kind: str
    seconds: float | None = None
    peer_seconds: float | None = None
    density: float | None = None
    flops: int | None = None
    peer_flops: int | None = None
    counted: int | None = None
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """How much faster than the peer."""
        if self.seconds is None or self.peer_seconds is None:
            return None
        return self.peer_seconds / self.seconds

    @property
    def share(self) -> float | None:
        """Our operations over the peer's."""
        return None if self.flops is None or not self.peer_flops else self.flops / self.peer_flops

    @property
    def gain(self) -> float | None:
        """ratio x density, or x share where there is no density."""
        part = self.share if self.density is None else self.density
        return None if self.ratio is None or part is None else self.ratio * part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--only", type=_names, default=CASES, metavar="A,B", help="cases (default: all)")
    parser.add_argument(
        "--sides", type=_sides, metavar="N,M", help="of square maps of tokens (default 16,32,64,128)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"counted turns (default {_ROUNDS}, or 2)")


def run(args: argparse.Namespace) -> list[Row]:
    """Measures, and writes tables and pictures.

    Raises:
        ConfigError: an unknown case, or no rounds.
    """
    import torch

    from .attention_cuda import measure_cuda
    from .attention_tables import document, pictures

    require_known(args.only)
    if args.rounds is not None and args.rounds < 1:
        raise ConfigError(expected="--rounds of 1 or more", came=f"{args.rounds}", fix="take 5")
    if args.sides is not None and min(args.sides) < 1:
        raise ConfigError(expected="--sides of 1 or more", came=f"{min(args.sides)}", fix="take 16,32")
    sides = args.sides or (QUICK_SIZES if args.quick else SIZES)
    found: list[Measured] = []
    with one_processor():
        for side in sides:
            rounds = args.rounds or (
                _QUICK_ROUNDS if args.quick else _BIG_ROUNDS if side >= _BIG else _ROUNDS
            )
            found += measure(args.only, side, rounds)
    on_cuda: Sequence[CudaRow] | None = None
    if torch.cuda.is_available():
        on_cuda = measure_cuda(args.only, sides, quick=args.quick)
    text = json.dumps([asdict(one) for one in found], indent=1)
    atomic_write(args.out / "attention.json", text + "\n")
    atomic_write(args.out / "attention.md", document(found, on_cuda))
    for name, picture in pictures(args.only, found).items():
        atomic_write(args.out / name, picture)
    rows = [_row(one) for one in found if one.seconds is not None]
    return rows + [one.row() for one in on_cuda or ()]


def measure(names: Sequence[str], side: int, rounds: int) -> list[Measured]:
    """All cases on a map of side x side tokens, in turn with their peers."""
    size = (side, side)
    works: list[Work] = []
    refused: dict[str, str] = {}
    for name in names:
        try:
            works.append(work(name, size))
        except ConfigError as error:
            refused[name] = str(error)
    peers = {kind: peer(kind, size) for kind in PEERS if any(one.kind == kind for one in works)}
    queue = [*peers.values(), *works]
    # A peer and its cases side by side.
    queue.sort(key=lambda one: list(PEERS).index(one.kind))
    counted = {one.name: _count(one, side) for one in works}
    found = [Measured(name, side, what, kind_of(name), why=why)
             for name, why in refused.items() for what in PASSES]  # fmt: skip
    for what in PASSES:
        calls = [one.forward if what == "forward" else one.both for one in queue]
        seconds = dict(zip([one.name for one in queue], in_turn(calls, rounds), strict=True))
        for one in works:
            beside = peers[one.kind]
            times = (seconds[one.name], seconds[beside.name])
            flops = (one.flops, beside.flops, counted[one.name])
            found.append(Measured(one.name, side, what, one.kind, *times, one.density, *flops))
    return found


def _count(one: Work, side: int) -> int | None:
    from placecell.agent.attention.counting import count_flops

    return count_flops(one.forward) if side <= MOST_COUNTED else None


def _row(one: Measured) -> Row:
    passes = "forward" if one.what == "forward" else "forward_backward"
    return Row(
        f"{one.case}_{one.side}x{one.side}_{passes}",
        one.seconds or 0.0,
        "CPU s",
        PEERS[one.kind],
        one.peer_seconds,
        one.ratio,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _sides(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))
