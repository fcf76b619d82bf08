"""One thing looked at: whether it works, and what to do where it does not."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from placecell.errors import PlacecellError

NUMBA_FIX = "export NUMBA_CACHE_DIR=DIR, a folder that you may write to"


@dataclass(frozen=True)
class Check:
    """A line of the report.

    Attributes:
        name: of what was looked at.
        ok: whether it works.
        says: what was found.
        fix: what to do; empty where ``ok``.
        required: whether placecell needs it; without what is not, it works with less.
    """

    name: str
    ok: bool
    says: str
    fix: str = ""
    required: bool = True

    def line(self) -> str:
        """For a reader."""
        optional = "" if self.ok or self.required else "optional: "
        fix = f"; fix: {self.fix}" if self.fix else ""
        return f"{'ok' if self.ok else 'no'}  {self.name:<18}{optional}{self.says}{fix}"


def tried(name: str, work: Callable[[], str], fix: str, *, required: bool = True) -> Check:
    """Does something and says whether it went well: whatever it raises is what a doctor is asked about.

    Args:
        name: of the line.
        work: returns what to say.
        fix: what to do if it raises; an error that knows its own fix says that instead.
        required: whether placecell needs it.
    """
    try:
        return Check(name, True, " ".join(work().split()), required=required)
    except PlacecellError as error:
        came = f"expected {error.expected}, got {error.came}"
        return Check(name, False, came, error.fix, required)
    except ModuleNotFoundError as error:
        return Check(name, False, f"needs {error.name}", f"install {error.name} first", required)
    except (Exception, SystemExit) as error:
        words = in_a_line(error)
        if str(error).startswith("cannot cache function"):  # Numba's, at the import of any kernel
            return Check(name, False, words, NUMBA_FIX, required)
        if _of_a_package(error):
            told = f"cannot be tried, for something that it needs does not import: {words}"
            return Check(name, False, told, "repair the package that is broken first", required)
        return Check(name, False, words, fix, required)


def in_a_line(error: BaseException) -> str:
    """An error's class, and the beginning of what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _of_a_package(error: BaseException) -> bool:
    """Whether another package does not import: the innermost module whose own code ran is none of ours."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = [str(frame.f_globals["__name__"]) for frame in frames if frame.f_code.co_name == "<module>"]
    return isinstance(error, ImportError | SyntaxError) or (
        bool(modules) and modules[-1].partition(".")[0] != "placecell"
    )
