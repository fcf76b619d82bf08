"""From the names in a config to an agent: what ``conf/agent/*.yaml`` point to."""

import gymnasium

from placecell.memory import Memory

from .loop import Agent
from .perception.embodiment import Embodiment
from .perception.posed_rgbd import PosedRgbd
from .policies.baselines import ForwardPolicy, RandomPolicy
from .policies.expert import ExpertPolicy
from .policies.modular import make_modular_policy


def modular(env: gymnasium.Env, memory: Memory, range_m: float = 10.0, k: int = 3) -> Agent:
    """The mapping agent; ``range_m`` is how far around itself it reads its map anew at every step."""
    embodiment = Embodiment.of(env)
    return Agent(PosedRgbd(embodiment), memory, make_modular_policy(memory, embodiment, range_m), k)


def random(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """Random moves."""
    embodiment = Embodiment.of(env)
    return Agent(PosedRgbd(embodiment), memory, RandomPolicy(embodiment), k)


def forward(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """Forward until blocked."""
    embodiment = Embodiment.of(env)
    return Agent(PosedRgbd(embodiment), memory, ForwardPolicy(embodiment), k)


def expert(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """The shortest-path expert: an oracle."""
    return Agent(PosedRgbd(Embodiment.of(env)), memory, ExpertPolicy(env), k)
