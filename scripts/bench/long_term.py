"""``placecell-bench long_term``: the long-term memory by its public calls, and its archive, and their peers.

CPU time of one thread on one processor, in turn. The archive's rows are wall time: they wait for a disk.
"""

import argparse

from .row import Row

SUITE_HELP = "the long-term memory's searches, appends and archive, against faiss, hnswlib and .npy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace) -> list[Row]:
    """All rows; the quick form searches as many, but appends fewer and measures fewer rounds."""
    from . import long_term_append, long_term_archive, long_term_made, long_term_peers, long_term_search
    from .memory_turns import one_processor

    long_term_peers.require_all()
    with one_processor():
        made = long_term_made.world(100_000, long_term_search.BATCH)
        appended, inserted = (200_000, 10_000) if args.quick else (1_000_000, 100_000)
        rows, graph = long_term_append.rows(made, appended, inserted)
        rows = long_term_search.rows(made, graph, 2 if args.quick else 7) + rows
    return rows + long_term_archive.rows(args.quick)
