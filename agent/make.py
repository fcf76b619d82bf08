"""From the names in a config to an agent: what ``conf/agent/*.yaml`` point to."""

import math
from functools import partial
from pathlib import Path

import gymnasium

from placecell.envs.graph import GraphNavEnv
from placecell.envs.tour import Tour
from placecell.errors import ConfigError
from placecell.memory import Memory

from .loop import Agent
from .perception.embodiment import Embodiment
from .perception.panorama import PanoramaPerception, ways_of
from .perception.posed_rgbd import PosedRgbd
from .perception.semantics import NoSemantics, SemanticSource
from .policies.baselines import ForwardPolicy, RandomPolicy
from .policies.expectation import SHIPPED, Expectation
from .policies.expert import ExpertPolicy
from .policies.follow.things import Mentions
from .policies.graph import GraphPolicy
from .policies.modular import make_modular_policy
from .policies.panorama_baselines import (
    GoldPolicy,
    RandomHeadingPolicy,
    RandomTurnsPolicy,
    StraightOnPolicy,
    StreetAheadPolicy,
    UniformPolicy,
)
from .policies.routes.stopping import Habits
from .policies.streets import StreetsPolicy

_BLOCK_M = 80.0  # what one walks back over in streets: a block


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
        ConfigError: the environment asks for things by category, and nothing names what is seen; or it is a
            panorama graph.
    """
    if _is_graph(env):
        raise ConfigError(
            expected="a world to walk in freely for agent=modular",
            came="a panorama graph",
            fix="set agent=graph (env=r2r) or agent=streets (env=streets)",
        )
    _require_labels(env, semantics)
    embodiment, names = Embodiment.of(env), _categories(env)
    # Without names nothing can be looked for: only then is what homes are like of no use.
    learned = Expectation.load(SHIPPED if expectation is None else Path(expectation)) if names else None
    policy = make_modular_policy(memory, embodiment, range_m, expectation=learned, categories=names)
    return Agent(_perception(env, semantics), memory, policy, k)


def random(env: gymnasium.Env, memory: Memory, semantics: SemanticSource | None = None, k: int = 3) -> Agent:
    """Random moves; on Matterport's graphs R2R's own random agent: a random heading, then five moves."""
    if not _is_graph(env):
        return Agent(_perception(env, semantics), memory, RandomPolicy(Embodiment.of(env)), k)
    if _on_streets(env):
        return Agent(PanoramaPerception(env), memory, RandomTurnsPolicy(int(env.action_space.n)), k)  # type: ignore[attr-defined]
    return Agent(PanoramaPerception(env), memory, RandomHeadingPolicy(partial(_north_rad, env)), k)


def forward(env: gymnasium.Env, memory: Memory, semantics: SemanticSource | None = None, k: int = 3) -> Agent:
    """Forward until blocked; on Matterport's graphs five moves straight on, on streets till the end."""
    if not _is_graph(env):
        return Agent(_perception(env, semantics), memory, ForwardPolicy(Embodiment.of(env)), k)
    policy = StreetAheadPolicy() if _on_streets(env) else StraightOnPolicy()
    return Agent(PanoramaPerception(env), memory, policy, k)


def expert(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """The shortest-path expert: an oracle."""
    perception = PanoramaPerception(env) if _is_graph(env) else _perception(env, None)
    return Agent(perception, memory, ExpertPolicy(env), k)


def gold(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """Follows the path that the instruction describes: an oracle.

    Raises:
        ConfigError: the environment is no panorama graph.
    """
    _require_graph(env, "gold")
    return Agent(PanoramaPerception(env), memory, GoldPolicy(env), k)


def uniform(env: gymnasium.Env, memory: Memory, k: int = 3) -> Agent:
    """Five moves to neighbours drawn with equal chance.

    Raises:
        ConfigError: the environment is no panorama graph, or its neighbours are reached by turns.
    """
    _require_graph(env, "uniform")
    _require_candidates(env, "uniform")
    return Agent(PanoramaPerception(env), memory, UniformPolicy(), k)


def graph(env: gymnasium.Env, memory: Memory, k: int = 8) -> Agent:
    """Follows instructions indoors by rules, without having learned.

    Raises:
        ConfigError: the environment is no panorama graph, or its neighbours are reached by turns.
    """
    _require_graph(env, "graph")
    _require_candidates(env, "graph")
    mentions = Mentions(tuple(env.get_wrapper_attr("categories")))
    perception = PanoramaPerception(env, asks_for=mentions.goal_of)
    return Agent(perception, memory, GraphPolicy(memory, mentions), k)


def streets(env: gymnasium.Env, memory: Memory, habits: str | None = None, k: int = 8) -> Agent:
    """Follows instructions through streets with a grammar and weighed guesses.

    Args:
        env: walked by ``orar`` or ``local`` actions.
        memory: any; it keeps the panoramas walked, and the guesses are the policy's own.
        habits: whose routes to expect, see :class:`~placecell.agent.policies.routes.stopping.Habits`; None:
            those of the environment's dataset, ``general`` for one that is not known.
        k: how many items are recalled a step.

    Raises:
        ConfigError: the environment is no street graph, or is walked in another way; no such habits.
    """
    _require_graph(env, "streets")
    if not _on_streets(env) or "turn_around" in env.get_wrapper_attr("action_names"):
        raise ConfigError(
            expected="streets walked by orar or local actions, for agent=streets",
            came=", ".join(env.get_wrapper_attr("action_names")[:5]),
            fix="set env=streets env.actions=orar",
        )
    dataset = str(env.get_wrapper_attr("provenance")().get("dataset", ""))
    known = Habits.load(habits) if habits is not None else Habits.of_dataset(dataset)
    most = int(env.get_wrapper_attr("embodiment")["max_steps"])
    return Agent(
        PanoramaPerception(env, around_m=_BLOCK_M),
        memory,
        StreetsPolicy(known, most_actions=most, landmarks=_categories(env)),
        k,
    )


def _is_graph(env: gymnasium.Env) -> bool:
    return isinstance(env.unwrapped, GraphNavEnv)


def _on_streets(env: gymnasium.Env) -> bool:
    return env.get_wrapper_attr("embodiment")["family"] == "streets"


def _north_rad(env: gymnasium.Env) -> float:
    """The yaw of north in the frame of the episode under way; R2R tells its agents absolute headings."""
    return math.pi / 2 - float(env.get_wrapper_attr("origin")["yaw_rad"])


def _require_graph(env: gymnasium.Env, agent: str) -> None:
    if not _is_graph(env):
        raise ConfigError(
            expected=f"a panorama graph for agent={agent}",
            came=type(env.unwrapped).__name__,
            fix="set env=r2r or env=streets, or choose another agent",
        )


def _require_candidates(env: gymnasium.Env, agent: str) -> None:
    if ways_of(env) == "turning":
        raise ConfigError(
            expected=f"actions that go to a neighbour, for agent={agent}",
            came=", ".join(env.get_wrapper_attr("action_names")),
            fix="set env.actions=local",
        )


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
