"""Many episodes: run them, survive the one that breaks, leave a run's folder."""

import io
import json
import math
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from PIL import Image

from placecell.arrays import generator
from placecell.errors import ConfigError, EnvironmentUseError

from .failures import Witness, failure_of
from .loop import Agent, Step, run_episode
from .picture import step_picture
from .progress import watcher
from .provenance import provenance
from .results import Result, Status, Summary, Tag, finite, summarise
from .run_folder import RunFolder, require_free
from .tours import CONTROL, Arm

_WORLD = ("number_of_episodes", "oracle", "provenance")


def run(
    env: gymnasium.Env,
    agent: Agent,
    *,
    episodes: int,
    seed: int,
    out: Path,
    config: Mapping[str, object],
    progress: bool = False,
    arm: str = CONTROL,
) -> Summary:
    """Runs the first ``episodes`` of an environment's dataset and writes a run's folder.

    An exception in one episode is that episode's result (``crashed``, with its reason in ``results.jsonl``
    and its traceback in the episode's folder), and the run goes on.

    Args:
        env: beside Gymnasium's interface, it or what it wraps has ``number_of_episodes``, ``oracle`` (names
            of inputs that no agent has in the world) and ``provenance()`` (plain JSON: scene, data hashes).
            Its ``info`` has ``episode_id``, ``scene_id`` and, after the last step, ``measures``; it may have
            ``tags`` (flat plain JSON: what the episode is), ``goal_in_view`` and ``goal_positions``.
        agent: what walks.
        episodes: how many; the environment's first, so the same ones for every agent.
        seed: of everything that is drawn. Equal seeds give equal results, the times apart.
        out: the run's folder, made here.
        config: what ``config.yaml`` shall say.
        progress: shows a bar with the running success rate and SPL, on a terminal.
        arm: what the memory holds when an episode begins, see :mod:`~placecell.agent.tours`.

    Raises:
        ConfigError: more episodes than there are, an environment without the above, an unknown arm, or one
            that this environment has nothing for.
        OutputError: the folder cannot be written, or holds another run's results.
    """
    world = _require_world(env, episodes, seed)
    oracle = tuple(sorted({*world["oracle"], *agent.oracle}))
    require_free(out)
    prepared = Arm(arm, env, agent)
    folder = RunFolder(out)
    folder.write_config(config)
    folder.write_provenance(provenance(seed=seed, world=world["provenance"](), oracle=oracle))
    watched = _RememberInfo(env)
    results: list[Result] = []
    try:
        with watcher(episodes, wanted=progress) as watch:
            for episode in range(episodes):
                result, files = _one_episode(watched, agent, prepared, seed, episode, oracle)
                folder.append(result, files)
                results.append(result)
                watch.add(result)
    finally:
        summary = summarise(results, seed=seed)
        folder.write_summary(summary)
    return summary


class _RememberInfo(gymnasium.Wrapper):
    """Keeps the last ``info``, so that an episode that breaks still has its name."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.info: Mapping[str, Any] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        """As the environment's."""
        self.info = {}
        observation, info = super().reset(seed=seed, options=options)
        self.info = info
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict]:
        """As the environment's."""
        following = super().step(action)
        self.info = following[-1]
        return following


def _require_world(env: gymnasium.Env, episodes: int, seed: int) -> dict[str, Any]:
    """What a run needs to know of an environment, by name."""
    missing = [name for name in _WORLD if not env.has_wrapper_attr(name)]
    if missing:
        raise ConfigError(
            expected=f"an environment that has {', '.join(_WORLD)}",
            came=f"{type(env.unwrapped).__name__} without {', '.join(missing)}",
            fix="add them to the environment (see placecell.agent.runner.run)",
        )
    world = {name: env.get_wrapper_attr(name) for name in _WORLD}
    if not 1 <= episodes <= world["number_of_episodes"]:
        raise ConfigError(
            expected=f"episodes from 1 to {world['number_of_episodes']}, which is all that there are",
            came=str(episodes),
            fix="set episodes=N within that range, or give the environment more of them",
        )
    if seed < 0:
        raise ConfigError(expected="a seed of 0 or more", came=str(seed), fix="set seed=N")
    return world


def _one_episode(
    env: _RememberInfo, agent: Agent, arm: Arm, seed: int, episode: int, oracle: tuple[str, ...]
) -> tuple[Result, dict[str, str | bytes]]:
    """One episode's result and the files of its folder, whatever happened in it."""
    steps: list[dict[str, Any]] = []
    began = time.perf_counter()
    status: Status = "done"
    truncated, measures, failure, reason = False, {}, None, None
    files: dict[str, str | bytes] = {}
    try:
        last, witness = _walk(env, agent, arm, seed, episode, steps)
        truncated, measures = last.truncated and not last.terminated, _measures(last)
        tags = {**_tags(last.info), **arm.tags(), **_size(agent)}
        if measures.get("success", 1.0) < 1:
            failure = failure_of(witness.attempt(last, measures, recalls=arm.recalls))
        files |= _view(agent, last)
    except Exception as error:
        status, reason = "crashed", " ".join(f"{type(error).__name__}: {error}".split())
        truncated, measures, failure = False, {}, None
        tags = {**(_plain_tags(env.info) or {}), **arm.tags()}
        arm.broke()
        files["error.txt"] = traceback.format_exc()
    result = Result(
        episode=episode,
        episode_id=str(env.info.get("episode_id", episode)),
        scene_id=str(env.info.get("scene_id", "unknown")),
        status=status,
        truncated=truncated,
        steps=len(steps),
        measures=measures,
        oracle=oracle,
        failure=failure,
        reason=reason,
        tags=tags,
        seconds=time.perf_counter() - began,
    )
    files["trajectory.json"] = _trajectory(result, steps)
    return result, files


def _walk(
    env: _RememberInfo, agent: Agent, arm: Arm, seed: int, episode: int, steps: list[dict[str, Any]]
) -> tuple[Step, Witness]:
    """Walks the episode; its rows go to ``steps`` as it goes, for it may break."""
    witness = Witness()

    def prepare(info: Mapping[str, object]) -> None:
        witness.seen_at_start(info)
        arm.prepare(info)

    last = run_episode(
        env,
        agent,
        seed=int(generator(seed, "environment", episode).integers(2**31)),
        episode=episode,
        rng=generator(seed, "policy", episode),
        on_step=(lambda step: steps.append(_row(step)), witness),
        prepare=prepare,
    )
    return last, witness


def _plain_tags(info: Mapping[str, Any]) -> dict[str, Tag] | None:
    """The tags of an info, or None where they are not flat plain JSON."""
    tags = info.get("tags", {})
    if not isinstance(tags, Mapping):
        return None
    plain = all(
        type(name) is str
        and type(value) in (str, int, float, bool)
        and (type(value) is not float or math.isfinite(value))
        for name, value in tags.items()
    )
    return dict(tags) if plain else None


def _tags(info: Mapping[str, Any]) -> dict[str, Tag]:
    tags = _plain_tags(info)
    if tags is None:
        raise EnvironmentUseError(
            expected="info['tags'] to map names to text, finite numbers, true or false",
            came=repr(info["tags"]),
            fix="leave out what does not apply",
        )
    return tags


def _size(agent: Agent) -> dict[str, Tag]:
    """What the memory came to."""
    stats = agent.memory.stats()
    return {"memory_bytes": int(stats["bytes"]), "memory_items": int(stats["items"])}


def _measures(last: Step) -> dict[str, float]:
    """The environment's measures after the last step, in its order."""
    missing = [key for key in ("episode_id", "scene_id", "measures") if key not in last.info]
    if missing:
        raise EnvironmentUseError(
            expected="an environment whose info names the episode_id, the scene_id and the measures",
            came=f"info without {', '.join(missing)}",
            fix="put them into the info of every step (see placecell.envs.conformance)",
        )
    measures = last.info["measures"]
    if not isinstance(measures, Mapping):
        raise EnvironmentUseError(
            expected="info['measures'] to map names to numbers",
            came=repr(measures),
            fix="return a dict of floats",
        )
    return {str(name): float(value) for name, value in measures.items()}


def _view(agent: Agent, last: Step) -> dict[str, bytes]:
    """``view.png``: what the agent saw last and the map it made, of an agent that makes one."""
    top_down = agent.policy.top_down()
    if top_down is None:
        return {}
    frame = last.percept.frame
    rgb = np.zeros((*frame.depth.shape, 3), np.uint8) if frame.rgb is None else frame.rgb
    buffer = io.BytesIO()
    Image.fromarray(step_picture(rgb, frame.depth, top_down)).save(buffer, "PNG")
    return {"view.png": buffer.getvalue()}


def _row(step: Step) -> dict[str, Any]:
    pose = step.percept.pose
    position = [float(number) for number in pose.position]
    return {"action": int(step.decision.action), "position_m": position, "yaw_rad": float(pose.yaw_rad)}


def _trajectory(result: Result, steps: list[dict[str, Any]]) -> str:
    """``trajectory.json``: where each decision was taken (the episode's frame), and which."""
    columns = {name: [step[name] for step in steps] for name in ("action", "position_m", "yaw_rad")}
    document = {
        "version": 1,
        "episode_id": result.episode_id,
        "scene_id": result.scene_id,
        "frame": "the episode's: origin at the start's feet, x along its heading, z up",
        **columns,
        "measures": {name: finite(value) for name, value in result.measures.items()},
        "tags": dict(result.tags),
        "failure": result.failure,
    }
    return json.dumps(document, allow_nan=False) + "\n"
