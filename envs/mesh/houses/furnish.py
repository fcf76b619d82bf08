"""Furnishes a plan by the rules of its rooms."""

from collections.abc import Callable, Iterable

import numpy as np

from placecell.errors import SceneError

from .catalogue import make_model, variants
from .model import Model
from .placed import Placed
from .plan import Plan
from .reach import reachable_rooms
from .rules import RULES, Rule, Spot
from .spots import Wish, at_wall, candidates
from .workspace import BACK_M, Workspace, at, shuffled

_ROOM_ATTEMPTS = 4
# What is placed on, over and between the furniture once that stands.
LATER = (Spot.ON, Spot.HANG, Spot.ABOVE, Spot.FREE)
_USUAL = 0.9
_SEAT_ATTEMPTS = 6
_REACH_CHECKS = 8
# How often another size is tried; on a wall or a surface it makes little difference.
_MODELS_TRIED = 3
_MODELS_TRIED_AT = {Spot.ON: 2, Spot.HANG: 1, Spot.WINDOW: 1, Spot.CORNER: 2}
_STANDS_ON = {Spot.ON: "top", Spot.HANG: "wall", Spot.ABOVE: "wall", Spot.WINDOW: None}
_RUN_GAP_M, _RUN_STEP_M = 0.006, 0.05
# What comes in sets: of one room, all alike as far as they fit.
_ALIKE = frozenset(
    {"armchair", "cabinet", "chair", "counter", "curtain", "nightstand", "radiator", "stool", "towel"}
)


def furnish(plan: Plan, split: str, rng: np.random.Generator) -> tuple[Placed, ...]:
    """Furniture and small things for every room of a plan, instances from 1.

    Raises:
        SceneError: a room is too small, or too full of doors, for what its kind needs.
    """
    space = Workspace(plan)
    for room in range(len(plan.rooms)):
        _furnish_room(space, room, split, rng)
    furniture = space.furniture
    cut_off = set(range(len(plan.rooms))) - reachable_rooms(plan, furniture)
    if cut_off:
        names = ", ".join(plan.rooms[i].name for i in sorted(cut_off))
        raise SceneError(
            expected="a plan whose rooms can all be walked to",
            came=f"{names} cut off",
            fix="widen the doors of the plan, or take another seed",
        )
    return furniture


def _furnish_room(space: Workspace, room: int, split: str, rng: np.random.Generator) -> None:
    """What stands on the floor is tried a few times over, and the fullest room kept; then the rest."""
    kind, name = space.plan.rooms[room].kind, space.plan.rooms[room].name
    if not space.open_with(room, ()):
        raise _too_small(name, "a way through it")
    large = tuple(rule for rule in RULES[kind] if rule.spot not in LATER)
    best: tuple[int, list[Placed], Furnisher] | None = None
    missing: list[Rule] = []
    for attempt in range(_ROOM_ATTEMPTS):
        if best is None and attempt == _ROOM_ATTEMPTS - 1:
            large = tuple(sorted(large, key=lambda rule: not rule.needed))
        furnisher = Furnisher(space, room, split, rng)
        missing = furnisher.follow(large)
        placed = space.inside(room)
        if not any(rule.needed for rule in missing) and (best is None or len(missing) < best[0]):
            best = len(missing), placed, furnisher
        for piece in placed:
            space.take(piece.instance)
        if not missing:
            break
    if best is None:
        needed = next(rule for rule in missing if rule.needed)
        raise _too_small(name, " or ".join(needed.categories))
    for piece in best[1]:
        space.put(piece)
    best[2].follow(rule for rule in RULES[kind] if rule.spot in LATER)


def _too_small(name: str, what: str) -> SceneError:
    return SceneError(
        expected=f"room for {what} in {name}",
        came="none between its doors and windows",
        fix="ask for fewer rooms, or take another seed",
    )


class Furnisher:
    """Adds new pieces to one room by rules.

    Args:
        space: the house so far.
        room: index of the room.
        split: whose shapes and colours.
        rng: what is drawn from.
    """

    def __init__(self, space: Workspace, room: int, split: str, rng: np.random.Generator) -> None:
        self._space, self._room, self._split, self._rng = space, room, split, rng
        self._kind = space.plan.rooms[room].kind
        # Sets: models by category and what they stand on.
        self._alike: dict[tuple[str, str], Model] = {}

    def follow(self, rules: Iterable[Rule]) -> list[Rule]:
        """Grants wishes in order as far as there is space.

        Returns:
            Rules that were not, of those that are needed and those that most rooms of the kind grant; a
            needed one ends the list.
        """
        missing = []
        for rule in rules:
            if rule.spot is Spot.RUN:
                self._fit_run(rule)
                continue
            have = self._count(rule) if rule.needed else 0
            wanted = 0
            if rule.needed or self._rng.random() < rule.chance:
                wanted = int(self._rng.integers(rule.least, rule.most + 1))
            placed = 0
            while placed < wanted - have and self.place(rule) is not None:
                placed += 1
            if have + placed == 0 and wanted and rule.chance >= _USUAL and self._has(rule.to):
                missing.append(rule)
                if rule.needed:
                    break
        return missing

    def _count(self, rule: Rule) -> int:
        return sum(placed.category in rule.categories for placed in self._space.inside(self._room))

    def _has(self, categories: tuple[str, ...]) -> bool:
        """Whether one of them is here; so it is where none is asked for."""
        present = {placed.category for placed in self._space.inside(self._room)}
        return not categories or not present.isdisjoint(categories)

    def place(self, rule: Rule) -> Placed | None:
        """A new piece where it fits and leaves every way free, with its seats; None where it does not."""
        if rule.seats is None:
            return self._place(rule)
        before = {placed.instance for placed in self._space.inside(self._room)}
        for _ in range(_SEAT_ATTEMPTS):
            placed = self._place(rule)
            if placed is None:
                return None
            wanted = int(self._rng.integers(rule.seats.least, rule.seats.most + 1))
            seats = 0
            while seats < wanted and self._place(rule.seats) is not None:
                seats += 1
            if seats >= rule.seats.least:
                return placed
            for other in self._space.inside(self._room):
                if other.instance not in before:
                    self._space.take(other.instance)
        return self._place(rule) if rule.needed else None

    def _place(self, rule: Rule) -> Placed | None:
        space, room, rng = self._space, self._room, self._rng
        stands_on = _STANDS_ON.get(rule.spot, "floor")
        if not self._has(rule.to):
            return None
        # What is named more than once is likelier to come first.
        for category in dict.fromkeys(shuffled(rng, rule.categories)):
            if not variants(category, self._split, stands_on=stands_on, room=self._kind):
                continue
            same = self._alike.get((category, stands_on or "wall"))
            for attempt in range(_MODELS_TRIED_AT.get(rule.spot, _MODELS_TRIED)):
                model = same
                if model is None or attempt:
                    model = self._make(category, stands_on)
                placed = find(space, room, rule, model, rng, space.next_instance)
                if placed is not None:
                    space.put(placed)
                    if category in _ALIKE:
                        self._alike.setdefault((category, model.stands_on), model)
                    return placed
        return None

    def _make(self, category: str, stands_on: str | None) -> Model:
        return make_model(category, self._split, self._rng, stands_on=stands_on, room=self._kind)

    def _fit_run(self, rule: Rule) -> None:
        """A row along a wall, from a corner on; what finds no room on this wall is left to later rules."""
        space, room = self._space, self._room
        inner = space.plan.rooms[room].inner
        side = max(range(4), key=lambda side: _free_length(space, room, side) + 0.8 * self._rng.random())
        made = {category: self._make(category, "floor") for category in dict.fromkeys(rule.categories)}
        self._alike |= {(c, "floor"): model for c, model in made.items() if c in _ALIKE}
        length = (inner[2] - inner[0], inner[3] - inner[1])[side % 2]
        backwards = bool(self._rng.integers(2))
        reach = BACK_M
        for model in (made[category] for category in rule.categories):
            t = reach + model.width_m / 2
            while t + model.width_m / 2 <= length - BACK_M:
                x, y = at_wall(inner, model, side, length - t if backwards else t, BACK_M)
                piece = at(model, room, x, y, space.floor_z(room), side, space.next_instance, None)
                if space.fits(piece) and space.reachable(piece):
                    space.put(piece)
                    reach = t + model.width_m / 2 + _RUN_GAP_M
                    break
                t += _RUN_STEP_M


def find(
    space: Workspace,
    room: int,
    rule: Rule,
    model: Model,
    rng: np.random.Generator,
    instance: int,
    *,
    accept: Callable[[Placed], bool] = lambda _: True,
) -> Placed | None:
    """The first place for a given model by a rule that is accepted; None where there is none."""
    checks = 0
    for candidate in candidates(Wish(space, room, rule, model, instance, rng)):
        if space.fits(candidate) and accept(candidate):
            if space.reachable(candidate):
                return candidate
            checks += 1
            if checks == _REACH_CHECKS:
                return None
    return None


def _free_length(space: Workspace, room: int, side: int) -> float:
    """How much of a wall has no door in it; windows are no hindrance to a counter."""
    inner = space.plan.rooms[room].inner
    length = (inner[2] - inner[0], inner[3] - inner[1])[side % 2]
    return length - sum(o.width_m + 0.2 for o in space.openings_at(room, side) if o.kind != "window")
