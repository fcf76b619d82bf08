"""What the readers of instructions share: a JSON list, or one JSON object a line, gzip or plain."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from placecell.errors import EpisodeError

from ..habitat_files import Entry, is_number, kind, read_content
from .instructed import InstructedEpisode


def read_list(path: Path, form: str) -> Iterator[Entry]:
    """The objects of a JSON list, each named by its place in it; ``form`` says what to pass instead.

    Raises:
        EpisodeError: the file is missing, truncated, not JSON (the line is named), or no list of objects.
    """
    try:
        document = json.loads(read_content(path, "instructions", form))
    except (ValueError, RecursionError) as error:
        raise _no_json(f"{path} to be JSON", str(error)) from error
    if not isinstance(document, list):
        raise EpisodeError(expected=f"a JSON list in {path}", came=kind(document), fix=form)
    file = Entry({}, f"in {path}", form)
    for number, value in enumerate(document):
        yield file.inner(value, f"entry {number}")


def read_lines(path: Path, form: str) -> Iterator[Entry]:
    """The objects of a file with one JSON object a line, each named by its line; empty lines are none.

    Raises:
        EpisodeError: the file is missing or truncated, or a line is no JSON object: its number is named.
    """
    file = Entry({}, f"of {path}", form)
    # Not splitlines(): JSON may hold U+2028, which that takes for the end of a line.
    for number, line in enumerate(read_content(path, "instructions", form).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _no_json(f"a JSON object in line {number} of {path}", str(error)) from error
        yield file.inner(value, f"line {number}")


def names_of(entry: Entry, key: str) -> tuple[str, ...]:
    """The list of names under a key, one or more.

    Raises:
        EpisodeError: there is none, or something in it is no name.
    """
    names = entry.get(key, list)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong or not names:
        raise EpisodeError(
            expected=f"one or more names as {key!r} {entry.where}",
            came=kind(wrong[0] if wrong else names),
            fix=entry.form,
        )
    return tuple(names)


def number_of(entry: Entry, key: str) -> float:
    """The finite number under a key.

    Raises:
        EpisodeError: there is none.
    """
    value = entry.get(key, int, float)
    if not is_number(value):
        raise EpisodeError(
            expected=f"a finite number as {key!r} {entry.where}", came=kind(value), fix=entry.form
        )
    return float(value)


def require_distinct(episodes: Sequence[InstructedEpisode], path: Path) -> None:
    """Raises :class:`EpisodeError` for a file without an episode, or with one twice."""
    seen: set[str] = set()
    for episode in episodes:
        if episode.episode_id in seen:
            raise EpisodeError(
                expected=f"each episode of {path} once",
                came=f"episode {episode.episode_id!r} twice",
                fix="give each its own id, or take the original file",
            )
        seen.add(episode.episode_id)
    if not seen:
        raise EpisodeError(expected=f"episodes in {path}", came="none", fix="copy or download it again")


def _no_json(expected: str, came: str) -> EpisodeError:
    return EpisodeError(expected=expected, came=came, fix="copy or download it again")
