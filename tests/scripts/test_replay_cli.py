import json
import re
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import record

from placecell.agent.results import Result
from placecell.errors import ArchiveError, MissingPartError
from placecell.scripts.replay import SUBCOMMANDS, main

START = (1.0, 2.0, 0.0, 0.5)


def results(gain=0.0, n=24, **changes):
    """Episodes of eight houses; every second goal was seen before, and those gain."""
    found = []
    for i in range(n):
        seen = i % 2 == 1
        spl = 0.25 + 0.01 * (i % 7) + gain * seen
        measures = {"success": float(spl > 0.4), "spl": spl, "soft_spl": spl, "distance_to_goal": 1.0 - spl}
        failure = None if spl > 0.4 else "never seen"
        tags = {"kind": "object", "seen_before": seen}
        made = Result(
            i, f"e{i}", f"h{i // 3}", "done", False, 9, measures, failure=failure, tags=tags, start=START
        )
        found.append(replace(made, **changes))
    return found


def run_folder(path, found, *, provenance=(("commit", "c0"),), episodes=24, **config):
    path.mkdir(parents=True, exist_ok=True)
    document = {
        "episodes": episodes,
        "seed": 0,
        "task": {"arm": "cold"},
        "out": str(path),
        "workers": 1,
        **config,
    }
    (path / "config.yaml").write_text(json.dumps(document))
    (path / "provenance.json").write_text(json.dumps({"layout": 2, **dict(provenance)}))
    (path / "results.jsonl").write_text("".join(result.to_line() for result in found))
    return path


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs over the same episodes: A gains where the goal was seen before."""
    monkeypatch.chdir(tmp_path)
    run_folder(tmp_path / "a", results(0.25), task={"arm": "warm"}, workers=2)
    run_folder(tmp_path / "b", results())
    return tmp_path


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def row(text, *starts):
    """The cells of the first line of a table that begins with these cells."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("│┃").split("│")]
        if cells[: len(starts)] == list(starts):
            return cells
    raise AssertionError(f"no row {starts} in\n{text}")


def test_a_comparison_shows_means_differences_and_intervals(runs, capsys):
    code, shown, complaint = call(capsys, "compare", "a", "b")
    assert (code, complaint) == (0, "")
    assert "A: a: 24 of 24 episodes, 24 done, oracle inputs: none" in shown
    assert "95 % interval (by scene)" in shown
    _, _, mean_a, mean_b, difference, interval, pairs, scenes, out = row(shown, "all", "spl")
    assert float(mean_a) - float(mean_b) == pytest.approx(0.125, abs=0.002)
    assert (difference, pairs, scenes, out) == ("+0.125", "24", "8", "0")
    low, high = map(float, interval.split(" to "))
    assert low < 0.125 < high
    assert row(shown, "seen before", "spl")[4:7] == ["+0.250", "+0.250 to +0.250", "12"]
    assert row(shown, "never seen", "spl")[4:7] == ["+0.000", "+0.000 to +0.000", "12"]
    assert row(shown, "all", "success")[4] == "+0.500"
    assert row(shown, "all", "soft_spl")[4] == "+0.125"


def test_the_largest_gains_and_losses_are_listed_with_failures_and_folders(runs, capsys):
    found = results(0.25)
    for i, loss in ((2, 0.2), (4, 0.1)):
        found[i] = replace(found[i], measures={**found[i].measures, "spl": found[i].measures["spl"] - loss})
    run_folder(runs / "a", found)
    (runs / "b" / "episodes" / "00001-e1").mkdir(parents=True)
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "spl by episode: better in A 12, worse 2, equal 10" in shown
    gains, losses = shown[shown.index("largest gains") :].split("largest losses of A: spl")
    assert row(gains, "e1") == [
        "e1",
        "h0",
        "0.510",
        "0.260",
        "+0.250",
        "-",
        "never seen",
        "episodes/00001-e1",
    ]
    assert len(re.findall(r"^│ e\d", gains, re.M)) == 10
    assert row(losses, "e2")[4:] == ["-0.200", "never seen", "never seen", "not recorded"]
    assert losses.index("e2 ") < losses.index("e4 ")


def test_what_differs_in_the_configuration_is_shown_with_both_values(runs, capsys):
    run_folder(runs / "b", results(), provenance={"commit": "c1", "world": {"hash": "x"}}.items(), seed=5)
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert row(shown, "task.arm") == ["task.arm", '"warm"', '"cold"']
    assert row(shown, "seed") == ["seed", "0", "5"]
    assert row(shown, "provenance commit") == ["provenance commit", '"c0"', '"c1"']
    assert row(shown, "provenance world.hash")[2] == '"x"'
    assert "workers" not in shown
    assert not re.search(r"│ out ", shown)


def test_oracle_inputs_that_one_run_has_alone_are_a_warning(runs, capsys):
    run_folder(runs / "a", results(0.25, oracle=("expert", "pose")))
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "warning: the oracle inputs differ: A uses expert, pose, B uses none" in shown
    run_folder(runs / "b", results(oracle=("expert", "pose")))
    assert "warning" not in call(capsys, "compare", "a", "b")[1]


def test_a_memory_that_lacks_a_visit_is_a_warning(runs, capsys):
    found = results(0.25)
    found[2:4] = [replace(result, tags={**result.tags, "after_crash": True}) for result in found[2:4]]
    run_folder(runs / "a", found)
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "warning: 2 episodes of A follow one that broke: their memory lacks a visit" in shown


def test_runs_that_do_not_say_where_they_start_are_compared_with_a_warning(runs, capsys):
    run_folder(runs / "b", results(start=None))
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "warning: whether they start at the same place is not known of 24 episodes" in shown


def test_what_was_not_done_is_left_out_and_says_where(runs, capsys):
    lost = results()
    for i in (0, 5):
        lost[i] = replace(lost[i], status="crashed", measures={}, reason="ValueError: x", failure=None)
    run_folder(runs / "b", lost)
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "B: b: 24 of 24 episodes, 22 done" in shown
    assert row(shown, "all", "spl")[6:] == ["22", "8", "2 not done in B"]


def test_a_measure_that_no_pair_has_is_a_warning_and_no_silence(runs, capsys):
    run_folder(runs / "b", [replace(r, measures={**r.measures, "spl": float("nan")}) for r in results()])
    _, shown, _ = call(capsys, "compare", "a", "b")
    assert "warning: no pair of episodes has spl in both: 24 no finite spl" in shown
    assert "has success in both" not in shown
    broke = {"status": "crashed", "measures": {}, "reason": "ValueError: x", "failure": None}
    run_folder(runs / "b", results(**broke))
    code, shown, _ = call(capsys, "compare", "a", "b")
    assert code == 0
    assert "warning: no pair of episodes has success in both: 24 not done in B" in shown
    assert "95 % interval" not in shown


def test_any_measure_may_be_what_gains_are_in(runs, capsys):
    _, shown, _ = call(capsys, "compare", "a", "b", "--measure", "distance_to_goal")
    assert row(shown, "all", "distance_to_goal")[4] == "-0.125"
    assert "distance_to_goal by episode: better in A 0, worse 12, equal 12" in shown


def test_the_numbers_go_to_a_file(runs, capsys):
    code, shown, _ = call(capsys, "compare", "a", "b", "--out", "new/numbers.json")
    assert code == 0
    assert "numbers in new/numbers.json" in shown
    numbers = json.loads((runs / "new" / "numbers.json").read_text())
    assert numbers["rows"]["seen before"]["spl"]["mean"] == pytest.approx(0.25)
    assert (numbers["gains"]["better"], numbers["gains"]["equal"]) == (12, 12)
    assert numbers["rows"]["all"]["spl"]["clusters"] == "scene"
    assert numbers["differs"] == {"task.arm": ['"warm"', '"cold"']}


def test_the_same_runs_give_the_same_comparison_whoever_finished_first(runs, capsys):
    first = call(capsys, "compare", "a", "b")
    run_folder(runs / "a", results(0.25)[::-1], task={"arm": "warm"})
    assert call(capsys, "compare", "a", "b") == first


def test_partial_runs_are_compared_over_what_both_have(runs, capsys):
    whole = results(0.25)
    run_folder(runs / "a", [whole[i] for i in (3, 0, 1, 2, 9)])
    with open(runs / "a" / "results.jsonl", "a") as file:
        file.write(whole[5].to_line()[:60])
    code, shown, _ = call(capsys, "compare", "a", "b", "--partial")
    assert code == 0
    assert "warning: over the 5 episodes that both have: A has 5 of 24, B has 24 of 24" in shown
    assert row(shown, "all", "spl")[6] == "5"


def elsewhere(found):
    return [*found[:3], replace(found[3], start=(1.0, 2.5, 0.0, 0.5)), *found[4:]]


@pytest.mark.parametrize(
    ("make", "arguments", "line"),
    [
        (results, ["a", "a/../a"], "two runs, got a twice; name"),
        (
            lambda: results(n=12),
            ["a", "b"],
            r"runs at their end, got b with 12 of 24 episodes; run its .* --partial",
        ),
        (
            lambda: results(n=30)[6:],
            ["a", "b"],
            r"got 24 \(A\) and 24 \(B\), 'e0' .*'e1' .*'e2' .* and 3 more in A",
        ),
        (
            lambda: elsewhere(results()),
            ["a", "b"],
            r"got 'e3' in 'h1' .*, which starts at \(1, 2, 0, 0.5\) \(A\)",
        ),
        (lambda: results(scene_id="x"), ["a", "b"], "'e0' in 'h0' .* beside 'e0' in 'x'"),
        (lambda: [], ["a", "b", "--partial"], r"episodes in common, got 24 in a and 0 in b"),
        (
            results,
            ["a", "b", "--measure", "splat"],
            "a measure .*: success, spl, .*, got 'splat'; did you mean spl",
        ),
        (results, ["a", "nowhere"], "the folder of a run, .*, got nowhere: no such folder"),
        (results, ["a", "."], r"got \., which holds none"),
        (results, ["a"], "the following arguments are required: RUN_B; see --help"),
        (
            results,
            ["a", "b", "--out", "a/config.yaml/x"],
            "a folder that can be written: a/config.yaml, got ",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(runs, capsys, make, arguments, line):
    run_folder(runs / "b", make())
    code, _, complaint = call(capsys, "compare", *arguments)
    assert code == 2
    assert complaint.count("\n") == 1
    assert complaint.startswith("placecell-replay: expected ")
    assert re.search(line, complaint)


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        (
            "results.jsonl",
            '"spl": 0.25',
            '"spl": 0.95',
            "b/results.jsonl, line 1, got one that was edited by hand",
        ),
        ("provenance.json", '"layout": 2', '"layout": 9', "layout 9, written by a newer placecell; upgrade"),
        ("config.yaml", "{", "[", "a run's configuration in b/config.yaml"),
    ],
)
def test_a_damaged_run_is_one_line_and_exit_code_1(runs, capsys, file, old, new, line):
    path = runs / "b" / file
    path.write_text(path.read_text().replace(old, new, 1))
    code, shown, complaint = call(capsys, "compare", "a", "b")
    assert (code, shown, complaint.count("\n")) == (1, "", 1)
    assert line in complaint


@pytest.fixture
def exported(runs, monkeypatch):
    """What the exporter was asked for, by a stand-in for the one of MCAP files."""
    asked = []
    for name in ("00000-e0", "00001-e1", "00002-twice", "00003-twice", "00004-7", "00007-a%2Fb"):
        record(runs / "a" / "episodes" / name, "light", steps=1)

    def export(recordings, out):
        asked.extend(path.name for path in recordings)
        if out.name == "damaged.mcap":
            raise ArchiveError(expected="a whole recording", came="half of one", fix="walk it again")
        if out.name == "missing.mcap":
            raise MissingPartError(expected="mcap", came="none", fix="pip install 'placecell[mcap]'")
        return out

    stand_in = types.ModuleType("placecell.agent.exports.mcap")
    stand_in.export = export
    monkeypatch.setitem(sys.modules, "placecell.agent.exports.mcap", stand_in)
    return asked


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        ([], ["00000-e0", "00001-e1", "00002-twice", "00003-twice", "00004-7", "00007-a%2Fb"]),
        (["e1", "0"], ["00001-e1", "00000-e0"]),
        (["7"], ["00004-7"]),  # an id before an index
        (["a/b", "00003-twice"], ["00007-a%2Fb", "00003-twice"]),
        (["a/episodes/00001-e1", "1"], ["00001-e1"]),
    ],
)
def test_episodes_are_exported_by_id_index_or_folder(exported, capsys, names, folders):
    code, shown, complaint = call(capsys, "export", "a", *names, "--to", "mcap", "--out", "x.mcap")
    assert (code, complaint) == (0, "")
    assert exported == folders
    many = "1 episode" if len(folders) == 1 else f"{len(folders)} episodes"
    assert shown == f"{many} as mcap; look into x.mcap\n"


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["a", "e2"],
            2,
            r"a recorded episode of a \(6, the indices 0 to 7\), got 'e2'; did you mean e\d or e\d\?",
        ),
        (["a", "99"], 2, "got '99'; name one such as e0"),
        (["a", "twice"], 2, "got 'twice', which 2 bear; name its folder: 00002-twice, 00003-twice"),
        (["b"], 2, "recorded episodes in b/episodes, got none; run with record=light"),
        (["nowhere"], 2, "got nowhere: no such folder"),
        (["a", "--to", "pdf"], 2, "argument --to: invalid choice: 'pdf'"),
        (["a", "--out", "missing.mcap"], 2, r"pip install 'placecell\[mcap\]'"),
        (["a", "--out", "damaged.mcap"], 1, "expected a whole recording, got half of one; walk it again"),
    ],
)
def test_an_export_that_cannot_be_is_one_line(exported, capsys, arguments, code, line):
    given = ["export", "--to", "mcap", "--out", "x.mcap", *arguments]
    assert call(capsys, *given)[0] == code
    main(given)
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert re.search(line, complaint)


def test_of_a_whole_run_what_cannot_be_read_is_left_out_and_told(exported, capsys):
    episodes = Path("a/episodes")
    (episodes / "00008-broke").mkdir()
    (episodes / "00008-broke" / "error.txt").write_text("ValueError")
    (episodes / "00000-e0" / "steps.jsonl").write_text("")
    code, shown, complaint = call(capsys, "export", "a", "--to", "mcap", "--out", "x")
    assert (code, shown) == (0, "5 episodes as mcap; look into x\n")
    told = "placecell-replay: left out {}: it ended before its first step\n"
    assert complaint == told.format("00000-e0") + told.format("00008-broke")
    (episodes / "00004-7" / "steps.jsonl").write_text("[]\n")
    code, shown, complaint = call(capsys, "export", "a", "--to", "mcap", "--out", "x")
    assert (code, shown) == (1, "4 episodes as mcap; look into x\n")
    assert "left out 00004-7: expected a recorded step in line 1 of a/episodes/00004-7/" in complaint
    assert complaint.count("\n") == 3
    assert "00004-7" not in exported[5:]


def test_a_run_of_which_nothing_can_be_exported_is_one_line(exported, capsys):
    for folder in Path("a/episodes").iterdir():
        (folder / "header.json").unlink()
    code, shown, complaint = call(capsys, "export", "a", "--to", "mcap", "--out", "x")
    assert (code, shown) == (1, "")
    assert complaint.endswith("no episode of a can be exported; 00000-e0: it ended before its first step\n")


def test_what_a_dataset_leaves_out_is_told(exported, capsys, monkeypatch):
    stand_in = types.ModuleType("placecell.agent.exports.lerobot")
    stand_in.export = lambda recordings, out: out
    stand_in.left_out_of = lambda out: {"00001-e1": "crashed: ValueError"}
    monkeypatch.setitem(sys.modules, "placecell.agent.exports.lerobot", stand_in)
    code, shown, complaint = call(capsys, "export", "a", "--to", "lerobot", "--out", "x")
    assert (code, shown) == (0, "5 episodes as lerobot; look into x\n")
    assert complaint == "placecell-replay: left out 00001-e1: crashed: ValueError\n"


def test_an_unknown_subcommand_lists_the_known_ones(capsys):
    code, _, complaint = call(capsys, "compair", "a", "b")
    assert code == 2
    assert complaint == (
        "placecell-replay: expected a subcommand: page, summary, compare, seeds, export, verify, recall, "
        "video, submission, score, got 'compair'; "
        "did you mean placecell-replay compare?\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in SUBCOMMANDS)])
def test_help_ends_well_and_names_what_there_is(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (SUBCOMMANDS if arguments == ["--help"] else arguments[:1]))


def test_nothing_asked_for_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "subcommands:" in capsys.readouterr().err
