import gc
import os
import subprocess
import sys

import mischief
import numpy as np
import pytest

from placecell.agent import limits as module
from placecell.agent.limits import GIB, Exceeded, Limits, Watchdog, resident_bytes
from placecell.agent.loop import Step
from placecell.agent.policies.policy import Decision
from placecell.errors import ConfigError, MissingPartError
from placecell.memory import Retrieval


def step(index, ended=False):
    """A step of which nothing but its number and end is looked at."""
    observation = {"cell": np.zeros(1)}
    percept = mischief.perceive(observation, index)
    return Step(index, observation, percept, Retrieval(), Decision(1), {}, ended, False)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_limits_come_from_a_plain_configuration():
    assert Limits.of({}) == Limits(300.0, None, None)
    assert Limits.of({"step_seconds": 60, "episode_steps": 5, "memory_gib": 2.5}) == Limits(60.0, 5, 2.5)
    assert Limits.of({"step_seconds": None}).step_seconds is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"step_seconds": 0}, r"expected limits.step_seconds to be a number above 0, or null for none, got "
         r"limits.step_seconds=0.0; set limits.step_seconds=null"),
        ({"step_seconds": "5"}, r"limits.step_seconds='5'"),
        ({"step_seconds": True}, r"limits.step_seconds=True"),
        ({"step_seconds": float("nan")}, r"limits.step_seconds=nan"),
        ({"memory_gib": float("inf")}, r"limits.memory_gib to be a number above 0.*memory_gib=inf"),
        ({"memory_gib": -1.5}, r"limits.memory_gib=-1.5"),
        ({"episode_steps": 0}, r"limits.episode_steps to be a whole number of 1 or more.*episode_steps=0"),
        ({"episode_steps": 2.0}, r"limits.episode_steps=2.0"),
        ({"seconds": 1}, r"expected limits: step_seconds, episode_steps, memory_gib, got limits.seconds"),
    ],
)  # fmt: skip
def test_what_is_no_limit_is_named(config, message):
    with pytest.raises(ConfigError, match=message):
        Limits.of(config)


def test_a_slow_step_stalls_its_episode_even_if_it_ends_it():
    clock = Clock()
    watch = Watchdog(Limits(step_seconds=2.0), clock)
    clock.now += 2.0
    watch(step(0))
    clock.now += 2.1
    with pytest.raises(Exceeded, match=r"^step 2 took longer than limits.step_seconds=2$") as caught:
        watch(step(1, ended=True))
    assert caught.value.status == "stalled"


def test_time_is_counted_by_the_step_not_by_the_episode():
    clock = Clock()
    watch = Watchdog(Limits(step_seconds=2.0), clock)
    for index in range(10):
        clock.now += 1.5
        watch(step(index))


def test_the_reset_counts_with_the_first_step():
    clock = Clock()
    watch = Watchdog(Limits(step_seconds=2.0), clock)
    clock.now += 3
    with pytest.raises(Exceeded, match="step 1 took longer"):
        watch(step(0))


def test_an_episode_without_an_end_is_timed_out_at_the_limit():
    watch = Watchdog(Limits(episode_steps=3))
    watch(step(0))
    watch(step(1))
    with pytest.raises(Exceeded, match=r"^no end within limits.episode_steps=3$") as caught:
        watch(step(2))
    assert caught.value.status == "timed_out"
    Watchdog(Limits(episode_steps=3))(step(2, ended=True))


def test_a_process_that_grows_crashes_its_episode():
    held = [1.4 * GIB, 1.5 * GIB, 1.6 * GIB, 1.6 * GIB]
    watch = Watchdog(Limits(memory_gib=1.5), resident=lambda: int(held.pop(0)))
    watch(step(0))
    with pytest.raises(Exceeded, match=r"more memory than limits.memory_gib=1.5 after step 2$") as caught:
        watch(step(1))
    assert caught.value.status == "crashed"


def test_no_limit_asks_for_nothing():
    def never():
        raise AssertionError

    Watchdog(Limits(step_seconds=None), resident=never)(step(10**6))


def test_resident_memory_follows_what_is_held():
    gc.collect()  # what earlier tests left is not given back meanwhile
    before = resident_bytes()
    held = np.ones(128 << 17)  # 128 MiB
    assert 120 << 20 < resident_bytes() - before < 136 << 20
    assert abs(resident_bytes(os.getpid()) - resident_bytes()) < 4 << 20
    del held


def test_a_process_that_is_gone_holds_nothing_that_can_be_told():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(ProcessLookupError, match=f"no process {child.pid}"):
        resident_bytes(child.pid)


def test_a_system_that_does_not_tell_refuses_the_limit_before_the_first_step(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_PROC", tmp_path)
    with pytest.raises(MissingPartError, match=r"expected a system that tells.*set limits.memory_gib=null"):
        Watchdog(Limits(memory_gib=1.0))
    Watchdog(Limits())
