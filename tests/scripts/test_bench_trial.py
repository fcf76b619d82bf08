import json

import pytest

from placecell.agent.results import Result
from placecell.errors import OutputError
from placecell.scripts import bench
from placecell.scripts.bench import trial, trial_cases
from placecell.scripts.bench.trial_cases import Case, Pair, cases, pairs
from placecell.scripts.bench.trial_numbers import PairNumbers, numbers
from placecell.scripts.bench.trial_plot import picture
from placecell.scripts.bench.trial_tables import markdown
from placecell.scripts.bench.trial_walk import Trial, cells_of
from placecell.scripts.run import main

ROUNDS = ("env=corridor", "env._target_=rounds.Rounds", "agent=walker", "agent._target_=rounds.walker",
          "~agent.stride", "task=tour", "progress=false", "workers=0", "record=off")  # fmt: skip
SMALL = (
    Case("warm", memory="none"), Case("cold", arm="cold", memory="none"),
    Case("stale", arm="stale", memory="none"), Case("known", arm="known", memory="none"),
    Case("unheard", memory="nothing_of_that_name"), Case("again", memory="none", first=False),
)  # fmt: skip


@pytest.fixture
def small(toybot, monkeypatch):
    """The suite over six short conditions of a toy world."""
    monkeypatch.setattr(trial, "world", lambda split, visits: ROUNDS)
    monkeypatch.setattr(trial_cases, "cases", lambda: SMALL)


@pytest.fixture
def pretended(tmp_path):
    """A trial whose runs take a given CPU time and walk nothing; what was asked for is noted."""
    asked = []

    def make(budget_s=1e9, cell_s=60.0, break_in=None, seeds=(1, 2), known=SMALL[:2]):
        def command(arguments):
            asked.append(arguments)
            told = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
            folder = type(tmp_path)(told["out"])
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "results.jsonl"
            there = len(path.read_text().splitlines()) if path.exists() else 0
            for number in range(there, int(told["episodes"])):
                if folder.name == break_in and number == 2:
                    return 130
                spl = {"warm": 0.8, "cold": 0.5}.get(folder.name.split("-")[0], 0.6) + 0.01 * number
                tags = {"visit": number // 2, "memory_bytes": 100 * number}
                tags |= {"moved": number > 1, "seen_before": number > 1}
                measures = {"spl": spl, "success": 1.0}
                line = Result(
                    number, str(number), f"house {number % 2}", "done", False, 7, measures,
                    tags=tags, seconds=cell_s / 4,
                ).to_line()  # fmt: skip
                with open(path, "a") as file:
                    file.write(line)
            return 0

        return Trial(tmp_path, ("w=1",), 4, cells_of(known, seeds), budget_s, command, lambda line: None)

    make.asked = asked
    return make


def forget_cpu_times(folder):
    """As a kill leaves it: what a run took is only known from its episodes' own clocks."""
    for path in folder.glob("runs/*/cpu.json"):
        path.unlink()


def test_the_trial_writes_its_tables_and_goes_on_without_walking_again(small, tmp_path, capsys):
    arguments = ["trial", "--out", str(tmp_path), "--seeds", "3", "--houses", "1", "--cpu-minutes", "5"]
    assert bench.main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "[1/6] warm-3: 6 of 6 episodes done, SPL 1.000" in printed.out
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert rows["spl_warm"]["value"] == 1.0
    assert rows["spl_warm"]["unit"] == "SPL [1.000, 1.000], 1 seed"
    assert (rows["spl_unheard"]["value"], rows["spl_unheard"]["unit"]) == (None, "not run")
    assert rows["warm_minus_cold"]["value"] == 0.0
    assert rows["cpu_time"]["passed"]
    text = (tmp_path / "trial.md").read_text()
    assert "| unheard | warm | nothing_of_that_name | none | - | not run: " in text
    assert "| warm - cold | a warm memory over an empty one | 1 |" in text
    assert "| none | stale - known | all | 1 |" in text
    document = json.loads((tmp_path / "trial.json").read_text())
    assert document["runs"]["warm-3"]["episodes"] == 6
    assert document["runs"]["warm-3"]["cpu_s"] > 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/results.jsonl")}
    assert len(before) == 5  # the sixth condition was refused
    assert bench.main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/results.jsonl")} == before
    assert json.loads((tmp_path / "trial.json").read_text())["runs"] == document["runs"]


def test_tables_alone_walk_nothing(small, tmp_path):
    assert bench.main(["trial", "--out", str(tmp_path), "--tables"]) == 0
    assert not list(tmp_path.glob("runs/*"))
    text = (tmp_path / "trial.md").read_text()
    assert "0 of 30 runs" in text
    assert text.count("not run: the budget of CPU time was spent") == len(SMALL)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--seeds", "1,1"],
            "expected different seeds of 0 or more, with commas, got 1,1; say --seeds 21,22",
        ),
        (["--cpu-minutes", "0"], "expected --cpu-minutes above 0, got 0"),
        (["--houses", "0"], "expected --houses of 1 or more, got 0"),
        (["--only", "warm,lukewarm"], "expected conditions among warm, cold, octree, "),
    ],
)
def test_a_mistake_is_one_line(arguments, line, tmp_path, capsys):
    assert bench.main(["trial", "--out", str(tmp_path), *arguments]) == 2
    complaint = capsys.readouterr().err
    assert line in complaint
    assert complaint.count("\n") == 1


def test_the_first_cases_come_with_every_seed_before_the_others():
    order = [cell.name for cell in cells_of((SMALL[0], SMALL[5], SMALL[1]), (1, 2))]
    assert order == ["warm-1", "cold-1", "warm-2", "cold-2", "again-1", "again-2"]


def test_no_cell_is_begun_that_would_not_fit(pretended, tmp_path):
    run = pretended()
    run.walk()
    forget_cpu_times(tmp_path)  # 60 s each by the episodes' clocks
    again = pretended(budget_s=270.0, seeds=(1, 2, 3))
    assert again.spent_s == pytest.approx(240.0)
    pretended.asked.clear()
    again.walk()
    assert again.stopped is not None
    assert again.stopped.name == "warm-3"
    assert pretended.asked == []
    found = numbers(again)
    assert {row.case.name: row.seeds for row in found.cases} == {"warm": (1, 2), "cold": (1, 2)}


def test_a_trial_that_was_ended_goes_on_within_the_run_and_remembers_its_time(pretended, tmp_path):
    run = pretended(break_in="cold-1")
    with pytest.raises(KeyboardInterrupt):
        run.walk()
    forget_cpu_times(tmp_path)
    again = pretended()
    assert again.spent_s == pytest.approx(60.0 + 30.0)  # a whole run, and half of one
    pretended.asked.clear()
    again.walk()
    assert [arguments[-1].rpartition("/")[2] for arguments in pretended.asked] == [
        "cold-1",
        "warm-2",
        "cold-2",
    ]
    assert all(again.walked(cell).complete for cell in again.cells)
    # Two episodes by their own clocks, the others by this process's.
    assert again.walked(again.cells[1]).cpu_s == pytest.approx(30.0, abs=5.0)


def test_a_condition_that_is_refused_is_asked_for_once_and_the_others_are_walked(pretended, capsys):
    run = pretended()
    walk = run.command

    def command(arguments):
        if "task.arm=cold" not in arguments:
            return walk(arguments)
        pretended.asked.append(arguments)
        print("placecell-run: expected another winter, got none")
        return 2

    run.command = command
    run.walk()
    assert len(pretended.asked) == 3
    assert capsys.readouterr().out == ""  # what a run prints is not the trial's
    cold = numbers(run).cases[1]
    assert cold.missing == "placecell-run: expected another winter, got none"
    assert "| cold | cold | none | none | - | not run: placecell-run: expected another winter" in markdown(
        numbers(run), run, []
    )


def test_another_trial_is_not_mixed_in(pretended, tmp_path):
    pretended()
    with pytest.raises(OutputError, match="expected a folder without a trial, or with this one"):
        Trial(tmp_path, ("w=2",), 4, (), 1.0, lambda arguments: 0, lambda line: None)


def test_differences_are_paired_and_said_in_words(pretended):
    run = pretended(known=(*SMALL[:4],))
    run.walk()
    found = numbers(run)
    gain = next(row for row in found.pairs["arms"] if (row.pair.a, row.pair.b) == ("warm", "cold"))
    assert gain.spl is not None
    assert gain.spl["all"].mean == pytest.approx(0.3)
    assert gain.spl["seen before"].pairs == 4
    assert gain.by_seed == pytest.approx((0.3, 0.3))
    assert (gain.same, gain.of, gain.verdict) == (0, 8, "better (2 seeds)")
    equal = next(row for row in found.pairs["arms"] if (row.pair.a, row.pair.b) == ("stale", "known"))
    assert equal.verdict == "walks the same"
    cost = next(row for row in found.recovery if (row.name, row.goals) == ("stale - warm", "moved"))
    assert cost.visits[1].mean == pytest.approx(-0.2)
    text = markdown(found, run, ["abc"])
    assert "| warm - cold | a warm memory over an empty one | 2 | +0.300 [+0.300, +0.300] |" in text
    assert "| none | stale - warm | moved | 2 | -0.200 [-0.200, -0.200] (4) | - | -0.200" in text


def test_what_was_not_run_has_no_verdict():
    assert PairNumbers(Pair("", "a", "b")).verdict == "not run"


def test_a_line_of_the_plot_holds_the_seeds_that_all_its_points_have(pretended):
    capped = Case("full_256KiB", max_bytes=2**18, first=False)
    run = pretended(known=(Case("warm"), capped), seeds=(1, 2, 3))
    run.budget_s = 1e-9
    run.walk()
    assert picture(numbers(run)) is not None  # the first cell is begun whatever it takes
    run = pretended(known=(Case("warm"), capped), seeds=(1, 2, 3))
    run.cells = run.cells[:4]  # the cap with one seed only
    run.walk()
    found = numbers(run)
    assert found.line_seeds == (1,)
    assert [row.case.name for row in found.lines["full"]] == ["warm", "full_256KiB"]
    assert picture(found)[:4] == b"\x89PNG"


def test_every_condition_is_named_once_and_every_choice_exists():
    known = cases()
    assert len({case.name for case in known}) == len(known)
    assert len({case.overrides for case in known}) == len(known)
    named = {name for table in pairs(known).values() for pair in table for name in (pair.a, pair.b)}
    assert named == {case.name for case in known}  # none is walked for nothing
    assert {case.arm for case in known} == {"cold", "warm", "known", "foreign", "geometry", "stale"}


@pytest.mark.parametrize("name", ["no_long_term_low", "full_2048KiB", "flat_16KiB", "frames", "foreign_high"])
def test_placecell_run_takes_what_a_condition_asks_for(name, tmp_path, capsys):
    """The command is composed; a seed that the houses refuse ends it before a house is made."""
    (case,) = (case for case in cases() if case.name == name)
    arguments = [*trial.world("val", 6), *case.overrides, "episodes=6", "seed=-1", f"out={tmp_path / 'out'}"]
    assert main(arguments) == 2
    assert "a seed of 0 or more, got -1" in capsys.readouterr().err
