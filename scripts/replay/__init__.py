"""``placecell-replay SUBCOMMAND ...``: looking at runs again, one or several beside each other.

A subcommand is a module of this folder, named in ``SUBCOMMANDS``, with ``HELP`` (one line),
``add_arguments(parser)`` and ``run(arguments) -> int``, its exit code. What is heavy it imports in ``run``.

Exit codes: 0 success, 1 something that cannot be read, 2 a mistake in what was asked for, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from placecell.errors import PlacecellError

from ..closed_pipe import hush
from ..subcommands import Subcommands
from .reading import NotReadableError

PROGRAM = "placecell-replay"
SUBCOMMANDS = (
    "page", "summary", "compare", "seeds", "export", "verify", "recall", "video", "submission", "score",
)  # fmt: skip
_COMMAND = Subcommands(
    PROGRAM,
    "looks at the folders that placecell-run leaves, one or several beside each other.",
    __name__,
    SUBCOMMANDS,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one subcommand; what goes wrong is one line on stderr."""
    try:
        chosen, arguments = _COMMAND.parse(list(sys.argv[1:] if argv is None else argv))
        code = int(chosen.run(arguments))
        sys.stdout.flush()
        return code
    except NotReadableError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except PlacecellError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return hush()
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
