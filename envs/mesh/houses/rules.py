"""Where people put their furniture: for each kind of room what stands in it, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Spot(Enum):
    """How a piece finds its place."""

    WALL = "its back to a wall, nearer the middle of it"
    SNUG = "its back to a wall, in a corner or against a neighbour"
    CORNER = "in a corner"
    MIDDLE = "free in the room, nearer its middle"
    RUN = "one against the other along a wall, as kitchens are fitted"
    BESIDE = "left or right of another, backs in line"
    BEFORE = "in front of another, facing it"
    AROUND = "at the sides of another, facing it"
    OPPOSITE = "at the wall that another faces"
    UNDER = "flat on the floor under another"
    ON = "on a surface of another"
    HANG = "on a wall"
    ABOVE = "on the wall above another"
    WINDOW = "at a window"
    FREE = "flat on free floor"


@dataclass(frozen=True)
class Rule:
    """One wish for a room, granted when there is space.

    Args:
        categories: alternatives, tried in random order; for ``Spot.RUN`` the sequence.
        spot: how the piece finds its place.
        to: categories of what it is placed by, for spots that need another piece.
        least, most: how many, drawn evenly.
        chance: how often the wish is made at all.
        needed: a room without it is not furnished.
        seats: what has to find a place along with it, as chairs do with their table.
    """

    categories: tuple[str, ...]
    spot: Spot
    to: tuple[str, ...] = ()
    least: int = 1
    most: int = 1
    chance: float = 1.0
    needed: bool = False
    seats: "Rule | None" = None


# Free floor in front of a piece that it takes to use it, metres.
FRONT_M: Mapping[str, float] = {
    "wardrobe": 0.6, "chest_of_drawers": 0.5, "bookshelf": 0.5, "cabinet": 0.5, "counter": 0.7, "stove": 0.7,
    "refrigerator": 0.7, "washing_machine": 0.5, "toilet": 0.45, "sink": 0.45, "shower": 0.4, "desk": 0.65,
    "piano": 0.65, "tv_stand": 0.5, "fireplace": 0.7, "sofa": 0.35, "armchair": 0.2, "mirror": 0.4,
    "shoe_rack": 0.3, "coat_rack": 0.2,
}  # fmt: skip

# What may stand there all the same.
IN_FRONT: Mapping[str, tuple[str, ...]] = {
    "desk": ("chair", "stool"),
    "piano": ("stool", "bench"),
    "sofa": ("coffee_table", "armchair"),
    "armchair": ("coffee_table", "table", "sofa"),
    "counter": ("stool",),
}

# How far in front of, or around, what it belongs to a piece stands; the others touch almost.
GAP_M: Mapping[str, float] = {"coffee_table": 0.38, "armchair": 0.38, "bench": 0.06}
NEAR_M = 0.04

# Built in: nobody carries them to another room.
FIXED = frozenset(
    {
        *("counter", "sink", "stove", "toilet", "bathtub", "shower", "fireplace", "radiator", "curtain"),
        *("refrigerator", "washing_machine"),
    }
)


def _books_and_things(*to: str, least: int = 2, most: int = 5) -> Rule:
    things = ("book", "book", "book", "book", "vase", "vase", "box", "bowl", "plant")
    return Rule(things, Spot.ON, to, least, most)


_WINDOWS = (Rule(("curtain",), Spot.WINDOW, most=4, least=4, chance=0.8),)
_RADIATOR = (Rule(("radiator",), Spot.WINDOW, most=2, chance=0.75),)
_PICTURES = Rule(("picture",), Spot.HANG, least=1, most=3, chance=0.85)
_CORNER_LAMP = Rule(("lamp",), Spot.CORNER, chance=0.5)
_CORNER_PLANT = Rule(("plant",), Spot.CORNER, most=2, chance=0.6)
_DESK = (
    Rule(("tv_monitor",), Spot.ON, ("desk",), chance=0.4),
    Rule(("laptop",), Spot.ON, ("desk",), chance=0.7),
    Rule(("lamp",), Spot.ON, ("desk",), chance=0.6),
    Rule(("book",), Spot.ON, ("desk",), most=3, chance=0.8),
    Rule(("cup",), Spot.ON, ("desk",), chance=0.5),
)
_CHAIRS = Rule(("chair",), Spot.AROUND, ("table",), least=2, most=6)
_SET_TABLE = (
    Rule(("bowl", "vase"), Spot.ON, ("table",), most=2, chance=0.9),
    Rule(("cup", "bottle", "book"), Spot.ON, ("table",), most=3, chance=0.7),
)

RULES: Mapping[str, tuple[Rule, ...]] = {
    "living_room": (
        Rule(("fireplace",), Spot.WALL, chance=0.3),
        Rule(("sofa",), Spot.WALL, needed=True),
        Rule(("tv_stand",), Spot.OPPOSITE, ("sofa",), chance=0.95),
        Rule(("tv_monitor",), Spot.ON, ("tv_stand",)),
        Rule(("coffee_table",), Spot.BEFORE, ("sofa",), chance=0.95),
        Rule(("rug",), Spot.UNDER, ("coffee_table", "sofa"), chance=0.8),
        Rule(("armchair",), Spot.AROUND, ("coffee_table",), most=2, chance=0.8),
        Rule(("piano",), Spot.WALL, chance=0.35),
        Rule(("stool",), Spot.BEFORE, ("piano",)),
        *_WINDOWS,
        *_RADIATOR,
        Rule(("bookshelf",), Spot.SNUG, most=2, chance=0.8),
        Rule(("table",), Spot.MIDDLE, chance=0.7, seats=_CHAIRS),
        *_SET_TABLE,
        Rule(("cabinet", "chest_of_drawers"), Spot.SNUG, most=2, chance=0.7),
        Rule(("sofa", "armchair"), Spot.WALL, chance=0.3),
        Rule(("desk",), Spot.WALL, chance=0.2, seats=Rule(("chair",), Spot.BEFORE, ("desk",))),
        *_DESK,
        Rule(("lamp",), Spot.CORNER, most=2, chance=0.8),
        Rule(("plant",), Spot.CORNER, most=2, chance=0.8),
        Rule(("cushion",), Spot.ON, ("sofa", "armchair"), least=2, most=4, chance=0.9),
        Rule(("picture",), Spot.ABOVE, ("sofa", "fireplace", "piano"), most=2, chance=0.7),
        Rule(("picture",), Spot.HANG, least=1, most=3, chance=0.9),
        Rule(("clock",), Spot.HANG, chance=0.2),
        _books_and_things("bookshelf", least=5, most=9),
        _books_and_things("coffee_table", "cabinet", "tv_stand", "chest_of_drawers", least=2, most=5),
        Rule(("cup", "bowl", "laptop"), Spot.ON, ("coffee_table",), most=2, chance=0.6),
        Rule(("toy",), Spot.FREE, most=2, chance=0.15),
    ),
    "kitchen": (
        Rule(
            ("refrigerator", "counter", "sink", "counter", "stove", "counter", "counter", "counter"),
            Spot.RUN,
        ),
        Rule(("sink",), Spot.SNUG, needed=True),
        Rule(("stove",), Spot.SNUG, needed=True),
        Rule(("refrigerator",), Spot.SNUG, needed=True),
        Rule(("counter",), Spot.SNUG, chance=0.6, most=2),
        Rule(("cabinet",), Spot.ABOVE, ("counter", "sink"), least=2, most=4, chance=0.95),
        Rule(("table",), Spot.MIDDLE, chance=0.8, seats=_CHAIRS),
        *_WINDOWS,
        Rule(("washing_machine",), Spot.SNUG, chance=0.25),
        Rule(("cabinet",), Spot.SNUG, chance=0.4),
        Rule(("trash_can",), Spot.CORNER, chance=0.85),
        Rule(("stool",), Spot.CORNER, most=2, chance=0.35),
        *_RADIATOR,
        Rule(("plant",), Spot.CORNER, chance=0.2),
        Rule(("bowl", "cup", "bottle", "vase", "box"), Spot.ON, ("counter",), least=4, most=8),
        Rule(("bowl", "cup", "bottle"), Spot.ON, ("table",), least=1, most=4),
        Rule(("clock", "picture"), Spot.HANG, most=2, chance=0.8),
        Rule(("towel",), Spot.HANG, chance=0.3),
    ),
    "dining_room": (
        Rule(("table",), Spot.MIDDLE, needed=True, seats=Rule(("chair",), Spot.AROUND, ("table",), 3, 8)),
        Rule(("rug",), Spot.UNDER, ("table",), chance=0.5),
        *_SET_TABLE,
        *_WINDOWS,
        Rule(("cabinet", "chest_of_drawers"), Spot.SNUG, most=2, chance=0.9),
        Rule(("bookshelf",), Spot.SNUG, chance=0.3),
        Rule(("fireplace",), Spot.WALL, chance=0.1),
        Rule(("piano",), Spot.WALL, chance=0.1),
        Rule(("stool",), Spot.BEFORE, ("piano",)),
        *_RADIATOR,
        _CORNER_PLANT,
        _CORNER_LAMP,
        Rule(("picture",), Spot.HANG, least=1, most=3),
        Rule(("mirror",), Spot.HANG, chance=0.25),
        Rule(("clock",), Spot.HANG, chance=0.3),
        _books_and_things("cabinet", "chest_of_drawers", "bookshelf", least=2, most=5),
    ),
    "bedroom": (
        Rule(("bed",), Spot.WALL, needed=True),
        Rule(("nightstand",), Spot.BESIDE, ("bed",), least=1, most=2, chance=0.95),
        Rule(("rug",), Spot.UNDER, ("bed",), chance=0.7),
        Rule(("wardrobe",), Spot.SNUG, chance=0.95),
        *_WINDOWS,
        Rule(("chest_of_drawers",), Spot.SNUG, chance=0.7),
        Rule(("bench",), Spot.BEFORE, ("bed",), chance=0.2),
        Rule(("desk",), Spot.WALL, chance=0.5, seats=Rule(("chair",), Spot.BEFORE, ("desk",))),
        *_DESK,
        Rule(("tv_monitor",), Spot.ON, ("chest_of_drawers",), chance=0.2),
        Rule(("crib",), Spot.SNUG, chance=0.2),
        Rule(("gym_equipment",), Spot.SNUG, chance=0.06),
        Rule(("armchair",), Spot.CORNER, chance=0.3),
        Rule(("bookshelf",), Spot.SNUG, chance=0.35),
        *_RADIATOR,
        Rule(("laundry_basket",), Spot.CORNER, chance=0.25),
        _CORNER_PLANT,
        _CORNER_LAMP,
        Rule(("lamp",), Spot.ON, ("nightstand",), most=2, chance=0.9),
        Rule(("book", "book", "clock", "cup"), Spot.ON, ("nightstand",), most=3, chance=0.9),
        Rule(("cushion",), Spot.ON, ("bed",), most=3, chance=0.7),
        Rule(("picture",), Spot.ABOVE, ("bed", "chest_of_drawers"), chance=0.6),
        Rule(("mirror",), Spot.ABOVE, ("chest_of_drawers",), chance=0.5),
        Rule(("mirror",), Spot.SNUG, chance=0.3),
        Rule(("mirror",), Spot.HANG, chance=0.2),
        _PICTURES,
        _books_and_things("chest_of_drawers", "bookshelf", "desk", least=2, most=5),
        Rule(("box",), Spot.CORNER, chance=0.15),
    ),
    "bathroom": (
        Rule(("toilet",), Spot.WALL, needed=True),
        Rule(("bathtub", "shower"), Spot.SNUG, chance=0.95),
        Rule(("sink",), Spot.WALL, needed=True),
        Rule(("mirror",), Spot.ABOVE, ("sink",), chance=0.95),
        Rule(("washing_machine",), Spot.SNUG, chance=0.3),
        Rule(("towel",), Spot.HANG, least=1, most=2, chance=0.95),
        Rule(("cabinet",), Spot.SNUG, chance=0.4),
        Rule(("laundry_basket",), Spot.CORNER, chance=0.6),
        Rule(("trash_can",), Spot.CORNER, chance=0.6),
        Rule(("stool",), Spot.CORNER, chance=0.2),
        Rule(("rug",), Spot.FREE, chance=0.6),
        *_RADIATOR,
        Rule(("plant",), Spot.CORNER, chance=0.15),
        Rule(("bottle", "cup", "box"), Spot.ON, ("sink", "cabinet", "washing_machine"), least=1, most=4),
        Rule(("picture",), Spot.HANG, chance=0.2),
    ),
    "corridor": (
        Rule(("chest_of_drawers", "bookshelf", "cabinet", "bench"), Spot.SNUG, most=3, chance=0.85),
        Rule(("piano",), Spot.WALL, chance=0.05),
        Rule(("rug",), Spot.FREE, chance=0.6),
        Rule(("plant",), Spot.CORNER, most=2, chance=0.6),
        *_RADIATOR,
        _CORNER_LAMP,
        Rule(("picture",), Spot.HANG, least=2, most=6),
        Rule(("mirror",), Spot.HANG, chance=0.4),
        Rule(("vase", "book", "lamp"), Spot.ON, ("chest_of_drawers", "bookshelf", "cabinet"), 2, 6),
    ),
    "hallway": (
        Rule(("shoe_rack",), Spot.SNUG, chance=0.9),
        Rule(("coat_rack",), Spot.SNUG, chance=0.5),
        Rule(("coat_rack",), Spot.HANG, chance=0.4),
        Rule(("bench", "chest_of_drawers", "cabinet"), Spot.SNUG, most=2, chance=0.7),
        Rule(("mirror",), Spot.HANG, chance=0.7),
        Rule(("mirror",), Spot.SNUG, chance=0.15),
        Rule(("rug",), Spot.FREE, chance=0.7),
        Rule(("plant",), Spot.CORNER, most=2, chance=0.6),
        *_RADIATOR,
        Rule(("lamp",), Spot.CORNER, chance=0.3),
        Rule(("picture",), Spot.HANG, least=1, most=4, chance=0.9),
        Rule(("vase", "bowl", "lamp", "book"), Spot.ON, ("shoe_rack", "chest_of_drawers", "cabinet"), 1, 3),
    ),
    "office": (
        Rule(("desk",), Spot.WALL, needed=True, seats=Rule(("chair",), Spot.BEFORE, ("desk",))),
        *_DESK,
        Rule(("bookshelf",), Spot.SNUG, least=1, most=2),
        *_WINDOWS,
        Rule(("cabinet", "chest_of_drawers"), Spot.SNUG, chance=0.6),
        Rule(("gym_equipment",), Spot.SNUG, chance=0.2),
        Rule(("armchair",), Spot.CORNER, chance=0.5),
        Rule(("sofa",), Spot.WALL, chance=0.2),
        Rule(("rug",), Spot.FREE, chance=0.5),
        Rule(("trash_can",), Spot.CORNER, chance=0.7),
        *_RADIATOR,
        _CORNER_PLANT,
        _CORNER_LAMP,
        _PICTURES,
        Rule(("clock",), Spot.HANG, chance=0.4),
        _books_and_things("bookshelf", least=4, most=8),
        Rule(("box", "book"), Spot.ON, ("cabinet", "chest_of_drawers"), most=3),
    ),
    "laundry": (
        Rule(("washing_machine",), Spot.SNUG, least=1, most=2, needed=True),
        Rule(("sink",), Spot.SNUG, chance=0.5),
        Rule(("laundry_basket",), Spot.CORNER, least=1, most=2),
        Rule(("cabinet",), Spot.SNUG, most=2, chance=0.9),
        Rule(("counter",), Spot.SNUG, chance=0.4),
        Rule(("trash_can",), Spot.CORNER, chance=0.4),
        Rule(("towel",), Spot.HANG, most=2, chance=0.7),
        *_RADIATOR,
        Rule(("bottle", "box", "bowl"), Spot.ON, ("cabinet", "washing_machine", "counter"), least=2, most=5),
        Rule(("box",), Spot.CORNER, chance=0.4),
    ),
    "nursery": (
        Rule(("crib",), Spot.WALL, needed=True),
        Rule(("chest_of_drawers", "wardrobe"), Spot.SNUG, chance=0.95),
        *_WINDOWS,
        Rule(("armchair",), Spot.CORNER, chance=0.7),
        Rule(("bookshelf",), Spot.SNUG, chance=0.6),
        Rule(("rug",), Spot.FREE, chance=0.9),
        Rule(("stool",), Spot.CORNER, chance=0.4),
        *_RADIATOR,
        _CORNER_LAMP,
        Rule(("laundry_basket",), Spot.CORNER, chance=0.4),
        Rule(("toy",), Spot.FREE, least=1, most=3),
        Rule(("toy", "box", "book"), Spot.ON, ("chest_of_drawers", "bookshelf"), least=3, most=6),
        _PICTURES,
        Rule(("cushion",), Spot.ON, ("armchair",), chance=0.5),
    ),
    "gym": (
        Rule(("gym_equipment",), Spot.WALL, least=2, most=3, needed=True),
        Rule(("gym_equipment",), Spot.MIDDLE, chance=0.5),
        *_WINDOWS,
        Rule(("bench",), Spot.WALL, chance=0.6),
        Rule(("mirror",), Spot.HANG, least=1, most=2),
        Rule(("towel",), Spot.HANG, chance=0.6),
        Rule(("tv_stand", "cabinet"), Spot.SNUG, chance=0.4),
        Rule(("tv_monitor",), Spot.ON, ("tv_stand",)),
        *_RADIATOR,
        _CORNER_PLANT,
        _PICTURES,
        Rule(("bottle", "box"), Spot.ON, ("cabinet", "tv_stand"), most=3),
        Rule(("box",), Spot.CORNER, chance=0.3),
    ),
}  # fmt: skip


def rules_for(category: str, kind: str) -> tuple[Rule, ...]:
    """The rules by which a room of a kind takes a piece of a category, wishes for several counted once."""
    found = []
    for rule in _with_seats(RULES[kind]):
        if category in rule.categories and rule.spot is not Spot.RUN:
            one = Rule((category,), rule.spot, rule.to)
            if one not in found:
                found.append(one)
    return tuple(found)


def companions(category: str) -> frozenset[str]:
    """What goes along when a piece is carried away: chairs with their table, nightstands with their bed."""
    along = (Spot.BESIDE, Spot.BEFORE, Spot.AROUND, Spot.UNDER)
    return frozenset(
        name
        for rules in RULES.values()
        for rule in _with_seats(rules)
        if rule.spot in along and category in rule.to
        for name in rule.categories
    )


def _with_seats(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return (*rules, *(rule.seats for rule in rules if rule.seats is not None))
