"""A row of cells in which some episodes do to their process what a simulator may do; children import it."""

import ctypes
import os
import signal
import sys
import time

import gymnasium
import numpy as np

from placecell.agent.loop import Agent
from placecell.agent.perception.percept import Percept, PointGoal
from placecell.agent.policies.policy import Decision, Policy
from placecell.errors import ConfigError, OutputError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, Query, Retrieval
from placecell.memory.archive import Archive

CAMERA = Pinhole.from_hfov(1, 1, 1.0)
LENGTH = 5
HOLD = []


def sleep_with_the_gil():
    while True:
        ctypes.PyDLL(None).sleep(60)


def write_and_abort():
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def fork_and_exit():
    """Leaves a child behind that holds whatever this process has open; its number is its last word."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
    os.write(2, f"{child}\n".encode())
    os._exit(7)


DEEDS = {
    "raise": lambda: 1 // 0,
    "abort": write_and_abort,
    "segv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(7),
    "sysexit": lambda: sys.exit("enough"),
    "fork": fork_and_exit,
    "sleep": lambda: time.sleep(600),
    "sleep with the GIL": sleep_with_the_gil,
    "slow": lambda: time.sleep(2.2),
    "allocate": lambda: HOLD.append(np.ones(400 << 17)),
    "interrupt": lambda: os.kill(os.getpid(), signal.SIGINT),
    "interrupt twice": lambda: [os.kill(os.getpid(), signal.SIGINT) for _ in range(2)],
    "interrupt and sleep": lambda: [os.kill(os.getpid(), signal.SIGINT), time.sleep(600)],
    "write": lambda: print("x" * 100_000),
}


class Row(gymnasium.Env):
    """Walks to the end of a row; three visits a tour where ``tours``.

    ``deeds``: what is done when (``episode``, ``step``) comes; the step -1 is the reset.
    """

    oracle = ("cell",)
    action_space = gymnasium.spaces.Discrete(2)
    observation_space = gymnasium.spaces.Dict({"cell": gymnasium.spaces.Box(-99, 99, (1,), np.float64)})

    def __init__(self, episodes, deeds=None, tours=False, log=None):
        self.number_of_episodes, self.deeds, self.log = episodes, deeds or {}, log
        self.visits_per_tour = 3 if tours else 1
        self.tour, self.shown = None, []
        self._note("open")

    def provenance(self):
        return {"row": LENGTH}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.cell, self.steps = options["episode"], 0, 0
        tour, visit = divmod(self.episode, self.visits_per_tour)
        if visit == 0 or tour != self.tour:
            self.tour, self.shown = tour, []
        self._misbehave(-1)
        self.slip = self.np_random.random()
        self.shown.append(self.episode)
        return self._look(), self._info()

    def step(self, action):
        self._misbehave(self.steps)
        self.steps += 1
        self.cell += int(action)
        return self._look(), 0.0, action == 0, self.steps >= 12, self._info()

    def tour_so_far(self):
        return {"tour": self.tour, "shown": self.shown}

    def go_on_with(self, state):
        self.tour, self.shown = state["tour"], list(state["shown"])

    def close(self):
        self._note("close")

    def _misbehave(self, step):
        if (self.episode, step) in self.deeds:
            DEEDS[self.deeds[self.episode, step]]()

    def _note(self, what):
        if self.log is not None:
            with open(self.log, "a") as file:
                file.write(f"{what} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n")

    def _look(self):
        return {"cell": np.array([float(self.cell)])}

    def _info(self):
        tour, visit = divmod(self.episode, self.visits_per_tour)
        return {
            "episode_id": f"row {self.episode}",
            "scene_id": f"hall {self.episode % 2}",
            "measures": {"success": float(self.cell == LENGTH), "slip": self.slip},
            "tags": {"tour": tour, "visit": visit, "shown": len(self.shown)},
        }


class Notes(NoMemory):
    """Holds the cells that it was shown."""

    def __init__(self):
        self.cells = []

    def begin_episode(self, start):
        if start == "cold":
            self.cells = []

    def write(self, frame):
        self.cells.append(float(frame.T_world_camera[0, 3]))

    def retrieve(self, query, k):
        return Retrieval()

    def stats(self):
        return {"bytes": 8.0 * len(self.cells), "items": float(len(self.cells))}

    def pack(self):
        return Archive("Notes", {}, {"cells": np.array(self.cells)})

    def unpack(self, stored):
        self.cells = stored.arrays["cells"].tolist()


class Onward(Policy):
    """Walks on, stops at the end, and now and then too early."""

    def begin_episode(self, rng):
        self.rng = rng

    def decide(self, percept, retrieval):
        end = percept.pose.x >= LENGTH or (percept.step > 2 and self.rng.random() < 0.3)
        return Decision(0 if end else 1, {"x": percept.pose.x})


def perceive(observation, step):
    pose = Pose(float(observation["cell"][0]), 0.0, 0.0, 0.0)
    frame = Frame(pose.T_world_camera(1.0), CAMERA, np.ones((1, 1), np.float32), step=step)
    goal = PointGoal(np.array([5.0, 0.0, 0.0]))
    return Percept(frame, Query(pose.position, 1.0), pose, goal, False, step)


def make(episodes=6, deeds=None, tours=False, log=None):
    """What a worker builds."""
    return Row(episodes, deeds, tours, log), Agent(perceive, Notes(), Onward())


def die_at_start(after, log):
    """Workers that end before they are ready, but for the first ``after``; of those, one ends in a step."""
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\n")
    with open(log) as file:
        starts = len(file.readlines())
    if starts > after:
        print("no licence", file=sys.stderr, flush=True)
        os.abort()
    return make(deeds={(1, 2): "exit"})


def refuse():
    """Building meets a user's mistake."""
    raise ConfigError(expected="a hall", came="a\nshed", fix="name a hall")


def lack():
    """Building meets a package that is not there."""
    import not_a_package_at_all

    return not_a_package_at_all


class FullDisk(Row):
    """Its third episode meets a full disk."""

    def reset(self, *, seed=None, options=None):
        if options["episode"] == 2:
            raise OutputError(expected="room", came="a full disk", fix="make room")
        return super().reset(seed=seed, options=options)


def full_disk():
    return FullDisk(6), Agent(perceive, Notes(), Onward())


class DiesInBetween(Row):
    """Its process is gone between two visits of a tour: ``once`` or always."""

    def __init__(self, once, log):
        super().__init__(6, tours=True, log=log)
        self.once = once

    def tour_so_far(self):
        with open(self.log) as file:
            starts = len(file.readlines())
        if self.episode == 1 and (starts == 1 or not self.once):
            os._exit(4)
        return super().tour_so_far()


def dies_in_between(once, log):
    return DiesInBetween(once, log), Agent(perceive, Notes(), Onward())
