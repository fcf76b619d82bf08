"""``placecell-bench sessions``: two sessions of one house laid on each other, and what changed between them.

Merging is refused unless the maps overlap: right pairs are two parts of one house, wrong ones of two houses.
Differences are those of a house and its edit, whose furniture was moved.
"""

import argparse
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

from .row import Row

if TYPE_CHECKING:
    from .session_pairs import Changes, Laid

SUITE_HELP = (
    "merge and diff of two sessions in generated houses: transforms found, wrong pairs refused, changes"
)

_NOISES = ("none", "low")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--houses", type=int, metavar="N", help="houses (default 8, --quick 2)")
    parser.add_argument("--split", choices=("val", "test"), default="test", help="of them (default test)")


def run(args: argparse.Namespace) -> list[Row]:
    """Aligns each pair of houses, at each level of depth noise; then compares houses with their edits.

    Raises:
        ConfigError: fewer than two houses, of which no wrong pair can be made.
    """
    from .session_pairs import changes, laid

    houses = args.houses or (2 if args.quick else 8)
    if houses < 2:
        raise ConfigError(expected="--houses of 2 or more", came=f"{houses}", fix="leave it at 8")
    rows = []
    for noise in _NOISES[: 1 if args.quick else None]:
        right, wrong = laid(args.split, houses, noise)
        rows += rows_of(f"depth_{noise}", right, wrong)
    return [*rows, *rows_of_changes(changes(args.split, houses))]


def rows_of(name: str, right: "list[Laid]", wrong: "list[Laid]") -> list[Row]:
    """How many pairs were accepted, and how far off the worst of them lies."""
    accepted = [pair for pair in right if pair.accepted]
    false = sum(pair.accepted for pair in wrong)
    worst = max((pair.error_m for pair in accepted), default=float("nan"))
    turned = max((pair.yaw_error_deg for pair in accepted), default=float("nan"))
    residual = max((pair.fit.residual_m for pair in accepted), default=float("nan"))
    return [
        Row(f"{name}_right_pairs_accepted", len(accepted) / len(right), f"of {len(right)}"),
        Row(f"{name}_wrong_pairs_accepted", float(false), f"of {len(wrong)}", target="0", passed=false == 0),
        Row(f"{name}_worst_mean_error", worst, "m"),
        Row(f"{name}_worst_yaw_error", turned, "deg"),
        Row(f"{name}_largest_residual", residual, "m"),
        Row(f"{name}_least_overlap", min((p.fit.overlap for p in accepted), default=float("nan")), "1"),
    ]


def rows_of_changes(found: "Changes") -> list[Row]:
    """Of what was reported the share that did change, and of what changed the share that was reported."""
    return [
        Row("diff_precision", found.right / max(found.reported, 1), f"of {found.reported} reported"),
        Row("diff_recall", found.found / max(found.true, 1), f"of {found.true} ends of changes in view"),
    ]
