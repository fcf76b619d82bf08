"""How the houses compare with scans of real ones, in the figures that data sets are published with.

``python -m placecell.envs.mesh.houses.statistics --split val --houses 30``
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Points, generator

from ...body import PRESETS
from ...geodesic import DistanceField, NavigableArea
from .house import House, make_house
from .looks import SPLITS

_SAME_STOREY_M = 0.5
_LEAST_APART_M = 1.0


@dataclass(frozen=True)
class Statistics:
    """One house in figures.

    Args:
        floor_m2: floor of all rooms, between the faces of the walls.
        navigable_m2: what the ``habitat_objectnav`` body walks on.
        wide_navigable_m2: what a body of radius 0.1 m and height 1.5 m walks on, as published sets measure.
        rooms: corridors and hallways counted.
        objects: instances of furniture and small things.
        detour: mean geodesic / euclidean distance of random pairs on one storey, at least 1 m apart.
        complexity: the largest such ratio, of pairs at any distance (body of 0.1 m).
    """

    floor_m2: float
    navigable_m2: float
    wide_navigable_m2: float
    rooms: int
    objects: int
    detour: float
    complexity: float


@dataclass(frozen=True)
class Published:
    """Means a scene of a published data set; None where its paper gives none."""

    name: str
    scenes: int
    floor_m2: float | None = None
    navigable_m2: float | None = None
    rooms: float | None = None
    objects: float | None = None
    complexity: float | None = None
    source: str = ""


_HM3D = "Ramakrishnan et al. 2021, table 1 (totals / scenes; complexity as printed)"
PUBLISHED = (
    Published("HM3D", 1000, 365_420 / 1000, 112_500 / 1000, complexity=13.31, source=_HM3D),
    Published("Gibson", 571, 217_990 / 571, 81_840 / 571, complexity=14.25, source=_HM3D),
    Published("MP3D", 90, 101_820 / 90, 30_220 / 90, complexity=17.09, source=_HM3D),
    Published("Replica", 18, 2_190 / 18, 560 / 18, complexity=5.99, source=_HM3D),
    Published(
        "HM3D-Semantics", 216, rooms=3_100 / 216, objects=142_646 / 216,
        source="Yadav et al. 2022 (walls, doors and windows counted as objects)",
    ),
    Published(
        "MP3D labels", 90, rooms=2_056 / 90, objects=50_811 / 90,
        source="Chang et al. 2017 (walls, doors and windows counted as objects)",
    ),
)  # fmt: skip


def measure(house: House, sources: int = 24, targets: int = 200) -> Statistics:
    """The figures of one house.

    Args:
        house: which.
        sources, targets: pairs are drawn as ``sources`` points with ``targets`` others each; the complexity
            is a maximum and grows slowly with their number.

    Source of complexity and detour: HM3D (Ramakrishnan et al. 2021), section 3; floors are kept apart.
    """
    scene = house.scene()
    vertices, faces = scene.vertices.astype(np.float64), scene.faces
    narrow = NavigableArea.from_mesh(vertices, faces, PRESETS["habitat_objectnav"].walk_settings())
    wide = NavigableArea.from_mesh(vertices, faces, PRESETS["habitat_pointnav"].walk_settings())
    rng = generator(house.seed, "house statistics", house.name)
    geodesic, straight = _pairs(wide, rng, sources, targets)
    far = straight >= _LEAST_APART_M
    return Statistics(
        floor_m2=sum(room.area_m2 for room in house.plan.rooms),
        navigable_m2=narrow.island_area(),
        wide_navigable_m2=wide.island_area(),
        rooms=len(house.plan.rooms),
        objects=len(house.furniture),
        detour=float((geodesic[far] / straight[far]).mean()),
        complexity=float((geodesic / straight).max()),
    )


def _pairs(
    area: NavigableArea, rng: np.random.Generator, sources: int, targets: int
) -> tuple[np.ndarray, np.ndarray]:
    """Geodesic and straight distances of random pairs on one storey."""
    geodesic, straight = [], []
    for _ in range(sources):
        source = area.random_point(rng)
        field = DistanceField(area, (source,))
        points: Points = np.stack([area.random_point(rng) for _ in range(targets)])
        for point in points[np.abs(points[:, 2] - source[2]) < _SAME_STOREY_M]:
            distance = float(np.linalg.norm(point - source))
            if distance > 0.01:
                geodesic.append(field.distance(point))
                straight.append(distance)
    return np.array(geodesic), np.array(straight)


def table(figures: Sequence[Statistics], title: str) -> str:
    """A markdown table: means of the houses, and published sets beside them."""
    rows = [
        "| | scenes | floor, m² | navigable, m² (radius 0.1 m) | rooms | objects | a room | complexity |",
        "|---|---|---|---|---|---|---|---|",
        _row(
            title, len(figures), _mean(figures, "floor_m2"), _mean(figures, "wide_navigable_m2"),
            _mean(figures, "rooms"), _mean(figures, "objects"), _mean(figures, "complexity"),
        ),
    ]  # fmt: skip
    for p in PUBLISHED:
        rows.append(_row(p.name, p.scenes, p.floor_m2, p.navigable_m2, p.rooms, p.objects, p.complexity))
    largest = max(f.complexity for f in figures)
    rows += [
        "",
        f"{title}: navigable {_mean(figures, 'navigable_m2'):.1f} m² for the habitat_objectnav body; "
        f"geodesic / euclidean {_mean(figures, 'detour'):.2f} (pairs on one storey, 1 m apart or more); "
        f"largest complexity of a house {largest:.1f}.",
        "Published figures are means a scene. Sources: "
        + "; ".join(f"{', '.join(p.name for p in PUBLISHED if p.source == s)}: {s}" for s in _sources())
        + ".",
    ]
    return "\n".join(rows)


def _sources() -> tuple[str, ...]:
    return tuple(dict.fromkeys(p.source for p in PUBLISHED))


def _mean(figures: Sequence[Statistics], name: str) -> float:
    return float(np.mean([getattr(figure, name) for figure in figures]))


def _row(
    name: str,
    scenes: int,
    floor: float | None,
    navigable: float | None,
    rooms: float | None,
    objects: float | None,
    complexity: float | None,
) -> str:
    each = None if rooms is None or objects is None else objects / rooms
    cells = (floor, navigable, rooms, objects, each, complexity)
    return f"| {name} | {scenes} | " + " | ".join("–" if c is None else f"{c:.1f}" for c in cells) + " |"


def main(arguments: list[str] | None = None) -> None:
    """The command; see the module."""
    parser = argparse.ArgumentParser(description="Figures of generated houses beside those of real scans.")
    parser.add_argument("--split", choices=SPLITS, default="val")
    parser.add_argument("--houses", type=int, default=30, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.houses)
    figures = [measure(make_house(options.split, seed)) for seed in seeds]
    print(table(figures, f"houses ({options.split} {seeds.start}-{seeds.stop - 1})"))


if __name__ == "__main__":
    main()
