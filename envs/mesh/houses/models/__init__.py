"""Makers of every category of furniture and small objects, a file for what belongs together."""

from . import (
    bath,
    beds,
    hangings,
    household,
    kitchen,
    lamps,
    leisure,
    plants,
    racks,
    seats,
    small,
    storage,
    tables,
)

SHAPES = (
    *(*beds.SHAPES, *seats.SHAPES, *tables.SHAPES, *storage.SHAPES, *racks.SHAPES, *kitchen.SHAPES),
    *(*bath.SHAPES, *hangings.SHAPES, *lamps.SHAPES, *plants.SHAPES, *household.SHAPES),
    *(*leisure.SHAPES, *small.SHAPES),
)
