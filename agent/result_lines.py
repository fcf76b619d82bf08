"""The lines of ``results.jsonl``: JSON objects that carry a check of what they say.

``check`` is the first eight hex digits of the SHA-256 of all other fields but ``seconds`` (as JSON with
sorted keys), so that a line that somebody edited is told from one that a run wrote.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from placecell.errors import OutputError

_UNCHECKED = ("seconds", "check")
_REMOVE = "remove that line to read the others; placecell-run with the same out walks its episode again"


def checked_line(fields: Mapping[str, Any]) -> str:
    """One line, with its check and its newline; what is not finite has no place in it."""
    return json.dumps({**fields, "check": check_of(fields)}, allow_nan=False) + "\n"


def check_of(fields: Mapping[str, Any]) -> str:
    """The check of a line's fields, whatever their order.

    >>> check_of({"episode": 0, "seconds": 1.5}) == check_of({"seconds": 2.5, "episode": 0, "check": "?"})
    True
    """
    said = {name: value for name, value in fields.items() if name not in _UNCHECKED}
    text = json.dumps(said, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def fields_of(line: bytes, where: str) -> dict[str, Any]:
    """What :func:`checked_line` was given, ``check`` included; a line from before there were checks has none.

    Raises:
        OutputError: the line is empty, cut, no JSON object, or was edited; ``where`` names it.
    """
    if not line.strip():
        raise no_result(where, "an empty line")
    try:
        fields = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # What JSON's and UTF-8's decoders raise are ValueErrors; a cut line ends where it was cut.
        raise no_result(where, f"a line that is cut or no JSON ({type(error).__name__}: {error})") from error
    if not isinstance(fields, dict):
        raise no_result(where, f"no JSON object: {line.decode().strip()[:80]}")
    # Lines have a start since they have a check: without its check such a line was edited, too.
    if ("check" in fields or "start" in fields) and fields.get("check") != check_of(fields):
        raise OutputError(
            expected=f"a line as placecell-run wrote it in {where}",
            came="one that was edited by hand: its check differs",
            fix=f"undo the edit, or {_REMOVE}",
        )
    return fields


def split_lines(path: Path, *, torn: Literal["error", "leave"] = "error") -> Iterator[tuple[bytes, str]]:
    """The lines of a file without their newlines, each with its place in words.

    Args:
        path: the file.
        torn: what becomes of a last line without a newline, which is what a kill leaves: an error, or
            ``leave``: it is passed over.

    Raises:
        OutputError: the file is missing or cannot be read, or its last line is torn.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputError(
            expected=f"a run's results in {path}",
            came=str(error.strerror or error),
            fix="name a folder that placecell-run wrote",
        ) from error
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        yield line, f"{path}, line {number}"
    if rest and torn == "error":
        raise OutputError(
            expected=f"a last line that is whole in {path}, line {len(lines) + 1}",
            came="one without its end, as a kill leaves it",
            fix="run the same placecell-run command again, which goes on from there, or remove that line",
        )


def no_result(where: str, came: str) -> OutputError:
    """The error of a line that is no result."""
    return OutputError(expected=f"one result a line in {where}", came=came, fix=_REMOVE)


def from_newer(where: str, came: str) -> OutputError:
    """The error of a line that says more than this version knows."""
    return OutputError(
        expected=f"a result that this version of placecell knows in {where}",
        came=f"{came}, as from a newer version",
        fix=f"upgrade placecell, or {_REMOVE}",
    )


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name}, for which JSON has no number")
