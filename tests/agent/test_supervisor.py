import dataclasses
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import create_autospec

import mischief
import pytest

from placecell.agent import supervisor
from placecell.agent.attempt import Walker
from placecell.agent.heartbeat import Patience, Signs, Vitals
from placecell.agent.limits import Limits
from placecell.agent.mailbox import Ended, Inbox, LegDone, Outbox
from placecell.agent.plan import Leg, Plan, WorldFacts, legs
from placecell.agent.recording import RecordOptions
from placecell.agent.results import Result
from placecell.agent.supervisor import Workers
from placecell.agent.worker_process import WorkerProcess
from placecell.errors import ConfigError, OutputError, WorkerError

SUPPORT = Path(mischief.__file__).parent


@pytest.fixture(autouse=True)
def quick_children(monkeypatch, request):
    """The shape checks are this process's; compiling them takes each child seconds."""
    if "checked" not in request.fixturenames:
        monkeypatch.delenv("PLACECELL_TYPECHECK")


@pytest.fixture
def checked():
    """The children of this test check shapes."""


@pytest.fixture
def walk(tmp_path):
    """All results of the toy's episodes, by index; every one of them came once."""

    def go(count, *, episodes=6, deeds=None, tours=False, arm="cold", make=None, name=None, **limits):
        plan = Plan(3, arm, Limits(**limits), RecordOptions("light"))
        out = tmp_path / (name or f"run {count}")
        make = make or partial(mischief.make, episodes, deeds, tours, str(tmp_path / "log"))
        with Workers(make, plan, out, count) as workers:
            facts = workers.facts()
            found = list(workers.walk(legs(episodes, facts.visits_per_tour)))
        assert sorted(result.episode for result in found) == list(range(episodes))
        return {result.episode: timeless(result) for result in found}

    return go


@pytest.fixture
def calm(tmp_path):
    """The same episodes in this process, and nothing happens to them."""

    def go(episodes, *, tours=False, arm="cold", deeds=None):
        env, agent = mischief.make(episodes, deeds, tours)
        walker = Walker(env, agent, Plan(3, arm), tmp_path / "calm")
        each = legs(episodes, walker.facts.visits_per_tour)
        return {result.episode: timeless(result) for leg in each for result in walker.walk(leg)}

    return go


def timeless(result):
    return dataclasses.replace(result, seconds=0.0)


def gone(pid):
    """Whether a process is no more; one that nobody has collected yet is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def eventually(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return met


def opened(log):
    """The processes that built an environment, in order."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [int(line.split()[1]) for line in lines if line.startswith("open")]


def test_the_number_of_workers_changes_nothing(walk, calm, tmp_path):
    alone = calm(6)
    for count in (1, 3):  # two of them walk tours, below
        assert walk(count) == alone
    for episode in range(6):
        (one, two) = (
            tmp_path / run / "episodes" / f"{episode:05d}-row {episode}" / "header.json"
            for run in ("calm", "run 3")
        )
        assert one.read_bytes() == two.read_bytes()


def test_what_ends_a_process_costs_its_episode_and_no_other(walk, calm, tmp_path):
    deeds = {
        (0, 1): "raise", (1, 1): "abort", (2, -1): "segv", (4, 1): "sysexit", (5, 0): "fork", (6, 1): "kill",
        (7, 1): "write",
    }  # fmt: skip
    found, expected = walk(2, episodes=10, deeds=deeds), calm(10)
    assert {n: (r.status, r.steps, r.reason) for n, r in found.items() if r.status != "done"} == {
        0: ("crashed", 1, "ZeroDivisionError: integer division or modulo by zero"),
        1: ("crashed", 1, "the worker was killed by SIGABRT after step 1"),
        2: ("crashed", 0, "the worker was killed by SIGSEGV in the reset"),
        4: ("crashed", 1, "SystemExit: enough"),
        5: ("crashed", 0, "the worker exited with code 7 in its first step"),
        6: ("crashed", 1, "the worker was killed by SIGKILL (the system does that when memory runs out) "
            "after step 1"),
    }  # fmt: skip
    assert {n: found[n] for n in (3, 7, 8, 9)} == {n: expected[n] for n in (3, 7, 8, 9)}
    names = {n: (r.episode_id, r.scene_id, dict(r.tags), r.measures, r.oracle) for n, r in found.items()}
    assert names[1] == ("row 1", "hall 1", {"tour": 1, "visit": 0, "shown": 1}, {}, ("cell",))
    assert names[2] == ("2", "unknown", {}, {}, ("cell",))
    episodes = tmp_path / "run 2" / "episodes"
    aborted = (episodes / "00001-row 1" / "error.txt").read_text()
    assert aborted.startswith("terminate called after throwing an instance of 'std::bad_alloc'\nFatal Python")
    assert "mischief.py" in aborted
    assert "in reset" in (episodes / "00002-2" / "error.txt").read_text()
    assert not (episodes / "00006-row 6" / "error.txt").exists()
    grandchild = int((episodes / "00005-row 5" / "error.txt").read_text())
    assert eventually(lambda: gone(grandchild))


def test_a_step_that_does_not_return_stalls_its_episode(walk, calm, tmp_path):
    deeds = {(0, 1): "sleep", (1, 2): "sleep with the GIL", (2, 1): "slow"}
    found, expected = walk(3, deeds=deeds, step_seconds=1.5), calm(6)
    assert [found[n].status for n in (0, 1, 2)] == ["stalled"] * 3
    assert found[0].reason == "step 2 took longer than limits.step_seconds=1.5"
    assert found[1].reason == "step 3 took longer than limits.step_seconds=1.5"
    assert found[2].reason == "step 2 took longer than limits.step_seconds=1.5"
    assert (found[0].steps, found[1].steps, found[1].episode_id) == (1, 2, "row 1")
    assert {n: found[n] for n in (3, 4, 5)} == {n: expected[n] for n in (3, 4, 5)}
    for episode in (0, 1):
        where = tmp_path / "run 3" / "episodes" / f"{episode:05d}-row {episode}" / "error.txt"
        assert "mischief.py" in where.read_text()


def test_a_process_that_grows_costs_the_episode_that_let_it_grow(walk, calm, tmp_path):
    found, expected = walk(1, deeds={(1, 2): "allocate"}, memory_gib=0.4), calm(6)
    assert (found[1].status, found[1].measures) == ("crashed", {})
    assert re.fullmatch(
        r"the process held more memory than limits.memory_gib=0.4 after step \d", found[1].reason
    )
    assert all(found[n] == expected[n] for n in (0, 2, 3, 4, 5))
    assert len(opened(tmp_path / "log")) == 2


def test_a_tour_goes_on_without_the_visit_that_was_lost(walk, calm):
    tours = {"tours": True, "arm": "warm"}
    alone = calm(6, **tours)
    assert [r.tags["shown"] for r in alone.values()] == [1, 2, 3, 1, 2, 3]
    assert walk(2, **tours, name="calm in two") == alone
    broken = walk(1, deeds={(1, 2): "exit"}, **tours)
    assert {n: broken[n] for n in (0, 3, 4, 5)} == {n: alone[n] for n in (0, 3, 4, 5)}
    assert broken[1].status == "crashed"
    assert (broken[2].status, broken[2].tags["after_crash"]) == ("done", True)
    cells = broken[2].tags["memory_items"] - broken[0].tags["memory_items"]
    assert cells == broken[2].steps  # those of the visit that was lost are not there


def test_a_death_between_episodes_loses_nothing(walk, calm, tmp_path):
    make = partial(mischief.dies_in_between, True, str(tmp_path / "log"))
    assert walk(1, make=make, arm="warm") == calm(6, tours=True, arm="warm")
    assert len(opened(tmp_path / "log")) == 2


def test_a_worker_that_always_dies_between_episodes_is_an_error_and_no_loop(walk, tmp_path):
    make = partial(mischief.dies_in_between, False, str(tmp_path / "log"))
    with pytest.raises(
        WorkerError, match=r"walks its episodes, got one that exited with code 4 between them"
    ):
        walk(1, make=make, arm="warm")
    assert len(opened(tmp_path / "log")) == 3


def test_a_worker_that_dies_at_the_start_is_one_line(walk, tmp_path):
    make = partial(mischief.die_at_start, 0, str(tmp_path / "starts"))
    with pytest.raises(
        WorkerError,
        match=r"^expected a worker that starts, got one that was killed by SIGABRT before it was ready "
        r"\(no licence\); set workers=0 to see it",
    ):
        walk(2, make=make)
    assert len((tmp_path / "starts").read_text().splitlines()) == 1


def test_workers_that_cannot_be_replaced_end_the_run_after_three_attempts(tmp_path):
    make = partial(mischief.die_at_start, 1, str(tmp_path / "starts"))
    found = []
    with (
        Workers(make, Plan(3), tmp_path / "run", 1) as workers,
        pytest.raises(WorkerError, match="killed by SIGABRT before it was ready"),
    ):
        found.extend(workers.walk(legs(6, 1)))
    assert [(result.episode, result.status) for result in found] == [(0, "done"), (1, "crashed")]
    assert len((tmp_path / "starts").read_text().splitlines()) == 1 + 3


def test_a_mistake_in_building_is_raised_here_as_it_was_there(walk, checked):
    with pytest.raises(ConfigError) as caught:
        walk(1, make=mischief.refuse)
    assert str(caught.value) == "expected a hall, got a shed; name a hall"
    assert (caught.value.expected, caught.value.came, caught.value.fix) == ("a hall", "a shed", "name a hall")


def test_any_other_exception_in_building_brings_its_traceback(walk):
    with pytest.raises(RuntimeError, match=r"(?s)a worker broke:\nTraceback.*No module named 'not_a_package"):
        walk(1, make=mischief.lack)


def test_a_full_disk_ends_the_run_with_its_line(tmp_path):
    found = []
    with (
        Workers(mischief.full_disk, Plan(3), tmp_path / "run", 1) as workers,
        pytest.raises(OutputError, match="expected room, got a full disk; make room"),
    ):
        found.extend(workers.walk(legs(6, 1)))
    assert [result.episode for result in found] == [0, 1]


def test_what_cannot_be_sent_to_a_worker_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigError, match=r"another process can load, got .*lambda.*set workers=0"):
        Workers(lambda: mischief.make(), Plan(3), tmp_path, 1)
    with pytest.raises(ConfigError, match=r"expected 1 worker or more, got workers=0"):
        Workers(mischief.make, Plan(3), tmp_path, 0)


def test_workers_are_started_as_needed_and_closed_with_their_environments(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    log = tmp_path / "log"
    with Workers(partial(mischief.make, 6, log=str(log)), Plan(3), tmp_path / "run", 3) as workers:
        assert opened(log) == []
        assert workers.facts() == WorldFacts(6, ("cell",), {"row": 5}, 1)
        assert len(list(workers.walk([Leg(2, (2,))]))) == 1
        (first,) = opened(log)
        os.kill(first, signal.SIGKILL)  # one that is idle is missed by nobody
        assert eventually(lambda: gone(first))
        assert len(list(workers.walk(legs(2, 1)))) == 2
    assert 2 <= len(opened(log)) <= 3
    lines = log.read_text().splitlines()
    assert all(line.endswith(" 1") for line in lines)
    assert {pid for pid in opened(log) if f"close {pid} 1" in lines} == set(opened(log)) - {first}
    assert all(gone(pid) for pid in opened(log))
    assert "OMP_NUM_THREADS" not in os.environ
    workers.close()
    with pytest.raises(RuntimeError, match="these workers are closed"):
        list(workers.walk(legs(1, 1)))


def test_whoever_stops_listening_ends_the_workers(tmp_path):
    log = tmp_path / "log"
    make = partial(mischief.make, 6, {(1, 1): "sleep with the GIL"}, False, str(log))

    def listen():
        with Workers(make, Plan(3), tmp_path / "run", 2) as workers:
            for _ in workers.walk(legs(6, 1)):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        listen()
    assert opened(log)
    assert all(gone(pid) for pid in opened(log))


SCRIPT = """
import sys
from functools import partial
from pathlib import Path
import mischief
from placecell.agent.plan import Plan, legs
from placecell.agent.supervisor import Workers

log, out = sys.argv[1:]
deeds = {(0, 1): "sleep with the GIL", (1, 1): "sleep"}
with Workers(partial(mischief.make, 6, deeds, False, log), Plan(3), Path(out), 2) as workers:
    list(workers.walk(legs(6, 1)))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_supervisor_however_it_ends(end, tmp_path):
    log, out = tmp_path / "log", tmp_path / "run"
    parent = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(log), str(out)],
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stuck = [out / "episodes" / f"0000{n}-row {n}" / "steps.jsonl" for n in (0, 1)]
        assert eventually(lambda: all(steps.exists() for steps in stuck))
        children = opened(log)
        assert len(children) == 2
        os.killpg(parent.pid, end)  # as a terminal's ^C: whoever is in the group is told
        _, complaint = parent.communicate(timeout=60)
        assert eventually(lambda: all(gone(pid) for pid in children))
    finally:
        parent.kill()
    assert parent.returncode == -end
    interrupts = complaint.count("KeyboardInterrupt")
    assert interrupts == (1 if end == signal.SIGINT else 0)
    assert (complaint == "") == (end != signal.SIGINT)


def result(episode):
    return Result(episode, f"walk {episode}", "hall", "done", False, 3, {"success": 1.0})


def test_what_was_said_before_a_death_counts_and_half_a_message_does_not():
    reader, writer = multiprocessing.Pipe(duplex=False)
    inbox, outbox = Inbox(reader), Outbox(writer)
    assert list(inbox.drain()) == []
    outbox.send(Ended(result(1)))
    outbox.send(LegDone())
    assert list(inbox.drain()) == [Ended(result(1)), LegDone()]
    outbox.send(Ended(result(2)))
    os.write(writer.fileno(), b"\x40\0\0\0\0\0\0\0torn")
    assert list(inbox.drain()) == [Ended(result(2))]  # nobody waits for the rest: the writer still lives
    writer.close()
    assert list(inbox.drain()) == []
    assert not inbox.open
    reader.close()


def test_a_message_that_arrives_in_pieces_is_one():
    reader, writer = multiprocessing.Pipe(duplex=False)
    shadow, pieces = multiprocessing.Pipe(duplex=False)
    Outbox(pieces).send(Ended(result(5)))
    inbox, whole = Inbox(reader), os.read(shadow.fileno(), 1 << 16)
    said = []
    for n in range(0, len(whole), 7):
        os.write(writer.fileno(), whole[n : n + 7])
        said += [list(inbox.drain())]
    assert said[:-1] == [[]] * (len(said) - 1)
    assert said[-1] == [Ended(result(5))]
    for each in (reader, writer, shadow, pieces):
        each.close()


def test_a_heartbeat_says_where_an_episode_stands():
    vitals = Vitals(Vitals.cells())
    assert vitals.read() is None
    vitals.enter(7)
    vitals.step(3)
    signs = vitals.read()
    assert (signs.episode, signs.steps) == (7, 3)
    assert signs.entered_s <= signs.sign_s <= time.monotonic()
    vitals.rest()
    assert vitals.read() is None


def test_silence_is_counted_while_it_is_watched():
    patience = Patience(0.0)
    assert patience.silent_s(Signs(1, 0, 0.0, 0.0), 0.2) == 0
    assert math.isclose(patience.silent_s(Signs(1, 0, 0.0, 0.0), 0.4), 0.2)
    assert math.isclose(patience.silent_s(Signs(1, 0, 0.0, 0.0), 0.6), 0.4)
    assert math.isclose(patience.silent_s(Signs(1, 0, 0.0, 0.0), 999.0), 1.4)  # the run was stopped meanwhile
    assert patience.silent_s(Signs(1, 1, 0.0, 999.1), 999.2) == 0
    assert patience.silent_s(None, 999.4) == patience.silent_s(None, 999.6) == 0


def test_an_episode_that_began_while_its_worker_was_being_killed_is_not_blamed(tmp_path):
    workers = Workers(mischief.make, Plan(3), tmp_path, 1)
    workers._facts = WorldFacts(2, (), {})
    task = supervisor._Task(Leg(0, (0, 1)))
    task.finish(result(0))  # it stalled, and ended after all, before the signal came
    vitals = Vitals(Vitals.cells())
    vitals.enter(1)
    process = create_autospec(WorkerProcess, instance=True)
    process.vitals, process.ready = vitals, True
    worker = supervisor._Worker(process)
    worker.task = task
    workers._workers.append(worker)
    stalled = Signs(0, 3, 0.0, 0.0), Limits().stalled(3)
    assert list(workers._bury(worker, stalled)) == []
    (left,) = workers._queue
    assert left.leg == Leg(0, (1,))
    assert workers._workers == []
