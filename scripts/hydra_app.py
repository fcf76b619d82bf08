"""A Hydra application that answers a user's mistake with one line, and an exit code that can be trusted.

Exit codes: 0 success, 1 the work failed, 2 a mistake in what was asked for, 130 interrupted (by the keyboard,
or by the SIGTERM with which clusters take a machine back).
"""

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.main import get_args_parser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from placecell.arrays import content_hash
from placecell.errors import ConfigError

from .config_errors import one_line
from .config_packages import register_installed_configs
from .config_values import settle_values

Job = Callable[[DictConfig, Path], int]
CONFIGS = "pkg://placecell.conf"

_FOLDER_NAME_LIMIT = 200


def application(
    job: Job,
    *,
    config_name: str,
    program: str,
    config_path: str = CONFIGS,
    paths: Sequence[str] = (),
    argv: Sequence[str] | None = None,
    after_sweep: Callable[[Path], int] | None = None,
) -> int:
    """Composes the configuration that the command line asks for, calls ``job``, returns the exit code.

    Args:
        job: gets the configuration and the folder for its results (``out``; in a sweep ``out/<overrides>``),
            which it makes itself; returns an exit code. What it raises is reported as the module says; the
            text of a ``KeyboardInterrupt`` is shown, and ends a sweep.
        config_name: the primary config; it has a key ``out``.
        program: what the command is called.
        config_path: where the primary config and its groups lie.
        paths: keys whose values are files or folders and are taken as they were typed (in a sweep only
            ``out``, for a comma separates values there).
        argv: the command line's arguments; None takes those of the process.
        after_sweep: gets the sweep's folder once its last job has ended, well or not; returns an exit code.
    """
    typed = list(sys.argv[1:] if argv is None else argv)
    codes: list[int] = []
    sweeps: list[Path] = []
    taken: list[int] = []

    def task(cfg: DictConfig) -> None:
        if (sweep := sweep_folder()) is not None:
            sweeps.append(sweep)
        with _arguments(program, typed):  # what the user typed, for whoever tells of it later
            work = partial(_settled, job, cfg, config_name)
            codes.append(_guarded(work, program, taken, composing=False))

    def start() -> int:
        register_installed_configs()
        _register_resolvers()
        decorate = hydra.main(version_base="1.3", config_path=config_path, config_name=config_name)
        with _hydra_process(program, _checked(typed, paths)):
            decorate(task)()
        if after_sweep is not None and sweeps:
            codes.append(_guarded(lambda: after_sweep(sweeps[-1]), program, taken, composing=False))
        return max(codes, default=0)

    try:
        with _interruptions(taken):
            return _guarded(start, program, taken, composing=True)
    except KeyboardInterrupt as stop:
        print(": ".join(part for part in (program, "interrupted", str(stop)) if part), file=sys.stderr)
        return 130


def _settled(job: Job, cfg: DictConfig, config_name: str) -> int:
    return job(settle_values(cfg, config_name), _folder(cfg))


@contextmanager
def _interruptions(taken: list[int]) -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does; each signal is added to ``taken``."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        taken.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guarded(work: Callable[[], int], program: str, taken: Sequence[int], *, composing: bool) -> int:
    """The work's exit code, or that of what it raised, which is reported on stderr.

    After a signal (one in ``taken``) that is an interruption, whatever a library made of it on its way here.
    """
    try:
        return work()
    except SystemExit as stop:  # Hydra's own --help and --info end so
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if taken:
            raise KeyboardInterrupt from error
        line = one_line(error, composing=composing)
        if line is None:
            traceback.print_exception(error)
            return 1
        print(f"{program}: {line}", file=sys.stderr)
        return 2


@contextmanager
def _hydra_process(program: str, arguments: list[str]) -> Iterator[None]:
    """What ``hydra.main`` reads from the process: its arguments, and whether it may swallow exceptions.

    A search path that is not there is an error here; Hydra only warns.
    """
    swallow = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        with warnings.catch_warnings(), _arguments(program, arguments):
            warnings.filterwarnings("error", r"(?s)provider=.* is not available", UserWarning)
            yield
    finally:
        if swallow is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = swallow


@contextmanager
def _arguments(program: str, arguments: Sequence[str]) -> Iterator[None]:
    argv = sys.argv
    sys.argv = [program, *arguments]
    try:
        yield
    finally:
        sys.argv = argv


def _checked(arguments: Sequence[str], paths: Sequence[str]) -> list[str]:
    """The arguments, accepted by Hydra's parser, flags first, paths taken literally.

    Hydra itself refuses a flag between two overrides, reads ``out=1_2`` as the number 12, and chokes on
    brackets: a path is what was typed.
    """
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        flags = sorted(o for action in parser._actions for o in action.option_strings if o.startswith("--"))
        raise ConfigError(
            expected=f"overrides key=value, or a flag: {', '.join(flags)}",
            came=message,
            fix="see --help for the keys",
        )

    parser.error = refuse  # type: ignore[method-assign]
    accepted = parser.parse_intermixed_args(list(arguments))
    overrides = accepted.overrides
    literal = {"out"} if accepted.multirun else {"out", *paths}
    flags = list(arguments)
    for override in overrides:
        flags.remove(override)
    return [*flags, *(_literal(o) if o.partition("=")[0] in literal else o for o in overrides)]


def _literal(override: str) -> str:
    """The override with its value in quotes, unless it has them or says null.

    >>> _literal("out=it's (1_2)")
    "out='it\\\\'s (1_2)'"
    >>> _literal("env.scene=null")
    'env.scene=null'
    """
    key, _, value = override.partition("=")
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    escaped = value.replace("'", "\\'")
    return override if quoted or value in ("", "null") else f"{key}='{escaped}'"


def sweep_folder() -> Path | None:
    """The folder of the sweep that this job is part of; None for a job on its own."""
    running = HydraConfig.get()
    return Path(running.runtime.output_dir).parent if running.mode == RunMode.MULTIRUN else None


def _folder(cfg: DictConfig) -> Path:
    """Where this job's results go."""
    if sweep_folder() is not None:
        return Path(HydraConfig.get().runtime.output_dir)
    if not str(cfg.out).strip():
        raise ConfigError(
            expected="a folder for the results", came="out= with nothing", fix="name one: out=DIR"
        )
    return Path(cfg.out).expanduser()


def _register_resolvers() -> None:
    """``${folder_name:TEXT}``: overrides as the name of one folder."""
    OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)


def folder_name(overrides: str) -> str:
    """The name of a sweep's job: its overrides, on one level and short enough for a file system.

    >>> folder_name("env.scene=/data/a.obj,seed=1")
    'env.scene=_data_a.obj,seed=1'
    """
    name = overrides.replace("/", "_")
    if len(name) <= _FOLDER_NAME_LIMIT:
        return name
    return f"{name[:_FOLDER_NAME_LIMIT]}~{content_hash(overrides)[:8]}"
