"""Episodes of the built-in home, recorded, whole and spoilt."""

import json
import shutil

import numpy as np

from placecell.agent.loop import run_episode
from placecell.agent.recording import RecordOptions, make_recorder
from placecell.agent.results import Result
from placecell.envs.mesh import make_mesh_env
from placecell.memory import SpatialMemory


def record(folder, make, *, episode=0, size=(48, 32), task="pointnav", most=12, options=("full", 1)):
    """One episode of the built-in home, recorded."""
    env = make_mesh_env(width=size[0], height=size[1], episodes=3, task={"name": task, "max_steps": most})
    agent = make(env, SpatialMemory())
    recorder = make_recorder(RecordOptions(*options), env, agent)

    def prepare(info):
        agent.memory.begin_episode("cold")
        kept = ("episode_id", "scene_id", "tags", "goal_positions")
        recorder.begin(folder, {"episode": episode, "arm": "cold", **{name: info[name] for name in kept}})

    rng = np.random.default_rng(3)
    last = run_episode(env, agent, seed=1, episode=episode, rng=rng, on_step=(recorder.add,), prepare=prepare)
    info = last.info
    recorder.end(
        Result(episode, info["episode_id"], info["scene_id"], "done", False, last.index + 1, info["measures"])
    )
    env.close()
    return folder


def images(recording):
    return np.stack([recording.observation(i)["rgb"] for i in range(len(recording.steps))])


def cut(folder, to):
    """A copy of a recording as a kill leaves it: without its last line."""
    shutil.copytree(folder, to)
    lines = (to / "steps.jsonl").read_bytes().splitlines(keepends=True)
    (to / "steps.jsonl").write_bytes(b"".join(lines[:-1]))
    return to


def crashed(folder, to):
    shutil.copytree(folder, to)
    *steps, end = (to / "steps.jsonl").read_text().splitlines()
    told = json.loads(end)
    told["end"] |= {"status": "crashed", "reason": "ValueError: no more"}
    (to / "steps.jsonl").write_text("\n".join([*steps, json.dumps(told)]) + "\n")
    return to
