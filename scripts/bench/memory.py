"""``placecell-bench memory``: the spatial memory's parts, as an agent calls them, and their peers.

CPU time of one thread on one processor; what is compiled before is measured apart.
"""

import argparse

from .row import Row

SUITE_HELP = (
    "the octree, graph and bird's-eye view by their public calls, against Open3D, OctoMap, SciPy, rustworkx"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace) -> list[Row]:
    """All rows; those of scans from OctoMap only where the data lie there."""
    from . import (
        memory_bev,
        memory_first_calls,
        memory_graph,
        memory_insert,
        memory_octomap,
        memory_peers,
        memory_queries,
    )
    from .memory_turns import one_processor

    memory_peers.require_all()
    rows = memory_first_calls.rows()
    with one_processor():
        made, octree = memory_insert.rows(args.quick)
        rows += made
        rows += memory_queries.rows(args.quick, octree)
        rows += memory_bev.rows(args.quick)
        rows += memory_octomap.rows(args.quick)
        rows += memory_graph.rows(args.quick)
    return rows
