"""``placecell-run``: walks episodes and leaves a run's folder."""

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from .build import build, plain_task
from .hydra_app import application


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``episodes`` of an environment with an agent; the exit code is 0 when every episode was done.

    ``cfg.env._target_`` is called with its keys and ``task`` (a plain dict), ``seed``, ``episodes``, and
    returns a Gymnasium environment; ``cfg.memory._target_`` returns a :class:`~placecell.memory.Memory`;
    ``cfg.agent._target_`` is called with its keys and ``env``, ``memory``, and returns an
    :class:`~placecell.agent.loop.Agent`.
    """
    return application(
        _run, config_name="run", program="placecell-run", paths=["env.scene", "task.dataset"], argv=argv
    )


def _run(cfg: DictConfig, out: Path) -> int:
    from rich.console import Console

    from placecell.agent.progress import table
    from placecell.agent.results import RESULTS_FILE, read_results
    from placecell.agent.run_folder import require_free
    from placecell.agent.runner import run

    require_free(out)
    env = build(cfg.env, "env", task=plain_task(cfg.task), seed=cfg.seed, episodes=cfg.episodes)
    try:
        agent = build(cfg.agent, "agent", env=env, memory=build(cfg.memory, "memory"))
        config = {**OmegaConf.to_container(cfg, resolve=True), "out": str(out)}  # type: ignore[dict-item]
        summary = run(
            env, agent, episodes=cfg.episodes, seed=cfg.seed, out=out, config=config, progress=cfg.progress
        )
    finally:
        env.close()
    Console().print(table(summary))
    attempted, done = summary.counts["attempted"], summary.counts["done"]
    print(f"{done} of {attempted} episodes done; look into {out}: summary.json, {RESULTS_FILE}, episodes/")
    if done == attempted:
        return 0
    first = next(result for result in read_results(out) if result.status != "done")
    print(
        f"placecell-run: {attempted - done} of {attempted} episodes were not done; the first, "
        f"{first.episode_id!r}, {first.status}: {first.reason}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
