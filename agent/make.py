"""From the names in a config to an agent: what ``conf/agent/*.yaml`` point to."""

from pathlib import Path

import gymnasium

from placecell.envs.tour import Tour
from placecell.errors import ConfigError
from placecell.memory import Memory

from .loop import Agent
from .perception.embodiment import Embodiment
from .perception.posed_rgbd import PosedRgbd
from .perception.semantics import NoSemantics, SemanticSource
from .policies.baselines import ForwardPolicy, RandomPolicy
from .policies.expectation import SHIPPED, Expectation
from .policies.expert import ExpertPolicy
from .policies.modular import make_modular_policy


def modular(
    env: gymnasium.Env,
    memory: Memory,
    semantics: SemanticSource | None = None,
    range_m: float = 10.0,
    expectation: str | None = None,
    k: int = 16,
) -> Agent:
    """The mapping agent.

    Args:
        env: gives the body and the names of categories.
        memory: any; one that keeps an octree is planned on.
        semantics: names what is seen; needed for goals by category.
        range_m: how far around itself it reads its map anew at every step.
        expectation: the file that says what is near what; None: the one that came with placecell.
        k: how many items are recalled a step.

    Raises:
        ConfigError: the environment asks for things by category, and nothing names what is seen.
    """
    _require_labels(env, semantics)
    embodiment, names = Embodiment.of(env), _categories(env)
    # Without names nothing can be looked for: only then is what homes are like of no use.
    learned = Expectation.load(SHIPPED if expectation is None else Path(expectation)) if names else None
    policy = make_modular_policy(memory, embodiment, range_m, expectation=learned, categories=names)
    return Agent(_perception(env, semantics), memory, policy, k)


def random(env: gymnasium.Env, memory: Memory, semantics: SemanticSource | None = None, k: int = 3) -> Agent:
    """Random moves."""
    return Agent(_perception(env, semantics), memory, RandomPolicy(Embodiment.of(env)), k)


def forward(env: gymnasium.Env, memory: Memory, semantics: SemanticSource | None = None, k: int = 3) -> Agent:
    """Forward until blocked."""
    return Agent(_perception(env, semantics), memory, ForwardPolicy(Embodiment.of(env)), k)


def expert(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """The shortest-path expert: an oracle."""
    return Agent(_perception(env, None), memory, ExpertPolicy(env), k)


def _require_labels(env: gymnasium.Env, semantics: SemanticSource | None) -> None:
    """Says before the first episode what each that asks for a thing would break with."""
    if (semantics is None or isinstance(semantics, NoSemantics)) and _asks_for_things(env):
        raise ConfigError(
            expected="a perception that names things, for the agent is asked to find some by their name",
            came="one without labels",
            fix="set perception=segmenter (learned) or perception=oracle (the simulator's)",
        )


def _asks_for_things(env: gymnasium.Env) -> bool:
    """Whether some goal is a category; where goals may be points as well, only a tour tells beforehand."""
    space = env.observation_space
    if not isinstance(space, gymnasium.spaces.Dict) or "objectgoal" not in space.spaces:
        return False
    if "pointgoal" not in space.spaces:
        return True
    task = env.get_wrapper_attr("task") if env.has_wrapper_attr("task") else None
    return isinstance(task, Tour) and task.objects > 0


def _perception(env: gymnasium.Env, semantics: SemanticSource | None) -> PosedRgbd:
    return PosedRgbd(Embodiment.of(env), semantics=semantics, categories=_categories(env))


def _categories(env: gymnasium.Env) -> tuple[str, ...]:
    """The environment's names by category id; none where goals are points only."""
    return tuple(env.get_wrapper_attr("categories")) if env.has_wrapper_attr("categories") else ()
