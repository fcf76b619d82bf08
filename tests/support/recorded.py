"""A small world to record: a camera that walks along a wall, and an agent that keeps what it sees."""

from pathlib import Path

import gymnasium
import numpy as np

from placecell.agent.loop import Agent, run_episode
from placecell.agent.perception.percept import Percept, PointGoal
from placecell.agent.policies.policy import Decision, Policy
from placecell.agent.recording import RecordOptions, make_recorder
from placecell.agent.results import Result
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query, SpatialMemory

CAMERA = Pinhole.from_hfov(16, 12, 1.5)
HEADER = {"episode": 4, "episode_id": "walk 4", "scene_id": "wall", "seed": 5, "run_seed": 0, "arm": "cold"}
_SIZE = (12, 16)


class Wall(gymnasium.Env):
    """Walks past a wall for so many steps; its ids are small but for one pixel in the third observation."""

    action_space = gymnasium.spaces.Discrete(3)
    observation_space = gymnasium.spaces.Dict(
        {"depth": gymnasium.spaces.Box(0, 9, _SIZE), "category": gymnasium.spaces.Box(0, 99, _SIZE, np.int32)}
    )

    oracle = ("x_ray",)

    @property
    def origin(self):
        return {"position": [1.0, 2.0, 0.0], "yaw_rad": 0.5, "pitch_rad": 0.0}

    def shortest_path(self):
        return [[0.0, 0.0, 0.0], [3.0 - self.count, 0.0, 0.0]]

    def provenance(self):
        return {"scene": "wall"}

    def __init__(self, steps=6):
        self.steps, self.count = steps, 0

    def reset(self, *, seed=None, options=None):
        self.count = 0
        return self._observation(), self._info()

    def step(self, action):
        self.count += 1
        reward = 0.5 * (self.count - 1)
        return self._observation(), reward, False, self.count >= self.steps, self._info()

    def _observation(self):
        rng = np.random.default_rng(self.count)
        category = rng.integers(0, 9, _SIZE, dtype=np.int32)
        if self.count == 2:
            category[3, 4] = 60_000
        return {
            "rgb": rng.integers(0, 255, (*_SIZE, 3), dtype=np.uint8),
            "depth": np.full(_SIZE, 1 + 0.1 * self.count, np.float32),
            "category": category,
            "gps": np.array([0.25 * self.count, 0.0, 0.0], np.float32),
        }

    def _info(self):
        there = {"position": [1.0 + 0.25 * self.count, 2.0, 0.0], "yaw_rad": 0.5, "pitch_rad": 0.0}
        measures = {"success": 0.0, "distance_to_goal": float("inf") if self.count == 1 else 3.0 - self.count}
        return {
            "episode_id": "walk 4", "scene_id": "wall", "measures": measures, "pose": there,
            "collided": self.count == 3, "goal_in_view": True,
        }  # fmt: skip


class Plodder(Policy):
    """Always forward; says what it is told to."""

    def __init__(self, trace):
        self._trace = trace

    def begin_episode(self, rng):
        pass

    def decide(self, percept, retrieval):
        return Decision(1, self._trace(percept.step))


def perceive(observation, step):
    """The frame's depth and colours are the observation's own; its labels are the agent's."""
    pose = Pose(float(observation["gps"][0]), 0.0, 0.0, 0.1 * step)
    labels = np.where(observation["category"] > 4, 2, 0).astype(np.int64)
    frame = Frame(pose.T_world_camera(1.25), CAMERA, observation["depth"], observation["rgb"], labels, step)
    return Percept(frame, Query(pose.position, 3.0), pose, PointGoal(np.zeros(3)), False, step)


def plodder(trace=lambda step: {"mode": "plod", "at": step}, memory=None):
    """An agent for the wall."""
    return Agent(perceive, memory or SpatialMemory(), Plodder(trace))


def recorder_of(level="full", every=1, agent=None, env=None):
    """A recorder of the wall."""
    return make_recorder(RecordOptions(level, every), env or Wall(), agent or plodder())


def record(folder: Path, level="full", every=1, steps=6, agent=None, watch=(), recorder=None, ends=True):
    """Records one episode; what came by, step by step, and the recorder."""
    env, agent = Wall(steps), agent or plodder()
    recorder = recorder or recorder_of(level, every, agent, env)
    seen = []

    def prepare(info):
        agent.memory.begin_episode("cold")
        recorder.begin(folder, {**HEADER, "start": info["pose"]})

    last = run_episode(
        env, agent, seed=5, episode=4, rng=np.random.default_rng(0),
        on_step=(recorder.add, seen.append, *watch), prepare=prepare,
    )  # fmt: skip
    if ends:
        recorder.end(result_of(last))
    return seen


def result_of(last, **changes):
    """The result of an episode that ended with this step."""
    how = {"status": "done", "truncated": True, "tags": {"kind": "point"}, "seconds": 1.5, **changes}
    return Result(4, "walk 4", "wall", steps=last.index + 1, measures=last.info["measures"], **how)
