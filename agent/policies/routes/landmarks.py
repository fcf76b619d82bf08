"""Points of interest that an instruction names: where they stand, its clauses are likelier to be meant."""

import itertools
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from .clauses import Clause, Ending, Route
from .grammar import lowered

HEARD = 3.0  # log-odds for a clause that names what stands here
UNHEARD = 2.0  # and against one that names something else
_SENTENCE_END = re.compile(r"[.!?;]")
_WORD = re.compile(r"[a-z0-9][a-z0-9']+")
_EVERYWHERE = frozenset(
    {
        "the", "and", "left", "right", "light", "lights", "street", "turn", "go", "straight", "stop",
        "corner", "intersection", "block", "next", "first", "second", "third", "your", "you", "will", "with",
        "past",
        "pass", "through", "until", "then", "take", "make", "just", "before", "after", "walk", "head",
        "continue", "set", "sets", "traffic", "at", "on", "of", "to", "in", "is", "be", "it", "one", "two",
        "three", "name", "amenity", "shop", "yes", "no",
    }
)  # fmt: skip


class Landmarks:
    """The words of each clause that name something of the map.

    A clause's words reach to the end of its sentence and back to the clause before or its end: "turn left at
    the light with a bank on the corner" names the bank after the turn. No weight here is fitted: no points
    of interest come with the datasets.

    Args:
        instruction: the text; ``route``: as read from it.
        known: the texts of all points on the map; what none of them says is no landmark.
    """

    def __init__(self, instruction: str, route: Route, known: Sequence[str]) -> None:
        low = lowered(instruction)
        parts: list[Clause | Ending] = [*route.clauses, route.ending]
        cuts = [_cut(low, one.end, other.begin) for one, other in itertools.pairwise(parts)]
        if cuts:  # the ending begins where the last clause ends: the rest of that sentence is the clause's
            cuts[-1] = (_cut(low, parts[-1].begin, len(low))[0],) * 2
        begins, ends = [0, *(later for _, later in cuts)], [*(first for first, _ in cuts), len(low)]
        mapped = frozenset().union(*(_names(lowered(text)) for text in known))
        self._named = [_names(low[begin:end]) & mapped for begin, end in zip(begins, ends)]

    def odds(self, texts: Sequence[str]) -> Float64[np.ndarray, " c"]:
        """(clauses + 1,) log-odds added to each clause, and to the ending, by the points that are near.

        A clause that names something is likelier where that stands and less likely where it does not.
        """
        near = frozenset().union(*(_names(lowered(text)) for text in texts))
        return np.array(
            [0.0 if not named else HEARD if named & near else -UNHEARD for named in self._named], np.float64
        )


def _cut(low: str, begin: int, end: int) -> tuple[int, int]:
    """Where the words of a clause that ends at ``begin`` end, and those of one that begins at ``end`` begin.

    At the first end of a sentence between them; where there is none what stands between is both's.
    """
    found = _SENTENCE_END.search(low, begin, end)
    return (found.start(), found.start()) if found else (end, begin)


def _names(low: str) -> frozenset[str]:
    return frozenset(_WORD.findall(low)) - _EVERYWHERE
