import io
import json
import math
import random
import re

import pytest
from rich.console import Console

from placecell.agent.progress import RunningRates, table
from placecell.agent.result_lines import checked_line
from placecell.agent.results import Result, clusters_of, mean_of, read_results, summarise
from placecell.errors import OutputError


def result(episode=0, scene="a", success=1.0, **changes):
    fields = {
        "episode": episode,
        "episode_id": f"e{episode}",
        "scene_id": scene,
        "status": "done",
        "truncated": False,
        "steps": 7,
        "measures": {"success": success, "spl": success / 3},
        "oracle": ("pose",),
        "seconds": 0.25,
    }
    return Result(**{**fields, **changes})


def test_a_result_survives_its_line():
    for original in (
        result(),
        result(measures={}, status="crashed", reason="ü\u2028\n'\"", failure="stuck", truncated=True),
        result(measures={"x": 0.1 + 0.2, "y": -1e-300}),
        result(tags={"kind": "place", "visit": 3, "seen_before": False, "share": 0.1 + 0.2}),
    ):
        line = original.to_line()
        assert line.count("\n") == 1
        assert len(line.splitlines()) == 1
        assert Result.from_line(line, "here") == original


def shown(summary):
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(summary))
    return console.export_text()


def line_with(**changes):
    """A line whose check fits, whatever it says."""
    fields = {**json.loads(result().to_line()), **changes}
    return checked_line({name: value for name, value in fields.items() if value is not ...})


def old_line(**changes):
    """A line from before there were checks and starts."""
    fields = {**json.loads(result().to_line()), "check": ..., "start": ..., **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}) + "\n"


def folder_with(path, *lines, end="\n"):
    (path / "results.jsonl").write_bytes("".join(lines).rstrip("\n").encode() + end.encode())
    return path


def test_a_line_from_before_there_were_tags_is_read():
    assert Result.from_line(old_line(tags=...), "here") == result()
    assert Result.from_line(old_line(), "here") == result()


def test_a_start_survives_its_line():
    start = (1.5, -2.0, 0.1 + 0.2, -math.pi)
    line = result(start=start).to_line()
    assert json.loads(line)["start"] == list(start)
    assert Result.from_line(line, "here").start == start


def test_the_check_covers_all_but_the_seconds():
    def check(**changes):
        return json.loads(result(**changes).to_line())["check"]

    assert check() == check(seconds=9.0)
    assert len(check()) == 8
    changes = [{"episode": 1}, {"episode_id": "x"}, {"scene_id": "b"}, {"status": "crashed"}, {"steps": 8},
               {"truncated": True}, {"measures": {"success": 1.0}}, {"oracle": ()}, {"failure": "stuck"},
               {"reason": "x"}, {"tags": {"kind": "x"}}, {"start": (0.0, 0.0, 0.0, 0.0)}]  # fmt: skip
    assert len({check(**change) for change in changes} | {check()}) == len(changes) + 1


def test_what_is_not_finite_is_null_in_the_file_and_nan_once_read():
    line = result(measures={"distance_to_goal": math.inf, "spl": math.nan}).to_line()
    assert json.loads(line)["measures"] == {"distance_to_goal": None, "spl": None}
    assert all(math.isnan(value) for value in Result.from_line(line, "here").measures.values())


def test_a_mean_leaves_out_what_is_not_finite_and_says_over_how_many_it_is():
    summary = summarise([result(0, measures={"d": math.inf}), result(1, measures={"d": 2.0})])
    assert summary.measures["d"].mean == 2.0
    assert summary.measures["d"].n == 1
    assert "d" not in summarise([result(measures={"d": math.inf})]).measures


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (result(1).to_line()[:40] + "\n", r"cut or no JSON \(JSONDecodeError: .*; remove that line"),
        ("hello\n", r"cut or no JSON \(JSONDecodeError"),
        ("\n", "an empty line; remove"),
        ("[]\n", r"no JSON object: \[\]; remove"),
        ('{"episode": NaN}\n', "NaN, for which JSON has no number"),
        ("[" * 100_000 + "\n", "cut or no JSON"),
        (line_with(steps=...), "a result that lacks steps; remove"),
        (old_line(measures=...), "a result that lacks measures"),
        (line_with(oracle=5), "TypeError"),
        (line_with(tags=[]), "AttributeError"),
        (line_with(tags={"a": [1]}), r"\[1\] is no str or int or float or bool"),
        (line_with(steps="seven"), "'seven' is no int"),
        (line_with(episode=True), "True is no int"),
        (line_with(measures={"spl": "1"}), "'1' is no int or float"),
        (line_with(start=[1.0, 2.0]), "ValueError"),
        (old_line(seconds=10**400), "OverflowError"),
    ],
)  # fmt: skip
def test_a_line_that_is_cut_or_foreign_is_named(tmp_path, line, why):
    folder_with(tmp_path, result().to_line(), line, result(2).to_line())
    with pytest.raises(OutputError, match=rf"one result a line in .*results.jsonl, line 2, got .*{why}"):
        read_results(tmp_path)


def test_bytes_that_are_no_text_are_named_by_their_line(tmp_path):
    content = result().to_line().encode() + b"\xff\xfe\n" + result(1).to_line().encode()
    (tmp_path / "results.jsonl").write_bytes(content)
    with pytest.raises(OutputError, match=r"results.jsonl, line 2, got .*UnicodeDecodeError"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    "edited",
    [
        result(1).to_line().replace('"spl": 0.33', '"spl": 0.99'),
        result(1).to_line().replace('"done"', '"won"'),
        result(1, status="crashed").to_line().replace("crashed", "done"),
        result(1).to_line().replace('"steps": 7', '"steps": 7, "note": "mine"'),
        result(1).to_line().replace('"check"', '"checked"'),
        re.sub(', "check": "[0-9a-f]{8}"', "", result(1).to_line()),
    ],
)
def test_a_line_that_was_edited_by_hand_is_named(tmp_path, edited):
    folder_with(tmp_path, result().to_line(), edited)
    with pytest.raises(
        OutputError,
        match=r"a line as placecell-run wrote it in .*results.jsonl, line 2, got one that was edited "
        r"by hand: its check differs; undo the edit, or remove that line",
    ):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (line_with(episode=1, mood="good", area=3), "the unknown 'area', 'mood'"),
        (old_line(episode=1, mood="good"), "the unknown 'mood'"),
        (line_with(episode=1, status="resting"), "the unknown status 'resting'"),
    ],
)
def test_a_line_of_a_newer_version_says_so(tmp_path, line, what):
    folder_with(tmp_path, result().to_line(), line)
    with pytest.raises(
        OutputError, match=rf"line 2, got {what}, as from a newer version; upgrade placecell, or"
    ):
        read_results(tmp_path)


def test_an_episode_that_is_there_twice_is_named_with_both_lines(tmp_path):
    folder_with(tmp_path, result(4).to_line(), result(2).to_line(), result(4, success=0.0).to_line())
    with pytest.raises(
        OutputError, match=r"results.jsonl, line 3, got episode 4 again, which is in line 1 too"
    ):
        read_results(tmp_path)


@pytest.mark.parametrize("kept", [1, 60, -1])
def test_a_last_line_without_its_end_is_what_a_kill_leaves(tmp_path, kept):
    whole = result(1).to_line()[:-1]
    torn = whole[: kept if kept > 0 else len(whole)]
    folder_with(tmp_path, result().to_line(), torn, end="")
    assert read_results(tmp_path, torn="leave") == (result(),)
    with pytest.raises(
        OutputError,
        match=r"a last line that is whole in .*results.jsonl, line 2, got .*the same placecell-run",
    ):
        read_results(tmp_path)


def test_a_line_that_is_cut_before_the_last_is_no_kill(tmp_path):
    folder_with(tmp_path, result().to_line()[:50] + "\n", result(1).to_line())
    with pytest.raises(OutputError, match="line 1, got a line that is cut"):
        read_results(tmp_path, torn="leave")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"a run's results in .*nowhere/results.jsonl, got .*No such file"):
        read_results(tmp_path / "nowhere")


def test_the_denominators_count_every_attempt_and_the_means_only_what_is_done():
    statuses = ["done", "done", "crashed", "stalled", "timed_out", "crashed"]
    results = [
        result(
            i, status=status, success=0.0 if i else 1.0, failure="stuck" if status == "done" and i else None
        )
        for i, status in enumerate(statuses)
    ]
    summary = summarise(results)
    assert summary.counts == {"attempted": 6, "done": 2, "crashed": 2, "stalled": 1, "timed_out": 1}
    assert summary.measures["success"].mean == 0.5
    assert summary.measures["success"].n == 2
    assert summary.failures == {"stuck": 1}
    assert summary.oracle == ("pose",)


def test_an_interrupted_run_says_how_many_were_wanted():
    summary = summarise([result(i) for i in range(12)], wanted=100)
    assert list(summary.counts.items())[:3] == [("wanted", 100), ("attempted", 12), ("done", 12)]
    text = shown(summary)
    assert "12 of 100 attempted, 12 done" in text


def test_the_order_of_finishing_changes_nothing():
    results = [
        result(
            i,
            scene=f"s{i // 4}",
            success=float(i % 3 == 0),
            measures={"success": float(i % 3 == 0), f"odd {i % 7}": 0.1 * i},
            status="done" if i % 5 else "crashed",
            reason=None if i % 5 else f"ValueError: {i % 2}",
            failure=None if i % 3 == 0 else ("stuck", "never seen")[i % 2],
        )
        for i in range(40)
    ]
    first = summarise(results, seed=1, wanted=40).to_json()
    for seed in range(5):
        shuffled = random.Random(seed).sample(results, len(results))
        assert summarise(shuffled, seed=1, wanted=40).to_json() == first
        assert mean_of("success", shuffled) == mean_of("success", results)


def test_reasons_are_counted_the_most_frequent_first():
    reasons = ["OSError: [red]no[/red]", "ValueError: x", "ValueError: x"]
    results = [result(i, status="crashed", reason=reason, measures={}) for i, reason in enumerate(reasons)]
    results += [result(3, status="stalled", reason="a step took 301 s", measures={}), result(4)]
    found = summarise(results).reasons
    assert list(found.items()) == [
        ("crashed: ValueError: x", 2),
        ("crashed: OSError: [red]no[/red]", 1),
        ("stalled: a step took 301 s", 1),
    ]
    text = shown(summarise(results))
    assert "2 crashed: ValueError: x" in text
    assert "OSError: [red]no[/red]" in text  # a reason is no markup


def test_a_thousand_kinds_of_reasons_make_no_thousand_lines():
    results = [result(i, status="crashed", reason=f"after step {i}", measures={}) for i in range(1000)]
    found = summarise(results).reasons
    assert (len(found), found["other reasons"], sum(found.values())) == (21, 980, 1000)
    assert len(shown(summarise(results)).splitlines()) < 20


def test_a_summary_of_nothing_is_a_summary():
    summary = summarise([])
    assert summary.counts["attempted"] == 0
    assert json.loads(summary.to_json())["measures"] == {}


def test_several_scenes_are_drawn_whole_and_one_scene_episode_by_episode():
    one = [result(i, success=float(i % 2)) for i in range(40)]
    two = [result(i, success=float(i % 2), scene="ab"[i % 2]) for i in range(40)]
    assert summarise(one).clusters == "episode"
    assert summarise(two).clusters == "scene"
    narrow, wide = summarise(one).measures["success"], summarise(two).measures["success"]
    assert (wide.low, wide.high) == (0.0, 1.0)  # the scenes decide everything: two of them say nothing
    assert 0.3 < narrow.low < narrow.high < 0.7


def test_a_summary_is_the_same_whenever_it_is_made():
    results = [result(i, success=(i * 0.37) % 1) for i in range(20)]
    assert summarise(results, seed=3).to_json() == summarise(results, seed=3).to_json()
    assert summarise(results, seed=3) != summarise(results, seed=4)


def test_in_one_scene_instructions_that_share_a_path_are_drawn_together():
    def runs(**tags):
        return [
            result(i, success=float(i // 20), tags={k: v[i // 20] for k, v in tags.items()})
            for i in range(40)
        ]

    shared = summarise(runs(path=(7, 8)))
    assert shared.clusters == "path"
    assert (shared.measures["success"].low, shared.measures["success"].high) == (0.0, 1.0)
    assert summarise(runs(path=(7, 7))).clusters == "episode"  # one path says nothing of others
    assert summarise(runs()).clusters == "episode"


def test_a_path_s_name_that_is_an_episode_s_number_is_another_cluster():
    results = [result(0, tags={"path": 1}), result(1), result(2, tags={"path": 1})]
    assert clusters_of(results) == ("path", ["path 1", "episode 1", "path 1"])


def test_scenes_come_before_paths():
    results = [result(i, scene="ab"[i % 2], tags={"path": i}) for i in range(6)]
    assert summarise(results).clusters == "scene"
    assert "95 % interval (by scene)" in shown(summarise(results))


def test_one_episode_has_no_interval():
    assert summarise([result()]).measures["success"].low is None


def test_in_the_streets_task_completion_stands_for_success():
    rates = RunningRates()
    for value in (1.0, 0.0):
        rates.add(result(measures={"task_completion": value, "shortest_path_distance": 3.0}))
    assert str(rates) == "TC 0.50"
    rates = RunningRates()
    rates.add(result(measures={"success": 1.0, "spl": 0.5}))
    assert str(rates) == "SR 1.00, SPL 0.50"
