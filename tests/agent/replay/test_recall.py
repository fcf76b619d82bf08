import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from recorded import plodder, record

from placecell.agent.recording import Recording
from placecell.agent.replay.precision import Tally, Truth, rank_correlation, score, truths
from placecell.agent.replay.recall import LeftOut, Recall, same_items
from placecell.agent.replay.recall_summary import RecallSummary
from placecell.agent.stored_run import StoredRun
from placecell.errors import ConfigError, FrameError
from placecell.memory import FlatNeighbours, MemoryItem, NoMemory, SpatialMemory

FULL, OTHER = "full", "fine"
MAKERS = {FULL: SpatialMemory, OTHER: lambda: SpatialMemory(voxel_size_m=0.05), "none": NoMemory}


PARTS = {"topology": True, "short_term": True}


def edit(folder, **changes):
    path = folder / "header.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def replayed(path, makers=MAKERS, wanted=None, k=None):
    recorded = StoredRun(path).recorded()
    recall = Recall(makers, k)
    return recall, list(recall.replay(recorded, recorded if wanted is None else wanted(recorded)))


@pytest.fixture
def run(tmp_path):
    record(tmp_path / "episodes" / "00004-walk 4")
    return tmp_path


def test_the_runs_own_memory_gives_what_was_recorded_and_others_do_not(run):
    recall, found = replayed(run)
    assert len(found) == 6
    assert all(step.step.recalled for step in found)
    assert all(same_items(step.step, step.asked[FULL].items) for step in found)
    assert not all(same_items(step.step, step.asked[OTHER].items) for step in found)
    assert recall.own(found[0].recording) == (FULL,)


def test_of_an_item_that_is_another_it_says_so(run):
    _, found = replayed(run)
    step = found[2]
    first, *rest = step.asked[FULL].items
    for change in ({"score": first.score - 1e-3}, {"age_steps": 7}, {"category": 9}, {"source": "x"}):
        other = replace(first, **change)
        assert not same_items(step.step, [other, *rest])
    assert not same_items(step.step, rest)


def test_the_summary_says_which_memory_reproduces_the_recording(run):
    recall, found = replayed(run)
    summary = RecallSummary(tuple(MAKERS))
    for step in found:
        summary.add(step, recall.own(step.recording))
    assert summary.again[FULL].to_line(FULL) == (
        "full: the run's own memory, reproduces the recording (6 steps, every item)"
    )
    assert list(summary.again) == [FULL]
    assert summary.reproduced
    assert summary.costs[FULL].most_bytes > summary.costs["none"].most_bytes == 0.0
    assert json.loads(summary.to_json({}))["reproduces"][FULL]["same"] == 6


def test_a_memory_that_goes_another_way_than_the_recording_is_told(run):
    edit(
        run / "episodes" / "00004-walk 4",
        memory={"class": "SpatialMemory", "settings": {"voxel_size_m": 0.05, **PARTS}},
    )
    recall, found = replayed(run)
    summary = RecallSummary(tuple(MAKERS))
    for step in found:
        summary.add(step, recall.own(step.recording))
    assert not summary.reproduced
    line = summary.again[OTHER].to_line(OTHER)
    assert "does not reproduce the recording; first in 00004-walk 4, step " in line


def test_a_recording_of_before_there_were_parts_is_that_of_an_octree_alone(run):
    settings = {"voxel_size_m": 0.1, "max_depth_m": 5.0, "min_depth_m": 0.0}
    edit(run / "episodes" / "00004-walk 4", memory={"class": "SpatialMemory", "settings": settings})
    alone = {"octree": lambda: SpatialMemory(topology=False, short_term=False), **MAKERS}
    recall, found = replayed(run, alone)
    assert recall.own(found[0].recording) == ("octree",)
    assert all(same_items(step.step, step.asked["octree"].items) for step in found)


def test_with_another_k_nothing_is_compared(run):
    recall, found = replayed(run, k=1)
    summary = RecallSummary(tuple(MAKERS), k=1)
    summary.add(found[0], recall.own(found[0].recording))
    assert len(found[0].asked[FULL].items) == 1
    assert not summary.again


@pytest.mark.parametrize("options", [{"level": "light"}, {"level": "full", "every": 2}])
def test_a_recording_without_all_frames_is_refused(tmp_path, options):
    record(tmp_path / "episodes" / "00004-walk 4", **options)
    why = r"every frame in .*, got record\.level=.*run with record=full record\.every=1"
    with pytest.raises(ConfigError, match=why):
        replayed(tmp_path)


@pytest.mark.parametrize("arm", ["known", "stale", "foreign", "unheard"])
def test_an_arm_whose_surveys_are_not_recorded_is_refused(run, arm):
    edit(run / "episodes" / "00004-walk 4", arm=arm)
    with pytest.raises(ConfigError, match=f"cold, warm, geometry, got the arm {arm}"):
        replayed(run)


def test_a_memory_that_cannot_read_the_frames_is_named_in_one_line(run):
    class Picky(NoMemory):
        def write(self, frame):
            raise FrameError(expected="a frame with sound", came="a silent one", fix="record sound")

    why = r"takes in what is recorded in .*got picky: expected a frame with sound"
    with pytest.raises(ConfigError, match=why):
        replayed(run, {FULL: SpatialMemory, "picky": Picky})


def tour(path, arm, visits=3):
    """Visits of a tour, all recorded by one memory that is prepared as the arm has it."""
    memory = SpatialMemory()
    agent = replace(plodder(memory=memory), k=400)  # all there is, what was not seen again included
    begin = memory.begin_episode

    def prepared(start, visit):
        begin("warm" if visit and arm != "cold" else "cold")
        if arm == "geometry":
            memory.forget_labels()

    for visit in range(visits):
        memory.begin_episode = lambda start, visit=visit: prepared(start, visit)
        folder = path / "episodes" / f"0000{visit}-v{visit}"
        record(folder, agent=agent, steps=6 - 2 * visit)
        edit(folder, episode=visit, arm=arm, tags={"tour": "t", "visit": visit})
    return path


@pytest.mark.parametrize("arm", ["cold", "warm", "geometry"])
def test_each_arm_holds_what_the_run_held(tmp_path, arm):
    _, found = replayed(tour(tmp_path, arm))
    assert len(found) == 12
    assert all(same_items(step.step, step.asked[FULL].items) for step in found)
    first, second, _ = (len(step.step.recalled) for step in found if step.step.index == 0)
    assert second == first if arm == "cold" else second > first


def test_earlier_visits_of_a_warm_tour_are_written_though_not_asked_for(tmp_path):
    _, found = replayed(tour(tmp_path, "warm"), wanted=lambda recorded: recorded[2:])
    assert {step.recording.header["episode"] for step in found} == {2}
    assert all(same_items(step.step, step.asked[FULL].items) for step in found)


def test_a_visit_after_one_that_is_not_whole_is_left_out_of_a_warm_tour(tmp_path):
    cut, after = "not recorded to its end", MISSING
    for arm, left in (("warm", [cut, after]), ("cold", [cut])):
        path = tour(tmp_path / arm, arm)
        steps = path / "episodes" / "00001-v1" / "steps.jsonl"
        steps.write_bytes(b"".join(steps.read_bytes().splitlines(keepends=True)[:-1]))
        _, found = replayed(path)
        assert [each.why for each in found if isinstance(each, LeftOut)] == left


MISSING = "an earlier visit of its tour is missing, or not recorded to its end"


@pytest.mark.parametrize("damage", [shutil.rmtree, lambda folder: (folder / "header.json").write_text("[")])
def test_a_visit_after_one_that_is_gone_or_damaged_is_left_out_of_a_warm_tour(tmp_path, damage):
    path = tour(tmp_path, "warm")
    damage(path / "episodes" / "00001-v1")
    _, found = replayed(path)
    left = {each.episode.episode: each.why for each in found if isinstance(each, LeftOut)}
    assert left.pop(2) == MISSING
    assert list(left) in ([], [1])
    _, (alone,) = replayed(path, wanted=lambda recorded: recorded[-1:])
    assert alone.why == MISSING


def test_other_tours_are_not_looked_at_for_one_episode(tmp_path):
    path = tour(tmp_path, "warm")
    for visit in range(3):
        folder = shutil.copytree(
            path / "episodes" / f"0000{visit}-v{visit}", path / "episodes" / f"0000{visit + 3}-w"
        )
        edit(folder, episode=visit + 3, tags={"tour": "u", "visit": visit})
    for spoilt in ("00000-v0", "00005-w"):
        (path / "episodes" / spoilt / "frames.tar").unlink()
    written = []

    class Counting(NoMemory):
        def write(self, frame):
            written.append(frame.step)

    _, found = replayed(path, {"counting": Counting}, wanted=lambda recorded: recorded[4:5])
    assert {step.recording.header["episode"] for step in found} == {4}
    assert len(written) == 1 + 6 + 4  # one to warm up, two visits


def test_a_header_without_k_is_refused(run):
    edit(run / "episodes" / "00004-walk 4", k=None)
    with pytest.raises(ConfigError, match=r"how many items were asked for, k, in .*header\.json, got None"):
        replayed(run)


def item(x, y, z=0.0, category=3, score=1.0):
    return MemoryItem(np.array([x, y, z]), score, "octree", 0, category=category)


def test_an_item_is_right_within_half_a_metre_of_a_thing_of_the_category():
    truth = Truth(np.array([[1.0, 0.0, 0.4], [5.0, 5.0, 0.0]]), 3, seen=True)
    assert truth.right(item(1.3, 0.39))
    assert truth.right(item(5.0, 5.0, z=2.0))  # horizontally
    assert not truth.right(item(1.4, 0.4))
    assert not truth.right(item(1.0, 0.0, category=4))


def test_scores_of_a_list_of_items():
    truth = Truth(np.zeros((1, 3)), 3, seen=True)
    got = score(truth, [item(4, 4), item(0, 0), item(0.1, 0), item(3, 3)])
    assert (got.precision_at_1, got.precision_at_k, got.rank) == (0, 0.5, 2)
    assert (got.hit_at_1, got.recall_at_k) == (0, 1)
    nothing = score(truth, [])
    assert (nothing.precision_at_1, nothing.hit_at_1, nothing.recall_at_k, nothing.rank) == (None, 0, 0, None)
    unseen = score(Truth(np.zeros((1, 3)), 3, seen=False), [item(4, 4)])
    assert (unseen.precision_at_1, unseen.hit_at_1, unseen.recall_at_k) == (0, None, None)


def test_means_are_of_episodes_and_intervals_of_houses():
    tally, truth = Tally(), Truth(np.zeros((1, 3)), 3, seen=True)
    for scene, episode, right in (("a", 0, 1), ("a", 0, 1), ("a", 0, 1), ("a", 1, 0), ("b", 2, 0)):
        tally.add(scene, episode, score(truth, [item(0, 0) if right else item(9, 9)]))
    got = tally.estimate("precision_at_1")
    assert got.mean == pytest.approx(1 / 3)
    assert (got.episodes, got.houses, got.steps) == (3, 2, 5)
    assert (got.low, got.high) == (0.0, 0.5)
    assert tally.estimate("rank").low is None  # one house says nothing of others


def seen_in(tmp_path, recalls, **tags):
    folder = tmp_path / "episodes" / "00004-walk 4"
    agent = plodder()
    record(folder, agent=agent)
    lines = (folder / "steps.jsonl").read_text().splitlines()
    for n, line in enumerate(lines[:-1]):
        told = json.loads(line)
        told["query"]["category"], told["goal_in_view"] = 1, n == 2
        lines[n] = json.dumps(told)
    (folder / "steps.jsonl").write_text("\n".join(lines) + "\n")
    edit(folder, categories=["void", "bed"], goal_positions=[[1.0, 2.0, 0.5]], tags=tags)
    return truths(Recording.read(folder), recalls=recalls)


def test_a_goal_counts_as_seen_from_the_step_after_the_action_that_brought_it_into_view(tmp_path):
    found = seen_in(tmp_path, True, category="bed", seen_before=False)
    assert [truth.seen for truth in found] == [False, False, False, True, True, True]


@pytest.mark.parametrize("recalls", [True, False])
def test_what_an_earlier_visit_showed_counts_where_the_arm_may_recall_it(tmp_path, recalls):
    found = seen_in(tmp_path, recalls, category="bed", seen_before=True)
    assert found[0].seen is recalls


def test_of_another_category_than_the_goals_nothing_is_known(tmp_path):
    assert seen_in(tmp_path, True, category="sofa") == [None] * 6


def test_rank_correlations_need_three_memories_that_differ():
    got = rank_correlation({"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.5}, {"a": 0.3, "b": 0.2, "c": 0.6, "x": 1.0})
    assert (got.spearman, got.points) == (0.5, ("a", "b", "c"))
    assert got.kendall == pytest.approx(1 / 3)
    assert rank_correlation({"a": 0.1, "b": 0.2}, {"a": 0.1, "b": 0.2}).spearman is None
    assert rank_correlation({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 3.0}).kendall is None


def test_memories_without_an_octree_can_be_asked_too(run):
    _, found = replayed(run, {"flat": FlatNeighbours})
    assert found[-1].asked["flat"].items
    assert found[-1].bytes_after["flat"] > 0
    assert found[0].bytes_after == {}
