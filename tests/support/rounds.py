"""Tours in a row of cells, and a memory that writes down what is asked of it."""

import gymnasium
import numpy as np

from placecell.agent.loop import Agent
from placecell.agent.perception.percept import CategoryGoal, Percept
from placecell.agent.policies.policy import Decision, Policy
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, Query, Retrieval
from placecell.memory.archive import Archive

CAMERA = Pinhole.from_hfov(1, 1, 1.0)
LENGTH = 3


class Rounds(gymnasium.Env):
    """Three visits a tour, a tour a house; each goal is three cells on. Surveys show two cells of a house."""

    oracle = ()
    visits_per_tour = 3
    action_space = gymnasium.spaces.Discrete(2)
    observation_space = gymnasium.spaces.Dict({"cell": gymnasium.spaces.Box(-99, 99, (1,), np.float64)})
    houses = {"same": 10, "foreign": 20, "stale": 30}  # noqa: RUF012

    def __init__(self, task=None, seed=0, episodes=6, break_at=None, limit=12, **_):
        self.number_of_episodes, self.break_at, self.limit = max(episodes, 6), break_at, limit
        self.surveys, self.shown = [], []

    def provenance(self):
        return {"rounds": True}

    def tour_so_far(self):
        return {"shown": self.shown}

    def go_on_with(self, tour):
        self.shown = list(tour["shown"])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.shown = [*self.shown[: options["episode"] % 3], options["episode"]]
        self.episode, self.cell, self.steps, self.stopped = options["episode"], 0, 0, False
        return self._look(), self._info()

    def step(self, action):
        if (self.episode, self.steps) == self.break_at:
            raise RuntimeError("the floor gave way")
        self.steps += 1
        self.cell += action
        self.stopped = action == 0
        return self._look(), 0.0, action == 0, self.steps >= self.limit, self._info()

    def survey(self, house):
        self.surveys.append(house)
        for cell in range(2):
            yield {"cell": np.array([float(self.houses[house] + cell)])}

    def _look(self):
        return {"cell": np.array([float(self.cell)])}

    def _info(self):
        tour, visit = divmod(self.episode, 3)
        success = float(self.stopped and self.cell == LENGTH)
        return {
            "episode_id": f"{tour}_{visit}",
            "scene_id": f"house {tour}",
            "measures": {
                "success": success,
                "spl": success * min(1.0, LENGTH / max(self.steps - 1, 1)),
                "oracle_success": float(self.cell >= LENGTH),
            },
            "tags": {"kind": "object", "tour": tour, "visit": visit, "seen_before": len(self.shown) > 1},
            "goal_in_view": self.cell >= 1,
            "goal_positions": [[float(LENGTH), 0.0, 0.0]],
        }


class Diary(NoMemory):
    """Holds the cells that it was shown; ``log`` says what happened to it."""

    def __init__(self):
        self.cells, self.labels, self.log = [], True, []

    def begin_episode(self, start):
        self.log.append(start)
        if start == "cold":
            self.cells, self.labels = [], True

    def write(self, frame):
        self.cells.append(float(frame.T_world_camera[0, 3]))

    def retrieve(self, query, k):
        return Retrieval()

    def forget_labels(self):
        self.log.append("forget labels")
        self.labels = False

    def stats(self):
        return {"bytes": 8.0 * len(self.cells), "items": float(len(self.cells))}

    def pack(self):
        self.log.append("pack")
        return Archive("Diary", {}, {"cells": np.array(self.cells)})

    def unpack(self, stored):
        self.log.append("unpack")
        self.cells = stored.arrays["cells"].tolist()


class Straight(Policy):
    """Walks on and stops at the goal, or after ``lost`` steps."""

    def __init__(self, lost=None):
        self.lost = lost

    def begin_episode(self, rng):
        pass

    def decide(self, percept, retrieval):
        far = percept.pose.x >= LENGTH or percept.step == self.lost
        return Decision(0 if far else 1)


def perceive(observation, step):
    """A percept of a cell's number, behind a one-pixel camera."""
    pose = Pose(float(observation["cell"][0]), 0.0, 0.0, 0.0)
    frame = Frame(pose.T_world_camera(1.0), CAMERA, np.ones((1, 1), np.float32), step=step)
    query = Query(pose.position, 100.0, category=1)
    return Percept(frame, query, pose, CategoryGoal(1, "bed"), False, step)


def walker(env=None, memory=None, lost=None):
    """What walks the rounds."""
    return Agent(perceive, Diary() if memory is None else memory, Straight(lost))
