"""``placecell-run``: walks episodes and leaves a run's folder."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from placecell.errors import ConfigError

from .build import build, build_env
from .hydra_app import application, sweep_folder
from .replay.summary import require_no_run, tell

if TYPE_CHECKING:
    import gymnasium

    from placecell.agent.loop import Agent


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

    from placecell.agent.interrupts import Interrupts
    from placecell.agent.progress import table
    from placecell.agent.results import RESULTS_FILE, Summary, read_results
    from placecell.agent.runner import run, run_workers
    from placecell.agent.tours import CONTROL, rule_of

    arm = str(cfg.task.get("arm") or CONTROL)
    rule_of(arm)  # before the world is built
    _require_counts(cfg)
    if (sweep := sweep_folder()) is not None:
        require_no_run(sweep)
    config = {**OmegaConf.to_container(cfg, resolve=True), "out": str(out)}  # type: ignore[dict-item]
    how = _how(cfg) | {"out": out, "config": config, "arm": arm}

    def walk() -> Summary:
        if cfg.workers > 0:
            return run_workers(partial(make, config), workers=cfg.workers, **how)
        with Interrupts():
            env, agent = make(config)
        with _closing(env):
            return run(env, agent, **how)

    try:
        summary = walk()
    except KeyboardInterrupt as stop:
        walked = len(read_results(out)) if (out / RESULTS_FILE).exists() else 0
        of = "all" if cfg.episodes is None else cfg.episodes
        raise KeyboardInterrupt(
            f"{walked} of {of} episodes are kept; go on with: {_same_command(sweep or out)}"
        ) from stop
    Console().print(table(summary))
    wanted, attempted, done = (summary.counts[name] for name in ("wanted", "attempted", "done"))
    print(f"{done} of {wanted} episodes done; look into {out}: summary.json, {RESULTS_FILE}, episodes/")
    if done == wanted:
        return 0
    first = next(result for result in read_results(out) if result.status != "done")
    line = (
        f"placecell-run: {attempted - done} of {attempted} episodes were not done; the first, "
        f"{first.episode_id!r}, {first.status}: {first.reason}"
    )
    if attempted < wanted:
        line += f"; ended by max_failures={cfg.max_failures}: raise it and give the same command to go on"
    print(line, file=sys.stderr)
    return 1


def make(config: dict[str, Any]) -> "tuple[gymnasium.Env, Agent]":
    """The environment and the agent of a resolved configuration; called in the process that walks."""
    cfg = OmegaConf.create(config)
    env = build_env(cfg)
    try:
        return env, build(cfg.agent, "agent", env=env, memory=build(cfg.memory, "memory"))
    except BaseException:
        env.close()
        raise


@contextmanager
def _closing(env: "gymnasium.Env") -> Iterator[None]:
    """Closes the environment; one that fails at that does not void what was walked before."""
    try:
        yield
    finally:
        try:
            env.close()
        except Exception as error:
            words = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"placecell-run: the environment could not be closed ({words})", file=sys.stderr)


def _how(cfg: DictConfig) -> dict[str, Any]:
    """What the configuration says of a run, beside its parts."""
    from placecell.agent.limits import Limits
    from placecell.agent.recording import RecordOptions

    return {
        "episodes": cfg.episodes,
        "seed": cfg.seed,
        "progress": cfg.progress,
        "record": RecordOptions.of(_plain(cfg.record)),
        "limits": Limits.of(_plain(cfg.limits)),
        "max_failures": cfg.max_failures,
        "tell": lambda line: print(f"placecell-run: {line}", file=sys.stderr),
    }


def _plain(node: DictConfig) -> dict[str, Any]:
    return {str(key): value for key, value in OmegaConf.to_container(node, resolve=True).items()}  # type: ignore[union-attr]


def _require_counts(cfg: DictConfig) -> None:
    _require_whole("workers", cfg.workers, 0, "set workers=N; 0 walks in this process")
    if cfg.episodes is not None:
        _require_whole("episodes", cfg.episodes, 1, "set episodes=N, or episodes=null for all of a dataset")
    if cfg.max_failures is not None:
        advice = "set max_failures=N, or max_failures=null to go on whatever happens"
        _require_whole("max_failures", cfg.max_failures, 1, advice)


def _require_whole(name: str, value: object, least: int, fix: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(expected=f"{name} of {least} or more", came=repr(value), fix=fix)


def _same_command(out: Path) -> str:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("out=")]
    return shlex.join(["placecell-run", *given, f"out={out}"])


def _summarise(sweep: Path) -> int:
    return tell([sweep], sweep, "placecell-run")


if __name__ == "__main__":
    sys.exit(main())
