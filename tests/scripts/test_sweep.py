import io
import json
import math
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from placecell.agent.results import Result
from placecell.agent.sweep import read_jobs
from placecell.agent.sweep_plot import picture
from placecell.agent.sweep_summary import summarise_sweep
from placecell.agent.sweep_tables import markdown
from placecell.scripts.replay import main
from placecell.scripts.replay.summary import summarise_folders

HOUSES, VISITS = 8, 3


def tours(gain, *, failure="never seen", size=1000, lost=()):
    """Tours whose later visits are ``gain`` better where the goal was seen before: at every other visit."""
    rng = np.random.default_rng(0)
    results = []
    for episode in range(HOUSES * VISITS):
        house, visit = divmod(episode, VISITS)
        seen = visit > 0 and house % 2 == 0
        spl = 0.3 + 0.2 * float(rng.random()) + gain * seen
        success = float(spl > 0.4)
        tags = {
            "kind": "object",
            "tour": f"h{house}:0",
            "visit": visit,
            "seen_before": seen,
            "memory_bytes": size,
        }
        fields = {"measures": {"success": success, "spl": spl}, "failure": None if success else failure}
        if episode in lost:
            fields = {"measures": {}, "reason": "RuntimeError: lost"}
        status = "crashed" if episode in lost else "done"
        results.append(Result(episode, f"{visit}", f"h{house}", status, False, 9, tags=tags, **fields))
    return results


def job(folder, results, arm=None, noise="none", **more):
    task = {"name": "tour", "arm": arm} if arm else {"name": "pointnav"}
    config = {"env": {"noise": noise}, "task": task, "memory": {"_target_": "a.Spatial"}, "seed": 0,
              "episodes": len(results), "out": str(folder), **more}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "provenance.json").write_text(json.dumps({"layout": 2}))
    (folder / "results.jsonl").write_text("".join(result.to_line() for result in results))
    return folder


@pytest.fixture
def sweep(tmp_path):
    """Three arms at two noise levels; one job failed."""
    for noise in ("none", "low"):
        for arm, gain in (("cold", 0.0), ("warm", 0.2), ("foreign", -0.1)):
            folder = tmp_path / f"env.noise={noise},task.arm={arm},task=tour"
            if (noise, arm) == ("low", "foreign"):
                folder.mkdir()
            else:
                job(folder, tours(gain), arm, noise)
    return tmp_path


def summary(*folders):
    return summarise_sweep(read_jobs(folders))


def arm(group, name):
    return next(row for row in group.arms if row.arm == name)


def test_jobs_are_named_by_what_they_do_not_share(sweep):
    assert [j.name for j in read_jobs([sweep])] == [
        f"env.noise={noise},task.arm={arm}"
        for noise in ("low", "none")
        for arm in ("cold", "foreign", "warm")
    ]  # fmt: skip


def test_each_arm_is_compared_with_cold_at_equal_other_overrides(sweep):
    groups = {group.name: group for group in summary(sweep).tours}
    assert sorted(groups) == ["env.noise=low", "env.noise=none"]
    warm = arm(groups["env.noise=none"], "warm").differences
    assert warm["seen before"]["spl"].mean == pytest.approx(0.2)
    assert warm["seen before"]["spl"].low == pytest.approx(0.2)
    assert (warm["seen before"]["spl"].pairs, warm["seen before"]["spl"].houses) == (8, 4)
    assert warm["never seen"]["spl"].mean == pytest.approx(0.0)
    assert warm["all"]["spl"].mean == pytest.approx(0.2 * 8 / 24)
    assert arm(groups["env.noise=none"], "foreign").differences["seen before"]["spl"].mean == pytest.approx(
        -0.1
    )
    assert arm(groups["env.noise=none"], "cold").differences == {}


def test_spl_by_visit_number(sweep):
    (group,) = (g for g in summary(sweep).tours if g.noise == "none")
    cold, warm = arm(group, "cold").visits, arm(group, "warm").visits
    assert list(cold) == [0, 1, 2]
    assert [warm[n].mean - cold[n].mean for n in cold] == pytest.approx([0.0, 0.1, 0.1])
    assert all(mean.n == HOUSES for mean in cold.values())


def test_a_job_that_left_nothing_is_not_run(sweep):
    found = summary(sweep)
    (missing,) = (row for row in found.jobs if not row.attempted)
    assert missing.name == "env.noise=low,task.arm=foreign"
    (group,) = (g for g in found.tours if g.noise == "low")
    assert arm(group, "foreign").missing == "the job left no results"
    text = markdown(found)
    assert "| env.noise=low,task.arm=foreign | not run |" in text
    assert "| foreign | not run: the job left no results |" in text


def test_the_tables_say_what_was_measured(sweep):
    text = markdown(summary(sweep))
    assert "| env.noise=none,task.arm=cold | 24 of 24 | 8 |" in text
    assert "| warm | seen before | +0.200 [+0.200, +0.200] |" in text
    assert "| 8 | 4 |" in text
    assert "never seen | seen but not retrieved | retrieved but not used | reached but not stopped |" in text
    assert "| env.noise=none,task.arm=cold | Spatial | 1,000 | 1,000 |" in text


def test_failures_are_counted_by_class(tmp_path):
    results = tours(0.0, failure="stuck")
    job(tmp_path / "a=1", results, "cold")
    (row,) = summary(tmp_path).jobs
    failed = sum(r.measures["success"] == 0 for r in results)
    assert failed
    assert row.failures["stuck"] == failed
    assert sum(row.failures.values()) == failed
    assert f"| a=1 | {failed} | 0 | 0 | 0 | 0 | 0 | {failed} |" in markdown(summary(tmp_path))


def test_a_failure_without_a_name_has_a_column_of_its_own(tmp_path):
    job(tmp_path / "a=1", tours(0.0, failure=None), "cold")
    assert "| stuck | unsorted |" in markdown(summary(tmp_path))


def test_episodes_that_were_not_done_are_left_out_of_the_pairs_and_counted(tmp_path):
    job(tmp_path / "task.arm=cold", tours(0.0, lost=(1, 4)), "cold")
    job(tmp_path / "task.arm=warm", tours(0.2), "warm")
    (group,) = summary(tmp_path).tours
    got = arm(group, "warm").differences["all"]["spl"]
    assert (got.pairs, got.left_out) == (22, 2)
    text = markdown(summary(tmp_path))
    assert "| 22 (2 left out) |" in text
    assert "| task.arm=cold | 22 of 24 (2 crashed) |" in text


def test_an_arm_that_was_cut_short_is_compared_over_the_episodes_that_it_walked(tmp_path):
    job(tmp_path / "task.arm=cold", tours(0.0), "cold")
    job(tmp_path / "task.arm=warm", tours(0.2)[:9], "warm", episodes=24)
    (group,) = summary(tmp_path).tours
    assert arm(group, "warm").differences["all"]["spl"].pairs == 9
    assert "| task.arm=warm | 9 of 24 |" in markdown(summary(tmp_path))


def test_an_arm_with_episodes_that_cold_has_not_is_not_compared(tmp_path):
    job(tmp_path / "task.arm=cold", tours(0.0)[:9], "cold", episodes=24)
    job(tmp_path / "task.arm=warm", tours(0.2), "warm")
    (group,) = summary(tmp_path).tours
    assert "'0' in 'h3' (number 9); " in arm(group, "warm").missing


def test_without_a_cold_job_there_is_nothing_to_compare_with(tmp_path):
    job(tmp_path / "warm", tours(0.2), "warm")
    (group,) = summary(tmp_path / "warm").tours
    assert arm(group, "warm").missing == "no cold job to compare with"
    assert arm(group, "warm").visits


def test_folders_of_single_runs_are_summarised_together(tmp_path, capsys):
    folders = [job(tmp_path / name, tours(gain), name) for name, gain in (("cold", 0.0), ("warm", 0.2))]
    assert main(["summary", *map(str, folders), "--out", str(tmp_path / "all")]) == 0
    assert "2 jobs; look into" in capsys.readouterr().out
    (group,) = json.loads((tmp_path / "all" / "summary.json").read_text())["tours"]
    assert group["name"] == "noise none"
    assert group["arms"][1]["differences"]["seen before"]["spl"]["mean"] == pytest.approx(0.2)


def test_jobs_that_differ_in_more_than_the_arm_are_not_compared(tmp_path):
    job(tmp_path / "a", tours(0.0), "cold")
    job(tmp_path / "b", tours(0.2), "warm", seed=1)
    groups = summary(tmp_path / "a", tmp_path / "b").tours
    assert [len(group.arms) for group in groups] == [1, 1]
    assert len({group.name for group in groups}) == 2


def test_jobs_of_equal_name_are_told_apart_by_their_sweep(tmp_path):
    for sweep in ("first", "second"):
        (tmp_path / sweep).mkdir()
        job(tmp_path / sweep / "seed=1", tours(0.0), "cold")
    names = [j.name for j in read_jobs([tmp_path / "first", tmp_path / "second"])]
    assert names == ["first/seed=1", "second/seed=1"]


def test_the_command_writes_tables_numbers_and_a_picture(sweep, capsys):
    assert main(["summary", str(sweep)]) == 0
    said = capsys.readouterr().out
    assert f"6 jobs, 1 of them not run; look into {sweep}: summary.md, summary.json, tours.png" in said
    numbers = json.loads((sweep / "summary.json").read_text())
    assert len(numbers["jobs"]) == 6
    assert numbers == json.loads(summary(sweep).to_json())
    image = np.asarray(Image.open(sweep / "tours.png").convert("RGB"))
    assert min(image.shape[:2]) > 600
    for hue in ((213, 94, 0), (0, 114, 178), (0, 0, 0)):  # warm, foreign, cold: their lines are there
        assert (np.abs(image.astype(int) - hue).max(-1) < 12).sum() > 100
    assert "matplotlib.pyplot" not in sys.modules


def test_the_same_jobs_give_the_same_files(sweep):
    files = ("summary.md", "summary.json", "tours.png")
    summarise_folders([sweep], sweep)
    first = [(sweep / name).read_bytes() for name in files]
    summarise_folders([sweep], sweep)
    assert [(sweep / name).read_bytes() for name in files] == first


def test_more_groups_than_fit_a_row_go_below(tmp_path):
    for k in range(5):
        job(tmp_path / f"k={k},task.arm=cold", tours(0.0), "cold", k=k)
    image = Image.open(io.BytesIO(picture(summary(tmp_path))))
    assert image.height > 1.3 * image.width / 4 * 2


def test_other_tasks_have_the_table_alone(tmp_path):
    results = [Result(i, f"e{i}", "s", "done", False, 3, {"success": 1.0, "spl": 0.5}) for i in range(3)]
    job(tmp_path / "seed=1", results)
    assert summarise_folders([tmp_path], tmp_path).endswith("summary.md, summary.json")
    text = (tmp_path / "summary.md").read_text()
    assert "| seed=1 | 3 of 3 | 1 | 1.000 [1.000, 1.000] | 0.500 [0.500, 0.500] | none |" in text
    assert "Tours" not in text
    assert "SPL against memory" not in text


def test_a_measure_that_is_missing_is_a_dash(tmp_path):
    job(tmp_path / "seed=1", [Result(0, "e", "s", "done", False, 3, {"spl": math.nan})])
    assert "| seed=1 | 1 of 1 | 1 | - | - | none |" in markdown(summary(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["nowhere"],
            "folder of a sweep, with a folder a job, or that of a run, got .*nowhere: no such folder",
        ),
        (["empty"], "got .*empty, which holds neither; name a folder that placecell-run wrote"),
        (
            ["broken", "--out", "run"],
            "a folder for a sweep's summary, got .*run, which holds a run's results",
        ),
        ([], "placecell-replay summary .*DIR.* the following arguments are required: DIR; see --help"),
        (["run", "--outt", "x"], "got unrecognized arguments: --outt x; see --help"),
        (["run", "--out", "file/x"], "a folder that can be written: .*file/x, got Not a directory"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys, arguments, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    job(tmp_path / "run", tours(0.0), "cold")
    job(tmp_path / "broken" / "a=1", tours(0.0), "cold")
    before = (tmp_path / "run" / "config.yaml").read_bytes()
    assert main(["summary", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert complaint.startswith("placecell-replay: expected ")
    assert re.search(line, complaint)
    assert (tmp_path / "run" / "config.yaml").read_bytes() == before
    assert not (tmp_path / "run" / "summary.md").exists()


def damage_edit(folder):
    text = (folder / "results.jsonl").read_text()
    (folder / "results.jsonl").write_text(text.replace('"steps": 9', '"steps": 8', 1))


def damage_cut(folder):
    lines = (folder / "results.jsonl").read_text().splitlines(keepends=True)
    (folder / "results.jsonl").write_text("".join([lines[0], lines[1][:30] + "\n", *lines[2:]]))


def damage_config(folder):
    (folder / "config.yaml").write_text("a: [")


def damage_layout(folder):
    (folder / "provenance.json").write_text('{"layout": 3}')


def damage_provenance(folder):
    (folder / "provenance.json").write_text("[")


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (damage_edit, r"results.jsonl, line 1, got one that was edited by hand: its check differs; undo"),
        (damage_cut, r"results.jsonl, line 2, got a line that is cut"),
        (damage_config, r"a run's configuration in .*config.yaml, got ParserError: "),
        (damage_layout, r"got layout 3, written by a newer placecell; upgrade placecell to read it"),
        (damage_provenance, r"a run's provenance in .*provenance.json, got JSONDecodeError: "),
    ],
)
def test_one_damaged_job_of_ten_is_named_and_the_others_are_in_the_table(tmp_path, capsys, damage, line):
    for seed in range(10):
        job(tmp_path / f"seed={seed},task=tour", [replace(r, tags={}) for r in tours(0.1)], seed=seed)
    whole = job_rows(tmp_path)
    damage(tmp_path / "seed=3,task=tour")
    assert main(["summary", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert re.search(rf"^placecell-replay: seed=3: .*{line}", said.err)
    assert "10 jobs, 1 of them not readable; look into" in said.out
    assert re.search(r"seed=3 +│ not readable", said.out)
    assert len(re.findall(r"seed=\d +│ 24 of 24 ", said.out)) == 9
    text = (tmp_path / "summary.md").read_text()
    assert "| seed=3 | not readable |" in text
    assert re.search(rf"## Not readable\n\n- seed=3: .*{line}", text)
    now = job_rows(tmp_path)
    assert [row for row in now if row["name"] != "seed=3"] == [
        row for row in whole if row["name"] != "seed=3"
    ]


def job_rows(folder):
    return json.loads(summary(folder).to_json())["jobs"]


def test_an_arm_that_cannot_be_read_is_no_arm_that_left_nothing(sweep):
    damage_edit(sweep / "env.noise=none,task.arm=warm,task=tour")
    (group,) = (g for g in summary(sweep).tours if g.name == "env.noise=none")
    assert arm(group, "warm").missing == "its results cannot be read"
    assert "| warm | not run: its results cannot be read |" in markdown(summary(sweep))


def test_a_job_that_was_killed_while_writing_counts_what_is_whole(tmp_path, capsys):
    folder = job(tmp_path / "seed=1", tours(0.0)[:12], "cold", episodes=100)
    with open(folder / "results.jsonl", "a") as file:
        file.write(tours(0.0)[12].to_line()[:70])
    assert main(["summary", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert re.search(r"seed=1 +│ 12 of 100 ", said.out)


def test_of_runs_the_table_alone_is_shown_and_nothing_written(tmp_path, capsys):
    folders = [job(tmp_path / f"[bold]{name}", tours(0.0), "cold") for name in "ab"]
    before = sorted(path for path in tmp_path.rglob("*"))
    assert main(["summary", *map(str, folders)]) == 0
    assert main(["summary", str(folders[0])]) == 0
    said = capsys.readouterr().out
    assert said.count("[bold]a") == 2  # a job's name is no markup
    assert "2 jobs\n" in said
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_an_empty_results_file_is_not_run(tmp_path):
    job(tmp_path / "a=1", [], "cold")
    assert "| a=1 | not run |" in markdown(summary(tmp_path))


def test_an_override_with_commas_is_one(tmp_path):
    (tmp_path / "env.houses=[1,2],task.arm=warm").mkdir()
    (found,) = read_jobs([tmp_path])
    assert dict(found.overrides) == {"env.houses": "[1,2]", "task.arm": "warm"}
    assert found.arm == "warm"
