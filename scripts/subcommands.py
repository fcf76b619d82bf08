"""Commands of several subcommands, a module each: which is asked for, and one line for a mistake.

A subcommand's module has ``HELP`` (one line), ``add_arguments(parser)`` and ``run(args) -> int``.
"""

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import NoReturn

from placecell.errors import ConfigError


@dataclass(frozen=True)
class Subcommands:
    """The subcommands of one command.

    Args:
        program: the command's name.
        about: what it does, in a sentence.
        package: whose modules they are.
        names: of the modules.
    """

    program: str
    about: str
    package: str
    names: tuple[str, ...]

    def parse(self, arguments: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
        """The subcommand that is asked for, and its options.

        Raises:
            ConfigError: an unknown subcommand or option.
        """
        if not arguments or arguments[0] in ("-h", "--help"):
            width = max(map(len, self.names)) + 2
            known = "\n".join(f"  {name:<{width}}{self.module(name).HELP}" for name in self.names)
            head = f"{self.program}: {self.about}"
            text = f"{head}\n\nsubcommands:\n{known}\n\n{self.program} SUBCOMMAND --help shows its options"
            print(text, file=sys.stdout if arguments else sys.stderr)
            raise SystemExit(0 if arguments else 2)
        chosen = self.module(arguments[0])
        parser = _OneLineParser(prog=f"{self.program} {arguments[0]}", description=chosen.HELP)
        chosen.add_arguments(parser)
        return chosen, parser.parse_intermixed_args(arguments[1:])

    def module(self, name: str) -> ModuleType:
        """The module of a subcommand.

        Raises:
            ConfigError: there is none of that name; the known ones are listed.
        """
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, 1)
            raise ConfigError(
                expected=f"a subcommand: {', '.join(self.names)}",
                came=repr(name),
                fix=f"did you mean {self.program} {near[0]}?" if near else f"see {self.program} --help",
            )
        return importlib.import_module(f"{self.package}.{name}")


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        known = [
            action.metavar or max(action.option_strings, key=len, default="") for action in self._actions
        ]
        named = [name[0] if isinstance(name, tuple) else name for name in known]
        raise ConfigError(expected=f"{self.prog} {' '.join(named)}", came=message, fix="see --help")
