"""The numbers and options that an encoder is built from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from placecell.errors import ConfigError

OWN_OPTIONS: Mapping[str, dict[str, Any]] = {"biformer": {"regions": 4}}
"""Where an attention's own defaults don't fit maps of 16 x 16 and 8 x 8 tokens: 7 regions divide neither."""

SIZES: Mapping[str, dict[str, Any]] = {
    "0.3M": {"widths": (40, 80, 96), "depths": (1, 1, 1), "heads": (2, 4, 4), "width": 96},
    "1M": {"widths": (48, 80, 160), "depths": (2, 2, 2), "heads": (2, 4, 4), "width": 128},
    "5M": {"widths": (96, 192, 368), "depths": (2, 2, 2), "heads": (4, 8, 8), "width": 256},
    "30M": {"widths": (192, 384, 720), "depths": (2, 4, 3), "heads": (6, 12, 12), "width": 512},
}
"""What :meth:`RgbdEncoder.of_size` builds: parameters within 10 % of the name, with any attention."""


def require_numbers(
    widths: Sequence[int],
    depths: Sequence[int],
    heads: Sequence[int],
    width: int,
    size: Sequence[int],
    patch: int,
    expansion: int,
) -> tuple[int, int]:
    """The image's height and width.

    Raises:
        ConfigError: numbers that don't go together.
    """
    stages = len(widths)
    if not stages or not len(depths) == len(heads) == stages:
        raise ConfigError(
            expected="one width, depth and number of heads for each stage",
            came=f"widths {list(widths)}, depths {list(depths)}, heads {list(heads)}",
            fix="give the three the same length",
        )
    if min(*widths, *depths, *heads, width, expansion) < 1 or any(d % h for d, h in zip(widths, heads)):
        raise ConfigError(
            expected="widths that are multiples of their heads, and no number below 1",
            came=f"widths {list(widths)}, depths {list(depths)}, heads {list(heads)}, width {width}, "
            f"expansion {expansion}",
            fix="choose each width as heads times a head's width",
        )
    step = patch << (stages - 1)
    if patch < 2 or patch % 2 or len(size) != 2 or min(size) < 1 or any(side % step for side in size):
        raise ConfigError(
            expected=f"an image's height and width in multiples of {step} pixels, which are an even patch "
            f"of {patch} times {1 << (stages - 1)} for {stages} stages",
            came=f"size {list(size)}",
            fix="choose another size, an even patch, or fewer stages",
        )
    return size[0], size[1]


def per_stage(
    attention: str,
    common: dict[str, Any] | None,
    stage_options: Sequence[dict[str, Any]] | None,
    full_from: int | None,
    stages: int,
) -> list[tuple[str, dict[str, Any]]]:
    """The attention of each stage and its options.

    Raises:
        ConfigError: options that JSON cannot hold, or for another number of stages.
    """
    if common is None:
        common = OWN_OPTIONS.get(attention, {})
    if stage_options is not None and len(stage_options) != stages:
        raise ConfigError(
            expected=f"stage_options for {stages} stages",
            came=f"{len(stage_options)}",
            fix="give a dict for each, or null",
        )
    options = [{**common, **own} for own in (stage_options or [{}] * stages)]
    try:
        json.dumps(options)
    except TypeError as error:
        raise ConfigError(
            expected="options that JSON can hold", came=str(error), fix="give numbers, strings and lists"
        ) from error
    if full_from is not None and full_from < 0:
        raise ConfigError(
            expected="full_from of 0 or more, or null", came=f"{full_from}", fix="count stages from 0"
        )
    first = stages if full_from is None else full_from
    if stage_options is not None and any(own for own in stage_options[first:]):
        raise ConfigError(
            expected=f"no stage_options from stage {first} on, which full_from={first} gives full attention",
            came=f"{list(stage_options)}",
            fix="set full_from=null, or leave their dicts empty",
        )
    return [(attention, own) if number < first else ("full", {}) for number, own in enumerate(options)]
