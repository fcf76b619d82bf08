"""``placecell-bench recording``: what recording costs a step, and how many bytes a step it leaves.

The same episodes are walked with ``record=off``, ``light`` and ``full`` in turn, several rounds of each. An
episode is the same in every round, step by step, so of each step the cheapest round counts: what another
process took from it does not.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .row import Row

if TYPE_CHECKING:
    import gymnasium

    from placecell.agent.loop import Agent, Step
    from placecell.agent.recording import Recorder

SUITE_HELP = "CPU time and bytes a step of record=light and record=full, against record=off"

MOST = {"light": 1.05, "full": 1.5}
_LEVELS = ("off", "light", "full")


@dataclass(frozen=True)
class Case:
    """Who walks where, and how much of it.

    Args:
        name: first part of its rows' names.
        make: builds the environment and the agent, given the steps that an episode may take.
        episodes, steps, rounds: how many of them.
        judged: whether the targets are for this case.
    """

    name: str
    make: "Callable[[int], tuple[gymnasium.Env, Agent]]"
    episodes: int
    steps: int
    rounds: int
    judged: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none of its own."""


def run(args: argparse.Namespace) -> list[Row]:
    """Every row of the suite; the quick form walks fewer steps."""
    few = bool(args.quick)
    cases = (
        Case("houses_128x128", houses(128, 128), 3 if few else 8, 60 if few else 250, 3, judged=True),
        Case("home_random_128x128", home_random, 2 if few else 5, 60 if few else 200, 2 if few else 3),
        Case("houses_640x480", houses(640, 480), 1 if few else 3, 20 if few else 60, 2),
    )
    rows = []
    for case in cases:
        with tempfile.TemporaryDirectory(dir=args.out) as folder:
            rows += measure(case, Path(folder))
    return rows


def houses(width: int, height: int) -> "Callable[[int], tuple[gymnasium.Env, Agent]]":
    """The modular agent with the simulator's labels, in generated homes that were there to develop on."""

    def make(steps: int) -> "tuple[gymnasium.Env, Agent]":
        from placecell.agent.make import modular
        from placecell.agent.perception.semantics import OracleSemantics
        from placecell.envs.mesh.houses.make import make_houses_env
        from placecell.memory import SpatialMemory

        task = {"name": "objectnav", "max_steps": steps}
        env = make_houses_env(
            split="val", houses=2, episodes=8, task=task, semantics=True, width=width, height=height
        )
        return env, modular(env, SpatialMemory(), OracleSemantics())

    return make


def home_random(steps: int) -> "tuple[gymnasium.Env, Agent]":
    """Random moves in the built-in home: the least that a step can do beside recording."""
    from placecell.agent.make import random
    from placecell.envs.mesh import make_mesh_env
    from placecell.memory import SpatialMemory

    env = make_mesh_env(task={"name": "pointnav", "max_steps": steps}, episodes=5)
    return env, random(env, SpatialMemory())


def measure(case: Case, folder: Path) -> list[Row]:
    """The rows of one case: CPU time a step of each level, medians over episodes, and bytes a step."""
    from placecell.agent.recording import RecordOptions, make_recorder

    env, agent = case.make(case.steps)
    try:
        recorders = {level: make_recorder(RecordOptions(level), env, agent) for level in _LEVELS}
        walked = [_in_turn(case, env, agent, recorders, episode, folder) for episode in range(case.episodes)]
    finally:
        env.close()
    off = [cost["off"] for cost, _ in walked]
    rows = [Row(f"{case.name}_off", float(np.median(off)) * 1e3, "ms/step")]
    for level in _LEVELS[1:]:
        ratio = float(np.median([cost[level] / cost["off"] for cost, _ in walked]))
        rows.append(
            Row(
                f"{case.name}_{level}",
                ratio,
                "x record=off",
                target=f"<= {MOST[level]:g}" if case.judged else None,
                passed=ratio <= MOST[level] if case.judged else None,
            )
        )
        bytes_a_step = float(np.median([size[level] for _, size in walked]))
        rows.append(Row(f"{case.name}_{level}_bytes", bytes_a_step, "bytes/step"))
    return rows


def _in_turn(
    case: Case,
    env: "gymnasium.Env",
    agent: "Agent",
    recorders: "Mapping[str, Recorder]",
    episode: int,
    folder: Path,
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of CPU and bytes a step of one episode, by level."""
    spent: dict[str, list[np.ndarray]] = {level: [] for level in _LEVELS}
    for number in range(case.rounds):
        for turn in range(len(_LEVELS)):
            level = _LEVELS[(turn + number) % len(_LEVELS)]
            spent[level].append(_walk(env, agent, recorders[level], episode, folder / level / str(episode)))
    steps = len(spent["off"][0]) - 2  # the first and the last are the recording's begin and end
    seconds = {level: float(np.min(rounds, axis=0).sum()) / steps for level, rounds in spent.items()}
    files = {level: (folder / level / str(episode)).glob("*") for level in _LEVELS}
    sizes = {level: sum(file.stat().st_size for file in found) / steps for level, found in files.items()}
    return seconds, sizes


def _walk(
    env: "gymnasium.Env", agent: "Agent", recorder: "Recorder", episode: int, folder: Path
) -> np.ndarray:
    """CPU seconds of one episode: of the recording's begin, of each step, of its end."""
    from placecell.agent.loop import run_episode
    from placecell.arrays import generator

    spent: list[float] = []
    clock = _Clock()

    def prepare(info: Mapping[str, Any]) -> None:
        agent.memory.begin_episode("cold")
        clock.lap()
        names = ("episode_id", "scene_id", "tags", "goal_positions")
        recorder.begin(folder, {"episode": episode, **{name: info.get(name) for name in names}})
        spent.append(clock.lap())

    def watch(step: "Step") -> None:
        spent.append(clock.lap())

    last = run_episode(
        env, agent, seed=0, episode=episode, rng=generator(0, "policy", episode),
        on_step=(recorder.add, watch), prepare=prepare,
    )  # fmt: skip
    clock.lap()
    recorder.end(_result(episode, last))
    spent.append(clock.lap())
    return np.array(spent)


def _result(episode: int, last: "Step") -> Any:
    from placecell.agent.results import Result

    return Result(
        episode, str(last.info["episode_id"]), str(last.info["scene_id"]), "done", last.truncated,
        last.index + 1, last.info["measures"],  # type: ignore[arg-type]
    )  # fmt: skip


class _Clock:
    """CPU time of this process since the last lap."""

    def __init__(self) -> None:
        self._before = time.process_time()

    def lap(self) -> float:
        now = time.process_time()
        spent, self._before = now - self._before, now
        return spent
