"""``placecell-doctor``: what works here, what does not, and the fix, a line each.

Exit codes: 0 all that is required works, 1 something required does not, 2 a mistake in what was asked for,
130 interrupted.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from placecell.errors import PlacecellError

from ..closed_pipe import hush
from ..data.options import VARIABLE, OneLineParser
from .check import Check
from .machine import machine_checks
from .packages import package_checks
from .places import place_checks

PROGRAM = "placecell-doctor"


def main(argv: Sequence[str] | None = None) -> int:
    """Looks at everything and says it."""
    parser = OneLineParser(prog=PROGRAM, description="What works here, what does not, and the fix.")
    parser.add_argument(
        "--full", action="store_true", help="hash the data, where a quick look compares sizes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"where the data are ({VARIABLE})")
    try:
        options = parser.parse_args(argv)
        code = report(checks(options.data, full=options.full), as_json=options.json)
        sys.stdout.flush()
        return code
    except PlacecellError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return hush()
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130


def checks(data: Path | None, *, full: bool) -> Iterator[Check]:
    """Everything that is looked at, in order; each is done when it is asked for."""
    yield from package_checks()
    yield from machine_checks()
    yield from place_checks(data, full=full)


def report(found: Iterator[Check], *, as_json: bool) -> int:
    """Prints each line as it is known, then the verdict; returns the exit code."""
    seen = []
    for check in found:
        seen.append(check)
        if not as_json:
            print(check.line(), flush=True)
    broken = [check.name for check in seen if not check.ok and check.required]
    optional = [check.name for check in seen if not check.ok and not check.required]
    if as_json:
        print(json.dumps({"ok": not broken, "checks": [asdict(check) for check in seen]}, indent=1))
    elif broken:
        print(f"{len(broken)} required: {', '.join(broken)}; {len(optional)} optional parts are not there")
    else:
        print(f"all that is required works; {len(optional)} optional parts are not there")
    return 1 if broken else 0
