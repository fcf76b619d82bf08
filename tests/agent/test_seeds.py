"""Conditions over several seeds: pooled, paired by seed, and refused where they do not fit."""

import pytest

from placecell.agent.results import Result
from placecell.agent.seeds import pooled, split, table_of
from placecell.errors import EpisodeError, OutputError


def run(*spls, seen=True, scene="house"):
    return tuple(
        Result(
            n, str(n), f"{scene}-{n % 3}", "done", False, steps=10 * (n + 1),
            measures={"spl": spl, "success": float(spl > 0)},
            tags={"seen_before": seen, "memory_bytes": 2e6},
        )
        for n, spl in enumerate(spls)
    )  # fmt: skip


RUNS = {
    "warm-1": run(1.0, 0.5, 0.0),
    "warm-2": run(0.6, 0.6, 0.6),
    "cold-1": run(0.5, 0.5, 0.5),
    "cold-2": run(0.0, 0.0, 0.3),
}


def cells(text, name):
    head, _, *rows = (line.strip("| ").split(" | ") for line in text.splitlines())
    return next(dict(zip(head, row)) for row in rows if row[0] == name)


@pytest.mark.parametrize("name", ["warm", "21", "-3", "seed"])
def test_a_folder_without_a_seed_is_refused(name):
    with pytest.raises(OutputError, match="named CONDITION-SEED"):
        split(name)


def test_seeds_are_pooled_and_paired_by_seed():
    warm = cells(table_of(pooled(RUNS), "cold"), "warm")
    assert warm["seeds"] == "2"
    assert warm["episodes"] == "6 of 6"
    assert warm["SPL"].startswith("0.550 [")
    assert warm["SPL by seed"] == "0.500, 0.600"
    assert warm["SPL - control"].startswith("+0.250 [")
    assert warm["seen before"].startswith("+0.250 [")
    assert warm["never seen"] == "-"
    assert warm["memory, MB"] == "2.0"
    assert warm["steps"] == "20"
    assert cells(table_of(pooled(RUNS), "cold"), "cold")["SPL - control"] == "-"


def test_only_the_seeds_that_the_control_has_are_compared():
    fewer = {name: results for name, results in RUNS.items() if name != "cold-2"}
    warm = cells(table_of(pooled(fewer), "cold"), "warm")
    assert warm["SPL"].startswith("0.550")
    assert warm["SPL - control"].startswith("+0.000")


def test_an_unknown_control_and_runs_of_other_episodes_are_refused():
    with pytest.raises(OutputError, match=r"a control among warm, cold, came|a control among warm, cold"):
        table_of(pooled(RUNS), "hot")
    with pytest.raises(EpisodeError, match="the same episodes"):
        table_of(pooled({**RUNS, "warm-2": run(0.1)}), "cold")
