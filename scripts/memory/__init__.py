"""``placecell-memory SUBCOMMAND FILE...``: looking into saved memories, comparing, joining, making smaller.

A subcommand is a module of this folder, named in ``SUBCOMMANDS``, with ``HELP`` (one line),
``add_arguments(parser)`` and ``run(arguments) -> int``, its exit code. What is heavy it imports in ``run``.

Exit codes: 0 success, 1 a file that cannot be read or does not hold together, 2 a mistake in what was asked
for, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from placecell.errors import ArchiveError, PlacecellError

from ..closed_pipe import hush
from ..subcommands import Subcommands

PROGRAM = "placecell-memory"
SUBCOMMANDS = ("inspect", "diff", "merge", "prune", "migrate")
_COMMAND = Subcommands(PROGRAM, "works on the files that Memory.save writes.", __name__, SUBCOMMANDS)


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one subcommand; what goes wrong is one line on stderr."""
    try:
        chosen, arguments = _COMMAND.parse(list(sys.argv[1:] if argv is None else argv))
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
