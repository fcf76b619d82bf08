import gymnasium
import numpy as np
import pytest
from percepts import percept

from placecell.agent.loop import Agent, run_episode
from placecell.agent.policies.policy import Decision, Policy
from placecell.memory import NoMemory, Retrieval


class World(gymnasium.Env):
    """Counts its steps and writes down what is asked of it."""

    action_space = gymnasium.spaces.Discrete(9)

    def __init__(self, log, *, terminated_at=None, truncated_at=None):
        self.log, self.terminated_at, self.truncated_at = log, terminated_at, truncated_at

    def reset(self, *, seed=None, options=None):
        self.log.append(("reset", seed, options))
        self.count = 0
        return {"count": np.array([0])}, {"stage": "reset"}

    def step(self, action):
        self.log.append(("step", action))
        self.count += 1
        ends = self.count == self.terminated_at, self.count == self.truncated_at
        return {"count": np.array([self.count])}, 0.0, *ends, {"stage": self.count}


class Notebook(NoMemory):
    def __init__(self, log):
        self.log = log

    def begin_episode(self, start):
        self.log.append(("memory begins", start))

    def write(self, frame):
        self.log.append(("write", frame.step))

    def retrieve(self, query, k):
        self.log.append(("retrieve", query.radius_m, k))
        return Retrieval()


class Counter(Policy):
    def __init__(self, log):
        self.log = log

    def begin_episode(self, rng):
        self.rng = rng
        self.log.append(("policy begins",))

    def decide(self, percept, retrieval):
        assert retrieval == Retrieval()
        self.log.append(("decide", percept.step))
        return Decision(percept.step + 2, {"mode": "count"})


def agent(log, k=7):
    def perceive(observation, step):
        log.append(("perceive", int(observation["count"][0]), step))
        return percept(step=step)

    return Agent(perceive, Notebook(log), Counter(log), k)


def walk(log, *watchers, **ends):
    rng = np.random.default_rng(0)
    return run_episode(World(log, **ends), agent(log), seed=11, episode=4, rng=rng, on_step=watchers)


def test_an_episode_is_reset_then_perceive_write_retrieve_decide_step():
    log = []
    walk(log, lambda step: log.append(("watch", step.index)), terminated_at=2)
    turn = [
        [("perceive", i, i), ("write", i), ("retrieve", 3.0, 7), ("decide", i), ("step", i + 2), ("watch", i)]
        for i in range(2)
    ]
    start = [("reset", 11, {"episode": 4}), ("memory begins", "cold"), ("policy begins",)]
    assert log == start + turn[0] + turn[1]


def test_every_watcher_gets_every_step_in_order():
    first, second = [], []
    last = walk([], first.append, second.append, truncated_at=5)
    assert [step.index for step in first] == [0, 1, 2, 3, 4]
    assert first == second
    assert first[-1] is last


def test_a_step_holds_what_was_decided_on_and_what_followed():
    steps = []
    walk([], steps.append, terminated_at=3)
    assert [int(step.observation["count"][0]) for step in steps] == [0, 1, 2]
    assert [step.percept.step for step in steps] == [0, 1, 2]
    assert [step.decision.action for step in steps] == [2, 3, 4]
    assert [step.info["stage"] for step in steps] == [1, 2, 3]


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_an_episode_ends_when_the_environment_says_so(end):
    steps = []
    last = walk([], steps.append, **{f"{end}_at": 3})
    assert len(steps) == 3
    assert (last.terminated, last.truncated) == (end == "terminated", end == "truncated")
    assert not any(step.terminated or step.truncated for step in steps[:-1])


def test_the_policy_draws_from_the_generator_it_is_given():
    log = []
    walker, rng = agent(log), np.random.default_rng(3)
    run_episode(World(log, terminated_at=1), walker, seed=0, episode=0, rng=rng)
    assert walker.policy.rng is rng


def test_what_prepares_the_memory_comes_after_the_reset_and_knows_its_info():
    log = []
    run_episode(
        World(log, terminated_at=1), agent(log), seed=0, episode=4, rng=np.random.default_rng(0),
        prepare=lambda info: log.append(("prepare", info)),
    )  # fmt: skip
    assert log[:3] == [("reset", 0, {"episode": 4}), ("prepare", {"stage": "reset"}), ("policy begins",)]
    assert not any(line[0] == "memory begins" for line in log)


def test_an_agent_names_the_oracle_inputs_of_its_policy_and_its_perception():
    class Told(Counter):
        oracle = ("shortest_path",)

    walker = Agent(percept, Notebook([]), Told([]), perceives=("oracle_semantics", "shortest_path"))
    assert walker.oracle == ("oracle_semantics", "shortest_path")
