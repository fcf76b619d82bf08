"""A corridor of cells: action 1 walks on (and slips back now and then), action 0 stops."""

import gymnasium
import numpy as np


class Corridor(gymnasium.Env):
    """The shortest environment that a run accepts."""

    oracle = ()

    def __init__(self, task, seed, episodes, length=4, slip=0.25, name="corridor", break_at=None, limit=12):
        self.observation_space = gymnasium.spaces.Dict(
            {"position": gymnasium.spaces.Box(-100, 100, (1,), np.float64)}
        )
        self.action_space = gymnasium.spaces.Discrete(2)
        self.number_of_episodes = max(episodes, 3)
        self.length, self.slip, self.name, self.break_at, self.limit = length, slip, name, break_at, limit
        self.task = dict(task)

    def provenance(self):
        return {"corridor": self.name, "length": self.length}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.cell, self.steps = options["episode"], 0, 0
        return self._observation(), self._info()

    def step(self, action):
        if self.episode == self.break_at and self.steps == 2:
            raise RuntimeError("the floor\ngave way")
        self.steps += 1
        if action == 1:
            self.cell += -1 if self.np_random.random() < self.slip else 1
        return self._observation(), 0.0, action == 0, self.steps >= self.limit, self._info()

    def _observation(self):
        return {"position": np.array([float(self.cell)])}

    def _info(self):
        success = float(self.cell == self.length)
        spl = success * min(1.0, self.length / max(self.steps - 1, 1))
        far = float("inf") if self.cell < 0 else float(self.length - self.cell)
        measures = {"success": success, "spl": spl, "distance_to_goal": far}
        names = {"episode_id": f"walk {self.episode}", "scene_id": f"hall {self.episode % 2}"}
        return {**names, "measures": measures}
