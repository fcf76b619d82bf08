"""``CHOICE[:KEY=VALUE,...]``: a memory of the configuration, with other values for some of its keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from placecell.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omegaconf import DictConfig

    from placecell.memory import Memory

# A comma parts two keys only where a key follows, so that a value may be a list.
_BETWEEN_KEYS = re.compile(r",(?=[A-Za-z_][\w.]*=)")


def memory_makers(choices: "Sequence[str]") -> "Mapping[str, Callable[[], Memory]]":
    """What makes each memory, by its choice as it was typed.

    Raises:
        ConfigError: an unknown choice, key or value, or a choice that is named twice.
    """
    twice = [choice for choice in choices if choices.count(choice) > 1]
    if twice:
        raise ConfigError(
            expected="each --memory once",
            came=f"{twice[0]} twice",
            fix="give it other values, or leave one out",
        )
    nodes = {choice: compose_memory(choice) for choice in choices}
    return {choice: partial(_build, node) for choice, node in nodes.items()}


def _build(node: "DictConfig") -> Any:
    from ..build import build
    from ..config_errors import one_line

    try:
        return build(node, "memory")
    except Exception as error:
        line = one_line(error, composing=False)
        if line is None:
            raise
        raise line from error


def compose_memory(choice: str) -> "DictConfig":
    """The configuration's node of a choice, as ``placecell-run memory=CHOICE memory.KEY=VALUE`` has it.

    Raises:
        ConfigError: an unknown choice, key or value.
    """
    from ..config_errors import one_line

    name, colon, rest = choice.partition(":")
    keys = _BETWEEN_KEYS.split(rest) if colon else []
    if not name or "," in name or "" in keys or any("=" not in key for key in keys):
        raise ConfigError(
            expected="--memory CHOICE or CHOICE:KEY=VALUE,KEY=VALUE",
            came=repr(choice),
            fix="write for example flat:max_bytes=1000000; a space parts two memories",
        )
    try:
        return _composed([f"memory={name}", *(f"memory.{key}" for key in keys)])
    except Exception as error:
        line = one_line(error, composing=True)
        if line is None:
            raise
        raise line from error


def _composed(overrides: list[str]) -> "DictConfig":
    from omegaconf import OmegaConf, open_dict

    from ..config_values import settle_values

    with _hydra() as compose:
        cfg = compose("run", overrides=overrides, return_hydra_config=True)
        _announce(cfg)
        with open_dict(cfg):
            cfg.pop("hydra")
        node = settle_values(cfg, "run").memory
    resolved: DictConfig = OmegaConf.create(OmegaConf.to_container(node, resolve=True))  # type: ignore[assignment]
    return resolved


@contextmanager
def _hydra() -> "Iterator[Any]":
    """Hydra's ``compose`` over placecell's configs and those of installed packages."""
    from hydra import compose, initialize_config_module
    from hydra.core.hydra_config import HydraConfig

    from ..config_packages import register_installed_configs

    register_installed_configs()
    before = HydraConfig.instance().cfg
    try:
        with initialize_config_module(config_module="placecell.conf", version_base="1.3"):
            yield compose
    finally:
        HydraConfig.instance().cfg = before


def _announce(cfg: "DictConfig") -> None:
    """``settle_values`` reads what was typed from Hydra's own node, as in a run."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    copy: DictConfig = OmegaConf.create(cfg)
    HydraConfig.instance().set_config(copy)
