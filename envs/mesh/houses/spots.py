"""Where a rule would have a piece: candidate places, the better ones first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .model import Model
from .placed import Placed, Rectangle, grown, turned
from .rules import GAP_M, NEAR_M, Rule, Spot
from .workspace import BACK_M, HUNG_M, Workspace, at, shuffled

_STEP_M = 0.12
_MOST_ANCHORS = 8
_CORNER_GAP_M = 0.06
_EDGE_M = 0.005
# A cushion may reach beyond the level middle of a seat.
SOFT_EDGE_M = 0.06
# What looks where the piece below it looks.
_FRONTED = frozenset({"laptop", "tv_monitor", "clock", "lamp", "cushion"})

Candidates = Iterator[Placed]


@dataclass(frozen=True)
class Wish:
    """A model that wants a place in a room by a rule; what is drawn comes from ``rng``."""

    space: Workspace
    room: int
    rule: Rule
    model: Model
    instance: int
    rng: np.random.Generator

    @cached_property
    def inner(self) -> Rectangle:
        """The room between the faces of its walls."""
        return self.space.plan.rooms[self.room].inner

    def length(self, side: int) -> float:
        """Of the wall in the south (0), east (1), north (2) or west (3)."""
        x0, y0, x1, y1 = self.inner
        return (x1 - x0, y1 - y0)[side % 2]

    def on_floor(self, x: float, y: float, turns: int) -> Placed:
        """The piece on the room's floor."""
        return at(self.model, self.room, x, y, self.space.floor_z(self.room), turns, self.instance, None)

    def at_wall(self, side: int, t: float, gap_m: float) -> Placed:
        """The piece with its back to a wall, ``t`` along it."""
        return self.on_floor(*at_wall(self.inner, self.model, side, t, gap_m), side)

    def by(self, anchor: Placed, x: float, y: float, turns: int) -> Placed:
        """The piece at a place given in an anchor's own frame."""
        dx, dy = turned(x, y, anchor.quarter_turns)
        turns += anchor.quarter_turns
        return at(self.model, anchor.room, anchor.x + dx, anchor.y + dy, anchor.z, turns, self.instance, None)

    def anchors(self) -> list[Placed]:
        """The pieces that the rule goes by, in the order it names them."""
        found = []
        for category in self.rule.to:
            pieces = [p for p in self.space.inside(self.room) if p.category == category and p.on is None]
            found += shuffled(self.rng, pieces)
        return found[:_MOST_ANCHORS]


def candidates(wish: Wish) -> Candidates:
    """Places for a wish, the better ones first; whether they are free is not asked."""
    return _SPOTS[wish.rule.spot](wish)


def at_wall(inner: Rectangle, model: Model, side: int, t: float, gap_m: float) -> tuple[float, float]:
    """The place with the back to a wall (0 south, 1 east, 2 north, 3 west), ``t`` along it."""
    x0, y0, x1, y1 = inner
    deep = model.depth_m / 2 + gap_m
    return ((x0 + t, y0 + deep), (x1 - deep, y0 + t), (x0 + t, y1 - deep), (x0 + deep, y0 + t))[side]


def _wall_places(wish: Wish, gap_m: float) -> Iterator[tuple[float, int]]:
    """(centre along the wall, side), all along the four walls."""
    for side in range(4):
        low = wish.model.width_m / 2 + gap_m
        high = wish.length(side) - low
        if high >= low:
            for t in np.linspace(low, high, int((high - low) / _STEP_M) + 1).tolist():
                yield t, side


def _neighbours(wish: Wish, side: int, gap_m: float) -> list[float]:
    """Places along a wall next to what stands at it."""
    x0, y0, x1, y1 = wish.inner
    half = wish.model.width_m / 2 + gap_m
    found = []
    for other in wish.space.inside(wish.room):
        box = other.footprint()
        away = abs((box[1], box[2], box[3], box[0])[side] - (y0, x1, y1, x0)[side])
        if away < 0.1 and other.on is None and other.model.stands_on == "floor" and other.category != "rug":
            low, high = (box[0] - x0, box[2] - x0) if side % 2 == 0 else (box[1] - y0, box[3] - y0)
            found += [low - half, high + half]
    return found


def _along(wish: Wish, anchor: Placed, side: int) -> float:
    """Where an anchor is along a wall."""
    return anchor.x - wish.inner[0] if side % 2 == 0 else anchor.y - wish.inner[1]


def _wall(wish: Wish) -> Candidates:
    """One wall after the other, mostly from its middle outwards; rather not before a window."""
    liking = wish.rng.random(4) * 1.5
    panes = [
        [(o.span[0] - wish.inner[side % 2], o.span[1] - wish.inner[side % 2])
         for o in wish.space.openings_at(wish.room, side) if o.kind == "window"]
        for side in range(4)
    ]  # fmt: skip
    half, outwards = wish.model.width_m / 2, 1.0 if wish.rng.random() < 0.65 else -1.0
    scored = []
    for t, side in _wall_places(wish, 0.05):
        dark = any(t - half < high and low < t + half for low, high in panes[side])
        score = outwards * abs(t / wish.length(side) - 0.5) + liking[side] + 0.25 * wish.rng.random()
        scored.append((score + (1.0 if dark else 0.0), t, side))
    for _, t, side in sorted(scored):
        yield wish.at_wall(side, t, BACK_M)


def _snug(wish: Wish) -> Candidates:
    """In corners and against neighbours first, then anywhere along the walls."""
    half = wish.model.width_m / 2 + BACK_M
    first = []
    for side in range(4):
        ends = [half, wish.length(side) - half, *_neighbours(wish, side, BACK_M)]
        first += [(t, side) for t in ends]
    for t, side in [*shuffled(wish.rng, first), *shuffled(wish.rng, _wall_places(wish, 0.05))]:
        yield wish.at_wall(side, t, BACK_M)


def _corner(wish: Wish) -> Candidates:
    """In corners, then beside what stands at a wall."""
    half = wish.model.width_m / 2 + _CORNER_GAP_M
    first = [(t, side) for side in range(4) for t in (half, wish.length(side) - half)]
    later = [(t, side) for side in range(4) for t in _neighbours(wish, side, _CORNER_GAP_M)]
    for t, side in [*shuffled(wish.rng, first), *shuffled(wish.rng, later)]:
        yield wish.at_wall(side, t, _CORNER_GAP_M)


def _lengthwise(wish: Wish) -> int:
    """The quarter turns that lay a piece's long side along the room's."""
    x0, y0, x1, y1 = wish.inner
    return 0 if (x1 - x0 >= y1 - y0) == (wish.model.width_m >= wish.model.depth_m) else 1


def _middle(wish: Wish) -> Candidates:
    """About the middle of the room, its long side along the room's; sometimes towards a wall."""
    x0, y0, x1, y1 = wish.inner
    along, scored = _lengthwise(wish), []
    inwards = 1.0 if wish.rng.random() < 0.6 else -0.5
    for turns in (along, 1 - along):
        half = wish.model.width_m / 2 + 0.1, wish.model.depth_m / 2 + 0.1
        for x in np.arange(x0 + half[turns], x1 - half[turns], 0.2).tolist():
            for y in np.arange(y0 + half[1 - turns], y1 - half[1 - turns], 0.2).tolist():
                # The middle is a wide notion, and often taken by something else.
                away = max(abs(x - (x0 + x1) / 2), abs(y - (y0 + y1) / 2))
                score = inwards * away + (0.5 if turns != along else 0.0) + 0.2 * wish.rng.random()
                scored.append((score, x, y, turns))
    for _, x, y, turns in sorted(scored):
        yield wish.on_floor(x, y, turns + 2 * int(wish.rng.integers(2)))


def _free(wish: Wish) -> Candidates:
    """Rugs about the middle, small things anywhere."""
    x0, y0, x1, y1 = wish.inner
    if wish.model.category == "rug":
        for dx, dy in ((0.0, 0.0), *wish.rng.uniform(-0.8, 0.8, (6, 2)).tolist()):
            yield wish.on_floor((x0 + x1) / 2 + dx, (y0 + y1) / 2 + dy, _lengthwise(wish))
        return
    for fx, fy in wish.rng.random((20, 2)).tolist():
        x, y = x0 + 0.3 + fx * (x1 - x0 - 0.6), y0 + 0.3 + fy * (y1 - y0 - 0.6)
        yield wish.on_floor(x, y, int(wish.rng.integers(4)))


def _beside(wish: Wish) -> Candidates:
    for anchor in wish.anchors():
        aside = (anchor.model.width_m + wish.model.width_m) / 2 + NEAR_M
        back = (wish.model.depth_m - anchor.model.depth_m) / 2
        for sign in shuffled(wish.rng, (-1, 1)):
            yield wish.by(anchor, sign * aside, back, 0)


def _before(wish: Wish) -> Candidates:
    gap = GAP_M.get(wish.model.category, NEAR_M)
    for anchor in wish.anchors():
        ahead = (anchor.model.depth_m + wish.model.depth_m) / 2 + gap
        slack = max(0.0, (anchor.model.width_m - wish.model.width_m) / 2 - 0.1)
        for aside in (0.0, *wish.rng.uniform(-slack, slack, 3).tolist()):
            yield wish.by(anchor, aside, ahead, 2)


def _around(wish: Wish) -> Candidates:
    """Seats along all four sides of a table, the long ones first; armchairs turn to a coffee table."""
    gap = GAP_M.get(wish.model.category, NEAR_M)
    for anchor in wish.anchors():
        width, depth = anchor.model.width_m, anchor.model.depth_m
        seats: dict[float, list[tuple[float, float, int]]] = {}
        for turns, length, deep in ((2, width, depth), (1, depth, width)):
            ahead = (deep + wish.model.depth_m) / 2 + gap
            count = max(1, int((length + 0.1) / (wish.model.width_m + 0.12)))
            for along in (((i + 0.5) / count - 0.5) * length for i in range(count)):
                for sign in (1, -1):
                    x, y = (along, sign * ahead) if turns == 2 else (sign * ahead, along)
                    seats.setdefault(length, []).append((x, y, turns + 1 - sign))
        for length in sorted(seats, reverse=True):
            for x, y, turns in shuffled(wish.rng, seats[length]):
                yield wish.by(anchor, x, y, turns)


def _opposite(wish: Wish) -> Candidates:
    """Straight across, else (an open plan may have no wall there) at a side wall within sight."""
    for anchor in wish.anchors():
        side = (anchor.quarter_turns + 2) % 4
        for shift in (0.0, 0.15, -0.15, 0.3, -0.3, 0.5, -0.5):
            yield wish.at_wall(side, _along(wish, anchor, side) + shift, BACK_M)
        ahead = anchor.model.depth_m / 2 + 1.6
        dx, dy = turned(0.0, ahead, anchor.quarter_turns)
        for turns in shuffled(wish.rng, (1, 3)):
            side = (anchor.quarter_turns + turns) % 4
            shift = dx if side % 2 == 0 else dy
            yield wish.at_wall(side, _along(wish, anchor, side) + shift, BACK_M)


def _under(wish: Wish) -> Candidates:
    """Under a table's middle; before a bed or a sofa and a little under it."""
    for anchor in wish.anchors()[:1]:
        ahead = 0.0 if anchor.category in ("table", "coffee_table") else anchor.model.depth_m / 2 - 0.15
        for turns in (0, 1) if wish.model.width_m >= wish.model.depth_m else (1, 0):
            for less in (0.0, 0.3, 0.6) if ahead else (0.0,):
                yield wish.by(anchor, 0.0, ahead - less, turns)


def _on(wish: Wish) -> Candidates:
    """Somewhere on a surface; what has a front looks where the piece below looks."""
    model = wish.model
    places = [(anchor, *surface) for anchor in wish.anchors() for surface in wish.space.free_surfaces(anchor)]
    for _ in range(24 if places else 0):
        anchor, surface, free = places[int(wish.rng.integers(len(places)))]
        turns = anchor.quarter_turns + (0 if model.category in _FRONTED else int(wish.rng.integers(4)))
        width, depth = (model.width_m, model.depth_m) if turns % 2 == 0 else (model.depth_m, model.width_m)
        fx, fy = (0.5, 0.5) if model.category == "tv_monitor" else wish.rng.random(2).tolist()
        x0, y0, x1, y1 = grown(surface.box, SOFT_EDGE_M if model.category == "cushion" else -_EDGE_M)
        if model.height_m <= free and x1 - x0 >= width and y1 - y0 >= depth:
            x, y = x0 + width / 2 + fx * (x1 - x0 - width), y0 + depth / 2 + fy * (y1 - y0 - depth)
            yield at(model, wish.room, x, y, surface.z_m, turns, wish.instance, anchor.instance)


def _hang(wish: Wish) -> Candidates:
    for t, side in shuffled(wish.rng, _wall_places(wish, 0.1))[:60]:
        yield wish.at_wall(side, t, HUNG_M)


def _above(wish: Wish) -> Candidates:
    for anchor in wish.anchors():
        side = anchor.quarter_turns % 4
        t = _along(wish, anchor, side)
        slack = max(0.0, (anchor.model.width_m - wish.model.width_m) / 2)
        x, y = at_wall(wish.inner, anchor.model, side, t, 0.0)
        if abs(x - anchor.x) + abs(y - anchor.y) < 0.15:  # else it stands away from the wall
            for shift in (0.0, slack / 2, -slack / 2, slack, -slack):
                yield wish.at_wall(side, t + shift, HUNG_M)


def _window(wish: Wish) -> Candidates:
    for side in range(4):
        for opening in wish.space.openings_at(wish.room, side):
            if opening.kind == "window":
                gap = HUNG_M if wish.model.stands_on == "wall" else BACK_M
                yield wish.at_wall(side, opening.centre - wish.inner[side % 2], gap)


_SPOTS: Mapping[Spot, Callable[[Wish], Candidates]] = {
    Spot.WALL: _wall, Spot.SNUG: _snug, Spot.CORNER: _corner, Spot.MIDDLE: _middle, Spot.FREE: _free,
    Spot.BESIDE: _beside, Spot.BEFORE: _before, Spot.AROUND: _around, Spot.OPPOSITE: _opposite,
    Spot.UNDER: _under, Spot.ON: _on, Spot.HANG: _hang, Spot.ABOVE: _above, Spot.WINDOW: _window,
}  # fmt: skip
