"""What the subcommands share: a console that fits what it is read on, bytes for a reader, strict JSON."""

import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 240  # a file or a pipe has no width that a table should be cut to


def console() -> "Console":
    """Stdout, in the terminal's width where it is one; what it prints is text, never markup."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, markup=False, emoji=False)


def in_bytes(count: float) -> str:
    """A number of bytes in three digits.

    >>> in_bytes(512), in_bytes(5_300_000)
    ('512 B', '5.3 MB')
    """
    for unit in ("B", "kB", "MB"):
        if count < 999.5:  # what is more is 1e+03 in three digits
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB" if count < 999.5 else f"{count:.0f} GB"


def plain(text: object) -> str:
    """A text out of a file without what a terminal would obey.

    >>> plain("\\x1b[2Jhello")
    '\\\\x1b[2Jhello'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on stdout; numbers that JSON has no word for are null."""
    print(json.dumps(_finite(document), indent=1, allow_nan=False))


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _finite(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
