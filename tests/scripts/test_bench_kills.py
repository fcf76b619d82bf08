import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from placecell.arrays import generator
from placecell.scripts import bench
from placecell.scripts.bench import run_tasks
from placecell.scripts.bench.kill_campaign import Campaign, Kill
from placecell.scripts.bench.kill_moments import HOWS, Moments, kinds_of
from placecell.scripts.bench.kills import rows_of
from placecell.scripts.bench.launched import Launched
from placecell.scripts.bench.run_difference import RunDifference, whole_lines
from placecell.scripts.bench.timed_run import TimedRun
from placecell.scripts.bench.unfinished import Cut, Unfinished, is_whole

TOY = ("env=corridor", "agent=walker", "task=stroll")


@pytest.fixture
def toy(toybot_installed, monkeypatch):
    """The suites may walk the stranger's corridor, in processes without the shape checks' cost."""
    monkeypatch.setattr(run_tasks, "TASKS", {**run_tasks.TASKS, "toy": TOY})
    monkeypatch.setenv("PYTHONPATH", str(toybot_installed))
    monkeypatch.delenv("PLACECELL_TYPECHECK", raising=False)


@pytest.fixture(scope="module")
def walked(toybot_installed, tmp_path_factory):
    """A whole run of the corridor with frames."""
    out = tmp_path_factory.mktemp("walked") / "run"
    command = [sys.executable, "-m", "placecell.scripts.run", *TOY, "record=full", "episodes=4"]
    subprocess.run(
        [*command, "progress=false", "workers=0", f"out={out}"],
        env={**os.environ, "PYTHONPATH": str(toybot_installed)},
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture
def again(walked, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(walked, tmp_path / "again")


@pytest.fixture
def under_way(again):
    """A copy of it that was killed within episode 3: no line, no end."""
    lines = whole_lines(again)
    (again / "results.jsonl").write_bytes(b"\n".join(lines[:3]) + b"\n")
    folder = again / "episodes" / "00003-walk 3"
    steps = (folder / "steps.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "steps.jsonl").write_bytes(b"".join(steps[:2]))
    frame = json.loads(steps[1])["frame"]
    os.truncate(folder / "frames.tar", -(-(frame["offset"] + frame["size"]) // 512) * 512)
    return again


def rewrite(folder, change):
    """Changes the list of a run's lines."""
    lines = [json.loads(line) for line in whole_lines(folder)]
    change(lines)
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_five_kills_lose_nothing(toy, tmp_path, capsys):
    code = bench.main(["kills", "--task", "toy", "--kills", "5", "--episodes", "100", "--record", "full",
                       "--seed", "3", "--quick", "--out", str(tmp_path)])  # fmt: skip
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert [name for name, row in rows.items() if row["passed"] is False] == []
    assert rows["kills"]["value"] == 5
    assert rows["runs_completed"]["value"] >= 1
    assert rows["files_cut_afterwards"]["value"] >= 1
    report = json.loads((tmp_path / "kills.json").read_text())
    assert {kill["how"] for kill in report["kills"]} == set(HOWS)
    both = [(tmp_path / f"summary_{name}.json").read_bytes() for name in ("uninterrupted", "interrupted")]
    assert both[0] == both[1]
    assert "spl" in printed.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bench.json", "kills.json", "summary_interrupted.json", "summary_uninterrupted.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--kills", "0"], "expected --kills of 1 or more, got 0; say --kills 50"),
        (["--task", "toy", "--set", "env.lenght=3"], "exit code 2: placecell-run: expected a key of env"),
    ],
)
def test_a_mistake_is_one_line(toy, tmp_path, capsys, arguments, line):
    assert bench.main(["kills", "--out", str(tmp_path), *arguments]) == 2
    complaint = capsys.readouterr().err
    assert line in complaint
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_equal_runs_do_not_differ_whatever_their_seconds(walked, again):
    rewrite(again, lambda lines: [line.update(seconds=9.5) for line in lines])
    assert RunDifference.between(walked, again) == RunDifference()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda lines: lines.pop(2), {"lost": (2,), "order": 1}),
        (lambda lines: lines.append(lines[1]), {"twice": (1,)}),
        (lambda lines: lines[3].update(steps=77), {"lines": (3,)}),
        (lambda lines: lines[0]["measures"].update(spl=0.123), {"lines": (0,)}),
        (lambda lines: lines.reverse(), {"order": 4}),
    ],
)
def test_lines_that_are_lost_doubled_changed_or_moved_are_counted(walked, again, change, expected):
    rewrite(again, change)
    assert RunDifference.between(walked, again) == RunDifference(**expected)


def test_a_summary_with_one_other_byte_differs(walked, again):
    (again / "summary.json").write_bytes((walked / "summary.json").read_bytes() + b" ")
    assert RunDifference.between(walked, again) == RunDifference(summary=True)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        shutil.rmtree,
        lambda folder: (folder / "steps.jsonl").unlink(),
        lambda folder: flip(folder / "frames.tar"),
        lambda folder: flip(folder / "steps.jsonl"),
        lambda folder: (folder / ".header.json.abc").touch(),
    ],
)
def test_recordings_that_are_missing_or_other_are_counted(walked, again, damage):
    damage(again / "episodes" / "00001-walk 1")
    assert RunDifference.between(walked, again) == RunDifference(recordings=("00001-walk 1",))


def test_recordings_without_an_end_are_counted_even_where_both_lack_it(under_way):
    difference = RunDifference.between(under_way, under_way)
    assert difference == RunDifference(recordings=("00003-walk 3",))


def test_what_was_never_cleared_away_is_named(walked, again):
    (again / ".summary.json.xyz").touch()
    (again / "episodes" / "00009-odd").mkdir()
    assert RunDifference.between(walked, again).extra == (".summary.json.xyz", "episodes/00009-odd")


def test_a_cut_takes_a_part_of_the_last_line_or_member(under_way):
    whole = {path: path.read_bytes() for path in under_way.rglob("*") if path.is_file()}
    cut_files = set()
    for seed in range(12):
        cut = Unfinished(under_way, 0).tear(generator(seed, "cut"))
        path = under_way / cut.file
        rest = path.read_bytes()
        assert rest == whole[path][: -cut.taken]
        assert 1 <= cut.taken < cut.of
        if path.suffix == ".jsonl":
            lines = whole[path].splitlines(keepends=True)
            assert cut.of == len(lines[-1])
            assert len(rest) > len(whole[path]) - cut.of
            assert not is_whole(path)
        assert Unfinished(under_way, 0).unreadable(under_way) == []
        cut_files.add(path.name)
        path.write_bytes(whole[path])
    assert cut_files == {"results.jsonl", "steps.jsonl", "frames.tar"}


def test_nothing_is_cut_where_there_is_nothing(tmp_path):
    assert Unfinished(tmp_path, 0).tear(generator(0)) is None


def test_where_a_kill_fell_is_told_by_what_it_left(under_way, walked):
    later = time.time_ns() + 10**9
    running = under_way / "episodes" / "00003-walk 3"
    assert Unfinished(under_way, later).place == "start-up"
    assert Unfinished(under_way, 0).place == "within an episode"
    os.utime(running / "frames.tar", ns=(later + 1, later + 1))
    assert Unfinished(under_way, later).place == "within an episode"
    with open(running / "frames.tar", "ab") as file:
        file.write(b"x" * 700)  # a member whose line was never written
    assert Unfinished(under_way, 0).torn() == ["episodes/00003-walk 3/frames.tar"]
    assert Unfinished(under_way, 0).place == "within a write"


def test_a_kill_between_episodes_or_in_a_write_that_is_not_to_be_seen_yet(under_way, walked):
    running = under_way / "episodes" / "00003-walk 3"
    shutil.rmtree(running)
    assert Unfinished(under_way, 0).place == "between episodes"
    shutil.copytree(walked / "episodes" / "00003-walk 3", running)  # at its end, its line not yet written
    assert Unfinished(under_way, 0).place == "between episodes"
    (under_way / "tours" / "00000").mkdir(parents=True)
    (under_way / "tours" / "00000" / ".00001.memory.xyz").touch()
    left = Unfinished(under_way, 0)
    assert left.place == "within a write"
    assert [path.name for path in left.half_written()] == [".00001.memory.xyz"]


def test_a_line_torn_by_the_kill_itself_is_told_from_one_that_was_cut_before(under_way):
    with open(under_way / "results.jsonl", "ab") as file:
        file.write(b'{"episode": 3')
    assert Unfinished(under_way, 0).torn() == ["results.jsonl"]
    assert Unfinished(under_way, 0).place == "within a write"
    assert Unfinished(under_way, time.time_ns() + 10**9).torn() == []


def test_what_the_readers_do_not_give_back_is_named(under_way, walked):
    assert Unfinished(under_way, 0).unreadable(walked) == []
    steps = under_way / "episodes" / "00003-walk 3" / "steps.jsonl"
    steps.write_bytes(steps.read_bytes().replace(b'"action":', b'"action": '))
    (problem,) = Unfinished(under_way, 0).unreadable(walked)
    assert "is no beginning of the uninterrupted run's" in problem
    flip(steps.parent / "frames.tar")
    rewrite(under_way, lambda lines: lines.append(lines[0]))
    first, second = Unfinished(under_way, 0).unreadable(walked)
    assert "episode 0 again" in first
    assert "frames.tar" in second


@pytest.fixture
def stubborn(tmp_path, monkeypatch):
    """A command that ignores its arguments and leaves a process in a session of its own."""
    script = tmp_path / "command"
    script.write_text("#!/bin/sh\nsetsid sleep 60 &\nsleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_a_process_that_outlives_the_run_is_found_and_ended(stubborn, tmp_path):
    with Launched([], tmp_path / "out", tmp_path / "log") as run:
        assert run.wait(lambda: any(os.getsid(pid) != run.pid for pid in run.others()), 20)
        run.kill()
        assert not run.running
        (orphan,) = run.left(0.3)
        assert os.getpgid(orphan) != run.pid
    assert run.left(5) == []


def test_a_run_that_is_left_by_an_error_is_ended(stubborn, tmp_path):
    with pytest.raises(KeyboardInterrupt), Launched([], tmp_path / "out", tmp_path / "log") as run:
        raise KeyboardInterrupt
    assert not run.running
    assert run.left(5) == []


def test_kills_are_spread_over_the_ways_and_the_first_is_when_the_folder_is_made():
    moments = Moments(generator(1), 9, ("folder", "results.jsonl", "steps.jsonl"), start_s=2.0)
    drawn = [moments.draw(number, 3.0, stuck=False) for number in range(len(moments))]
    assert [[moment.how for moment in drawn].count(how) for how in HOWS] == [3, 3, 3]
    assert (drawn[0].how, drawn[0].kind, drawn[0].in_start_up) == ("watched", "folder", True)
    assert all((moment.kind is not None) == (moment.how == "watched") for moment in drawn)
    assert all(0 <= moment.wait_s <= (2.0 if moment.in_start_up else 6.0) for moment in drawn)
    stuck = [moments.draw(number, 3.0, stuck=True) for number in range(9)]
    assert all(moment.after_line and not moment.in_start_up for moment in stuck)


def test_files_to_watch_are_those_that_the_run_writes(walked):
    assert kinds_of(walked, tours=False) == (
        "folder", "results.jsonl", "temporary", "steps.jsonl", "frames.tar",
    )  # fmt: skip
    assert kinds_of(walked / "nowhere", tours=True) == ("folder", "results.jsonl", "temporary", "tour")


def test_rows_add_up_and_judge(walked, tmp_path):
    reference = TimedRun(walked, (), 1.0, 2.0, 3.0)
    moments = Moments(generator(0), 2, ("folder",), 1.0)
    campaign = Campaign([], tmp_path, reference, moments, generator(0), torn=2, repaired=1, kept_changed=4)
    kill = Kill("torn", "within an episode", 3, ("a",), (), Cut("b", 1, 2), ("bad",), 1)
    campaign.kills += [kill, Kill("random", "start-up", 3, (), (), None, (), 0)]
    difference = RunDifference((1,), (2, 3), (4,), 5, True, ("x",), (".y",))
    rows = {row.name: row for row in rows_of(campaign, [difference, RunDifference()])}
    assert {name: row.value for name, row in rows.items() if row.passed is False} == {
        "episodes_lost": 1, "episodes_twice": 2, "lines_that_differ": 1, "lines_out_of_order": 5,
        "kept_lines_changed": 4, "summaries_that_differ": 1, "recordings_that_differ": 1,
        "unreadable_after_a_kill": 1, "processes_left": 1, "torn_files_repaired": 1,
    }  # fmt: skip
    counted = {name: row.value for name, row in rows.items() if row.passed is None}
    assert counted["kills_in_start_up"] == counted["kills_within_an_episode"] == 1
    assert counted["files_torn_by_the_kill"] == counted["files_cut_afterwards"] == 1
    assert counted["files_left_over"] == 1
    assert rows["commands_refused"].passed
