"""Observations at panoramas made by hand, and the little of an environment that a perception asks."""

import math

import gymnasium
import numpy as np
from gymnasium import spaces

from placecell.agent.perception.panorama import PanoramaPerception
from placecell.geometry import wrap_angle

CATEGORIES = ("", "lamp", "chair", "dining table")
MOST = 5


class World(gymnasium.Env):
    """Names of actions and of categories."""

    def __init__(self, ways="local", labels=True, categories=CATEGORIES):
        names = {"local": "candidate_{}", "global": "node_{}"}
        self.action_names = ("stop", *(names[ways].format(n) for n in range(9))) if ways in names else ways
        self.categories = categories
        labelled = {"object_category": spaces.Box(0, 9, (MOST,), np.int32)} if labels else {}
        self.observation_space = spaces.Dict({"node": spaces.Box(0, 9, (1,), np.int32), **labelled})


def perception(ways="local", **options):
    return PanoramaPerception(World(ways), **options)


def observation(
    at=(0.0, 0.0, 0.0), ways=(), *, yaw_rad=0.0, node=0, objects=(), text="walk on", collided=False,
    features=None,
):  # fmt: skip
    """What GraphNav shows.

    Args:
        at: the panorama's camera, episode's frame; the body looks along ``yaw_rad``.
        ways: of each candidate its node and its position.
        objects: of each its category and its position.
    """
    seen = {
        "instruction": text, "gps": np.array(at, np.float32), "compass": np.array([yaw_rad], np.float32),
        "pitch": np.zeros(1, np.float32), "node": np.array([node], np.int32),
        "collided": np.array([collided], np.int8), "candidates": np.full(MOST, -1, np.int32),
    }  # fmt: skip
    for kind, things in (("candidate", ways), ("object", objects)):
        heading, elevation, distance = (np.zeros(MOST, np.float32) for _ in range(3))
        for n, (_, place) in enumerate(things):
            heading[n], elevation[n], distance[n] = _away(at, place, yaw_rad)
        seen |= {f"{kind}_heading": heading, f"{kind}_elevation": elevation, f"{kind}_distance": distance}
    seen["candidates"][: len(ways)] = [to for to, _ in ways]
    seen["object_category"] = np.zeros(MOST, np.int32)
    seen["object_category"][: len(objects)] = [category for category, _ in objects]
    return seen if features is None else seen | {"features": features}


def _away(at, place, yaw_rad):
    x, y, z = np.subtract(place, at)
    return wrap_angle(math.atan2(y, x) - yaw_rad), math.atan2(z, math.hypot(x, y)), math.dist(at, place)


def percept(*arguments, ways_of_world="local", step=0, **options):
    return perception(ways_of_world)(observation(*arguments, **options), step)


def begin(policy, seed=0):
    policy.begin_episode(np.random.default_rng(seed))
    return policy
