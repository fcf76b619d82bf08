"""Doors and passages from room to room: every room is reached, and none through a bathroom."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .layout import Slot
from .openings import DOOR_TOP_M, opening_in, shared_walls
from .program import PUBLIC, SPINE
from .rooms import Opening, Stairs

_LEAST_DOOR_M, _LEAST_PASSAGE_M = 0.9, 1.15
_THROUGH = ("hallway", SPINE, *PUBLIC)


class Ways:
    """The doors and passages of a plan while they are chosen.

    Args:
        slots: the rooms.
        stairs: what is in the way of doors.
        rng: draws which walls are opened, where and how wide.
    """

    def __init__(self, slots: Sequence[Slot], stairs: Sequence[Stairs], rng: np.random.Generator) -> None:
        self.slots, self.stairs, self.rng = slots, stairs, rng
        self.walls = shared_walls(slots, stairs)
        self.openings: list[Opening] = []
        self.beside: dict[int, list[int]] = {i: [] for i in range(len(slots))}
        for i, j in self.walls:
            self.beside[i].append(j)
            self.beside[j].append(i)
        self.linked: list[tuple[int, int]] = []

    def _kind(self, i: int) -> str:
        return self.slots[i].kind

    def _chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def _room_for(self, i: int, j: int) -> float:
        """The widest opening that fits between two rooms, metres (0: they don't touch)."""
        wall = self.walls.get((min(i, j), max(i, j)))
        return max((b - a for a, b in wall[2]), default=0.0) if wall else 0.0

    def _link(self, i: int, j: int, *, passage: bool = False) -> bool:
        """Opens the wall between two rooms where there is room; a wide passage if asked for and possible."""
        key = (min(i, j), max(i, j))
        if key in self.linked:
            return True
        widest = self._room_for(i, j)
        if widest < _LEAST_DOOR_M:
            return False
        along, at, free = self.walls[key]
        low, high = max(free, key=lambda f: (f[1] - f[0], f))
        roomy = [f for f in free if f[1] - f[0] >= _LEAST_DOOR_M]
        if not passage:
            low, high = roomy[int(self.rng.integers(len(roomy)))]
        passage = passage and widest >= _LEAST_PASSAGE_M
        if passage:
            width = round(min(float(self.rng.uniform(1.2, 2.4)), widest), 2)
        else:
            width = round(min(float(self.rng.choice([0.9, 0.92, 0.95, 1.0])), widest), 2)
        top = DOOR_TOP_M if not passage else float(self.rng.choice([DOOR_TOP_M, 2.2]))
        self.linked.append(key)
        opening = opening_in(
            (low, high), at, along, self.rng, kind="passage" if passage else "door",
            storey=self.slots[i].storey, width_m=width, rooms=key, top_m=top,
        )  # fmt: skip
        self.openings.append(opening)
        return True

    def connect(self) -> bool:
        """Chooses all doors and passages; False where some room cannot be reached decently."""
        self._open_public()
        spines = self._of_kind(SPINE)
        for spine in spines:
            for i in self.beside[spine]:
                if self._from_spine(i):
                    self._link(spine, i, passage=self._wide(i))
        self._loops()
        roots = spines or self._of_kind("living_room")
        return self._reach(roots) and self._a_bathroom_for_guests()

    def _open_public(self) -> None:
        public = [i for kind in ("living_room", "dining_room", "kitchen") for i in self._of_kind(kind)]
        for i, j in combinations(public, 2):
            if j in self.beside[i]:
                self._link(i, j, passage=self._chance(0.8))

    def _wide(self, i: int) -> bool:
        return self._kind(i) == "hallway" or (self._kind(i) in PUBLIC and self._chance(0.6))

    def _from_spine(self, i: int) -> bool:
        """Whether a room at the corridor opens to it."""
        kind = self._kind(i)
        if kind in ("kitchen", "dining_room"):
            return not any(i in pair for pair in self.linked) or self._chance(0.5)
        if kind == "laundry" and any(self._kind(j) == "kitchen" for j in self.beside[i]):
            return self._chance(0.5)
        if kind == "bathroom" and self._others("bathroom", i):
            owners = [j for j in self.beside[i] if self._kind(j) == "bedroom" and self._room_for(i, j) > 1]
            taken = any(self._kind(k) == "bathroom" for j in owners for k in self._linked_to(j))
            if owners and not taken and self._chance(0.6):
                self._link(i, owners[int(self.rng.integers(len(owners)))])
                return self._chance(0.25)
        return True

    def _others(self, kind: str, i: int) -> list[int]:
        return [j for j in self._of_kind(kind) if j != i and self.slots[j].storey == self.slots[i].storey]

    def _linked_to(self, i: int) -> list[int]:
        return [a if b == i else b for a, b in self.linked if i in (a, b)]

    def _loops(self) -> None:
        """Second ways into rooms, as homes have them."""
        chances = {
            ("living_room", "office"): 0.4, ("hallway", "living_room"): 0.5, ("hallway", "kitchen"): 0.3,
            ("bathroom", "bedroom"): 0.12, ("kitchen", "laundry"): 0.5, ("bedroom", "nursery"): 0.4,
            ("gym", "living_room"): 0.3,
        }  # fmt: skip
        for i, j in self.walls:
            kinds = tuple(sorted((self._kind(i), self._kind(j))))
            if kinds in chances and self._chance(chances[kinds]):
                bathrooms = [k for k in (i, j) if self._kind(k) == "bathroom"]
                if all(len(self._linked_to(k)) < 2 for k in bathrooms):
                    self._link(i, j)

    def _reach(self, roots: list[int]) -> bool:
        """Links what is not yet reached to where one may come from; through bedrooms only to a bathroom."""
        reached = self._walk(roots)
        while len(reached) < len(self.slots):
            found = False
            for i in range(len(self.slots)):
                if i in reached:
                    continue
                order = self._ways_to(self._kind(i), bool(self._of_kind(SPINE)))
                ways = [j for j in self.beside[i] if j in reached and self._kind(j) in order]
                ways.sort(key=lambda j: (order.index(self._kind(j)), j))
                if any(self._link(i, j) for j in ways):
                    found = True
                    break
            if not found:
                return False
            reached = self._walk(roots)
        return True

    @staticmethod
    def _ways_to(kind: str, hall: bool) -> tuple[str, ...]:
        """From what kinds of rooms a room may be entered, the best first."""
        if kind == "bathroom":
            return ("hallway", SPINE, "bedroom") if hall else ("living_room", "bedroom")
        return (*_THROUGH, "bedroom") if kind == "nursery" else _THROUGH

    def _of_kind(self, kind: str) -> list[int]:
        return [i for i, slot in enumerate(self.slots) if slot.kind == kind]

    def _walk(self, roots: list[int]) -> set[int]:
        reached, todo = set(roots), list(roots)
        while todo:
            i = todo.pop()
            for j in self._linked_to(i):
                private = self._kind(i) not in _THROUGH
                own = self._kind(i) == "bedroom" and self._kind(j) in ("bathroom", "nursery")
                if j not in reached and (not private or own):
                    reached.add(j)
                    todo.append(j)
        return reached

    def _a_bathroom_for_guests(self) -> bool:
        """With several bedrooms on a storey, one bathroom there has a door that is no bedroom's."""
        for storey in {slot.storey for slot in self.slots}:
            here = [i for i, slot in enumerate(self.slots) if slot.storey == storey]
            baths = [i for i in here if self._kind(i) == "bathroom"]
            several = sum(self._kind(i) == "bedroom" for i in here) >= 2
            owners = [self._kind(j) for i in baths for j in self._linked_to(i)]
            if several and owners and set(owners) == {"bedroom"}:
                return False
        return True
