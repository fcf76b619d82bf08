"""Where a run came from: the code, the machine, the versions, the seeds, the data."""

import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import placecell


def provenance(*, seed: int, world: Mapping[str, object], oracle: Sequence[str]) -> dict[str, object]:
    """Plain JSON that says what made a run.

    Args:
        seed: the run's seed.
        world: what the environment says of its scene and data (names, hashes).
        oracle: inputs used that no agent has in the world.
    """
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "placecell": placecell.__version__,
        **commit(Path(placecell.__file__).resolve()),
        "python": platform.python_version(),
        "packages": packages(),
        "hardware": hardware(),
        "seeds": {"run": seed},
        "world": dict(world),
        "oracle": list(oracle),
    }


def commit(file: Path) -> dict[str, object]:
    """The git commit that ``file`` is part of, and whether tracked files differ from it; None without one.

    A wheel installed below somebody else's checkout isn't part of that checkout: ``file`` must be tracked.
    """
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return {"commit": None, "modified": None}
    changes = _git(file.parent, "status", "--porcelain", "--untracked-files=no")
    return {"commit": _git(file.parent, "rev-parse", "HEAD"), "modified": bool(changes)}


def packages() -> dict[str, str]:
    """Installed versions of what placecell requires, its extras included where they are installed."""
    required = importlib.metadata.requires("placecell") or []
    names = sorted({re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required})
    installed = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    return {name: installed[name.lower()] for name in names if name.lower() in installed}


def hardware() -> dict[str, object]:
    """The processor, the cores that this process may use, memory in bytes, NVIDIA devices (Linux only)."""
    cpu = re.search(r"model name\s*:\s*(.+)", _text(Path("/proc/cpuinfo")))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _text(Path("/proc/meminfo")))
    gpus = [_text(path) for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    return {
        "platform": platform.platform(),
        "cpu": cpu[1] if cpu else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_bytes": int(memory[1]) * 1024 if memory else None,
        "gpus": [model[1] for model in (re.search(r"Model:\s*(.+)", text) for text in gpus) if model],
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
