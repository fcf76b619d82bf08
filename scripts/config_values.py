"""Values of the command line, held against the defaults that they replace."""

from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from .config_errors import plain, unknown_key, wrong_value

_NULLABLE = ("episodes",)  # null: all of a dataset


def settle_values(cfg: DictConfig, config_name: str) -> DictConfig:
    """The configuration, each value of the kind that its default has.

    Where the default is a float an integer becomes one; where it is text a number stays what was typed
    (``env.split=1_2``). A default of null accepts anything, one of text a list or mapping too (a preset's
    name, or the preset itself), and null is accepted everywhere but at the top,
    where only ``episodes`` may be.
    A key added with ``+`` has to lie in a node with a ``_target_``, which then accepts it or not.

    Raises:
        ConfigError: a value of another kind, or a key that nothing reads.
    """
    hydra_cfg = HydraConfig.get()
    groups = set(hydra_cfg.runtime.choices)
    lines = [line.lstrip("+~") for line in hydra_cfg.overrides.task]
    chosen = [line for line in hydra_cfg.overrides.task if _key(line) in groups]
    search = [line for line in hydra_cfg.overrides.hydra if _key(line) == "hydra.searchpath"]
    defaults = compose(config_name=config_name, overrides=[*chosen, *search])
    typed = {_key(line): line.partition("=")[2] for line in lines}
    for path, value in _settled(defaults, cfg, "", typed):
        with open_dict(cfg):
            OmegaConf.update(cfg, path, value)
    return cfg


def _key(line: str) -> str:
    return line.lstrip("+~").partition("=")[0].partition("@")[0]


def _settled(
    defaults: DictConfig, cfg: DictConfig, prefix: str, typed: dict[str, str]
) -> list[tuple[str, Any]]:
    """Dotted paths and the values to put there."""
    changes: list[tuple[str, Any]] = []
    before, after = plain(defaults), plain(cfg)
    for key, value in after.items():
        path = f"{prefix}{key}"
        if key not in before:
            if "_target_" not in after:
                raise unknown_key(path, defaults)
        elif isinstance(before[key], dict) and isinstance(value, dict):
            changes += _settled(defaults[key], cfg[key], f"{path}.", typed)
        elif value != before[key] or type(value) is not type(before[key]):
            nullable = bool(prefix) or key in _NULLABLE
            new = _of_kind(path, before[key], value, typed.get(path), nullable=nullable)
            if new is not value:
                changes.append((path, new))
    return changes


def _of_kind(path: str, default: Any, value: Any, text: str | None, *, nullable: bool) -> Any:
    """``value``, of the kind of its default."""
    if default is None or (value is None and nullable) or _is_reference(value) or _is_reference(default):
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match default:
        case bool() if not isinstance(value, bool):
            raise wrong_value(path, default, value, "true or false")
        case int() if not isinstance(default, bool) and (not number or isinstance(value, float)):
            raise wrong_value(path, default, value, "a whole number")
        case float() if not number:
            raise wrong_value(path, default, value, "a number")
        case float():
            return float(value)
        case str() if value is None:
            raise wrong_value(path, default, value, "text")
        case str() if number or isinstance(value, bool):
            return str(value) if text is None else text
        case list() if not isinstance(value, list):
            raise wrong_value(path, default, value, "a list")
        case dict() if not isinstance(value, dict):
            raise wrong_value(path, default, value, "a group of keys")
    return value


def _is_reference(value: object) -> bool:
    """An interpolation and nothing else: its kind shows only once it is resolved."""
    return isinstance(value, str) and value.startswith("${") and value.endswith("}")
