"""A small honest environment, and for each clause of the contract environments that break it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete

from placecell.errors import EnvironmentUseError, EpisodeError

LIMIT = 12


class Corridor(gymnasium.Env):
    """Cells in a row: stop, back, on. Sees a noisy picture, where it stands and where the goal is."""

    observation_space = Dict(
        {
            "rgb": Box(0, 255, (3, 4, 3), np.uint8),
            "cell": Box(-99, 99, (1,), np.float32),
            "goal": Box(-99, 99, (1,), np.float32),
        }
    )
    action_space = Discrete(3)
    number_of_episodes = 3

    def __init__(self):
        self.running = False
        self.goal = np.zeros(1, np.float32)
        self.picture = np.zeros((3, 4, 3), np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.index = (options or {}).get("episode", 0)
        if not 0 <= self.index < self.number_of_episodes:
            raise EpisodeError(expected="an episode from 0 to 2", came=str(self.index), fix="choose another")
        self.cell, self.steps, self.running = 10 * self.index, 0, True
        self.goal[:] = self.cell + 2
        return self.look(), {"episode_id": str(self.index)}

    def look(self):
        self.picture[:] = self.np_random.integers(0, 256, (3, 4, 3))
        here = np.array([self.cell], np.float32)
        return {"rgb": self.picture.copy(), "cell": here, "goal": self.goal.copy()}

    def step(self, action):
        if not self.running:
            raise EnvironmentUseError(expected="reset first", came="step", fix="call reset")
        if not isinstance(action, int | np.integer) or not self.action_space.contains(int(action)):
            raise EnvironmentUseError(
                expected="an action from 0 to 2", came=repr(action), fix="choose another"
            )
        return self.move(int(action))

    def move(self, action):
        self.steps += 1
        self.cell += (0, -1, 1)[action]
        terminated, truncated = action == 0, action != 0 and self.steps >= LIMIT
        self.running = not (terminated or truncated)
        info = {"episode_id": str(self.index)}
        if not self.running:
            info["measures"] = {"success": 1.0, "distance_to_goal": float("inf")}
        return self.look(), 0.0, terminated, truncated, info


BROKEN = []


def breaks(clause):
    def enlist(broken):
        BROKEN.append(pytest.param(broken, clause, id=broken.__name__))
        return broken

    return enlist


@breaks("spaces")
class NotADict(Corridor):
    observation_space = Box(0, 255, (3, 4, 3), np.uint8)


@breaks("spaces")
class ContinuousActions(Corridor):
    action_space = Box(-1, 1, (1,))


@breaks("spaces")
class ActionsFromOne(Corridor):
    action_space = Discrete(3, start=1)


@breaks("number_of_episodes")
class UnknownLength(Corridor):
    number_of_episodes = 3.0


@breaks("number_of_episodes")
class NoLength(Corridor):
    @property
    def number_of_episodes(self):
        raise AttributeError


@breaks("reset")
class AlwaysTheFirst(Corridor):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options={"episode": min(0, (options or {}).get("episode", 0))})


@breaks("reset")
class CountsFromTheEnd(Corridor):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options={"episode": max(0, (options or {}).get("episode", 0))})


@breaks("reset")
class OldReset(Corridor):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options=options)[0]


@breaks("reset")
class ChoosesForItself(Corridor):
    resets = -1

    def reset(self, *, seed=None, options=None):
        index = (options or {}).get("episode", 0)
        self.resets += 1
        inside = 0 <= index < self.number_of_episodes
        return super().reset(seed=seed, options={"episode": self.resets % 3 if inside else index})


@breaks("observations")
class OtherDtype(Corridor):
    def look(self):
        return super().look() | {"cell": np.array([float(self.cell)])}


@breaks("observations")
class OtherKeys(Corridor):
    def look(self):
        return super().look() | {"secret": np.zeros(1)}


@breaks("observations")
class PlainNumbers(Corridor):
    def look(self):
        return super().look() | {"cell": [float(self.cell)]}


@breaks("observations")
class LeavesItsSpace(Corridor):
    def look(self):
        return super().look() | {"cell": np.array([100.0 + self.steps], np.float32)}


@breaks("fresh_arrays")
class LendsItsBuffer(Corridor):
    def look(self):
        return super().look() | {"rgb": self.picture}


@breaks("fresh_arrays")
class LendsItsState(Corridor):
    def look(self):
        return super().look() | {"goal": self.goal[::1]}


@breaks("fresh_arrays")
class ReadsWhatItLent(Corridor):
    def look(self):
        if self.steps:
            self.goal = self.lent.copy()
        self.lent = self.goal.copy()
        return super().look() | {"goal": self.lent}


@breaks("fresh_arrays")
class ReadOnly(Corridor):
    def look(self):
        observation = super().look()
        observation["rgb"].flags.writeable = False
        return observation


@breaks("step_returns")
class NumpyBool(Corridor):
    def move(self, action):
        observation, reward, terminated, truncated, info = super().move(action)
        return observation, reward, np.bool_(terminated), truncated, info


@breaks("step_returns")
class NanReward(Corridor):
    def move(self, action):
        observation, _, *rest = super().move(action)
        return observation, float("nan"), *rest


@breaks("info")
class ArrayInInfo(Corridor):
    def move(self, action):
        *rest, info = super().move(action)
        return *rest, info | {"position": np.zeros(3)}


@breaks("info")
class TupleInInfo(Corridor):
    def move(self, action):
        *rest, info = super().move(action)
        return *rest, info | {"position": (0.0, 1.0)}


@breaks("info")
class ForgetsItsName(Corridor):
    def move(self, action):
        *rest, info = super().move(action)
        return *rest, {key: value for key, value in info.items() if key != "episode_id"}


@breaks("info")
class ChangesItsName(Corridor):
    def move(self, action):
        *rest, info = super().move(action)
        return *rest, info | {"episode_id": str(self.steps)}


@breaks("measures")
class NoMeasuresWhenTruncated(Corridor):
    def move(self, action):
        observation, reward, terminated, truncated, info = super().move(action)
        if truncated:
            del info["measures"]
        return observation, reward, terminated, truncated, info


class OneMeasure(Corridor):
    measure: object = 1.0

    def move(self, action):
        *rest, info = super().move(action)
        return *rest, info | {"measures": {"success": self.measure}}


@breaks("measures")
class BooleanMeasure(OneMeasure):
    measure = True


@breaks("measures")
class MinusInfinity(OneMeasure):
    measure = -float("inf")


@breaks("stop")
class StopIsIgnored(Corridor):
    def move(self, action):
        return super().move(action or 2)


@breaks("stop")
class StopTruncatesToo(Corridor):
    def move(self, action):
        observation, reward, terminated, truncated, info = super().move(action)
        return observation, reward, terminated, truncated or terminated, info


@breaks("stop")
class LimitTerminates(Corridor):
    def move(self, action):
        observation, reward, terminated, truncated, info = super().move(action)
        return observation, reward, terminated or truncated, False, info


@breaks("step_limit")
class Endless(Corridor):
    def move(self, action):
        self.steps = -1
        return super().move(action)


@breaks("step_limit")
class LimitSwallowsStop(Corridor):
    def move(self, action):
        observation, reward, terminated, _, info = super().move(action)
        late = self.steps >= LIMIT
        return observation, reward, terminated and not late, late, info


@breaks("call_order")
class StartsByItself(Corridor):
    def step(self, action):
        if not self.running and not self._np_random:
            self.reset(seed=0)
        return super().step(action)


@breaks("call_order")
class WalksOn(Corridor):
    def move(self, action):
        result = super().move(action)
        self.running = True
        return result


@breaks("call_order")
class AssertsTheOrder(Corridor):
    def step(self, action):
        assert self.running, "call reset"
        return super().step(action)


class AnyAction(Corridor):
    def step(self, action):
        return super().step(self.read(action))


@breaks("illegal_actions")
class WrapsAround(AnyAction):
    def read(self, action):
        return action if isinstance(action, str) else action % 3


@breaks("illegal_actions")
class Rounds(AnyAction):
    def read(self, action):
        return int(action) if isinstance(action, float) else action


@breaks("illegal_actions")
class SpeaksEnglish(AnyAction):
    def read(self, action):
        return {"stop": 0}.get(action, action)


@breaks("reproducible")
class OwnChance(Corridor):
    def look(self):
        noise = np.random.default_rng().integers(0, 256, (3, 4, 3), np.uint8)
        return super().look() | {"rgb": noise}


@breaks("reproducible")
class Remembers(Corridor):
    walked = 0

    def look(self):
        self.walked += 1
        return super().look() | {"cell": np.array([self.walked % 90], np.float32)}


@breaks("crosses_socket")
class PlainIntegersOnly(Corridor):
    def step(self, action):
        if isinstance(action, np.integer):
            action = 1
        return super().step(action)


@breaks("crosses_socket")
class PythonObjects(Corridor):
    def look(self):
        return super().look() | {"cell": np.array([self], object)}


@breaks("close")
class ClosesOnce(Corridor):
    open = True

    def close(self):
        if not self.open:
            raise RuntimeError("already closed")
        self.open = False
