"""How far numbers on frames say what is true: counts, and the shares they come to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from placecell.memory.markers import Mark, ObjectMarkers

from .marker_survey import Surfaces, View, true_depth

NEAR_M = (0.0, 1.5, 3.0, 5.0)
HIDDEN = (0.0, 0.1, 0.5, 1.0)
LEAST_PIXELS = 30
_ALL = "all"


@dataclass
class Tally:
    """Right ones of how many, by kind of case."""

    right: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def add(self, right: bool, kinds: Sequence[str]) -> None:
        """One case that belongs to several kinds."""
        for kind in (_ALL, *kinds):
            self.of[kind] += 1
            self.right[kind] += right

    def share(self, kind: str = _ALL) -> float:
        """Right ones of those of a kind; NaN where there is none."""
        return self.right[kind] / self.of[kind] if self.of[kind] else float("nan")


def kinds_of(depth_m: float, hidden: float) -> tuple[str, ...]:
    """The bands of distance and of hiddenness that a case lies in; none beyond the last distance."""
    near = np.searchsorted(NEAR_M, depth_m, side="right")
    if not 0 < near < len(NEAR_M):
        return ()
    covered = min(int(np.searchsorted(HIDDEN, hidden, side="right")), len(HIDDEN) - 1)
    return (
        f"{NEAR_M[near - 1]:g}_to_{NEAR_M[near]:g}_m",
        f"hidden_{HIDDEN[covered - 1]:g}_to_{HIDDEN[covered]:g}",
    )


@dataclass
class Score:
    """Counts over houses.

    Args:
        precision: of marks, those at a pixel of the thing that their number stands for.
        recall: of things seen, those that carry the mark that stands for them.
        kept: of things seen again after the map was looked at anew, those that still had their number.
        told: the same, where the markers tell what became of a number that was joined to another.
        switches: surface whose number changed as the map grew, as the markers count it themselves.
        objects: numbers that frames show.
        things: instances that frames show.
        numbered: of these, those that some number stands for.
    """

    precision: Tally = field(default_factory=Tally)
    recall: Tally = field(default_factory=Tally)
    kept: Tally = field(default_factory=Tally)
    told: Tally = field(default_factory=Tally)
    switches: int = 0
    objects: int = 0
    things: int = 0
    numbered: int = 0

    def add_house(
        self, markers: ObjectMarkers, views: Sequence[View], surfaces: Surfaces, category: Mapping[int, int]
    ) -> None:
        """The marks of a finished map on some frames of it, each against the truth.

        Args:
            markers: of the map.
            views: the frames.
            surfaces: of the house's things.
            category: of each instance that may be numbered.
        """
        stands_for = majority(markers, views)
        seen = set[int]()
        for view in views:
            marks, hidden = markers.in_frame(view.frame), surfaces.hidden(view)
            carried = set[int]()
            for mark in marks:
                thing, at = stands_for.get(mark.id, 0), _instance_at(view, mark)
                covered = float(hidden[thing]) if thing < len(hidden) else 0.0
                self.precision.add(thing > 0 and thing == at, kinds_of(mark.depth_m, covered))
                carried |= {thing} & {at}
            for thing, pixels, depth_m in zip(*true_depth(view.truth.depth, view.instances), strict=True):
                if pixels >= LEAST_PIXELS and int(thing) in category:
                    self.recall.add(int(thing) in carried, kinds_of(float(depth_m), float(hidden[thing])))
                    seen.add(int(thing))
        self.switches += markers.switches
        self.objects += len(stands_for)
        self.things += len(seen)
        self.numbered += len(seen & set(stands_for.values()))


def majority(markers: ObjectMarkers, views: Sequence[View]) -> dict[int, int]:
    """The instance that each number stands for: that of most of its pixels in all frames; 0 for a wall."""
    counts: dict[int, Counter[int]] = {}
    for view in views:
        numbers = markers.image(view.frame)
        shown = numbers > 0
        pairs, times = np.unique(
            np.stack([numbers[shown], view.instances[shown]]), axis=1, return_counts=True
        )
        for number, instance, count in zip(*pairs.tolist(), times.tolist(), strict=True):
            counts.setdefault(number, Counter())[instance] += count
    return {number: max(found, key=lambda i: (found[i], -i)) for number, found in counts.items()}


class Identities:
    """Whether things keep their numbers while the map grows."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def look(self, markers: ObjectMarkers, views: Sequence[View], score: Score) -> None:
        """Compares the numbers on frames taken since the last look with what the things had before."""
        now: dict[int, Counter[int]] = {}
        for view in views:
            for mark in markers.in_frame(view.frame):
                thing = _instance_at(view, mark)
                if thing > 0:
                    now.setdefault(thing, Counter())[mark.id] += mark.pixels
        for thing, numbers in now.items():
            before = self._known.get(thing)
            if before is not None:
                score.kept.add(before in numbers, ())
                score.told.add(markers.now(before) in numbers, ())
            if before not in numbers:
                self._known[thing] = max(numbers, key=lambda n: (numbers[n], -n))


def _instance_at(view: View, mark: Mark) -> int:
    column, row = mark.pixel
    return int(view.instances[row, column])
