"""``placecell-bench markers``: whether the numbers on a house's frames stand for what they are drawn on.

Val houses are surveyed, mapped with the simulator's labels, and numbered as the map grows; then the numbers
on 32 frames spread over the survey are held against the true instances, which nothing else was shown.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .row import Row

if TYPE_CHECKING:
    from placecell.envs.mesh.noise import Level

    from .marker_score import Score, Tally

SUITE_HELP = "precision and recall of object numbers in frames of generated houses"

_FRAMES = 32
_RANGE_M = 5.0


@dataclass(frozen=True)
class Case:
    """What is surveyed.

    Args:
        name: first part of its rows' names.
        size: (rows, columns) of the camera.
        houses: how many of the val split.
        noise: on pose, depth and labels.
    """

    name: str
    size: tuple[int, int]
    houses: int
    noise: "Level" = "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--houses", type=int, default=20, metavar="N", help="val houses (default 20)")
    parser.add_argument(
        "--voxel", type=float, default=0.1, metavar="M", help="edge of the map's voxels (default 0.1)"
    )


def run(args: argparse.Namespace) -> list[Row]:
    """Every row of the suite; the quick form surveys fewer houses."""
    from placecell.errors import ConfigError

    if args.houses < 1:
        raise ConfigError(expected="houses of 1 or more", came=str(args.houses), fix="set --houses N")
    houses = min(args.houses, 2) if args.quick else args.houses
    cases = [
        Case("128x128", (128, 128), houses),
        Case("128x128_noise_low", (128, 128), houses, "low"),
        Case("640x480", (480, 640), 1 if args.quick else min(houses, 3)),
    ]
    return [row for case in cases for row in rows_of(case.name, measure(case, args.voxel))]


def measure(case: Case, voxel_size_m: float) -> "Score":
    """Surveys, maps and scores the houses of a case."""
    from .marker_score import Score

    score = Score()
    for number in range(case.houses):
        _add_house(score, number, case, voxel_size_m)
    return score


def _add_house(score: "Score", number: int, case: Case, voxel_size_m: float) -> None:
    from placecell.envs.mesh.houses import CATEGORIES, FURNITURE, SMALL
    from placecell.envs.mesh.survey import HEADINGS
    from placecell.memory import SparseOctree
    from placecell.memory.markers import ObjectMarkers

    from .marker_score import Identities
    from .marker_survey import Surfaces, survey

    asked = frozenset(CATEGORIES.index(name) for name in (*FURNITURE, *SMALL))
    octree, markers, identities = SparseOctree(voxel_size_m), ObjectMarkers(), Identities()
    views = []
    for view in survey(number, case.size, case.noise):
        octree.insert(view.frame, _RANGE_M)
        views.append(view)
        if len(views) % HEADINGS == 0:
            markers.update(octree, asked)
            identities.look(markers, views[-HEADINGS:], score)
    category: dict[int, int] = {}
    for view in views:
        labels = view.truth.labels
        assert labels is not None
        category |= dict(zip(view.instances.ravel().tolist(), labels.ravel().tolist(), strict=True))
    wanted = {thing: label for thing, label in category.items() if thing > 0 and label in asked}
    sampled = [views[n * len(views) // _FRAMES] for n in range(min(_FRAMES, len(views)))]
    score.add_house(markers, sampled, Surfaces(views), wanted)


def rows_of(name: str, score: "Score") -> list[Row]:
    """Precision and recall, whole and by distance and hiddenness, and how numbers hold."""
    rows = [*_shares(f"{name}_precision", score.precision), *_shares(f"{name}_recall", score.recall)]
    rows.append(Row(f"{name}_number_kept", score.kept.share(), f"of {score.kept.of['all']}"))
    rows.append(Row(f"{name}_number_kept_or_told", score.told.share(), f"of {score.told.of['all']}"))
    rows.append(Row(f"{name}_switches", float(score.switches), "counted by the markers"))
    rows.append(Row(f"{name}_things_numbered", score.numbered / max(score.things, 1), "1"))
    rows.append(Row(f"{name}_numbers_a_thing", score.objects / max(score.numbered, 1), "1"))
    return rows


def _shares(name: str, tally: "Tally") -> Sequence[Row]:
    kinds = sorted(kind for kind in tally.of if kind != "all")
    whole = Row(name, tally.share(), f"of {tally.of['all']}")
    return [whole, *(Row(f"{name}_{kind}", tally.share(kind), f"of {tally.of[kind]}") for kind in kinds)]
