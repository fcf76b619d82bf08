"""Hydra's and OmegaConf's many-line complaints as one line that lists what is known."""

import difflib
from collections.abc import Iterable

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from placecell.errors import ConfigError, PlacecellError

HELP = "see --help for the groups, their choices and the keys"


def one_line(error: BaseException, *, composing: bool) -> PlacecellError | None:
    """What went wrong in the user's terms, or None for an error that is not about the configuration.

    ``composing``: nothing but Hydra has run so far, so that whatever it raised is about the configuration.
    """
    chain = list(_causes(error))
    for link in chain:
        if isinstance(link, PlacecellError):
            return link
    for link in chain:
        if isinstance(link, OverrideParseException):
            return _unreadable(link)
        if str(link).startswith("Ambiguous value for argument"):
            return _several_values(str(link))
        if isinstance(link, MissingConfigException) and link.options is not None:
            return _unknown_choice(link)
        if isinstance(link, ConfigAttributeError | ConfigKeyError) and isinstance(
            link.parent_node, DictConfig
        ):
            return unknown_key(str(link.full_key or link.key), link.parent_node)
    about_config = HydraException | OmegaConfBaseException | YAMLError
    if isinstance(error, about_config) or (composing and isinstance(error, Exception)):
        text = next((str(link) for link in chain if str(link)), type(error).__name__)
        text = text.replace(", set env var HYDRA_FULL_ERROR=1 to see chained exception.", ";")
        return ConfigError(expected="a configuration that can be composed", came=text, fix=HELP)
    return None


def unknown_key(path: str, parent: DictConfig) -> ConfigError:
    """A key that its node does not have."""
    node, _, key = path.rpartition(".")
    known = [str(name) for name in parent if name not in ("hydra", "_target_")]
    return ConfigError(
        expected=f"a key of {node or 'the configuration'}: {', '.join(known) or 'there is none'}",
        came=path,
        fix=_nearest(key, known, prefix=f"{node}." if node else "") or HELP,
    )


def wrong_value(path: str, default: object, value: object, wanted: str) -> ConfigError:
    """A value of another kind than its default."""
    return ConfigError(
        expected=f"{path} to be {wanted}, as its default {default!r}",
        came=f"{value!r}",
        fix=f"set {path}={default}",
    )


def _unreadable(error: OverrideParseException) -> ConfigError:
    key = error.override.partition("=")[0]
    return ConfigError(
        expected="overrides of the form key=value",
        came=error.override,
        fix=f"a value with commas, brackets or equal signs needs two pairs of quotes: \"{key}='...'\"",
    )


def _several_values(text: str) -> ConfigError:
    override = text.partition("'")[2].partition("'\n")[0]
    key, _, values = override.partition("=")
    return ConfigError(
        expected=f"one value of {key}",
        came=values,
        fix=f"add -m to run each of them, or write {key}=[{values}] for a list",
    )


def _unknown_choice(error: MissingConfigException) -> ConfigError:
    group, _, choice = str(error.missing_cfg_file).rpartition("/")
    known = sorted(str(option).rpartition("/")[2] for option in error.options or ())
    return ConfigError(
        expected=f"a choice of {group}: {', '.join(known) or 'there is none'}",
        came=choice,
        fix=_nearest(choice, known, prefix=f"{group}=") or "choose one, or install the package that adds it",
    )


def _nearest(name: str, known: list[str], prefix: str) -> str | None:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {prefix}{near[0]}?" if near else None


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def plain(node: DictConfig) -> dict:
    """The node as it was written, interpolations unresolved."""
    container = OmegaConf.to_container(node, resolve=False)
    assert isinstance(container, dict)
    return container
