"""Searches of 100 k x 256: one at a time, 200 at once, and within a box of 5 % of the floor."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int64

from placecell.memory.long_term import LongTermEntry, LongTermMemory

from .long_term_made import K, World, boxes, filled
from .long_term_peers import BREADTH, Faiss, Hnswlib
from .memory_turns import compared, in_turn, spent
from .row import Row

_SINGLE, BATCH = 20, 200
_UNIT = "searches/s"


def rows(made: World, graph: Hnswlib, rounds: int) -> list[Row]:
    """All searches.

    Args:
        made: what is searched, with ``BATCH`` queries.
        graph: hnswlib's, of the first of its rows.
        rounds: that are measured.
    """
    memory = filled(made)
    peers = Faiss(made.vectors, half=True), Faiss(made.vectors, half=False)
    first = spent(memory.search, made.queries[0], K) + spent(memory.search_many, made.queries, K)
    return [
        Row("search_first_calls", first, "s"),
        *_single(made, memory, peers, rounds),
        *_batch(made, memory, peers, rounds),
        *_box(made, memory, peers[0], graph, rounds),
    ]


def _single(made: World, memory: LongTermMemory, peers: tuple[Faiss, Faiss], rounds: int) -> list[Row]:
    queries = made.queries[:_SINGLE]
    own, half, single = in_turn(
        [
            lambda: [memory.search(query, K) for query in queries],
            *(lambda peer=peer: [peer.search(query[None], K) for query in queries] for peer in peers),
        ],
        rounds,
    )
    exact = peers[1].search(queries, K)
    found = [_numbers(memory.search(query, K)) for query in queries]
    rate = _SINGLE / own
    return [
        compared("search_single", (rate, _SINGLE / half), _UNIT, "faiss flat fp16", 0.5),
        compared("search_single_fp32_peer", (rate, _SINGLE / single), _UNIT, "faiss flat fp32"),
        recall("search_single_recall", found, exact),
    ]


def _batch(made: World, memory: LongTermMemory, peers: tuple[Faiss, Faiss], rounds: int) -> list[Row]:
    queries = made.queries
    own, half, single = in_turn(
        [
            lambda: memory.search_many(queries, K),
            *(lambda peer=peer: peer.search(queries, K) for peer in peers),
        ],
        rounds,
    )
    exact = peers[1].search(queries, K)
    rate = BATCH / own
    return [
        compared("search_batch_200", (rate, BATCH / half), _UNIT, "faiss flat fp16", 10),
        compared("search_batch_200_fp32_peer", (rate, BATCH / single), _UNIT, "faiss flat fp32", 10),
        recall("search_batch_200_recall", memory.search_many(queries, K)[0], exact),
    ]


def _box(made: World, memory: LongTermMemory, faiss: Faiss, graph: Hnswlib, rounds: int) -> list[Row]:
    """The peers get the set of rows in each box ready made; ours finds it."""
    queries, asked = made.queries[:_SINGLE], boxes(_SINGLE)
    inside = [((made.positions >= box[0]) & (made.positions <= box[1])).all(axis=1) for box in asked]
    graph_time, bitmap_time, own = [], [], []
    exact, found = [], []
    for query, box, allowed in zip(queries, asked, inside):
        faiss.choose(allowed)
        graph.choose(allowed)
        times = in_turn(
            [
                lambda: [memory.search(query, K, box=box) for _ in range(10)],  # noqa: B023
                lambda: [faiss.search_chosen(query[None], K) for _ in range(10)],  # noqa: B023
                lambda: graph.search_chosen(query[None], K),  # noqa: B023
            ],
            max(1, rounds // 3),
        )
        own.append(times[0] / 10)
        bitmap_time.append(times[1] / 10)
        graph_time.append(times[2])
        rows = np.flatnonzero(allowed)
        exact.append(rows[np.argsort(-(made.vectors[rows] @ query), kind="stable")[:K]])
        found.append(_numbers(memory.search(query, K, box=box)))
    rate, bitmap, filtered = (1 / float(np.median(times)) for times in (own, bitmap_time, graph_time))
    return [
        compared("search_box_5_percent", (rate, bitmap), _UNIT, "faiss flat fp16 + id bitmap", 1),
        compared(
            "search_box_hnswlib",
            (rate, filtered),
            _UNIT,
            f"hnswlib ef {BREADTH} + filter, {len(graph)} rows",
            5,
            of="hnswlib filter",
        ),
        recall("search_box_recall", found, exact, least=1.0),
    ]


def _numbers(entries: Iterable[LongTermEntry]) -> list[int]:
    return [entry.number for entry in entries]


def recall(
    name: str,
    found: Sequence[Sequence[int]] | Int64[np.ndarray, "b k"],
    exact: Sequence[Int64[np.ndarray, " k"]] | Int64[np.ndarray, "b k"],
    least: float = 0.999,
) -> Row:
    """Which part of the exact float32 answers was found."""
    shares = [len(set(own) & set(best.tolist())) / len(best) for own, best in zip(found, exact)]
    recall = float(np.mean(shares))
    return Row(name, recall, "1", target=f">= {least:g} of the exact fp32 answer", passed=recall >= least)
