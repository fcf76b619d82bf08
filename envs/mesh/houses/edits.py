"""The same house some time later: furniture moved, removed, added. What a memory of it is then worth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from placecell.arrays import generator
from placecell.errors import SceneError

from .furnish import Furnisher, find
from .house import House
from .placed import Placed, turned
from .reach import reachable_rooms
from .rules import FIXED, RULES, Rule, Spot, companions, rules_for
from .workspace import Workspace, at, shuffled

SHARES = (0.4, 0.1, 0.1)
# What was carried less far than this still stands where it stood.
LEAST_MOVE_M = 1.0
_COMPANIONS_WITHIN_M = 2.2
_ADD_TRIES = 12


def edit_house(
    house: House, seed: int, *, moved: float = SHARES[0], removed: float = SHARES[1], added: float = SHARES[2]
) -> House:
    """Furniture of a house elsewhere, gone, or new, by the rules it was placed by; walls stay.

    What stands on a moved piece goes with it, as do chairs with their table and nightstands with their bed;
    what stands on a removed piece is removed. Built-in things (counters, stoves, baths, radiators...) stay.

    Args:
        house: as it was made.
        seed: of the edit; the same house and seed give the same edit.
        moved, removed, added: shares of the loose things, 0..1. Moves and additions that find no place are
            left out, so that a crowded house may see fewer.

    Returns:
        A house named ``NAME~SEED``; what stayed and what moved keep their instance ids, new things get new
        ones.

    Raises:
        SceneError: a share outside 0..1, or a house that is an edit already.
    """
    for name, share in (("moved", moved), ("removed", removed), ("added", added)):
        if not 0 <= share <= 1:
            raise SceneError(
                expected=f"the share {name} from 0 to 1",
                came=f"{share:g}",
                fix="0.4 moves four things in ten",
            )
    if house.edit is not None:
        raise SceneError(
            expected="a house as it was made",
            came=f"{house.name}, an edit",
            fix="edit the original with another seed",
        )
    rng = generator(seed, "edit", house.name, moved, removed, added)
    space = Workspace(house.plan, house.furniture)
    loose = sum(placed.category not in FIXED for placed in house.furniture)
    gone = _remove(space, round(removed * loose), rng)
    _move(space, round(moved * loose), rng)
    _add(space, house.split, round(added * loose), rng, gone)
    name = f"{house.name}~{seed}"
    if (moved, removed, added) != SHARES:
        name += f"-{moved:g}-{removed:g}-{added:g}"
    if len(reachable_rooms(house.plan, space.furniture)) < len(house.plan.rooms):
        raise SceneError(
            expected=f"{name} to leave every room within reach",
            came="a room cut off",
            fix="take another seed",
        )
    return replace(house, name=name, furniture=space.furniture, edit=seed)


def _loose(space: Workspace, rng: np.random.Generator) -> list[Placed]:
    return shuffled(rng, (placed for placed in space.furniture if placed.category not in FIXED))


def _tops(space: Workspace, below: Placed) -> list[Placed]:
    return [placed for placed in space.inside(below.room) if placed.on == below.instance]


def _remove(space: Workspace, count: int, rng: np.random.Generator) -> frozenset[str]:
    """Takes things away with what stands on them; gives back the categories."""
    gone: list[str] = []
    for placed in _loose(space, rng):
        if len(gone) >= count:
            break
        group = [*_tops(space, placed), placed]
        here = any(placed.instance == other.instance for other in space.inside(placed.room))
        if here and len(gone) + len(group) <= count + 1:
            gone += [space.take(thing.instance).category for thing in group]
    return frozenset(gone)


def _move(space: Workspace, count: int, rng: np.random.Generator) -> None:
    moved: set[int] = set()
    for placed in _loose(space, rng):
        if len(moved) >= count:
            break
        if placed.instance not in moved:
            moved |= _carry(space, placed, rng)


def _carry(space: Workspace, placed: Placed, rng: np.random.Generator) -> set[int]:
    """Carries a thing, what stands on it and what belongs to it elsewhere; what moved, empty if nothing."""
    tops, along = _tops(space, placed), _companions(space, placed)
    group = [placed, *tops, *(thing for piece in along for thing in (piece, *_tops(space, piece)))]
    for thing in group:
        space.take(thing.instance)
    rooms = sorted(range(len(space.plan.rooms)), key=lambda room: (room == placed.room) * 0.4 + rng.random())
    for room in rooms:
        for rule in shuffled(rng, rules_for(placed.category, space.plan.rooms[room].kind)):
            if not _suits(placed, rule):
                continue
            new = find(
                space, room, rule, placed.model, rng, placed.instance, accept=_elsewhere(space, placed, tops)
            )
            if new is not None:
                space.put(new)
                for thing in _with(placed, new, tops):
                    space.put(thing)
                by_group = [(piece, [t for t in group if t.on == piece.instance]) for piece in along]
                if all(_follow(space, piece, on, new, rng) for piece, on in by_group):
                    return {thing.instance for thing in group}
                present = {thing.instance for thing in space.furniture}
                for thing in group:
                    if thing.instance in present:
                        space.take(thing.instance)
    for thing in group:
        space.put(thing)
    return set()


def _companions(space: Workspace, placed: Placed) -> list[Placed]:
    names = companions(placed.category)
    return [
        other
        for other in space.inside(placed.room)
        if other.category in names
        and other.on is None
        and abs(other.x - placed.x) + abs(other.y - placed.y) < _COMPANIONS_WITHIN_M
    ]


def _suits(placed: Placed, rule: Rule) -> bool:
    wanted = {Spot.ON: "top", Spot.HANG: "wall", Spot.ABOVE: "wall"}.get(rule.spot, "floor")
    return placed.model.stands_on == wanted


def _elsewhere(space: Workspace, old: Placed, tops: list[Placed]) -> Callable[[Placed], bool]:
    """Accepts a place that is another one, and has room for what stands on the piece."""

    def accept(new: Placed) -> bool:
        far = new.room != old.room or abs(new.x - old.x) + abs(new.y - old.y) >= LEAST_MOVE_M
        return (
            far
            and (new.on is None or new.on != old.on)
            and all(space.fits(thing) for thing in _with(old, new, tops))
        )

    return accept


def _with(old: Placed, new: Placed, tops: list[Placed]) -> list[Placed]:
    """What stood on a piece, on the piece where it is now."""
    found = []
    for top in tops:
        turns = new.quarter_turns - old.quarter_turns
        dx, dy = turned(top.x - old.x, top.y - old.y, turns)
        z = new.z + top.z - old.z
        found.append(
            at(
                top.model,
                new.room,
                new.x + dx,
                new.y + dy,
                z,
                top.quarter_turns + turns,
                top.instance,
                new.instance,
            )
        )
    return found


def _follow(
    space: Workspace, piece: Placed, tops: list[Placed], anchor: Placed, rng: np.random.Generator
) -> bool:
    """Places a companion by what it belongs to, else by another rule of the room, else where it stood."""
    kind = space.plan.rooms[anchor.room].kind
    rules = sorted(rules_for(piece.category, kind), key=lambda rule: anchor.category not in rule.to)
    for rule in rules:
        if _suits(piece, rule):
            new = find(
                space, anchor.room, rule, piece.model, rng, piece.instance,
                accept=lambda new: all(space.fits(thing) for thing in _with(piece, new, tops)),
            )  # fmt: skip
            if new is not None:
                for thing in (new, *_with(piece, new, tops)):
                    space.put(thing)
                return True
    if space.fits(piece) and space.reachable(piece) and all(space.fits(thing) for thing in tops):
        for thing in (piece, *tops):
            space.put(thing)
        return True
    return False


def _add(
    space: Workspace,
    split: str,
    count: int,
    rng: np.random.Generator,
    gone: frozenset[str],
) -> None:
    """New things by the rules of a room drawn at random; not of a category that was just removed."""
    for _ in range(count):
        for _ in range(_ADD_TRIES):
            room = int(rng.integers(len(space.plan.rooms)))
            rules = RULES[space.plan.rooms[room].kind]
            rule = rules[int(rng.integers(len(rules)))]
            names = tuple(c for c in dict.fromkeys(rule.categories) if c not in FIXED and c not in gone)
            if rule.spot is Spot.RUN or not names:
                continue
            if Furnisher(space, room, split, rng).place(Rule(names, rule.spot, rule.to)) is not None:
                break
