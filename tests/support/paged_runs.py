"""A run's folder with recorded episodes, of which one bears a hostile name."""

import json

from recorded import record

from placecell.agent.results import Result
from placecell.agent.run_folder import episode_folder

HOSTILE = "<script>document.title='owned'</script>/a%b"
HOSTILE_KIND = """</script><img src=x onerror="document.title='owned'">&amp;' $title"""
MODES = ("look_around", "explore/go", "approach/go")


def says(step):
    """A trace with everything that a page draws."""
    return {
        "mode": MODES[step % 3], "target": [1.0, 0.5, 0.1], "frontier": [0.5, -0.5, 0.0],
        "plan": [[0.0, 0.0, 0.0], [0.5, 0.5, 0.0]], "candidate": [2.0, 0.0, 0.5], "rejected": step,
        "odd": "</script>",
    }  # fmt: skip


def record_episode(out, index, name, agent, *, level="full", every=1, steps=6, ends=True, **header):
    """Records an episode into its folder of a run and names it; the folder."""
    folder = episode_folder(out, index, name)
    folder.mkdir(parents=True)
    record(folder, level, every, steps, agent=agent, ends=ends)
    path = folder / "header.json"
    told = json.loads(path.read_text())
    told |= {"episode": index, "episode_id": name, "goal_positions": [[3.0, 1.0, 0.0]]}
    told |= {"categories": ["", "wall", "chair"], "tags": {"kind": "object", "category": "chair"}, **header}
    path.write_text(json.dumps(told))
    return folder


def write_results(out, found, **config):
    """The run's own files around the episodes."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(json.dumps({"episodes": len(found), "seed": 3, **config}))
    (out / "provenance.json").write_text(json.dumps({"layout": 2}))
    (out / "results.jsonl").write_text("".join(result.to_line() for result in found))
    return out


def result(index, name, spl, *, failure=None, status="done", reason=None, scene="wall", category="chair"):
    """One line of the run's results."""
    measures = {
        "success": float(spl > 0),
        "spl": spl,
        "collisions": 2.0 * index,
        "distance_to_goal": 5.0 - spl,
    }
    tags = {"kind": "object", "category": category}
    return Result(
        index, name, scene, status, False, 6, measures, ("x_ray",), failure, reason, tags
    )  # fmt: skip
