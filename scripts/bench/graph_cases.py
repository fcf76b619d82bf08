"""The rows of the graphs' tables: which agent, in which world, and what is known to come out."""

from dataclasses import dataclass
from typing import Literal

World = Literal["r2r", "streets", "tour"]

_R2R = ("env=r2r", "env.split=val_seen", "task=instruction")
_SEEDS = (0, 1, 2, 3, 4)
_ANDERSON = "Anderson et al. 2018, table 1"
_STREETS = ("map2seq_unseen", "touchdown_unseen")
_TOUR_SCAN = "e9zR4mvMWw7"
"""Of the scans of val_seen one with the most paths: 11, 33 instructions."""


@dataclass(frozen=True)
class Known:
    """A figure that has to come out.

    Args:
        measure: by our name.
        low, high: what it has to lie in, its ends included.
        said: as a table says it.
    """

    measure: str
    low: float
    high: float
    said: str


@dataclass(frozen=True)
class GraphCase:
    """One row.

    Args:
        name: unique; its runs' folders begin with it.
        world: whose measures it has.
        agent: in words.
        overrides: what ``placecell-run`` is told of it.
        inputs: what the agent is given beside the instruction and the ways that lead on.
        seeds: one run each.
        known: what has to come out.
        published: beside ours, in words, with its source; empty where nothing is.
        missing: what there would have to be for it to run; empty where it can.
    """

    name: str
    world: World
    agent: str
    overrides: tuple[str, ...]
    inputs: str = ""
    seeds: tuple[int, ...] = (0,)
    known: tuple[Known, ...] = ()
    published: str = ""
    missing: str = ""


def cases(points: str | None = None) -> tuple[GraphCase, ...]:
    """All rows, in the order of the tables.

    Args:
        points: a file of points of interest in the streets; none comes with the data.
    """
    streets = (case for dataset in _STREETS for case in _streets(dataset, points))
    return (*_r2r(), *streets, *_tours())


def _r2r() -> tuple[GraphCase, ...]:
    def case(name: str, agent: str, *overrides: str, **more: object) -> GraphCase:
        return GraphCase(name, "r2r", agent, (*_R2R, *overrides), **more)  # type: ignore[arg-type]

    return (
        case(
            "r2r_expert", "shortest-path expert", "agent=expert", inputs="shortest path (oracle)",
            known=(Known("success", 1, 1, "1"), Known("spl", 1, 1, "1")),
            published=f"SR 1, NE 0 ({_ANDERSON}, shortest)",
        ),
        case(
            "r2r_random", "random heading, five forward", "agent=random", seeds=_SEEDS,
            known=(
                Known("success", 0.14, 0.18, "0.16 +- 0.02"),
                Known("distance_to_goal", 9.2, 9.8, "9.5 +- 0.3"),
            ),
            published=f"SR 0.159, NE 9.45 m, TL 9.58 m, OSR 0.214 ({_ANDERSON}, random)",
        ),
        case(
            "r2r_uniform", "uniform over neighbours", "agent=uniform", seeds=_SEEDS,
            known=(Known("success", 0.03, 0.07, "0.05 +- 0.02"),), published="SR about 0.05",
        ),
        case(
            "r2r_straight", "straight on, five hops", "agent=forward",
            known=(Known("success", 0.17, 0.23, "0.20 +- 0.03"),), published="SR about 0.20",
        ),
        case(
            "r2r_graph", "follower without learning", "agent=graph",
        ),
        case(
            "r2r_graph_labels", "follower without learning, labels", "agent=graph", "env.semantics=true",
            inputs="object labels (oracle)",
        ),
    )  # fmt: skip


def _streets(dataset: str, points: str | None) -> tuple[GraphCase, ...]:
    short = dataset.partition("_")[0]
    world = ("env=streets", f"env.dataset={dataset}", "env.split=dev", "task=instruction")
    odd, even = "env.half=odd", "env.half=even"

    def case(name: str, agent: str, *overrides: str, **more: object) -> GraphCase:
        return GraphCase(f"{short}_{name}", "streets", agent, (*world, *overrides), **more)  # type: ignore[arg-type]

    gold = (
        Known("task_completion", 1, 1, "1"),
        Known("shortest_path_distance", 0, 0, "0"),
        Known("success_edit_distance", 1, 1, "1"),
    )
    trained = "TC 0.279 (trained, image-free), about 0.23 (GPT-4), on the whole" if short == "map2seq" else ""
    target = (Known("task_completion", 0.22, 1, ">= 0.22"),) if short == "map2seq" else ()
    return (
        case(
            "gold", "gold follower, turning around, 100 actions", "agent=gold", "env.actions=velma",
            "env.max_steps=100", inputs="the route (oracle)", known=gold,
        ),
        case("gold_orar", "gold follower", "agent=gold", inputs="the route (oracle)"),
        case("random", "random, odd half", "agent=random", odd, seeds=_SEEDS),
        case("straight", "straight on, odd half", "agent=forward", odd),
        case("streets_even", "streets, the half it was fitted on: too high", "agent=streets", even),
        case(
            "streets", "streets, reported half", "agent=streets", odd, known=target,
            published=trained,
        ),
        case(
            "streets_general", "streets, habits of both datasets, reported half", "agent=streets", odd,
            "agent.habits=general",
        ),
        *(
            case(
                f"streets_{name}", f"streets, {words}, reported half", "agent=streets", odd,
                f"env.points_of_interest={points}", *more, inputs="landmarks (oracle)",
                missing="" if points else "no points of interest come with the data (--points FILE)",
            )
            for name, words, more in (
                ("points", "points of interest", ()),
                ("permuted", "the same, permuted along the route", ("env.permute_points=true",)),
            )
        ),
    )  # fmt: skip


def _tours() -> tuple[GraphCase, ...]:
    world = ("env=r2r", "env.split=val_seen", f"env.scans=[{_TOUR_SCAN}]", "task=tour")
    followers = tuple(
        GraphCase(
            f"tour_graph_{arm}", "tour", f"follower without learning, {arm}",
            (*world, f"task.arm={arm}", "agent=graph", "env.semantics=true"), inputs="object labels (oracle)",
        )
        for arm in ("cold", "warm", "known", "geometry")
    )  # fmt: skip
    return (
        GraphCase(
            "tour_expert", "tour", "shortest-path expert, warm", (*world, "task.arm=warm", "agent=expert"),
            inputs="shortest path (oracle)", known=(Known("success", 1, 1, "1"),),
        ),
        GraphCase(
            "tour_random", "tour", "random heading, five forward, warm",
            (*world, "task.arm=warm", "agent=random"), seeds=_SEEDS,
        ),
        *followers,
    )  # fmt: skip
