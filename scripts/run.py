"""``placecell-run``: walks episodes and leaves a run's folder."""

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from .build import build, plain_task
from .hydra_app import application, sweep_folder
from .sweep import require_no_run, summarise_folders


def main(argv: Sequence[str] | None = None) -> int:
    """Runs ``episodes`` of an environment with an agent; the exit code is 0 when every episode was done.

    ``cfg.env._target_`` is called with its keys and ``task`` (a plain dict), ``seed``, ``episodes``, and
    returns a Gymnasium environment; ``cfg.memory._target_`` returns a :class:`~placecell.memory.Memory`;
    ``cfg.agent._target_`` is called with its keys and ``env``, ``memory``, and returns an
    :class:`~placecell.agent.loop.Agent`. ``cfg.task.arm``, where a task has it, says what the memory holds
    when an episode begins. A sweep ends with its summary.
    """
    return application(
        _run,
        config_name="run",
        program="placecell-run",
        paths=["env.scene", "task.dataset"],
        argv=argv,
        after_sweep=_summarise,
    )


def _run(cfg: DictConfig, out: Path) -> int:
    from rich.console import Console

    from placecell.agent.progress import table
    from placecell.agent.results import RESULTS_FILE, read_results
    from placecell.agent.run_folder import require_free
    from placecell.agent.runner import run
    from placecell.agent.tours import CONTROL, rule_of

    arm = str(cfg.task.get("arm") or CONTROL)
    rule_of(arm)  # before the world is built
    require_free(out)
    if (sweep := sweep_folder()) is not None:
        require_no_run(sweep)
    env = build(cfg.env, "env", task=plain_task(cfg.task), seed=cfg.seed, episodes=cfg.episodes)
    try:
        agent = build(cfg.agent, "agent", env=env, memory=build(cfg.memory, "memory"))
        config = {**OmegaConf.to_container(cfg, resolve=True), "out": str(out)}  # type: ignore[dict-item]
        summary = run(
            env,
            agent,
            episodes=cfg.episodes,
            seed=cfg.seed,
            out=out,
            config=config,
            progress=cfg.progress,
            arm=arm,
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


def _summarise(sweep: Path) -> None:
    print(f"sweep: {summarise_folders([sweep], sweep)}")


if __name__ == "__main__":
    sys.exit(main())
