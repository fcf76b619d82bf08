"""One thing looked at: whether it works, and what to do where it does not."""

from collections.abc import Callable
from dataclasses import dataclass

from placecell.errors import PlacecellError


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
    except Exception as error:
        first = " ".join(str(error).split())[:200]
        return Check(name, False, f"{type(error).__name__}: {first}", fix, required)
