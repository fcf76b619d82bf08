"""A short walk through the real recorder, whose every number a test can work out by hand."""

from dataclasses import replace
from typing import ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from placecell.agent.loop import Agent, Step
from placecell.agent.perception.percept import Percept, PointGoal
from placecell.agent.policies.policy import Decision, Policy
from placecell.agent.recording import RecordOptions, make_recorder
from placecell.agent.results import Result
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query, SpatialMemory

SIZE, STRIDE_M, EYE_M = 24, 0.25, 1.25
START = {"position": [2.0, 3.0, 0.5], "yaw_rad": np.pi / 2, "pitch_rad": 0.0}
GOAL = [1.0, 0.5, 0.0]


class Told(gymnasium.Env):
    """Says what its body and its sensors are, and is never walked in."""

    observation_space = spaces.Dict(
        {
            "rgb": spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8),
            "depth": spaces.Box(0, 10, (SIZE, SIZE), np.float32),
        }
    )
    action_space = spaces.Discrete(6)
    categories = ("", "chair", "table")
    embodiment: ClassVar = {"camera": {"width": SIZE, "height": SIZE, "hfov_deg": 90.0, "height_m": EYE_M}}


class Straight(Policy):
    def begin_episode(self, rng):
        pass

    def decide(self, percept, retrieval):
        return Decision(1, {"mode": "straight", "recalled": len(retrieval.items)})


def observations(steps):
    rng = np.random.default_rng(7)
    return [
        {
            "rgb": rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8),
            "depth": rng.uniform(0.3, 3, (SIZE, SIZE)).astype(np.float32),
        }
        for _ in range(steps)
    ]


def record_walk(folder, *, steps=6, level="full", every=1, truth=True, forgets_at=None):
    """Walks east along the episode's x, which is the world's y, from ``START``; bumps at step 2.

    Measures after step i: ``success`` 0, ``distance_to_goal`` 10 - i, ``odd`` infinite but at step 1.
    ``forgets_at``: the memory is emptied before that step is written.
    """
    memory = SpatialMemory()
    agent = Agent(lambda observation, step: None, memory, Straight(), k=3)
    recorder = make_recorder(RecordOptions(level, every), Told(), agent)
    header = {
        "episode": 4, "episode_id": "a 1", "scene_id": "hall", "seed": 1, "run_seed": 0, "arm": "cold",
        "tags": {}, "start": START if truth else None, "goal_positions": [GOAL] if truth else None,
    }  # fmt: skip
    recorder.begin(folder, header)
    lens = Pinhole.from_hfov(SIZE, SIZE, np.pi / 2)
    labels = np.full((SIZE, SIZE), 1)
    for i, observation in enumerate(observations(steps)):
        if i == forgets_at:
            memory.begin_episode("cold")
        pose = Pose(STRIDE_M * i, 0.0, 0.0, 0.0)
        frame = Frame(
            pose.T_world_camera(EYE_M), lens, observation["depth"], observation["rgb"], labels, step=i
        )
        memory.write(frame)
        query = Query(position=pose.position, radius_m=50.0)
        # The first step recalls nothing, the others all that there is.
        retrieval = memory.retrieve(query if i else replace(query, category=2), agent.k)
        percept = Percept(frame, query, pose, PointGoal(np.array(GOAL)), False, i)
        last = i == steps - 1
        info = {"measures": {"success": 0.0, "distance_to_goal": 10.0 - i, "odd": 1.0 if i == 1 else np.inf}}
        if truth:
            there = [2.0, 3.0 + STRIDE_M * (i + 1), 0.5]
            info |= {"pose": {**START, "position": there}, "collided": i == 2, "goal_in_view": last}
        decision = agent.policy.decide(percept, retrieval)
        recorder.add(Step(i, observation, percept, retrieval, decision, info, last, False))
    recorder.end(Result(4, "a 1", "hall", "done", False, steps, {"success": 0.0}))
    return folder
