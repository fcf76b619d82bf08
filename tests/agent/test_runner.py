import dataclasses
import json
import os
from importlib import import_module

import numpy as np
import pytest
from PIL import Image
from rounds import Rounds, walker

import placecell
from placecell.agent.limits import Limits
from placecell.agent.make import modular
from placecell.agent.provenance import commit
from placecell.agent.recording import Recording, RecordOptions
from placecell.agent.results import read_results
from placecell.agent.runner import run
from placecell.arrays import content_hash
from placecell.errors import ConfigError, OutputError
from placecell.memory import SpatialMemory


@pytest.fixture
def walk(toybot, tmp_path):
    """Runs the toy agent in the toy corridor, into a folder of that name."""

    def go(name="run", *, episodes=6, seed=0, agent=None, change=None, how=None, **options):
        env = import_module("toybot.corridor").Corridor({}, seed, episodes, **options)
        if change is not None:
            change(env)
        memory = import_module("toybot.slate").Slate()
        agent = agent or import_module("toybot.walker").walker(env, memory)
        out = tmp_path / name
        config = {"seed": seed, "a": {"b": 1}}
        how = {"episodes": episodes, **(how or {})}
        return out, run(env, agent, seed=seed, out=out, config=config, **how)

    return go


def lines(out):
    return [{**json.loads(line), "seconds": 0} for line in (out / "results.jsonl").read_text().splitlines()]


def test_a_run_leaves_its_folder(walk):
    out, summary = walk()
    assert sorted(p.name for p in out.iterdir()) == [
        "config.yaml", "episodes", "provenance.json", "results.jsonl", "summary.json",
    ]  # fmt: skip
    assert (out / "config.yaml").read_text() == "seed: 0\na:\n  b: 1\n"
    results = read_results(out)
    assert [r.episode_id for r in results] == [f"walk {i}" for i in range(6)]
    assert {r.scene_id for r in results} == {"hall 0", "hall 1"}
    assert json.loads((out / "summary.json").read_text()) == json.loads(summary.to_json())
    assert summary.clusters == "scene"
    assert summary.measures["success"].mean == sum(r.measures["success"] for r in results) / 6


def test_a_recording_holds_where_each_decision_was_taken(walk):
    out, _ = walk(slip=0.0, episodes=1)
    recording = Recording.read(out / "episodes" / "00000-walk 0")
    assert [step.action for step in recording.steps] == [1, 1, 1, 1, 0]
    assert [step.pose.x for step in recording.steps] == [0, 1, 2, 3, 4]
    assert recording.steps[-1].measures["success"] == 1
    assert recording.complete
    assert lines(out)[0]["steps"] == 5


def test_an_agent_with_a_map_leaves_a_picture_of_what_it_saw_and_of_the_map(home, tmp_path):
    summary = run(home, modular(home, SpatialMemory()), episodes=1, seed=0, out=tmp_path / "run", config={})
    assert summary.counts["done"] == 1
    (folder,) = (tmp_path / "run" / "episodes").iterdir()
    picture = np.asarray(Image.open(folder / "view.png"))
    assert picture.shape[0] == 480
    assert picture.shape[1] > 236 + 8 + 100  # the square views, a gap, the map
    assert all(
        len(np.unique(part)) > 10 for part in (picture[:236, :236], picture[244:, :236], picture[:, 244:])
    )


def test_an_agent_without_a_map_leaves_no_picture(walk):
    out, _ = walk(episodes=1)
    assert sorted(path.name for path in (out / "episodes" / "00000-walk 0").iterdir()) == [
        "header.json", "steps.jsonl",
    ]  # fmt: skip


def test_a_run_that_records_nothing_leaves_results_and_errors_only(walk):
    out, summary = walk(how={"record": RecordOptions("off")}, break_at=1, episodes=3)
    assert summary.counts["attempted"] == 3
    assert [str(path.relative_to(out)) for path in (out / "episodes").rglob("*.*")] == [
        "episodes/00001-walk 1/error.txt"
    ]


def test_two_runs_with_one_seed_differ_in_nothing_but_the_times(walk):
    (first, _), (second, _), (other, _) = walk("a", seed=3), walk("b", seed=3), walk("c", seed=4)
    assert lines(first) == lines(second) != lines(other)
    for name in ("summary.json", "config.yaml", "episodes/00003-walk 3/steps.jsonl"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_an_episode_does_not_depend_on_those_before_it(walk):
    (long, _), (broken, _) = walk("long"), walk("broken", break_at=2)
    for episode in (0, 1, 3, 4, 5):
        assert lines(long)[episode] == lines(broken)[episode]


def test_an_episode_that_breaks_is_recorded_and_the_run_goes_on(walk):
    out, summary = walk(break_at=2)
    broken = read_results(out)[2]
    assert (broken.status, broken.reason) == ("crashed", "RuntimeError: the floor gave way")
    assert (broken.episode_id, broken.scene_id, broken.steps) == ("walk 2", "hall 0", 2)
    assert broken.measures == {}
    assert "toybot/corridor.py" in (out / "episodes" / "00002-walk 2" / "error.txt").read_text()
    assert summary.counts == {
        "wanted": 6,
        "attempted": 6,
        "done": 5,
        "crashed": 1,
        "stalled": 0,
        "timed_out": 0,
    }
    assert summary.measures["success"].n == 5


def test_a_reset_that_breaks_is_recorded_under_the_episode_s_index(walk):
    def refuse(env):
        def reset(**_):
            raise ValueError("no floor")

        env.reset = reset

    out, _ = walk(change=refuse, episodes=2)
    assert [(r.episode_id, r.scene_id, r.status) for r in read_results(out)] == [
        ("0", "unknown", "crashed"), ("1", "unknown", "crashed"),
    ]  # fmt: skip


def test_an_info_without_measures_is_that_episode_s_reason(walk):
    def forget(env):
        env._info = lambda: {"episode_id": "x", "scene_id": "y"}

    out, _ = walk(change=forget, episodes=1)
    assert "got info without measures; put them into the info" in read_results(out)[0].reason


def test_tags_that_are_not_flat_plain_json_are_that_episode_s_reason(walk):
    def tag(env):
        info = env._info
        env._info = lambda: {**info(), "tags": {"place": [1, 2]}}

    out, _ = walk(change=tag, episodes=1)
    (result,) = read_results(out)
    assert "got {'place': [1, 2]}; leave out what does not apply" in result.reason
    assert (result.status, result.measures, result.tags) == ("crashed", {}, {})


def test_what_the_perception_is_told_is_marked_as_an_oracle(walk):
    agent = import_module("toybot.walker").walker(
        import_module("toybot.corridor").Corridor({}, 0, 1), import_module("toybot.slate").Slate()
    )
    out, summary = walk(agent=dataclasses.replace(agent, perceives=("oracle_semantics",)), episodes=1)
    assert summary.oracle == ("cell", "oracle_semantics")
    assert json.loads((out / "provenance.json").read_text())["oracle"] == ["cell", "oracle_semantics"]


def test_a_step_limit_is_an_ending_like_any_other(walk):
    out, summary = walk(slip=1.0, length=50, limit=4, seed=1, episodes=1)
    (result,) = read_results(out)
    assert (result.status, result.truncated, result.steps) == ("done", True, 4)
    assert summary.measures["success"].mean == 0


def test_an_unreachable_goal_leaves_valid_json(walk):
    out, summary = walk(slip=1.0, episodes=3)
    assert lines(out)[0]["measures"]["distance_to_goal"] is None
    assert "distance_to_goal" not in summary.measures


def test_what_was_done_before_an_interruption_is_kept(walk, tmp_path):
    def interrupt(env):
        step = env.step

        def stop_in_the_third(action):
            if env.episode == 2:
                raise KeyboardInterrupt
            return step(action)

        env.step = stop_in_the_third

    with pytest.raises(KeyboardInterrupt):
        walk(change=interrupt)
    assert len(lines(tmp_path / "run")) == 2
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["counts"]["attempted"] == 2


def test_provenance_says_what_made_the_run(walk):
    out, _ = walk(seed=7)
    said = json.loads((out / "provenance.json").read_text())
    assert said["seeds"] == {"run": 7}
    assert said["world"] == {"corridor": "corridor", "length": 4}
    assert said["oracle"] == ["cell"]
    assert said["placecell"] == placecell.__version__
    assert said["packages"]["numpy"]
    assert said["hardware"]["cores"] >= 1
    assert read_results(out)[0].oracle == ("cell",)


def test_a_file_that_git_does_not_track_has_no_commit(tmp_path):
    assert commit(tmp_path / "module.py") == {"commit": None, "modified": None}


def test_no_number_of_episodes_asks_for_all_and_goes_on_with_what_is_there(walk):
    out, summary = walk(episodes=4, how={"episodes": None})
    assert (summary.counts["wanted"], summary.counts["done"]) == (4, 4)
    before = lines(out)
    (out / "results.jsonl").write_text("".join((out / "results.jsonl").read_text().splitlines(True)[:2]))
    assert walk(episodes=4, how={"episodes": None})[1].counts["done"] == 4
    assert lines(out) == before


def test_more_episodes_than_there_are_are_refused(walk):
    def shorten(env):
        env.number_of_episodes = 5

    with pytest.raises(
        ConfigError, match="episodes from 1 to 5, which is all that there are, got 6; set episodes"
    ):
        walk(change=shorten)
    with pytest.raises(ConfigError, match="got 0"):
        walk(episodes=0)
    with pytest.raises(ConfigError, match="expected a seed of 0 or more, got -1"):
        walk(seed=-1)


def test_an_environment_that_a_run_cannot_use_is_refused_by_what_it_lacks(walk):
    def strip(env):
        del env.number_of_episodes

    message = (
        "environment that has number_of_episodes, oracle, provenance, got Corridor without number_of_episodes"
    )
    with pytest.raises(ConfigError, match=message):
        walk(change=strip)


def test_a_disk_that_fills_up_ends_the_run_with_its_folder_readable(walk, monkeypatch, tmp_path):
    sync, write = os.fsync, os.write
    full = []

    def fill(handle, data):
        if b'"episode_id": "walk 1"' in data and b'"check"' in data:
            full.append(write(handle, data[:40]))  # what still fits
            return 40
        return write(handle, data)

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(
        OutputError, match=r"can be written: .*run, got No space left on device .*run the same command again"
    ):
        walk()
    monkeypatch.setattr(os, "write", write)
    assert full == [40]
    assert os.fsync is sync
    assert len(read_results(tmp_path / "run")) == 1
    out, summary = walk()
    assert summary.counts["done"] == 6
    assert lines(out) == lines(walk("calm")[0])


@pytest.mark.parametrize("at", range(6))
def test_an_interrupted_run_goes_on_to_the_same_end(walk, at):
    def interrupt(env):
        step = env.step

        def stop(action):
            if env.episode == at and env.steps == 1:
                raise KeyboardInterrupt
            return step(action)

        env.step = stop

    with pytest.raises(KeyboardInterrupt):
        walk(change=interrupt)
    out, _ = walk()
    calm, _ = walk("calm")
    assert lines(out) == lines(calm)
    assert (out / "summary.json").read_bytes() == (calm / "summary.json").read_bytes()
    sessions = json.loads((out / "provenance.json").read_text())["sessions"]
    assert [session["episodes_before"] for session in sessions] == [0, at]


def test_what_is_done_is_not_walked_again(walk):
    walked = []

    def watch(env):
        reset = env.reset

        def note(*, seed=None, options=None):
            walked.append(options["episode"])
            return reset(seed=seed, options=options)

        env.reset = note

    out, _ = walk()
    text = (out / "results.jsonl").read_text().splitlines(keepends=True)
    (out / "results.jsonl").write_text("".join([*text[:2], *text[3:5]]))
    walk(change=watch)
    assert walked == [2, 5]
    assert lines(out) == lines(walk("calm")[0])
    walked.clear()
    walk(change=watch)
    assert walked == []


def test_a_line_cut_by_a_kill_is_walked_again(walk):
    out, _ = walk()
    whole = (out / "results.jsonl").read_bytes()
    calm = lines(out)
    for cut in (1, 30, len(whole.splitlines(keepends=True)[-1]) - 1):
        (out / "results.jsonl").write_bytes(whole[:-cut])
        told = []
        walk(how={"tell": told.append})
        assert lines(out) == calm
        kept = len(whole.splitlines(keepends=True)[-1]) - cut
        assert told == [
            f"the last line of {out}/results.jsonl was cut off after {kept} characters: it was taken out, "
            "and its episode is walked again"
        ]


def test_a_folder_of_another_configuration_is_refused_and_left_as_it_was(walk):
    out, _ = walk()
    before = content_hash(*[p.read_bytes() for p in sorted(out.rglob("*.*")) if p.is_file()])
    with pytest.raises(
        OutputError, match=r"run was begun with, got another seed \(0 there, 1 here\); go on with the same"
    ):
        walk(seed=1)
    assert content_hash(*[p.read_bytes() for p in sorted(out.rglob("*.*")) if p.is_file()]) == before


def test_too_many_failures_end_a_run_that_can_be_gone_on_with(walk):
    def rot(env):
        step = env.step

        def sometimes(action):
            if env.episode in (1, 3):
                raise RuntimeError("rotten floor")
            return step(action)

        env.step = sometimes

    assert walk(change=rot, how={"max_failures": 1})[1].counts["attempted"] == 2
    assert walk(change=rot, how={"max_failures": 2})[1].counts["attempted"] == 4
    assert walk(change=rot, how={"max_failures": 2})[1].counts["attempted"] == 4
    out, summary = walk(change=rot)
    assert summary.counts == {
        "wanted": 6,
        "attempted": 6,
        "done": 4,
        "crashed": 2,
        "stalled": 0,
        "timed_out": 0,
    }
    assert lines(out) == lines(walk("calm", change=rot)[0])
    with pytest.raises(ConfigError, match="max_failures of 1 or more, or none, got 0"):
        walk("other", how={"max_failures": 0})


def test_an_episode_that_never_ends_is_timed_out(walk):
    out, summary = walk(how={"limits": Limits(episode_steps=5)}, slip=0.0, length=50, limit=90, episodes=3)
    assert summary.counts["timed_out"] == 3
    result = read_results(out)[0]
    assert (result.status, result.steps, result.measures) == ("timed_out", 5, {})
    assert Recording.read(out / "episodes" / "00000-walk 0").end["status"] == "timed_out"


def test_a_line_of_an_episode_that_the_run_does_not_have_is_not_taken_for_its_own(walk):
    out, _ = walk()
    longer, _ = walk("longer", episodes=8)
    own, foreign = ((each / "results.jsonl").read_text().splitlines(keepends=True) for each in (out, longer))
    (out / "results.jsonl").write_text("".join([*own[:3], *own[4:], foreign[7]]))
    with pytest.raises(
        OutputError,
        match=r"episodes 0 to 5 in .*results.jsonl, got one of episode 7; remove the lines of ano",
    ):
        walk()


def test_a_reset_that_breaks_for_good_is_every_episode_s_result_whatever_the_arm(tmp_path):
    def refuse(**_):
        raise ValueError("no floor")

    env = Rounds()
    env.reset = refuse
    summary = run(env, walker(), episodes=3, seed=0, out=tmp_path / "run", config={}, arm="warm")
    assert summary.reasons == {"crashed: ValueError: no floor": 3}
