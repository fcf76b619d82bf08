"""Other memories, asked over a recorded run what its own was asked."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

from .episodes import add_episodes, recorded_episodes
from .reading import NotReadableError, console, open_run, write_files

if TYPE_CHECKING:
    from rich.table import Table

    from placecell.agent.replay.precision import Estimate, Item, Truth
    from placecell.agent.replay.recall import Recall, StepRecall
    from placecell.agent.replay.recall_summary import RecallSummary

HELP = "shows the recorded frames to other memories and asks them what was asked, without a world"
_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, its episodes, the memories, and what to show."""
    add_episodes(parser, "the folder of a run with record=full")
    parser.add_argument(
        "--memory",
        metavar="CHOICE",
        nargs="+",
        required=True,
        help="of conf/memory, with other values after a colon: full, flat:max_bytes=1000000,width=32",
    )
    parser.add_argument(
        "--k", type=int, help="how many items to ask for; as many as the run did, if not named"
    )
    parser.add_argument("--steps", action="store_true", help="print each step, and what each recalled in it")
    parser.add_argument(
        "--spl",
        metavar="RUN",
        nargs="+",
        type=Path,
        default=[],
        help="runs that were walked with these memories: does what is recalled predict their SPL?",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the numbers go, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Asks and shows; the exit code is 1 where the run's own memory gives something else, or none is left."""
    from placecell.agent.replay.recall import Recall
    from placecell.agent.replay.recall_summary import RecallSummary

    from .memory_choices import memory_makers

    if arguments.k is not None and arguments.k < 1:
        raise ConfigError(expected="--k of 1 or more", came=str(arguments.k), fix="ask for at least one item")
    makers = memory_makers(arguments.memory)
    online = _online(arguments.spl, arguments.memory)
    open_run(arguments.run)
    summary = RecallSummary(tuple(makers), arguments.k)
    _ask(arguments, Recall(makers, arguments.k), summary)
    if not summary.steps:
        raise NotReadableError(f"no episode of {arguments.run} can be asked of; {_left_out(summary)[0]}")
    console().print(_table(summary))
    print("\n".join(_words(summary)))
    extra = _predicts(summary, online) if online else {}
    if arguments.out is not None:
        write_files(arguments.out.parent, {arguments.out.name: summary.to_json(extra)})
        print(f"numbers in {arguments.out}")
    for line in _left_out(summary):
        print(f"placecell-replay: left out {line}", file=sys.stderr)
    return 0 if summary.reproduced else 1


def _ask(arguments: argparse.Namespace, recall: "Recall", summary: "RecallSummary") -> None:
    from placecell.agent.replay.recall import LeftOut

    recorded = recorded_episodes(arguments.run, ())
    wanted = recorded_episodes(arguments.run, arguments.episodes)
    own: tuple[str, ...] | None = None
    for found in recall.replay(recorded, wanted):
        if isinstance(found, LeftOut):
            summary.left_out.append(found)
            continue
        own = recall.own(found.recording) if own is None else own
        summary.add(found, own)
        if arguments.steps:
            print("\n".join(_step_lines(found)))


def _online(folders: Sequence[Path], choices: Sequence[str]) -> "Mapping[str, float]":
    """The mean SPL of the run of each memory, by the memory's choice.

    Raises:
        ConfigError: a run that was walked with none of these memories, or with one of another run's.
    """
    from .memory_choices import compose_memory

    nodes = {choice: dict(compose_memory(choice)) for choice in choices} if folders else {}
    found: dict[str, float] = {}
    for folder in folders:
        stored = open_run(folder)
        names = [name for name, node in nodes.items() if node == stored.config.get("memory")]
        spl = [result.measures["spl"] for result in stored.results if "spl" in result.measures]
        if not names or names[0] in found or not spl:
            several = f"a second run of {names[0]}" if names and names[0] in found else ""
            none = "no episode with an SPL" if names else f"the memory {stored.config.get('memory')}"
            raise ConfigError(
                expected=f"--spl runs with an SPL, one for each of --memory {' '.join(choices)}",
                came=f"{folder}: {several or none}",
                fix="name one run a memory, and its memory under --memory",
            )
        found[names[0]] = sum(spl) / len(spl)
    return found


def _predicts(summary: "RecallSummary", online: "Mapping[str, float]") -> dict[str, object]:
    from dataclasses import asdict

    from placecell.agent.replay.precision import rank_correlation

    found = rank_correlation(summary.offline(), online)
    pairs = ", ".join(f"{name} {summary.offline()[name]:.3f} / {online[name]:.3f}" for name in found.points)
    rho, tau = ("-" if v is None else f"{v:+.2f}" for v in (found.spearman, found.kendall))
    print(f"right at 1 once seen / SPL of the memory's run: {pairs or 'none'}")
    print(f"rank correlation over {len(found.points)} memories: Spearman {rho}, Kendall {tau}")
    return {"spl": dict(online), "rank_correlation": asdict(found)}


def _table(summary: "RecallSummary") -> "Table":
    from rich.table import Table

    k = "k" if summary.k is None else str(summary.k)
    table = Table()
    heads = [
        "memory", "precision at 1", f"precision at {k}", "right at 1 once seen", f"recalled at {k} once seen",
        "mean rank", "most MB", "write ms", "query ms",
    ]  # fmt: skip
    for head in heads:
        table.add_column(head)
    for name, tally in summary.tallies.items():
        got = tally.estimates()
        cells = [_cell(estimate) for estimate in got.values()]
        cost = summary.costs[name].means() if name in summary.costs else None
        costs = ["-"] * 3 if cost is None else [
            f"{cost['bytes'] / 1e6:.2f}", f"{cost['write_ms']:.2f}", f"{cost['query_ms']:.2f}"
        ]  # fmt: skip
        table.add_row(name, *cells, *costs)
    return table


def _cell(got: "Estimate") -> str:
    if got.mean is None:
        return "-"
    between = "" if got.low is None or got.high is None else f" ({got.low:.3f} to {got.high:.3f})"
    return f"{got.mean:.3f}{between}"


def _words(summary: "RecallSummary") -> list[str]:
    from placecell.agent.replay.precision import RIGHT_WITHIN_M
    from placecell.agent.replay.recall_summary import RECORDED

    first = summary.tallies[RECORDED].estimates()
    seen, asked = first["hit_at_1"], max(first.values(), key=lambda got: got.episodes)
    houses = max(asked.houses, seen.houses)
    lines = [
        f"{len(summary.episodes)} episodes, {summary.steps} steps; {summary.judged} steps ask for a category "
        f"whose things are known, {seen.steps} of these ({seen.episodes} episodes) once one was seen",
        f"right: of the category, within {RIGHT_WITHIN_M} m (horizontally) of one; means of episodes, "
        f"95 % interval by house ({houses} of them); ms are the processor's",
    ]
    lines += [again.to_line(name) for name, again in summary.again.items()]
    if not summary.again:
        lines.append("none of these is the run's own memory, asked for as many items: nothing to reproduce")
    return lines


def _left_out(summary: "RecallSummary") -> list[str]:
    return [f"{left.episode.folder.name}: {left.why}" for left in summary.left_out]


def _step_lines(found: "StepRecall") -> list[str]:
    """A step's question, what was recorded, and what each memory would have recalled."""
    from placecell.agent.replay.recall_summary import RECORDED

    step, names = found.step, found.recording.header.get("categories") or []
    shown: dict[str, Sequence[Item]] = {RECORDED: step.recalled}
    shown |= {name: asked.items for name, asked in found.asked.items()}
    category = step.query.category
    sought = (
        "whatever is near" if category is None else names[category] if category < len(names) else category
    )
    width = max(map(len, shown))
    lines = [f"{found.recording.folder.name} step {step.index}: asked for {sought}"]
    for name, items in shown.items():
        lines.append(f"    {name:<{width}}  {_items(items, found.truth)}")
    return lines


def _items(items: "Sequence[Item]", truth: "Truth | None") -> str:
    if not items:
        return "nothing"
    said = []
    for item in items[:_SHOWN]:
        x, y, z = item.position
        verdict = "" if truth is None else " right" if truth.right(item) else " wrong"
        said.append(f"{item.score:.2f} at ({x:.2f}, {y:.2f}, {z:.2f}), {item.age_steps} steps old{verdict}")
    more = len(items) - _SHOWN
    return "; ".join(said) + (f"; {more} more" if more > 0 else "")
