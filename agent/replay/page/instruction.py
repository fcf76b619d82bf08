"""An instruction, its parts and the hypotheses about them, as a page shows them: plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...recording import RecordedStep, Recording
from .words import point_of, way_to

Span = tuple[int, int]

MOST_HYPOTHESES = 16
_BEGINNING = 72


@dataclass(frozen=True)
class Clauses:
    """An instruction cut into the steps that a policy made of it.

    Spans are of Python's characters; a browser counts others, so that a page is given the pieces.

    Args:
        text: the instruction.
        spans: [begin, end) of each clause, as the policy's trace told them; none of a policy that has none.
        followed: of each recorded step the clause that it was at, None where it told none.
    """

    text: str
    spans: tuple[Span, ...]
    followed: tuple[Span | None, ...]

    @classmethod
    def of(cls, recording: Recording) -> "Clauses | None":
        """The clauses of an episode; None of one without an instruction."""
        text = recording.header.get("instruction")
        if not text:
            return None
        traces = [step.trace for step in recording.steps]
        told: list[object] = next((t["clauses"] for t in traces if isinstance(t.get("clauses"), list)), [])
        spans = [span for one in told if (span := span_of(one, text)) is not None]
        followed = tuple(span_of(trace.get("clause"), text) for trace in traces)
        if not spans:  # a policy that tells them one by one
            spans = sorted({span for span in followed if span is not None})
        return cls(text, tuple(spans), followed)

    def to_json(self) -> dict[str, object]:
        """``pieces`` of the text; ``clauses`` and, of each step, ``followed``: which pieces they are."""
        every = [*self.spans, *(span for span in self.followed if span is not None)]
        cuts = sorted({0, len(self.text), *(cut for span in every for cut in span)})
        number = {cut: n for n, cut in enumerate(cuts)}
        return {
            "pieces": [self.text[begin:end] for begin, end in pairwise(cuts)],
            "clauses": [[number[begin], number[end]] for begin, end in self.spans],
            "followed": [None if s is None else [number[s[0]], number[s[1]]] for s in self.followed],
        }

    def number_of(self, step: int) -> int | None:
        """Which clause a step follows, from 0; None where it told none of them."""
        span = self.followed[step]
        return self.spans.index(span) if span in self.spans else None


def span_of(value: object, text: str) -> Span | None:
    """A trace's [begin, end) of a text, without the blanks at its ends; None where it is none.

    >>> span_of([2, 8], "go left then right"), span_of([0, 99], "go left")
    ((3, 7), None)
    """
    if not isinstance(value, list) or len(value) != 2 or not all(type(n) is int for n in value):
        return None
    begin, end = value
    said = text[begin:end].strip() if 0 <= begin < end <= len(text) else ""
    if not said:
        return None
    begin = text.index(said, begin)
    return begin, begin + len(said)


def hypotheses_of(trace: Mapping[str, Any]) -> list[list[float | int]]:
    """[x, y, weight, clause or -1] of a trace's hypotheses, best first; what is none is left out."""
    told = trace.get("hypotheses")
    found: list[list[float | int]] = []
    for one in told if isinstance(told, list) else []:
        point = point_of(one[:2]) if isinstance(one, list) else None
        if point is None or len(one) < 3 or type(one[2]) not in (int, float):
            continue
        clause = one[3] if len(one) > 3 and type(one[3]) is int else -1
        found.append([round(point[0], 2), round(point[1], 2), round(min(max(one[2], 0.0), 1.0), 4), clause])
    return found[:MOST_HYPOTHESES]


def told_of(step: RecordedStep, clauses: Clauses) -> list[str]:
    """A step of an instruction in words, beside what is said of any step."""
    said = []
    if (number := clauses.number_of(step.index)) is not None:
        said.append(f"Follows part {number + 1} of {len(clauses.spans)} of the instruction.")
    supposed = hypotheses_of(step.trace)
    if supposed:
        x, y, weight, _ = supposed[0]
        many = "1 hypothesis" if len(supposed) == 1 else f"{len(supposed)} hypotheses"
        said.append(f"{many}, the best ({weight:.2f}) {way_to(step, [x, y])}.")
    if step.viewpoint is not None:
        entered = len(step.walked or ())
        stands = "Stays at" if not entered else "Is at" if entered == 1 else f"After {entered} panoramas at"
        said.append(f"{stands} {step.viewpoint} afterwards.")
    return said


def beginning_of(instruction: str, most: int = _BEGINNING) -> str:
    """The first words of an instruction, whole ones where they fit.

    >>> beginning_of("Walk  past the table", 13)
    'Walk past…'
    """
    text = " ".join(instruction.split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return f"{(cut.rpartition(' ')[0] or cut).rstrip('.,;:!? ')}…"
