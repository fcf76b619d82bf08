import os
import signal
import threading
import time

import mischief
import pytest

from placecell.agent.interrupts import Interrupts
from placecell.agent.recording import Recording
from placecell.agent.results import read_results
from placecell.agent.runner import run

FIRST = "episodes/00000-row 0"


def walk(out, deeds=None, episodes=3):
    env, agent = mischief.make(episodes, deeds)
    return run(env, agent, episodes=episodes, seed=0, out=out, config={})


@pytest.fixture(autouse=True)
def interruptible():
    """A process that a shell began in the background ignores SIGINT; here it counts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def handlers():
    """Python's own handler of SIGINT, and that of SIGTERM; each has to be back at the end."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    yield before
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_within_a_step_ends_the_run_when_the_step_is_recorded(tmp_path, handlers):
    walk(tmp_path / "calm")
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "run", {(0, 1): "interrupt"})
    recording = Recording.read(tmp_path / "run" / FIRST)
    assert (len(recording.steps), recording.complete) == (2, False)
    assert read_results(tmp_path / "run") == ()
    walk(tmp_path / "run")
    assert (tmp_path / "run" / FIRST / "steps.jsonl").read_bytes() == (
        tmp_path / "calm" / FIRST / "steps.jsonl"
    ).read_bytes()


def test_a_second_signal_does_not_wait_for_a_step_that_may_never_end(tmp_path, handlers):
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "run", {(0, 1): "interrupt twice"})
    assert len(Recording.read(tmp_path / "run" / FIRST).steps) == 1


def test_patience_with_a_step_ends(handlers):
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Interrupts(patience_s=0.05):
        mischief.DEEDS["interrupt and sleep"]()
    assert time.monotonic() - started < 20


def test_an_episode_that_is_over_gets_its_line_before_the_run_ends(handlers):
    with Interrupts() as beat:
        os.kill(os.getpid(), signal.SIGINT)
        beat.idle()
        with pytest.raises(KeyboardInterrupt):
            beat.entering(1)
        beat.step(1)  # it was passed on, once


def test_what_is_held_back_at_the_end_is_passed_on(handlers):
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), signal.SIGINT)


def test_what_ended_the_run_counts_more_than_what_is_held_back(handlers):
    def fail():
        with Interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_handler_of_sigterm_is_asked_and_its_lack_left_alone(monkeypatch):
    taken = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: taken.append(number))
    try:
        with Interrupts() as beat:
            os.kill(os.getpid(), signal.SIGTERM)
            assert taken == []
            beat.began("a", "b", {}, None)
            assert taken == [signal.SIGTERM]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with Interrupts():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_than_the_main_one_can_walk(tmp_path, handlers):
    thread = threading.Thread(target=walk, args=(tmp_path / "run",))
    thread.start()
    thread.join()
    assert len(read_results(tmp_path / "run")) == 3
