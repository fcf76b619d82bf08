"""Options from a config node to the frozen dataclass that they describe."""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from placecell.errors import ConfigError

T = TypeVar("T")

_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    types.NoneType: "null",
}


def from_options(kind: type[T], options: Mapping[str, Any], *, where: str) -> T:
    """``kind(**options)``, where a whole number will do for a float (``turn_deg: 30``).

    Raises:
        ConfigError: a key that ``kind`` does not have, or a value of another type; ``where`` names the node.
            Whatever ``kind`` itself finds wrong with the values.
    """
    annotations = typing.get_type_hints(kind)
    known = [field.name for field in fields(kind) if field.init]  # type: ignore[arg-type]
    unknown = [str(key) for key in options if key not in known]
    if unknown:
        raise ConfigError(
            expected=f"keys of {where}: {', '.join(known)}",
            came=", ".join(unknown),
            fix="correct the spelling",
        )
    return kind(**{key: _as(annotations[key], value, f"{where}.{key}") for key, value in options.items()})


def _as(annotation: Any, value: object, name: str) -> object:
    kinds = typing.get_args(annotation) or (annotation,)
    if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and float in kinds:
        return float(value)
    raise ConfigError(
        expected=f"{' or '.join(_NAMES[kind] for kind in kinds)} as {name}",
        came=repr(value),
        fix="correct the value",
    )
