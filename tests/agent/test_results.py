import json
import math

import numpy as np
import pytest

from placecell.agent.bootstrap import bootstrap_interval
from placecell.agent.results import Result, read_results, summarise
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


def test_a_line_from_before_there_were_tags_is_read():
    fields = json.loads(result().to_line())
    del fields["tags"]
    assert Result.from_line(json.dumps(fields), "here") == result()


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
        ('{"episode": 0, "episode_id": "e0", "sta', "JSONDecodeError"),
        ("[]", "no result of an episode"),
        ("", "JSONDecodeError"),
        (result().to_line().replace('"done"', '"won"'), "no result of an episode"),
        (result().to_line().replace('"steps"', '"paces"'), "paces"),
        (result().to_line().replace('"measures"', '"measure"'), "measures"),
        (result().to_line().replace('["pose"]', "5"), "TypeError"),
        (result().to_line().replace('"tags": {}', '"tags": []'), "AttributeError"),
    ],
)
def test_a_line_that_is_cut_or_foreign_is_named(tmp_path, line, why):
    (tmp_path / "results.jsonl").write_text(result().to_line() + line + "\n")
    with pytest.raises(
        OutputError, match=rf"one result a line in .*results.jsonl, line 2, got .*{why}.*; remove"
    ):
        read_results(tmp_path)


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
    results = [result(i, success=float(i % 3 == 0)) for i in range(20)]
    assert summarise(results, seed=3).to_json() == summarise(results, seed=3).to_json()
    assert summarise(results, seed=3) != summarise(results, seed=4)


def test_the_plain_bootstrap_agrees_with_the_normal_interval_of_a_mean():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    low, high = bootstrap_interval(values.tolist(), [str(i) for i in range(400)], np.random.default_rng(1))
    half = 1.96 * values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_copies_within_a_cluster_add_no_certainty():
    values = np.random.default_rng(0).normal(size=30)
    alone = bootstrap_interval(values.tolist(), [str(i) for i in range(30)], np.random.default_rng(1))
    copied = bootstrap_interval(
        np.repeat(values, 10).tolist(), [str(i // 10) for i in range(300)], np.random.default_rng(1)
    )
    assert copied == pytest.approx(alone)


def test_a_large_cluster_weighs_by_its_size():
    values, clusters = [1.0] * 9 + [0.0], ["big"] * 9 + ["small"]
    assert bootstrap_interval(values, clusters, np.random.default_rng(0)) == (0.0, 1.0)
    thirds = bootstrap_interval([1.0, 1.0, 0.0], ["a", "a", "b"], np.random.default_rng(0), level=0.01)
    assert thirds == pytest.approx((2 / 3, 2 / 3))  # both drawn: 2 of 3, not the mean of two means


def test_one_cluster_has_no_interval():
    assert bootstrap_interval([0.0, 1.0], ["a", "a"], np.random.default_rng(0)) is None
    assert summarise([result()]).measures["success"].low is None


def test_values_without_a_cluster_are_refused():
    with pytest.raises(ValueError, match="2 values, but 1 cluster names"):
        bootstrap_interval([1.0, 2.0], ["a"], np.random.default_rng(0))
