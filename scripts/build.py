"""From a node of the configuration to the object that it describes."""

import inspect
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from placecell.errors import ConfigError


def build(node: DictConfig, name: str, **objects: object) -> Any:
    """Calls the node's ``_target_`` with its other keys and with ``objects``.

    Nodes within it that have a ``_target_`` themselves are built first; all others arrive as plain dicts and
    lists. ``objects`` arrive as they are, never copied (Hydra would deep-copy an environment).

    Raises:
        ConfigError: the node has no ``_target_``, it cannot be imported, or it doesn't take these keys.
    """
    if "_target_" not in node:
        raise ConfigError(
            expected=f"{name} to have a _target_, the callable that makes it",
            came=f"the keys {', '.join(map(str, node)) or 'none'}",
            fix=f"add _target_: package.module.function to the config of {name}",
        )
    taken = [key for key in node if key in objects]
    if taken:
        raise ConfigError(
            expected=f"no key {', '.join(taken)} in {name}: it comes from the run itself",
            came=", ".join(f"{name}.{key}={node[key]}" for key in taken),
            fix=f"set {', '.join(f'{key}=' for key in taken)} without {name}.",
        )
    factory = instantiate(node, _partial_=True, _convert_="all")
    parameters = inspect.signature(factory.func)
    try:
        parameters.bind(*factory.args, **{**factory.keywords, **objects})
    except TypeError as error:
        known = [key for key in parameters.parameters if key not in objects]
        raise ConfigError(
            expected=f"a key of {name}: {', '.join(known) or 'there is none'}",
            came=f"{node._target_}, which {str(error).replace('got', 'was given')}",
            fix="take out the key that it doesn't have, or add the one that it needs",
        ) from error
    return factory(**objects)


def build_env(cfg: DictConfig) -> Any:
    """The environment of a run's resolved configuration: its ``env``, ``task``, ``seed`` and ``episodes``."""
    return build(cfg.env, "env", task=plain_task(cfg.task), seed=cfg.seed, episodes=cfg.episodes)


def plain_task(node: DictConfig) -> dict[str, Any]:
    """A task is data, not an object: the environment gets its keys as a plain dict."""
    task = OmegaConf.to_container(node, resolve=True)
    assert isinstance(task, dict)
    return {str(key): value for key, value in task.items()}
