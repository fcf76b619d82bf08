"""``placecell-memory SUBCOMMAND FILE...``: looking into saved memories, comparing, joining, making smaller.

A subcommand is a module of this folder, named in ``SUBCOMMANDS``, with ``HELP`` (one line),
``add_arguments(parser)`` and ``run(arguments) -> int``, its exit code. What is heavy it imports in ``run``.

Exit codes: 0 success, 1 a file that cannot be read or does not hold together, 2 a mistake in what was asked
for, 130 interrupted.
"""

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from placecell.errors import ArchiveError, ConfigError, PlacecellError

from ..closed_pipe import hush

PROGRAM = "placecell-memory"
SUBCOMMANDS = ("inspect", "diff", "merge", "prune", "migrate")


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one subcommand; what goes wrong is one line on stderr."""
    try:
        chosen, arguments = parse(list(sys.argv[1:] if argv is None else argv))
        code = int(chosen.run(arguments))
        sys.stdout.flush()
        return code
    except ArchiveError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2 if isinstance(error.__cause__, FileNotFoundError | IsADirectoryError) else 1
    except PlacecellError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return hush()
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The subcommand that is asked for, and its options.

    Raises:
        ConfigError: an unknown subcommand or option.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        known = "\n".join(f"  {name:<10}{subcommand(name).HELP}" for name in SUBCOMMANDS)
        head = f"{PROGRAM}: works on the files that Memory.save writes."
        text = f"{head}\n\nsubcommands:\n{known}\n\n{PROGRAM} SUBCOMMAND --help shows its options"
        print(text, file=sys.stdout if arguments else sys.stderr)
        raise SystemExit(0 if arguments else 2)
    chosen = subcommand(arguments[0])
    parser = _OneLineParser(prog=f"{PROGRAM} {arguments[0]}", description=chosen.HELP)
    chosen.add_arguments(parser)
    return chosen, parser.parse_intermixed_args(arguments[1:])


def subcommand(name: str) -> ModuleType:
    """The module of a subcommand.

    Raises:
        ConfigError: there is none of that name; the known ones are listed.
    """
    if name not in SUBCOMMANDS:
        near = difflib.get_close_matches(name, SUBCOMMANDS, 1)
        raise ConfigError(
            expected=f"a subcommand: {', '.join(SUBCOMMANDS)}",
            came=repr(name),
            fix=f"did you mean {PROGRAM} {near[0]}?" if near else f"see {PROGRAM} --help",
        )
    return importlib.import_module(f"{__name__}.{name}")


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        known = [
            action.metavar or max(action.option_strings, key=len, default="") for action in self._actions
        ]
        named = [name[0] if isinstance(name, tuple) else name for name in known]
        raise ConfigError(expected=f"{self.prog} {' '.join(named)}", came=message, fix="see --help")
