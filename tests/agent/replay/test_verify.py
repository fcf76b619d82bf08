import json
import math
from dataclasses import replace

import numpy as np
import pytest
from recorded import Wall, record

from placecell.agent.recording import Recording
from placecell.agent.replay.verify import verify
from placecell.agent.results import Result
from placecell.agent.stored_run import StoredRun
from placecell.errors import OutputError

FOLDER = "00004-walk 4"


class Altered(Wall):
    """A wall of which one thing is different, once so many steps were walked."""

    def __init__(self, after=0, observation=None, **info):
        super().__init__()
        self._after, self._seen, self._said = after, observation or {}, info

    def _observation(self):
        return super()._observation() | (self._seen if self.count == self._after else {})

    def _info(self):
        return super()._info() | (self._said if self.count == self._after else {})


@pytest.fixture(params=["full", "light"])
def run(tmp_path, request):
    record(tmp_path / "episodes" / FOLDER, level=request.param)
    return StoredRun(tmp_path, provenance={"world": {"scene": "wall"}})


def verdict(run, env):
    (found,) = verify(run, run.recorded(), env)
    return found


def test_the_same_world_gives_the_same_episode(run):
    found = verdict(run, Wall())
    assert (found.outcome, found.steps, found.why, found.unchecked) == ("same", 6, "", "")


def test_the_first_observation_that_differs_is_named(run):
    depth = Wall()._observation()["depth"].copy() + 0.3
    depth[2, 3] += 0.5
    found = verdict(run, Altered(after=3, observation={"depth": depth}))
    assert (found.outcome, found.steps) == ("differs", 3)
    assert found.why.startswith("step 3: ")
    level = json.loads((run.folder / "episodes" / FOLDER / "header.json").read_text())["level"]
    wanted = (
        "depth differs in 1 of 192 elements, by 0.5 at most" if level == "full" else "another observation"
    )
    assert wanted in found.why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"collided": True}, "step 1: collided false was recorded, now true"),
        ({"goal_in_view": None}, "step 1: goal_in_view true was recorded, now nothing"),
        ({"measures": {"success": 0.0, "distance_to_goal": 2.0}}, "goal 1.0 was recorded, now 2.0"),
        ({"measures": {"success": 0.0, "distance_to_goal": 1.0, "spl": 0.0}}, "step 1: measure spl nothing"),
        ({"measures": {"success": 0.0, "distance_to_goal": math.nan}}, "now nothing"),
        ({"pose": {"position": [1.5, 2.0, 1e-15], "yaw_rad": 0.5, "pitch_rad": 0.0}}, "step 1: true_pose"),
    ],
)  # fmt: skip
def test_what_followed_an_action_is_compared_to_the_last_bit(run, said, why):
    found = verdict(run, Altered(after=2, **said))
    assert (found.outcome, found.steps) == ("differs", 1)
    assert why in found.why


def test_a_measure_that_is_not_finite_is_the_same_again(run):
    assert Wall()._info()["measures"]["distance_to_goal"] == 3.0
    assert verdict(run, Wall()).outcome == "same"  # of the step after which it is infinite too


def test_measures_at_the_reset_are_compared_where_they_are_recorded(run):
    path = run.folder / "episodes" / FOLDER / "header.json"
    told = {"success": 0.0, "distance_to_goal": None}
    path.write_text(json.dumps({**json.loads(path.read_text()), "measures": told}))
    why = "reset: measure distance_to_goal nothing was recorded, now 3.0"
    assert verdict(run, Wall()).why == why


def test_another_start_is_told_before_the_first_step(run):
    found = verdict(
        run, Altered(after=0, pose={"position": [9.0, 2.0, 0.0], "yaw_rad": 0.5, "pitch_rad": 0.0})
    )
    assert (found.outcome, found.steps) == ("differs", 0)
    assert found.why.startswith("reset: start ")


@pytest.mark.parametrize("name", ["episode_id", "scene_id"])
def test_another_episode_of_the_same_look_is_told(run, name):
    found = verdict(run, Altered(after=0, **{name: "other"}))
    assert (found.outcome, found.steps) == ("differs", 0)
    assert found.why.startswith(f"reset: {name} ")
    assert found.why.endswith('was recorded, now "other"')


def test_the_measures_at_the_end_are_compared(run):
    path = run.folder / "episodes" / FOLDER / "steps.jsonl"
    *lines, end = path.read_text().splitlines()
    told = json.loads(end)["end"]
    for measures, why in (
        ({**told["measures"], "success": 1.0}, "end: measure success 1.0 was recorded, now 0.0"),
        ({**told["measures"], "success": "yes"}, 'end: measure success "yes" was recorded, now 0.0'),
        ([1], "end: measures [1] was recorded, no object"),
    ):
        edited = json.dumps({"end": {**told, "measures": measures}})
        path.write_text("\n".join([*lines, edited]) + "\n")
        found = verdict(run, Wall())
        assert (found.outcome, found.steps, found.why) == ("differs", 6, why)


def test_a_changed_image_is_found_though_its_hash_is_right(tmp_path):
    record(tmp_path / "episodes" / FOLDER, level="full")
    run = StoredRun(tmp_path)
    frames = tmp_path / "episodes" / FOLDER / "frames.tar"
    whole = frames.read_bytes()
    entry = Recording.read(frames.parent).steps[3].entry
    for at in (entry.offset - 500, entry.offset + entry.size // 3, entry.end - 30):
        frames.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = verdict(run, Wall())
        assert found.outcome == "damaged"
        assert found.why.startswith(f"expected the frame of step 3 in {frames}")


def test_arrays_that_differ_in_their_bits_alone_are_counted(tmp_path, monkeypatch):
    observation = Wall._observation

    def blow(*winds):
        wind = np.array(winds, np.float32)
        monkeypatch.setattr(Wall, "_observation", lambda self: {**observation(self), "wind": wind})

    blow(0.0, math.nan, math.nan)
    record(tmp_path / "episodes" / FOLDER, level="full")
    blow(-0.0, math.nan, 1.0)
    found = verdict(StoredRun(tmp_path), Wall())
    assert found.why == "step 0: wind differs in 2 of 3 elements"


@pytest.mark.parametrize("lost", ["header.json", "the end"])
def test_what_no_kill_leaves_of_an_episode_that_was_done_is_damage(run, lost):
    folder = run.folder / "episodes" / FOLDER
    if lost == "the end":
        lines = (folder / "steps.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "steps.jsonl").write_bytes(b"".join(lines[:4]))
    else:
        (folder / lost).unlink()
    result = Result(4, "walk 4", "wall", "done", False, 6, {})
    found = verdict(replace(run, results=(result,)), Wall())
    assert found.outcome == "damaged"
    said = "steps.jsonl is missing: it holds 4 of 6 steps" if lost == "the end" else "without header.json"
    assert said in found.why


def test_a_reward_is_compared(run):
    class Richer(Wall):
        def step(self, action):
            observation, reward, *rest = super().step(action)
            return observation, reward + (self.count == 5), *rest

    assert verdict(run, Richer()).why == "step 4: reward 2.0 was recorded, now 3.0"


@pytest.mark.parametrize(
    ("steps", "why"),
    [(4, "step 4: the episode had ended"), (9, "step 6: the episode goes on, where it had ended")],
)
def test_the_end_is_compared(run, steps, why):
    found = verdict(run, Wall(steps))
    assert (found.outcome, found.why) == ("differs", why)


def test_an_environment_that_breaks_is_a_difference_in_one_line(run):
    class Broken(Wall):
        def step(self, action):
            if self.count == 3:
                raise RuntimeError("no\nmore")
            return super().step(action)

    found = verdict(run, Broken())
    assert found.why == "step 3: the environment broke (RuntimeError: no more)"


def test_an_episode_that_was_cut_off_is_compared_as_far_as_it_goes(run):
    steps = run.folder / "episodes" / FOLDER / "steps.jsonl"
    steps.write_bytes(b"".join(steps.read_bytes().splitlines(keepends=True)[:4]) + b'{"step": 4, "act')
    found = verdict(run, Wall())
    assert (found.outcome, found.steps) == ("same", 4)
    assert found.why == "cut off after 4 steps, which are the same"


def test_damaged_and_missing_recordings_are_told_and_the_rest_goes_on(run):
    folder = run.folder / "episodes"
    (folder / "00001-none").mkdir()
    record(folder / "00002-edited")
    (folder / "00002-edited" / "steps.jsonl").write_text("{}\n")
    outcomes = [(v.episode.episode, v.outcome) for v in verify(run, run.recorded(), Wall())]
    assert outcomes == [(1, "unrecorded"), (2, "damaged"), (4, "same")]


def test_other_data_is_refused(run):
    class Elsewhere(Wall):
        def provenance(self):
            return {"scene": "hedge"}

    why = r'data that .* was begun with, got another world.scene: "wall" there, "hedge"'
    with pytest.raises(OutputError, match=why):
        list(verify(run, run.recorded(), Elsewhere()))


def visits(run, tmp_path, arm="warm"):
    """Three visits of a tour that all say to have been shown their goal before."""
    for visit in range(3):
        folder = tmp_path / "episodes" / f"0000{visit}-v{visit}"
        record(folder)
        header = json.loads((folder / "header.json").read_text())
        tags = {"tour": "t", "visit": visit, "seen_before": visit > 0}
        (folder / "header.json").write_text(
            json.dumps({**header, "episode": visit, "arm": arm, "tags": tags})
        )
    return StoredRun(tmp_path)


class Touring(Wall):
    def reset(self, *, seed=None, options=None):
        self.visit = options["episode"]
        return super().reset()

    def _info(self):
        return super()._info() | {"tags": {"tour": "t", "visit": self.visit, "seen_before": self.visit == 1}}


def test_what_a_tour_has_shown_is_compared_where_its_earlier_visits_were_walked(tmp_path):
    run = visits(None, tmp_path)
    found = list(verify(run, run.recorded(), Touring()))
    assert [v.outcome for v in found] == ["same", "same", "differs"]
    assert found[2].why.startswith("reset: tags ")
    (alone,) = verify(run, run.recorded()[2:], Touring())
    assert alone.outcome == "same"
    assert alone.unchecked == "tags.seen_before: visit 0 of its tour was not walked again"


def test_what_a_survey_has_shown_cannot_be_compared(tmp_path):
    run = visits(None, tmp_path, arm="known")
    found = list(verify(run, run.recorded(), Touring()))
    assert [v.outcome for v in found] == ["same"] * 3
    assert found[2].unchecked == "tags.seen_before: the surveys of the arm known are not recorded"
