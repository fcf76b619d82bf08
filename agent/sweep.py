"""The jobs of a sweep, read back: what each was asked for, and what it left."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from placecell.errors import OutputError

from .results import Result
from .resume import NEUTRAL
from .stored_run import is_run, read_run
from .tours import CONTROL

_OVERRIDE = re.compile(r"(?:^|,)(?=[\w.@/+~]+=)")
_ARM = re.compile(r"(^|,)task\.arm=[^,]*")


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Args:
        name: what it was asked for beside what all jobs of the sweep were.
        folder: where it lies.
        config: its ``config.yaml``; empty where it left none.
        results: its episodes; none: it did not run, or cannot be read.
        damage: why it cannot be read; None where it can.
    """

    name: str
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    damage: str | None = None

    @property
    def overrides(self) -> Mapping[str, str]:
        """The overrides that its folder is named by.

        >>> dict(Job("", Path("sweep/env.houses=[1,2],task=tour")).overrides)
        {'env.houses': '[1,2]', 'task': 'tour'}
        """
        parts = [part.rstrip(",") for part in _OVERRIDE.split(self.folder.name) if "=" in part]
        return dict(part.split("=", 1) for part in parts)

    @property
    def arm(self) -> str:
        """The tours' arm; ``cold`` for a job that names none."""
        return str(_section(self.config, "task").get("arm") or self.overrides.get("task.arm", CONTROL))

    @property
    def noise(self) -> str:
        """The environment's noise level, or its levels by kind."""
        noise = _section(self.config, "env").get("noise", self.overrides.get("env.noise", "none"))
        if not isinstance(noise, Mapping):
            return str(noise)
        return ", ".join(f"{kind} {level}" for kind, level in noise.items())

    @property
    def memory(self) -> str:
        """The class of its memory."""
        return str(_section(self.config, "memory").get("_target_", "?")).rpartition(".")[2]

    @property
    def wanted(self) -> int | None:
        """How many episodes it was asked for; None where it does not say."""
        episodes = self.config.get("episodes")
        return episodes if isinstance(episodes, int) else None

    @property
    def is_tour(self) -> bool:
        """Whether it walked tours."""
        return any("tour" in result.tags for result in self.results)

    @property
    def name_but_for_the_arm(self) -> str:
        """What tells it from jobs that differ in more than the arm: the noise, where its name doesn't say."""
        name = _ARM.sub("", self.name).strip(",") if self.overrides else ""
        return name or f"noise {self.noise}"

    def but_for_the_arm(self) -> str:
        """All else that it was asked for: jobs with equal text differ in the arm alone."""
        config = {key: value for key, value in self.config.items() if key not in NEUTRAL}
        config["task"] = {k: v for k, v in _section(self.config, "task").items() if k != "arm"}
        return json.dumps(config, sort_keys=True, default=str)


def read_jobs(folders: Sequence[Path]) -> tuple[Job, ...]:
    """The jobs below sweeps' folders, and single runs, in the order of their names.

    A job whose files cannot be read is one of them, with its damage: the others are of use without it.

    Raises:
        OutputError: a folder that holds neither.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        jobs = [folder] if is_run(folder) else sorted(path for path in _children(folder) if _is_job(path))
        if not jobs:
            raise OutputError(
                expected="the folder of a sweep, with a folder a job, or that of a run",
                came=f"{folder}, which holds neither" if folder.is_dir() else f"{folder}: no such folder",
                fix="name a folder that placecell-run wrote",
            )
        found |= dict.fromkeys(jobs)
    return _named([_read(folder) for folder in found])


def _children(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _is_job(folder: Path) -> bool:
    """A run, or the folder that was made for one which then failed."""
    return is_run(folder) or "=" in folder.name


def _read(folder: Path) -> Job:
    if not is_run(folder):
        return Job(folder.name, folder)
    try:
        run = read_run(folder)
    except OutputError as error:
        return Job(folder.name, folder, damage=str(error))
    return Job(folder.name, folder, run.config, run.results)


def _named(jobs: list[Job]) -> tuple[Job, ...]:
    """The jobs, each named by the overrides that not all share; by its folder where that says too little."""
    shared = set.intersection(*(set(job.overrides.items()) for job in jobs))
    names = [",".join(f"{k}={v}" for k, v in job.overrides.items() if (k, v) not in shared) for job in jobs]
    names = [name or job.folder.name for name, job in zip(names, jobs)]
    often = Counter(names)
    return tuple(
        replace(job, name=name if often[name] == 1 else f"{job.folder.parent.name}/{name}")
        for job, name in zip(jobs, names)
    )


def _section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = config.get(key, {})
    return section if isinstance(section, Mapping) else {}
