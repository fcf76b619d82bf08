"""One episode, and one step of it on one screen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from placecell.errors import ConfigError
from placecell.memory import Memory, Retrieval

from .perception.percept import Percept
from .policies.policy import Decision, Policy

Observation = dict[str, Any]
"""NumPy arrays by name; text (an instruction) is a ``str``, as Gymnasium has it."""


@dataclass(frozen=True)
class Agent:
    """Perceive, remember, recall, decide.

    ``k``: how many items are recalled a step. ``perceives``: inputs that the perception uses and no agent has
    in the world (the simulator's labels).
    """

    perception: Callable[[Observation, int], Percept]
    memory: Memory
    policy: Policy
    k: int = 3
    perceives: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(
                expected="k of 1 or more memories a step", came=str(self.k), fix="set agent.k=3"
            )

    @property
    def oracle(self) -> tuple[str, ...]:
        """Inputs that it uses and no agent has in the world, sorted."""
        return tuple(sorted({*self.policy.oracle, *self.perceives}))


@dataclass(frozen=True)
class Step:
    """What one step leaves for whoever watches: the observation that was decided on, and what followed."""

    index: int
    observation: Observation
    percept: Percept
    retrieval: Retrieval
    decision: Decision
    info: dict[str, object]
    terminated: bool
    truncated: bool
    reward: float = 0.0


def run_episode(
    env: gymnasium.Env,
    agent: Agent,
    *,
    seed: int,
    episode: int,
    rng: np.random.Generator,
    on_step: Sequence[Callable[[Step], None]] = (),
    prepare: Callable[[Mapping[str, object]], None] | None = None,
) -> Step:
    """Walks one episode to its end and returns its last step (its ``info["measures"]`` are the result).

    Args:
        env: an environment whose ``reset`` takes ``options={"episode": index}``.
        agent: the four parts of a step.
        seed: seeds the environment (noise, and nothing else).
        episode: index into the environment's dataset.
        rng: the policy's only source of chance.
        on_step: called with every :class:`Step`, in order.
        prepare: brings the memory into the state that the episode begins with, and is given the ``info`` of
            the reset, which says what episode it is (:mod:`~placecell.agent.tours`); None empties it.
    """
    observation, info = env.reset(seed=seed, options={"episode": episode})
    if prepare is None:
        agent.memory.begin_episode("cold")
    else:
        prepare(info)
    agent.policy.begin_episode(rng)
    index = 0
    while True:
        percept = agent.perception(observation, index)
        agent.memory.write(percept.frame)
        retrieval = agent.memory.retrieve(percept.query, agent.k)
        decision = agent.policy.decide(percept, retrieval)
        following, reward, terminated, truncated, info = env.step(decision.action)
        step = Step(
            index, observation, percept, retrieval, decision, info, terminated, truncated, float(reward)
        )
        for watch in on_step:
            watch(step)
        if terminated or truncated:
            return step
        observation, index = following, index + 1
