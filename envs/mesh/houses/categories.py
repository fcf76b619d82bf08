"""What things in a house are called; the index of a name in ``CATEGORIES`` is its category id."""

STRUCTURE = ("wall", "floor", "ceiling", "door", "window", "stairs")
FURNITURE = (
    *("bed", "sofa", "armchair", "chair", "stool", "bench", "table", "coffee_table", "desk", "nightstand"),
    *("chest_of_drawers", "wardrobe", "bookshelf", "cabinet", "counter", "tv_stand", "tv_monitor", "sink"),
    *("refrigerator", "stove", "washing_machine", "toilet", "bathtub", "shower", "towel", "mirror"),
    *(
        "picture",
        "plant",
        "lamp",
        "rug",
        "curtain",
        "fireplace",
        "radiator",
        "piano",
        "gym_equipment",
        "crib",
    ),
    *("trash_can", "laundry_basket", "shoe_rack", "coat_rack", "cushion"),
)
SMALL = ("book", "vase", "bowl", "bottle", "cup", "laptop", "clock", "toy", "box")

CATEGORIES: tuple[str, ...] = ("", *STRUCTURE, *FURNITURE, *SMALL)

# What ObjectNav and tours ask for.
GOAL_CATEGORIES: tuple[str, ...] = (
    *("bed", "sofa", "armchair", "chair", "stool", "table", "coffee_table", "desk", "nightstand"),
    *("chest_of_drawers", "wardrobe", "bookshelf", "cabinet", "tv_monitor", "sink", "refrigerator", "stove"),
    *("washing_machine", "toilet", "bathtub", "shower", "towel", "mirror", "picture", "plant", "lamp"),
    *("fireplace", "piano", "gym_equipment", "crib", "cushion"),
)
