"""Two saved memories of one place as one file."""

import argparse
import math
from pathlib import Path

from .output import console
from .transform_options import add_transform, chosen_transform

HELP = "one memory of two sessions of one place; the transform given, or estimated"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the files and the transform."""
    parser.add_argument("a", metavar="A", type=Path, help="the earlier session; its frame is kept")
    parser.add_argument("b", metavar="B", type=Path, help="the later one")
    parser.add_argument("--out", metavar="C", type=Path, required=True, help="where to write both as one")
    add_transform(parser, "without it, it is estimated from the surfaces of both")


def run(arguments: argparse.Namespace) -> int:
    """Merges and saves; nothing is written unless all went well."""
    from dataclasses import replace

    from placecell.memory import SpatialMemory, archive
    from placecell.memory.archives.merging import merge

    T_a_b = chosen_transform(arguments)
    a, b = (SpatialMemory.load(path) for path in (arguments.a, arguments.b))
    merged = merge(a, b, T_a_b)
    told = {"merged": [arguments.a.name, arguments.b.name], **merged.provenance()}
    archive.save(replace(merged.memory.pack(), provenance=told), arguments.out)
    T, out = merged.T_a_b, console()
    x, y, z = T[:3, 3].tolist()
    yaw = math.degrees(math.atan2(T[1, 0], T[0, 0]))
    how = "estimated" if merged.estimated else "given"
    out.print(f"transform ({how})  x {x:.3f} m, y {y:.3f} m, z {z:.3f} m, yaw {yaw:.2f} degrees")
    if merged.residual_m is not None and merged.overlap is not None and merged.agreement is not None:
        out.print(f"residual               {merged.residual_m:.3f} m")
        out.print(f"overlap                {merged.overlap:.0%} of the walls of the one that has fewer")
        out.print(f"agreement              {merged.agreement:.0%} of the walls of which both know something")
    stats = merged.memory.stats()
    out.print(f"{arguments.out}: {stats['items']:.0f} items, {stats['bytes']:.0f} bytes")
    return 0
