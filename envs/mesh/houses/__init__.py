"""Generated homes: their plans, their furniture, and what can be walked to in them."""

from .categories import CATEGORIES, FURNITURE, GOAL_CATEGORIES, SMALL, STRUCTURE
from .edits import edit_house
from .house import House, house_named, make_house
from .placed import Placed
from .plan import Plan, make_plan
from .save import save_house

__all__ = [
    "CATEGORIES",
    "FURNITURE",
    "GOAL_CATEGORIES",
    "SMALL",
    "STRUCTURE",
    "House",
    "Placed",
    "Plan",
    "edit_house",
    "house_named",
    "make_house",
    "make_plan",
    "save_house",
]
