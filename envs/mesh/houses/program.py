"""What a home of so many rooms consists of, and how large people build each kind of room."""

from dataclasses import dataclass

import numpy as np

PUBLIC = ("living_room", "kitchen", "dining_room")
SPINE = "corridor"


@dataclass(frozen=True)
class Size:
    """Square metres and least width of a kind of room, between the middles of its walls."""

    least_m2: float
    most_m2: float
    least_width_m: float = 2.7


SIZES = {
    "living_room": Size(17.0, 33.0, 3.7),
    "kitchen": Size(8.0, 15.0, 2.3),
    "dining_room": Size(9.0, 16.0),
    "bedroom": Size(9.5, 18.0),
    "bathroom": Size(4.3, 8.3, 1.8),
    "office": Size(7.5, 13.0, 2.4),
    "laundry": Size(3.8, 7.0, 1.8),
    "hallway": Size(4.0, 9.0, 1.8),
    "nursery": Size(8.0, 13.0, 2.5),
    "gym": Size(10.0, 18.0),
}
SMALL = ("bathroom", "laundry", "hallway")

# How often a further room is of a kind, and how many of it a home has at most.
_FURTHER = {
    "bedroom": (4.0, 4), "bathroom": (2.0, 3), "dining_room": (2.0, 1), "office": (1.4, 1),
    "laundry": (1.0, 1), "nursery": (0.8, 1), "hallway": (0.9, 1), "gym": (0.5, 1),
}  # fmt: skip
_UPSTAIRS = ("bedroom", "bathroom", "office", "nursery")
_ONLY_DOWNSTAIRS = ("living_room", "kitchen", "dining_room", "hallway", "laundry", "gym")


def draw_kinds(count: int, rng: np.random.Generator) -> list[str]:
    """The rooms of a home on one storey; from five on, one of them is the corridor that the others lie at."""
    kinds = ["living_room", "bedroom", "bathroom"]
    kinds += ["kitchen"] * (count >= 4) + [SPINE] * (count >= 5)
    return [*kinds, *_further(kinds, count - len(kinds), tuple(_FURTHER), rng)]


def draw_storeys(count: int, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """The rooms below and above, from six on: one lives below and sleeps above."""
    above_count = count // 2 if count % 2 == 0 or rng.random() < 0.5 else count // 2 + 1
    above = [SPINE, "bedroom", "bathroom"][:above_count]
    above += _further(above, above_count - len(above), _UPSTAIRS, rng)
    below = [SPINE, "living_room", "kitchen"]
    more = ("bathroom", *_ONLY_DOWNSTAIRS[2:], "office")
    below += _further([*above, *below], count - above_count - len(below), more, rng)
    return below, above


def _further(have: list[str], count: int, kinds: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    drawn: list[str] = []
    for _ in range(count):
        all_kinds = [*have, *drawn]
        # No second bathroom before a second bedroom, as in most homes.
        enough = {k for k in kinds if all_kinds.count(k) >= _FURTHER[k][1]}
        if all_kinds.count("bathroom") >= max(all_kinds.count("bedroom"), 1):
            enough.add("bathroom")
        choice = [k for k in kinds if k not in enough]
        weight = np.array([_FURTHER[k][0] for k in choice])
        if "bedroom" in choice and all_kinds.count("bedroom") == 1 and rng.random() < 0.7:
            drawn.append("bedroom")
        else:
            drawn.append(choice[int(np.searchsorted(weight.cumsum(), rng.random() * weight.sum()))])
    return drawn
