"""Trying an environment: the walks, records and refusals that the clauses of the contract are made of."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from placecell.errors import EnvironmentUseError, EpisodeError, PlacecellError

STOP = 0
Make = Callable[[], gymnasium.Env]
Result = tuple[Any, Any, Any, Any, dict[str, Any]]


class ContractError(PlacecellError, AssertionError):
    """An environment that breaks a clause of the contract; ``clause`` is the clause's name."""

    def __init__(self, *, clause: str, expected: str, came: str, fix: str) -> None:
        self.clause = clause
        super().__init__(expected=f"{expected} (clause {clause!r})", came=came, fix=fix)


@dataclass(frozen=True)
class Trial:
    """How far each clause is tried: over how many episodes, how many steps at most, from which seed."""

    episodes: int = 2
    max_steps: int = 64
    seed: int = 0


@contextmanager
def made(make: Make) -> Iterator[gymnasium.Env]:
    """A fresh environment, closed afterwards."""
    env = make()
    try:
        yield env
    finally:
        env.close()


def require(holds: bool | np.bool_, clause: str, *, expected: str, came: str, fix: str) -> None:
    """Raises :class:`ContractError` for ``clause`` unless it holds."""
    if not holds:
        raise ContractError(clause=clause, expected=expected, came=came, fix=fix)


def require_refusal(clause: str, what: str, call: Callable[[], object]) -> None:
    """Raises :class:`ContractError` unless ``call`` raises an error that is meant for the user."""
    try:
        call()
    except (EnvironmentUseError, EpisodeError, gymnasium.error.Error):
        return
    except Exception as error:
        came = f"{type(error).__name__}: {error}"
    else:
        came = "no error"
    raise ContractError(
        clause=clause,
        expected=f"{what} to be refused",
        came=came,
        fix="raise EnvironmentUseError, EpisodeError or a gymnasium.error.Error",
    )


def number_of_episodes(env: gymnasium.Env) -> int:
    """``env.unwrapped.number_of_episodes``, checked."""
    try:
        number = env.unwrapped.number_of_episodes  # type: ignore[attr-defined]
    except AttributeError:
        number = "no such attribute"
    require(
        type(number) is int and number >= 1,
        "number_of_episodes",
        expected="env.unwrapped.number_of_episodes as an int of 1 or more",
        came=repr(number),
        fix="give the length of the dataset",
    )
    return int(number)


def tried_episodes(env: gymnasium.Env, trial: Trial) -> range:
    """The indices of the episodes to try."""
    return range(min(trial.episodes, number_of_episodes(env)))


def number_of_actions(env: gymnasium.Env) -> int:
    """How many actions there are; they count from 0."""
    return int(env.action_space.n)  # type: ignore[attr-defined]


def episode_id(info: dict[str, Any]) -> str:
    """``info["episode_id"]``, checked."""
    name = info.get("episode_id")
    require(
        isinstance(name, str),
        "info",
        expected="info['episode_id'] as a str",
        came=repr(name),
        fix="put the episode's id there, at reset and at every step",
    )
    return str(name)


def random_walk(env: gymnasium.Env, trial: Trial) -> Iterator[int]:
    """Seeded random actions, never ``stop``, as many as an episode may take."""
    rng = np.random.default_rng(trial.seed)
    for _ in range(trial.max_steps):
        yield int(rng.integers(1, number_of_actions(env)))


def walk(
    env: gymnasium.Env, trial: Trial, episode: int, actions: Iterator[int] | None = None
) -> Iterator[Result]:
    """Resets, and yields each step's results until the episode ends; it must end within the actions."""
    env.reset(seed=trial.seed, options={"episode": episode})
    steps = 0
    for action in random_walk(env, trial) if actions is None else actions:
        result = env.step(action)
        steps += 1
        yield result
        if result[2] or result[3]:
            return
    raise ContractError(
        clause="step_limit",
        expected=f"episode {episode} to end",
        came=f"{steps} steps without an end",
        fix="make the environment with a step limit of at most max_steps, and truncate there",
    )


def observations(env: gymnasium.Env, trial: Trial, episode: int) -> Iterator[dict[str, Any]]:
    """The observations of a random walk, that of ``reset`` first."""
    observation, _ = env.reset(seed=trial.seed, options={"episode": episode})
    yield observation
    for action in random_walk(env, trial):
        observation, _, terminated, truncated, _ = env.step(action)
        yield observation
        if terminated or truncated:
            return


def record(env: gymnasium.Env, trial: Trial, episode: int) -> list[tuple[object, ...]]:
    """A random walk as plain values that compare bit for bit."""
    observation, _ = env.reset(seed=trial.seed, options={"episode": episode})
    return [digest((observation, 0.0, False, False, {})), *map(digest, walk(env, trial, episode))]


def digest(result: Result) -> tuple[object, ...]:
    """A step's results as plain values that compare bit for bit."""
    observation, reward, terminated, truncated, info = result
    values = tuple((key, content(np.asarray(observation[key]))) for key in sorted(observation))
    return values, reward, terminated, truncated, json.dumps(info.get("measures"), sort_keys=True)


def arrays(observation: dict[str, Any]) -> list[tuple[str, np.ndarray]]:
    """The arrays of an observation, by key."""
    return [(key, value) for key, value in observation.items() if isinstance(value, np.ndarray)]


def content(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    """Type, shape and bytes of an array."""
    return array.dtype.str, array.shape, array.tobytes()
