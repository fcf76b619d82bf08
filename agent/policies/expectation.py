"""What is where in a home: how much likelier a thing is near others, counted over train houses.

Nothing here is written by hand; ``expectation.json`` beside this file is what the counting gave.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from placecell.arrays import atomic_write
from placecell.errors import DataError

NEAR_M = 3.0
_STOREY_M = 2.0
_PRIOR = 8.0  # pseudo-counts of no influence
SHIPPED = Path(__file__).with_name("expectation.json")

# Unnamed sizes: homes differ in them, and a checker of one list of homes looks at now this one, now that one.
Home = tuple[Sequence[str], Float[np.ndarray, "_ 3"], Int[np.ndarray, " _"]]
"""Categories, positions (n, 3) in metres and room indices (n,) of a house's things."""


@dataclass(frozen=True)
class Expectation:
    """Co-occurrence of categories.

    Args:
        categories: names, the rows and columns of the tables.
        base: (c,) share of all things that have one of the category within 3 m.
        near: (c, c) log-lift: ln of P(target within 3 m | the thing) / P(target within 3 m).
        room: (c, c) the same for the thing's room instead of 3 m.
        houses: over how many it was counted.
        split: of which houses.
    """

    categories: tuple[str, ...]
    base: Float[np.ndarray, " c"]
    near: Float[np.ndarray, "c c"]
    room: Float[np.ndarray, "c c"]
    houses: int
    split: str = "train"

    def chance(self, target: str, seen: Iterable[str]) -> float:
        """P(one of ``target`` within 3 m of a place | these things were seen near it), 0 to 1.

        Log-lifts of the things add up, divided by the root of their number, for they are not independent.
        A category that no train house had says nothing; such a target has the mean chance everywhere.
        """
        if target not in self.categories:
            return float(self.base.mean())
        row = self.categories.index(target)
        columns = [self.categories.index(name) for name in sorted(set(seen)) if name in self.categories]
        if not columns:
            return float(self.base[row])
        lifts = (self.near[row, columns] + self.room[row, columns]) / 2
        return float(min(1.0, self.base[row] * np.exp(lifts.sum() / np.sqrt(len(columns)))))

    def save(self, path: Path) -> None:
        """Writes it as JSON, atomically."""
        document = {
            "version": 1,
            "split": self.split,
            "houses": self.houses,
            "near_m": NEAR_M,
            "categories": list(self.categories),
            **{name: np.round(getattr(self, name), 4).tolist() for name in ("base", "near", "room")},
        }
        atomic_write(path, json.dumps(document) + "\n")

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Expectation":
        """What :meth:`save` wrote.

        Raises:
            DataError: no such file, or one that holds something else.
        """
        fix = "make it with placecell-train task=expectation out=DIR and set agent.expectation to its file"
        try:
            plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            tables = {name: np.array(plain[name], np.float64) for name in ("base", "near", "room")}
            names, houses, split = tuple(plain["categories"]), int(plain["houses"]), str(plain["split"])
        except FileNotFoundError as error:
            raise DataError(
                expected=f"the expectation learned from train houses in {path.name}",
                came="no such file",
                fix=fix,
            ) from error
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise DataError(
                expected=f"a file of {', '.join(('categories', 'base', 'near', 'room', 'houses'))}",
                came=f"{path.name}: {type(error).__name__} {error}",
                fix=fix,
            ) from error
        n = len(names)
        if tables["base"].shape != (n,) or any(tables[name].shape != (n, n) for name in ("near", "room")):
            raise DataError(
                expected=f"tables of {n} x {n} numbers, one a pair of categories",
                came=f"{path.name} with {tables['near'].shape} and {tables['room'].shape}",
                fix=fix,
            )
        return cls(names, **tables, houses=houses, split=split)


def learn_expectation(houses: Iterable[Home], split: str = "train") -> Expectation:
    """Counts over houses which categories stand within 3 m of which, and which share rooms.

    With c(s) things of category s, of which n(t, s) have a t (other than themselves) within 3 m, and with
    b(t) the share of all things that have one, the log-lift is ln((n(t, s) + 8 b(t)) / (c(s) + 8) / b(t)).
    """
    names: dict[str, int] = {}
    rows: list[tuple[int, np.ndarray, np.ndarray]] = []
    number = 0
    for categories, positions, rooms in houses:
        number += 1
        ids = np.array([names.setdefault(name, len(names)) for name in categories], np.int64)
        for thing in range(len(ids)):
            away = positions - positions[thing]
            others = np.arange(len(ids)) != thing
            near = others & (np.hypot(away[:, 0], away[:, 1]) < NEAR_M) & (np.abs(away[:, 2]) < _STOREY_M)
            room = others & (rooms == rooms[thing])
            rows.append((int(ids[thing]), np.unique(ids[near]), np.unique(ids[room])))
    order = np.argsort(list(names)) if names else np.zeros(0, np.int64)
    tables = [_lifts([(row[0], row[kind]) for row in rows], len(names)) for kind in (1, 2)]
    (base, near_lift), (_, room_lift) = tables
    return Expectation(
        tuple(sorted(names)), base[order], near_lift[np.ix_(order, order)], room_lift[np.ix_(order, order)],
        number, split,
    )  # fmt: skip


def _lifts(rows: Sequence[tuple[int, np.ndarray]], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Base chances (c,) and log-lifts (target, thing)."""
    things, together = np.zeros(size), np.zeros((size, size))
    for thing, company in rows:
        things[thing] += 1
        together[company, thing] += 1
    base = np.maximum(together.sum(1) / max(1, len(rows)), 1e-4)
    return base, np.log((together + _PRIOR * base[:, None]) / (things + _PRIOR) / base[:, None])


def learn_expectation_from_houses(split: str, houses: int) -> Expectation:
    """Counts over the first ``houses`` generated houses of a split.

    Raises:
        DataError: a number of houses below 1.
    """
    from placecell.envs.mesh.houses.house import make_house

    if houses < 1:
        raise DataError(expected="1 house or more to learn from", came=str(houses), fix="set houses=200")

    def home(seed: int) -> Home:
        furniture = make_house(split, seed).furniture
        return (
            [placed.model.category for placed in furniture],
            np.array([[placed.x, placed.y, placed.z] for placed in furniture], np.float64).reshape(-1, 3),
            np.array([placed.room for placed in furniture], np.int64),
        )

    return learn_expectation((home(seed) for seed in range(houses)), split)
