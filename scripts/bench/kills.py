"""``placecell-bench kills``: a run that is killed again and again, against one that is left in peace.

SIGKILL goes to the run's process group and the same command goes on, until it comes to its end. The kernel
finishes a small write before it lets a process die, so a third of the kills is followed by what a full disk
or a power cut leaves: the last line (or member of a tar) of a file is cut at a random byte.
"""

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from placecell.arrays import atomic_write, generator
from placecell.errors import ConfigError

from .kill_campaign import Campaign
from .kill_moments import Moments, kinds_of
from .row import Row
from .run_difference import RunDifference
from .run_tasks import add_run_arguments, arguments_of, limited, scratch_folder
from .summary_pair import show_pair
from .timed_run import timed_run
from .unfinished import Place

SUITE_HELP = "SIGKILLs a run many times, lets the same command go on, compares with an uninterrupted run"

_QUICK_STEPS = 60
_NAMES: Mapping[Place, str] = {
    "start-up": "kills_in_start_up",
    "within an episode": "kills_within_an_episode",
    "between episodes": "kills_between_episodes",
    "within a write": "kills_within_a_write",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--kills", type=int, metavar="N", help="how many (default: 50; quick: 5)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of the run")
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> list[Row]:
    """An uninterrupted run, then one that is killed, and what they differ in.

    Raises:
        ConfigError: fewer kills than one.
        OutputError: the command does not come to its end even when it is left in peace, or refuses to go on
            again and again.
    """
    kills = args.kills if args.kills is not None else 5 if args.quick else 50
    if kills < 1:
        raise ConfigError(expected="--kills of 1 or more", came=str(kills), fix="say --kills 50")
    command = [*arguments_of(args, episodes=2 * kills), f"workers={args.workers}"]
    command += limited(args, _QUICK_STEPS) if args.quick else []
    with scratch_folder(args, "kills") as scratch:
        reference = timed_run(command, scratch / "uninterrupted")
        print(
            f"uninterrupted: {len(reference.results)} episodes in {reference.walk_s:.1f} s "
            f"after {reference.start_s:.1f} s of start-up",
            flush=True,
        )
        rng = generator(args.seed, "kills")
        kinds = kinds_of(reference.folder, tours=args.task == "tour")
        moments = Moments(rng, kills, kinds, reference.start_s)
        campaign = Campaign(command, scratch, reference, moments, rng)
        campaign.carry_out()
        differences = [RunDifference.between(reference.folder, folder) for folder in campaign.completed]
        if campaign.completed:
            pair = ("uninterrupted", reference.folder), ("interrupted", campaign.completed[-1])
            show_pair(*pair, args.out)
        _write_report(campaign, differences, args.out)
    return rows_of(campaign, differences)


def rows_of(campaign: Campaign, differences: Sequence[RunDifference]) -> list[Row]:
    """What the kills did, added up over the runs that they were spread over."""
    kills = campaign.kills
    places = Counter(kill.place for kill in kills)
    hows = Counter(kill.how for kill in kills)
    return [
        Row("kills", len(kills), "1"),
        *(Row(_NAMES[place], places[place], "1") for place in _NAMES),
        *(Row(f"kills_at_{how}_moments", hows[how], "1") for how in ("random", "watched", "torn")),
        Row("runs_completed", len(campaign.completed), "1"),
        _none("commands_refused", len(campaign.refused)),
        _none("episodes_lost", sum(len(d.lost) for d in differences)),
        _none("episodes_twice", sum(len(d.twice) for d in differences)),
        _none("lines_that_differ", sum(len(d.lines) for d in differences)),
        _none("lines_out_of_order", sum(d.order for d in differences)),
        _none("kept_lines_changed", campaign.kept_changed),
        _none("summaries_that_differ", sum(d.summary for d in differences)),
        _none("recordings_that_differ", sum(len(d.recordings) for d in differences)),
        _none("unreadable_after_a_kill", sum(len(kill.unreadable) for kill in kills)),
        _none("processes_left", sum(kill.orphans for kill in kills)),
        Row("files_torn_by_the_kill", sum(len(kill.torn) for kill in kills), "1"),
        Row("files_cut_afterwards", sum(kill.cut is not None for kill in kills), "1"),
        Row(
            "torn_files_repaired",
            campaign.repaired,
            "1",
            target=f"= {campaign.torn}",
            passed=campaign.repaired == campaign.torn,
        ),
        Row("files_left_over", sum(len(d.extra) for d in differences), "1"),
    ]


def _none(name: str, count: int) -> Row:
    """A count that has to be 0."""
    return Row(name, count, "1", target="= 0", passed=count == 0)


def _write_report(campaign: Campaign, differences: Sequence[RunDifference], out: Path) -> None:
    """``kills.json``: every kill, and what came to differ."""
    report = {
        "command": list(campaign.command),
        "kills": [asdict(kill) for kill in campaign.kills],
        "refused": campaign.refused,
        "differences": [asdict(difference) for difference in differences],
    }
    atomic_write(out / "kills.json", json.dumps(report, indent=1) + "\n")
