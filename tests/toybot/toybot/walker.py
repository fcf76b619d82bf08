"""Walks until the corridor's end, sometimes lost in thought."""

import numpy as np

from placecell.agent.loop import Agent
from placecell.agent.perception.percept import Percept, PointGoal
from placecell.agent.policies.policy import Decision, Policy
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query


class Walker(Policy):
    """Stops at the end; stops anywhere one time in twenty."""

    oracle = ("cell",)

    def __init__(self, length, stride):
        self.length, self.stride = length, stride

    def begin_episode(self, rng):
        self.rng = rng

    def decide(self, percept, retrieval):
        end = percept.pose.x >= self.length or self.rng.random() < 0.05
        return Decision(0 if end else self.stride, {"at": percept.pose.x})


def perceive(observation, step):
    """A percept of a cell's number, behind a one-pixel camera."""
    pose = Pose(float(observation["position"][0]), 0.0, 0.0, 0.0)
    camera = Pinhole.from_hfov(1, 1, 1.0)
    frame = Frame(pose.T_world_camera(1.0), camera, np.zeros((1, 1), np.float32), step=step)
    goal = PointGoal(np.array([4.0, 0.0, 0.0]))
    return Percept(frame, Query(pose.position, 1.0), pose, goal, False, step)


def walker(env, memory, stride=1):
    """What conf/agent/walker.yaml calls."""
    return Agent(perceive, memory, Walker(env.unwrapped.length, stride))
