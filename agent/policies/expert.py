"""The shortest-path expert as a policy: it reads the simulator's own distances, and is marked an oracle."""

import gymnasium
import numpy as np

from placecell.errors import ConfigError
from placecell.memory import Retrieval

from ..perception.percept import Percept
from .policy import Decision, Policy


class ExpertPolicy(Policy):
    """Does what the environment's ``expert_action()`` says."""

    oracle = ("shortest_path",)

    def __init__(self, env: gymnasium.Env) -> None:
        if not env.has_wrapper_attr("expert_action"):
            raise ConfigError(
                expected="an environment with an expert_action()",
                came=type(env.unwrapped).__name__,
                fix="choose another agent, or give the environment a shortest-path expert",
            )
        self._expert_action = env.get_wrapper_attr("expert_action")

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Nothing to forget."""

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The expert's action."""
        return Decision(self._expert_action(), {"mode": "expert"})
