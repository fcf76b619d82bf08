"""A training's folder: its configuration, a line of figures now and then, what it made."""

import json
from collections.abc import Mapping
from pathlib import Path

from omegaconf import OmegaConf

from placecell.arrays import atomic_write
from placecell.errors import OutputError

METRICS_FILE, CONFIG_FILE = "metrics.jsonl", "config.yaml"
# What may differ between the calls that make up one training.
_MAY_CHANGE = ("out", "progress", "task.minutes")


class TrainingFolder:
    """The folder of one training, begun or gone on with.

    Args:
        path: made where it is missing.
        config: plain, resolved; it is written, and held against the one of an earlier call.

    Raises:
        OutputError: the folder cannot be written, or holds a training that was configured otherwise.
    """

    def __init__(self, path: Path, config: Mapping[str, object]) -> None:
        self.path = path
        text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._require_same(config)
            atomic_write(path / CONFIG_FILE, text)
        except OSError as error:
            raise OutputError(
                expected=f"an output folder that can be written: {path}",
                came=f"{error.strerror or error} ({error.filename or path})",
                fix="name another folder (out=DIR), or make room and grant the right to write there",
            ) from error

    def keep_metrics(self, last_step: int) -> None:
        """Drops the lines of steps after ``last_step``: they are done again."""
        path = self.path / METRICS_FILE
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        # A line that was cut off by a kill is one of those steps.
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= last_step]
        atomic_write(path, "".join(f"{line}\n" for line in kept))

    def add_metrics(self, **figures: int | float) -> None:
        """Appends one line."""
        with open(self.path / METRICS_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")

    def write_json(self, name: str, content: object) -> None:
        """A file of its own."""
        atomic_write(self.path / name, json.dumps(content, indent=1) + "\n")

    def _require_same(self, config: Mapping[str, object]) -> None:
        path = self.path / CONFIG_FILE
        if not path.exists():
            return
        before = _flat(OmegaConf.to_container(OmegaConf.load(path)))
        now = _flat(OmegaConf.to_container(OmegaConf.create(dict(config))))
        names = [name for name in {**before, **now} if name not in _MAY_CHANGE]
        changed = [name for name in names if before.get(name) != now.get(name)]
        if changed:
            name = changed[0]
            raise OutputError(
                expected=f"the training that {self.path} holds, with {name}={before.get(name)}",
                came=f"{name}={now.get(name)}",
                fix="go on with the same values, or name another folder: out=DIR",
            )


def _flat(node: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(node, dict):
        return {prefix.removesuffix("."): node}
    return {
        name: value for key, child in node.items() for name, value in _flat(child, f"{prefix}{key}.").items()
    }
