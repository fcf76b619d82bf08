"""What differs between two saved memories of one place."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .output import console, plain, print_json
from .transform_options import add_transform, chosen_transform

if TYPE_CHECKING:
    from placecell.memory.archives.difference import Difference, ObjectChange

HELP = "what differs between two memories of one place: surface, objects, places, settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the files, the transform and what to show."""
    parser.add_argument("a", metavar="A", type=Path, help="the earlier memory")
    parser.add_argument("b", metavar="B", type=Path, help="the later one")
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument("--estimate", action="store_true", help="estimate the transform, as merge does")
    add_transform(parser, "without it, both are in one frame")


def run(arguments: argparse.Namespace) -> int:
    """Shows the difference; 0 whether there is one or not."""
    from placecell.errors import ConfigError
    from placecell.memory import SpatialMemory
    from placecell.memory.archives.difference import difference
    from placecell.memory.archives.merging import fitted

    T_a_b = chosen_transform(arguments)
    if arguments.estimate and T_a_b is not None:
        raise ConfigError(expected="a transform or --estimate", came="both", fix="leave out one of them")
    a, b = (SpatialMemory.load(path) for path in (arguments.a, arguments.b))
    fit = fitted(a, b, None) if arguments.estimate else None
    if fit is not None:
        T_a_b = fit.T_a_b
    found = difference(a, b, T_a_b)
    if arguments.json:
        print_json({**found.to_json(), "T_a_b": None if T_a_b is None else T_a_b.tolist()})
    else:
        _show(found)
    return 0


def _show(found: "Difference") -> None:
    out = console()
    if found.empty:
        out.print("no difference")
        return
    for name, (before, after) in found.settings.items():
        out.print(f"setting  {name}: {plain(before)} -> {plain(after)}")
    if found.voxels is not None:
        v = found.voxels
        out.print(
            f"voxels   {v.kept} kept, {v.came} came, {v.went} went, {v.relabelled} relabelled; "
            f"{v.first_seen} first seen, {v.not_seen_again} not seen again"
        )
    if found.places:
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.places.items())
        out.print(f"places   {told}")
    for name in ("came", "went", "moved"):
        for change in getattr(found, name):
            out.print(f"object   {name}: {_line(change)}")
    for name, (before, after) in found.counts.items():
        if before != after:
            out.print(f"count    {name}: {before:.0f} -> {after:.0f}")


def _line(change: "ObjectChange") -> str:
    places = [f"({x:.1f}, {y:.1f}, {z:.1f})" for x, y, z in filter(None, (change.before, change.after))]
    return f"category {change.label}, {change.voxels} voxels, {' -> '.join(places)}"
