"""Furniture and small objects by category: several shapes each, every draw of its own size and colours."""

from functools import cache

import numpy as np

from placecell.errors import SceneError

from .categories import FURNITURE, SMALL
from .kit import Kit, Shape
from .looks import checked_split
from .model import Model, Rectangle, Surface
from .models import SHAPES

__all__ = ["Model", "Rectangle", "Surface", "make_model", "variants"]


def variants(
    category: str, split: str, *, stands_on: str | None = None, room: str | None = None
) -> tuple[str, ...]:
    """Names of a category's shapes in a split; those of test are in neither train nor val.

    Args:
        category: one of ``FURNITURE`` or ``SMALL``.
        split: one of ``SPLITS``.
        stands_on: only those that stand on the ``"floor"``, hang on a ``"wall"``, or stand on a ``"top"``.
        room: only those made for a kind of room, or for any.

    Raises:
        SceneError: no such category or split.
    """
    return tuple(shape.variant for shape in _shapes(category, checked_split(split), stands_on, room))


def make_model(
    category: str,
    split: str,
    rng: np.random.Generator,
    *,
    stands_on: str | None = None,
    room: str | None = None,
    variant: str | None = None,
) -> Model:
    """A piece: its shape, size, colours and textures drawn from ``rng``.

    Args:
        category: one of ``FURNITURE`` or ``SMALL``.
        split: one of ``SPLITS``; shapes, palettes and patterns of test are its own.
        rng: what is drawn from.
        stands_on: as for :func:`variants`.
        room: as for :func:`variants`.
        variant: this shape of the split, instead of a drawn one.

    Raises:
        SceneError: no such category or split, or no shape that is asked for.
    """
    shapes = _shapes(category, checked_split(split), stands_on, room)
    if variant is not None:
        shapes = tuple(shape for shape in shapes if shape.variant == variant)
    if not shapes:
        wishes = {"stands_on": stands_on, "room": room, "variant": variant}
        came = ", ".join(f"{key} {value!r}" for key, value in wishes.items() if value is not None)
        known = ", ".join(shape.variant for shape in _shapes(category, split, None, None))
        raise SceneError(
            expected=f"a shape of {category} for {split} houses", came=came, fix=f"choose from {known}"
        )
    shape = shapes[int(rng.integers(len(shapes)))]
    kit = Kit(split, rng)
    shape.build(kit)
    return kit.model(shape)


@cache
def _shapes(category: str, split: str, stands_on: str | None, room: str | None) -> tuple[Shape, ...]:
    if category not in (*FURNITURE, *SMALL):
        raise SceneError(
            expected="a category of furniture or small objects",
            came=repr(category),
            fix=f"choose one of {', '.join((*FURNITURE, *SMALL))}",
        )
    return tuple(
        shape
        for shape in SHAPES
        if shape.category == category
        and shape.test == (split == "test")
        and (stands_on is None or shape.stands_on == stands_on)
        and (room is None or not shape.rooms or room in shape.rooms)
    )
