"""The ways to find a place again, each within its bytes, and how often they do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from placecell.memory.reversible import ReversibleMemoryToken
from placecell.memory.token_chains import TokenChains

from .revisit_cases import Case

NEAR_M = 1.6
"""A place counts as near if what was found of it was written no farther from the query."""
_HALF = 2  # bytes of a float16: rows are kept as LongTermMemory keeps them
_PLACES = 5


@dataclass(frozen=True, eq=False)
class Method:
    """What a memory says to each query.

    Args:
        likeness: (q, rows).
        place: (rows,) of each row.
        at: (rows, 3) where it was written; of a place's row, on average.
    """

    likeness: Float[np.ndarray, "q r"]
    place: Int64[np.ndarray, " r"]
    at: Float64[np.ndarray, "r 3"]


def methods_of(
    case: Case, tokens: Mapping[str, ReversibleMemoryToken]
) -> Iterator[tuple[str, Method | None]]:
    """Every method by its name; None is chance.

    Tokens by the names that they come under: they are searched by their keys, whatever else is kept. ``flat``
    and ``mean`` within two budgets: ``heads_`` are the bytes of the tokens' search keys, float16, and nothing
    else, the least that tokens are searched with; ``residues_`` what the chains hold that give every write
    back.
    """
    places = np.arange(case.places)
    middles = np.stack([case.at[case.place == place].mean(0) for place in places])
    budgets: dict[str, int] = {}
    for name, token in tokens.items():
        chains = TokenChains(token)
        rows = chains.write(["place"] * len(case.place), case.place, case.written)
        keys = np.zeros((case.places, token.width), np.float32)
        keys[case.place] = chains.search_keys(rows)
        queries = np.stack([chains.query(asked) for asked in case.asked]) if len(case.asked) else keys[:0]
        budgets = {"heads": case.places * token.width * _HALF, "residues": chains.nbytes}
        yield name, Method(_halved(queries) @ _halved(keys).T, places, middles)
    for budget, size in budgets.items():
        yield f"{budget}_flat", flat(case, size)
        yield f"{budget}_mean", means(case, size, middles)
    yield "chance", None


def flat(case: Case, size: int) -> Method:
    """As many raw observations as fit, spread evenly over what was written."""
    fit = min(len(case.written), max(1, size // (case.written.shape[1] * _HALF)))
    kept = np.linspace(0, len(case.written) - 1, fit).round().astype(np.int64)
    return Method(case.asked @ _halved(case.written[kept]).T, case.place[kept], case.at[kept])


def means(case: Case, size: int, middles: Float64[np.ndarray, "p 3"]) -> Method:
    """Running means, of the places that were written most where not all fit."""
    fit = min(case.places, max(1, size // (case.written.shape[1] * _HALF)))
    kept = np.sort(np.argsort(-np.bincount(case.place), kind="stable")[:fit])
    rows = np.stack([case.written[case.place == place].mean(0) for place in kept])
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return Method(case.asked @ _halved(rows).T, kept, middles[kept])


class Ranks:
    """Hits of each method over all queries, and the house of each query."""

    kinds = ("recall", "turned", "near")
    """The right place is found; the same of queries from headings that it was not written from; or any place
    whose row was written near."""

    def __init__(self) -> None:
        self._hits: dict[tuple[str, str, int], list[float]] = {}
        self._houses: dict[tuple[str, str, int], list[str]] = {}

    @property
    def names(self) -> list[str]:
        """Of the methods, in the order that they came."""
        return list(dict.fromkeys(name for name, _, _ in self._hits))

    def add(self, name: str, method: Method | None, case: Case, house: str) -> None:
        """Counts a method's answers to a case's queries."""
        for k in (1, _PLACES):
            right, near = by_chance(case, k) if method is None else found(method, case, k)
            kinds = {"recall": right, "turned": right[case.turned], "near": near}
            for kind, hits in kinds.items():
                self._hits.setdefault((name, kind, k), []).extend(hits.tolist())
                self._houses.setdefault((name, kind, k), []).extend([house] * len(hits))

    def hits(self, name: str, kind: str, k: int) -> tuple[Sequence[float], Sequence[str]]:
        """Of each query a number from 0 to 1, and its house."""
        return self._hits[name, kind, k], self._houses[name, kind, k]


def found(method: Method, case: Case, k: int) -> tuple[Float64[np.ndarray, " q"], Float64[np.ndarray, " q"]]:
    """Of each query, whether the right place is one of the first k places, and whether one of them is near.

    A place is as like as the most like of its rows.
    """
    right, near = np.zeros(len(case.asked)), np.zeros(len(case.asked))
    for query, row in enumerate(np.argsort(-method.likeness, axis=1, kind="stable")):
        _, first = np.unique(method.place[row], return_index=True)
        best = row[np.sort(first)[:k]]
        right[query] = case.right[query] in method.place[best]
        away = np.linalg.norm(method.at[best] - case.asked_at[query], axis=1)
        near[query] = away.min() <= NEAR_M
    return right, near


def by_chance(case: Case, k: int) -> tuple[Float64[np.ndarray, " q"], Float64[np.ndarray, " q"]]:
    """What k places give that are drawn among all, on average."""
    n = case.places
    middles = np.stack([case.at[case.place == place].mean(0) for place in range(n)])
    near = (np.linalg.norm(middles[None] - case.asked_at[:, None], axis=2) <= NEAR_M).sum(1)
    drawn = min(k, n)
    none = np.ones(len(near))
    for i in range(drawn):
        none *= np.maximum(n - near - i, 0) / (n - i)
    return np.full(len(near), drawn / n), 1 - none


def _halved(vectors: np.ndarray) -> np.ndarray:
    """Rounded as float16 keeps them."""
    return vectors.astype(np.float16).astype(np.float32)
