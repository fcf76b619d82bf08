import math
from dataclasses import replace

import numpy as np
import pytest
from percepts import percept
from rich.console import Console
from rounds import Rounds, walker

from placecell.agent.failures import FAILURES, Attempt, Witness, failure_of, is_near, is_stuck
from placecell.agent.loop import Step
from placecell.agent.policies.policy import Decision
from placecell.agent.progress import table
from placecell.agent.recording import Recording
from placecell.agent.results import read_results
from placecell.agent.runner import run
from placecell.memory import MemoryItem, Query, Retrieval

LOST = Attempt(stopped=False, reached=False, stuck=False, seen=True, retrieved=True)
GOAL = [[5.0, 0.0, 0.0]]


def test_the_six_names():
    assert FAILURES == (
        "never seen", "seen but not retrieved", "retrieved but not used", "reached but not stopped",
        "stopped elsewhere", "stuck",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"stopped": True, "reached": True, "stuck": True, "seen": False}, "stopped elsewhere"),
        ({"reached": True, "stuck": True, "seen": False}, "reached but not stopped"),
        ({"stuck": True, "seen": False, "retrieved": False}, "stuck"),
        ({"stuck": True, "seen": None}, "stuck"),
        ({"seen": False, "retrieved": True}, "never seen"),
        ({"seen": True, "retrieved": False}, "seen but not retrieved"),
        ({}, "retrieved but not used"),
        ({"seen": None}, None),
    ],
)
def test_the_first_that_holds_names_the_failure(changes, name):
    assert failure_of(replace(LOST, **changes)) == name


def standing(n):
    return [(0.0, 0.0, 0.0)] * n


@pytest.mark.parametrize(
    ("places", "actions", "stuck"),
    [
        (standing(100), [1] * 20 + [2] * 80, True),
        (standing(100), [1] * 19 + [2] * 81, False),  # it turned, and did not try
        (standing(99), [1] * 99, False),  # not for long
        ([(0.5 * (i % 2), 0.0, 0.0) for i in range(100)], [1] * 100, True),
        ([(0.51 * (i % 2), 0.0, 0.0) for i in range(100)], [1] * 100, False),
        ([(math.cos(i / 16), math.sin(i / 16), 0.0) for i in range(101)], [1] * 101, False),  # a round trip
        ([(i * 1.0, 0.0, 0.0) for i in range(50)] + [(50.0, 0.0, 0.0)] * 100, [1] * 150, True),
        (standing(100) + [(i * 1.0, 0.0, 0.0) for i in range(50)], [1] * 150, False),  # it got free
    ],
)
def test_stuck_is_to_try_and_hardly_move(places, actions, stuck):
    assert is_stuck(places, actions) == stuck


@pytest.mark.parametrize(
    ("place", "near"),
    [((5.0, 1.0, 0.0), True), ((5.0, 1.01, 0.0), False), ((5.0, 0.0, 1.5), True), ((5.0, 0.0, 2.5), False)],
)
def test_near_a_goal_is_a_metre_on_its_storey(place, near):
    assert is_near(place, [[50.0, 0.0, 0.0], [5.0, 0.0, 0.0]]) == near


def step(recalled=None, candidate=None, in_view=False, asked=7, category=7, terminated=False, **tags):
    items = () if recalled is None else (MemoryItem(np.array(recalled), 1.0, "test", 0, category=category),)
    seen = percept()
    seen = replace(seen, query=Query(seen.pose.position, 100.0, category=asked))
    info = {"goal_in_view": in_view, "goal_positions": GOAL, "tags": {"kind": "object", **tags}}
    decision = Decision(1, {"candidate": candidate})
    return Step(0, {}, seen, Retrieval(items), decision, info, terminated, False)


def verdict(*steps, recalls=True, oracle_success=0.0):
    witness = Witness()
    for one in steps:
        witness(one)
    return failure_of(witness.attempt(steps[-1], {"oracle_success": oracle_success}, recalls=recalls))


def test_a_goal_in_view_at_any_step_is_seen():
    assert verdict(step(), step()) == "never seen"
    assert verdict(step(in_view=True), step()) == "seen but not retrieved"
    witness = Witness()
    witness.seen_at_start({"goal_in_view": True})
    witness(step())
    assert witness.attempt(step(), {}, recalls=False).seen


def test_a_goal_seen_on_an_earlier_visit_counts_where_the_memory_keeps_it():
    assert verdict(step(seen_before=True)) == "seen but not retrieved"
    assert verdict(step(seen_before=True), recalls=False) == "never seen"
    assert verdict(step(seen_before=False)) == "never seen"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"recalled": [5.0, 0.8, 0.4]}, "retrieved but not used"),
        ({"recalled": [5.0, 3.0, 0.4]}, "seen but not retrieved"),  # another thing of that category
        ({"recalled": [5.0, 0.0, 0.4], "category": 8}, "seen but not retrieved"),
        ({"recalled": [5.0, 0.0, 0.4], "category": None, "asked": None}, "seen but not retrieved"),
        ({"candidate": [4.5, 0.0, 0.0]}, "retrieved but not used"),
        ({"candidate": [1.5, 0.0, 0.0]}, "seen but not retrieved"),
        ({"kind": "place"}, "retrieved but not used"),  # the agent is told where it is
        ({"kind": "point"}, "retrieved but not used"),
    ],
)
def test_what_was_recalled_near_a_goal_was_retrieved(changes, name):
    assert verdict(step(in_view=True, **changes), step(kind=changes.get("kind", "object"))) == name


def test_to_come_near_and_to_stop_decide_first():
    assert verdict(step(), oracle_success=1.0) == "reached but not stopped"
    assert verdict(step(terminated=True), oracle_success=1.0) == "stopped elsewhere"


def test_where_the_environment_does_not_say_what_is_in_view_the_failure_stays_open():
    bare = replace(step(), info={"tags": {}})
    assert verdict(bare) is None
    assert verdict(replace(bare, terminated=True)) == "stopped elsewhere"


def test_a_run_names_each_failure_and_counts_them(tmp_path, capsys):
    summary = run(Rounds(), walker(lost=2), episodes=3, seed=0, out=tmp_path / "a", config={}, arm="warm")
    assert [r.failure for r in read_results(tmp_path / "a")] == ["stopped elsewhere"] * 3
    assert summary.failures == {"stopped elsewhere": 3}
    Console(width=100).print(table(summary))
    assert "failures: 3 stopped elsewhere" in capsys.readouterr().out
    run(Rounds(limit=1), walker(), episodes=3, seed=0, out=tmp_path / "b", config={}, arm="warm")
    assert {r.failure for r in read_results(tmp_path / "b")} == {"seen but not retrieved"}
    run(Rounds(limit=3), walker(), episodes=1, seed=0, out=tmp_path / "c", config={})
    assert [r.failure for r in read_results(tmp_path / "c")] == ["reached but not stopped"]
    run(Rounds(), walker(), episodes=3, seed=0, out=tmp_path / "d", config={})
    assert [r.failure for r in read_results(tmp_path / "d")] == [None] * 3


def test_the_recording_holds_the_tags_and_the_failure(tmp_path):
    run(Rounds(), walker(lost=1), episodes=2, seed=0, out=tmp_path, config={}, arm="warm")
    end = Recording.read(tmp_path / "episodes" / "00001-0_1").end
    assert end["failure"] == "stopped elsewhere"
    assert end["tags"]["visit"] == 1


def among_panoramas(name, *, hypotheses=None, recalled=None, measures=None, **how):
    """A step among panoramas: the memory is asked for whatever is near."""
    one = step(recalled, asked=None, category=None, kind="instruction", **how)
    trace = {} if hypotheses is None else {"hypotheses": hypotheses}
    info = {**one.info, "viewpoint": name, "measures": measures or {}}
    return replace(one, decision=Decision(1, trace), info=info)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "never seen"),
        ({"in_view": True}, "seen but not retrieved"),
        ({"in_view": True, "hypotheses": [[0.0, 0.0, 0.6, 1], [5.0, 0.5, 0.4, 2]]}, "retrieved but not used"),
        ({"in_view": True, "hypotheses": [[0.0, 0.0, 1.0, 1], "odd", [None, 1.0]]}, "seen but not retrieved"),
        ({"in_view": True, "recalled": [5.0, 0.0, 0.0]}, "retrieved but not used"),
        ({"in_view": True, "terminated": True}, "stopped elsewhere"),
        ({"measures": {"task_completion": 0.0, "shortest_path_distance": 1.0}}, "reached but not stopped"),
        ({"measures": {"task_completion": 0.0, "shortest_path_distance": 2.0}}, "never seen"),
    ],
)
def test_an_instruction_does_not_say_where_its_goal_is(changes, name):
    steps = [among_panoramas("a", **changes), among_panoramas("b")]
    assert verdict(*(reversed(steps) if "terminated" in changes else steps)) == name


def test_going_to_and_fro_between_two_panoramas_is_stuck():
    there = [among_panoramas(name) for name in "ab" * 10]
    assert verdict(*there) == "stuck"
    assert verdict(*there[:19]) == "never seen"
    assert verdict(*there, among_panoramas("c")) == "never seen"
