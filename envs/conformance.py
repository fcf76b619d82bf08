"""The contract that any placecell environment passes, one function a clause.

An agent, a runner and a recorder rely on these clauses and on nothing else, so that a simulator that lives in
another process can stand in for ours: whatever crosses the contract can cross a socket.

Each ``check_*`` builds its own environments with ``make`` and raises :class:`ContractError`, which names the
clause. ``make`` gives a fresh environment whose episodes are truncated within ``Trial.max_steps`` steps.
"""

import io
import json
import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from .trial import (
    STOP,
    ContractError,
    Make,
    Trial,
    arrays,
    content,
    digest,
    episode_id,
    made,
    number_of_actions,
    number_of_episodes,
    observations,
    random_walk,
    record,
    require,
    require_refusal,
    tried_episodes,
    walk,
)


def check_environment(make: Make, *, episodes: int = 2, max_steps: int = 64, seed: int = 0) -> None:
    """Puts an environment through every clause of :data:`CHECKS`.

    Args:
        make: builds a fresh environment whose episodes are truncated within ``max_steps`` steps (2 at least).
        episodes: how many episodes of its dataset are tried.
        max_steps: steps tried in an episode at most.
        seed: seeds the environment and the actions.

    Raises:
        ContractError: the first clause that is broken, by name.
    """
    for check in CHECKS:
        check(make, Trial(episodes, max_steps, seed))


def check_spaces(make: Make, trial: Trial) -> None:
    """Observations are a ``Dict`` space; actions ``Discrete`` from 0 on, ``stop`` and one more at least."""
    with made(make) as env:
        sensors, actions = env.observation_space, env.action_space
        require(
            isinstance(sensors, gymnasium.spaces.Dict) and len(sensors.spaces) > 0,
            "spaces",
            expected="a gymnasium.spaces.Dict of observations",
            came=repr(sensors),
            fix="name each sensor as a key of a Dict space",
        )
        require(
            isinstance(actions, gymnasium.spaces.Discrete) and actions.start == 0 and actions.n >= 2,
            "spaces",
            expected="Discrete actions that begin with 0 = stop",
            came=repr(actions),
            fix="use gymnasium.spaces.Discrete(n), n >= 2",
        )


def check_number_of_episodes(make: Make, trial: Trial) -> None:
    """``env.unwrapped.number_of_episodes`` is an int of 1 or more."""
    with made(make) as env:
        number_of_episodes(env)


def check_reset(make: Make, trial: Trial) -> None:
    """``reset`` takes ``options={"episode": index}`` or none, gives ``(observation, info)``."""
    with made(make) as env:
        _, info = _reset(env, seed=trial.seed)
        episode_id(info)
        indices = tried_episodes(env, trial)
        ids = [
            episode_id(_reset(env, seed=trial.seed, options={"episode": index})[1])
            for index in [*indices, *indices]
        ]
        once, again = ids[: len(indices)], ids[len(indices) :]
        require(
            once == again and len(set(once)) == len(once),
            "reset",
            expected="one episode_id for each index, the same each time",
            came=f"{once}, then {again}",
            fix="let options['episode'] choose the episode, and nothing else",
        )
        for outside in (number_of_episodes(env), -1):
            require_refusal(
                "reset",
                f"episode {outside} of {number_of_episodes(env)}",
                lambda index=outside: env.reset(seed=trial.seed, options={"episode": index}),
            )


def check_observations(make: Make, trial: Trial) -> None:
    """Every observation lies in its space, as plain NumPy arrays (or text) under the space's keys."""
    with made(make) as env:
        for episode in tried_episodes(env, trial):
            for observation in observations(env, trial, episode):
                _require_in_space(env.observation_space, observation)


def check_fresh_arrays(make: Make, trial: Trial) -> None:
    """Arrays are the receiver's own: writing into one changes no other, nor what the environment does."""
    with made(make) as undisturbed, made(make) as scribbled:
        kept: list[np.ndarray] = []
        pairs = zip(observations(undisturbed, trial, 0), observations(scribbled, trial, 0), strict=True)
        for step, (expected, observation) in enumerate(pairs):
            for key, array in arrays(observation):
                require(
                    content(array) == content(expected[key]),
                    "fresh_arrays",
                    expected=f"{key!r} at step {step} as if nobody had written into earlier observations",
                    came="other values",
                    fix="return copies, never the environment's own arrays",
                )
                shared = any(np.shares_memory(array, old) for old in kept)
                require(
                    array.flags.writeable and not shared,
                    "fresh_arrays",
                    expected=f"a fresh, writeable array as {key!r} at step {step}",
                    came="memory of an earlier array" if shared else "a read-only one",
                    fix="copy the array before returning it",
                )
                kept.append(array)
            for _, array in arrays(observation):
                array[...] = 0 if array.any() else 1


def check_step_returns(make: Make, trial: Trial) -> None:
    """``step`` gives a finite reward, ``terminated`` and ``truncated`` as ``bool``, and a dict."""
    with made(make) as env:
        for episode in tried_episodes(env, trial):
            for _, reward, terminated, truncated, info in walk(env, trial, episode):
                require(
                    isinstance(reward, int | float) and math.isfinite(reward),
                    "step_returns",
                    expected="a finite float as reward",
                    came=repr(reward),
                    fix="return float(reward), 0.0 if the task has none",
                )
                require(
                    type(terminated) is bool and type(truncated) is bool and isinstance(info, dict),
                    "step_returns",
                    expected="terminated and truncated as bool, info as dict",
                    came=f"{type(terminated).__name__}, {type(truncated).__name__}, {type(info).__name__}",
                    fix="convert with bool(...)",
                )


def check_info(make: Make, trial: Trial) -> None:
    """``info`` is plain JSON that reads back equal, and names its episode at every step."""
    with made(make) as env:
        for episode in tried_episodes(env, trial):
            _, first = env.reset(seed=trial.seed, options={"episode": episode})
            for info in [first, *(result[4] for result in walk(env, trial, episode))]:
                _require_json(info)
                require(
                    episode_id(info) == episode_id(first),
                    "info",
                    expected=f"info['episode_id'] to stay {episode_id(first)!r}",
                    came=repr(episode_id(info)),
                    fix="change it in reset only",
                )


def check_measures(make: Make, trial: Trial) -> None:
    """At the end ``info["measures"]`` is a dict of floats: finite, or ``inf`` for what is out of reach."""
    with made(make) as env:
        for episode in tried_episodes(env, trial):
            for actions in (random_walk(env, trial), iter([STOP])):
                *_, last = walk(env, trial, episode, actions)
                measures: Any = last[4].get("measures")
                require(
                    isinstance(measures, dict) and len(measures) > 0,
                    "measures",
                    expected="info['measures'] at an episode's end, terminated or truncated, as a dict",
                    came=repr(measures),
                    fix="put the episode's measures there by name",
                )
                for name, value in measures.items():
                    require(
                        isinstance(name, str) and type(value) is float and value > -math.inf,
                        "measures",
                        expected=f"a float (finite or inf) as measure {name!r}",
                        came=repr(value),
                        fix="convert with float(...), and give no NaN",
                    )


def check_stop(make: Make, trial: Trial) -> None:
    """Action 0 is ``stop``: it terminates at once, and is no truncation; no other action terminates."""
    with made(make) as env:
        for episode in tried_episodes(env, trial):
            env.reset(seed=trial.seed, options={"episode": episode})
            _, _, terminated, truncated, _ = env.step(STOP)
            require(
                terminated and not truncated,
                "stop",
                expected="terminated, not truncated, after stop (action 0) as first step",
                came=f"terminated {terminated}, truncated {truncated}",
                fix="end the episode with terminated=True on action 0",
            )
            for step, result in enumerate(walk(env, trial, episode)):
                require(
                    not result[2],
                    "stop",
                    expected="terminated to wait for stop",
                    came=f"terminated after {step + 1} steps without it",
                    fix="report a step limit as truncated",
                )


def check_step_limit(make: Make, trial: Trial) -> None:
    """The step limit truncates within ``max_steps``; ``stop`` on the last step allowed still terminates."""
    with made(make) as env:
        limit = len(list(walk(env, trial, 0)))
        actions = [action for _, action in zip(range(limit - 1), random_walk(env, trial))]
        *_, last = walk(env, trial, 0, iter([*actions, STOP]))
        require(
            last[2],
            "step_limit",
            expected=f"terminated when stop is the last step allowed ({limit})",
            came=f"terminated {last[2]}, truncated {last[3]}",
            fix="decide terminated and truncated apart from each other",
        )


def check_call_order(make: Make, trial: Trial) -> None:
    """``step`` is refused before ``reset`` and after an episode's end, and works after the next ``reset``."""
    with made(make) as env:
        require_refusal("call_order", "step before reset", lambda: env.step(1))
        for actions in (iter([STOP]), random_walk(env, trial)):
            *_, _ = walk(env, trial, 0, actions)
            require_refusal("call_order", "step after the episode's end", lambda: env.step(1))
        env.reset(seed=trial.seed, options={"episode": 0})
        env.step(1)


def check_illegal_actions(make: Make, trial: Trial) -> None:
    """An action outside the space is refused by an error, never taken for another one."""
    with made(make) as env:
        for action in (number_of_actions(env), -1, 1.5, "stop"):
            env.reset(seed=trial.seed, options={"episode": 0})
            require_refusal("illegal_actions", f"action {action!r}", lambda illegal=action: env.step(illegal))


def check_reproducible(make: Make, trial: Trial) -> None:
    """The same seed and actions give the same bytes: in another environment, and in the same one again."""
    with made(make) as first, made(make) as second:
        for episode in tried_episodes(first, trial):
            once = record(first, trial, episode)
            for name, other in (("another environment", second), ("the same one after reset", first)):
                again = record(other, trial, episode)
                same = [a == b for a, b in zip(once, again)]
                require(
                    once == again,
                    "reproducible",
                    expected=f"the bytes of episode {episode} again from {name}",
                    came=f"a difference after {[*same, False].index(False)} equal steps",
                    fix="draw every random number from a generator that reset seeds",
                )


def check_crosses_socket(make: Make, trial: Trial) -> None:
    """Arrays survive ``numpy.save`` without pickle; actions work as plain and as NumPy integers."""
    with made(make) as env, made(make) as remote:
        observation, _ = env.reset(seed=trial.seed, options={"episode": 0})
        remote.reset(seed=trial.seed, options={"episode": 0})
        for key, array in arrays(observation):
            require(
                not array.dtype.hasobject and content(_through_file(array)) == content(array),
                "crosses_socket",
                expected=f"observation {key!r} to read back as it was",
                came=f"dtype {array.dtype}",
                fix="use a numeric or boolean dtype",
            )
        for action in (1, STOP):
            plain, other = env.step(json.loads(json.dumps(action))), remote.step(np.int64(action))
            require(
                digest(plain) == digest(other),
                "crosses_socket",
                expected=f"action {action} to do the same as int and as numpy.int64",
                came="other results",
                fix="convert the action with int(...) first",
            )


def check_close(make: Make, trial: Trial) -> None:
    """``close`` may be called twice, and without an episode."""
    untouched, used = make(), make()
    used.reset(seed=trial.seed, options={"episode": 0})
    for env in (untouched, used):
        for time in ("once", "twice"):
            try:
                env.close()
            except Exception as error:
                raise ContractError(
                    clause="close",
                    expected=f"close to work when called {time}",
                    came=f"{type(error).__name__}: {error}",
                    fix="let close do nothing where nothing is open",
                ) from error


CHECKS: tuple[Callable[[Make, Trial], None], ...] = (
    check_spaces,
    check_number_of_episodes,
    check_reset,
    check_observations,
    check_step_returns,
    check_stop,
    check_step_limit,
    check_call_order,
    check_illegal_actions,
    check_info,
    check_measures,
    check_fresh_arrays,
    check_reproducible,
    check_crosses_socket,
    check_close,
)


def _reset(env: gymnasium.Env, **how: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    answer: Any = env.reset(**how)
    require(
        isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(part, dict) for part in answer),
        "reset",
        expected="reset to return (observation, info), two dicts",
        came=type(answer).__name__,
        fix="return both",
    )
    return answer


def _require_in_space(space: gymnasium.Space, observation: dict[str, Any]) -> None:
    sensors = space.spaces if isinstance(space, gymnasium.spaces.Dict) else {}
    require(
        set(observation) == set(sensors),
        "observations",
        expected=f"an observation with the keys {sorted(sensors)}",
        came=str(sorted(observation)),
        fix="give every key of the observation space, and no other",
    )
    for key, value in observation.items():
        shape = f" {value.dtype} {value.shape}" if isinstance(value, np.ndarray) else ""
        require(
            (type(value) is np.ndarray or isinstance(value, str)) and sensors[key].contains(value),
            "observations",
            expected=f"{key!r} in {sensors[key]}, as a plain numpy.ndarray",
            came=f"{type(value).__name__}{shape}",
            fix="convert it, or correct the space (dtype, shape, bounds)",
        )


def _require_json(info: dict[str, Any]) -> None:
    try:
        plain = json.loads(json.dumps(info)) == info
        came = "values that read back differently (NaN, a tuple, a key that is no str)"
    except (TypeError, ValueError) as error:
        plain, came = False, str(error)
    require(
        plain,
        "info",
        expected="info as plain JSON",
        came=came,
        fix="use str, int, float, bool, None, lists and dicts",
    )


def _through_file(array: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    file.seek(0)
    return np.load(file, allow_pickle=False)
