"""Python, placecell, the packages that it requires, and its optional parts.

What is required is read from placecell's own metadata. Only the standard library is imported here, so that
a bare environment is told about and does not end in a traceback.
"""

import importlib
import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from placecell import __version__

from .check import Check, in_a_line

MODULES = {
    "pillow": "PIL",
    "hydra-core": "hydra",
    "rerun-sdk": "rerun",
    "open3d-cpu": "open3d",
    "faiss-cpu": "faiss",
    "import-linter": "importlinter",
}
"""Import names that are not the distribution's, with ``_`` for ``-``."""

GIVES = {
    "recon": "Open3D, to compare reconstructions with",
    "index": "approximate search in the long-term memory",
    "bench": "the peers of placecell-bench",
    "transformers": "encoders of the transformers library",
    "rerun": "placecell-replay export --to rerun",
    "mcap": "placecell-replay export --to mcap",
    "lerobot": "placecell-replay export --to lerobot",
    "features": "panorama features in HDF5 files",
    "dev": "make test",
}

_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(\[[^\]]*\])?\s*(>=(?P<least>[\d.]+))?[^;]*(;.*extra\s*==\s*['\"](?P<extra>\w+)['\"])?"
)


@dataclass(frozen=True)
class Requirement:
    """A distribution that placecell or one of its extras asks for.

    Attributes:
        name: of the distribution.
        least: the smallest version that will do; empty for any.
        extra: which optional part asks; empty for placecell itself.
    """

    name: str
    least: str
    extra: str

    @property
    def module(self) -> str:
        """What is imported."""
        return MODULES.get(self.name, self.name.replace("-", "_"))

    @property
    def pip(self) -> str:
        """The requirement as pip takes it."""
        return f"{self.name}>={self.least}" if self.least else self.name


def parse_requirement(text: str) -> Requirement:
    """A line of the metadata (PEP 508, of which placecell uses the part that is understood here).

    >>> parse_requirement('rerun-sdk>=0.41; extra == "rerun"')
    Requirement(name='rerun-sdk', least='0.41', extra='rerun')
    """
    match = _REQUIREMENT.match(text)
    assert match is not None, text
    return Requirement(match["name"], match["least"] or "", match["extra"] or "")


def package_checks() -> Iterator[Check]:
    """Python, placecell, then a line for every required package and for every optional part."""
    yield _python()
    try:
        metadata = importlib.metadata.distribution("placecell")
    except importlib.metadata.PackageNotFoundError:
        fix = "pip install -e . in the checkout"
        yield Check("placecell", False, f"{__version__} is not installed, only on the path", fix)
        return
    where = Path(__file__).resolve().parents[2]
    yield Check("placecell", True, f"{metadata.version} from {where}")
    needed = [parse_requirement(text) for text in metadata.requires or []]
    for requirement in needed:
        if not requirement.extra:
            yield required_check(requirement)
    extras = dict.fromkeys(one.extra for one in needed if one.extra)
    for extra in extras:
        members = [one for one in needed if one.extra == extra and one.name != "placecell"]
        yield extra_check(extra, members)


def _python() -> Check:
    came, least = platform.python_version(), (3, 11)
    ok = sys.version_info >= least
    return Check("Python", ok, f"{came} ({sys.executable})", "" if ok else "use Python 3.11 or newer")


def required_check(requirement: Requirement) -> Check:
    """A package that has to be there, new enough, and to be imported without an error."""
    problem = found_problem(requirement)
    fix = f"pip install '{requirement.pip}'"
    if problem is None:
        try:
            importlib.import_module(requirement.module)
        except (Exception, SystemExit) as error:
            problem = f"does not import: {in_a_line(error)}"
            fix = f"pip install --force-reinstall '{requirement.pip}'"
    if problem is not None:
        return Check(requirement.name, False, problem, fix)
    return Check(requirement.name, True, importlib.metadata.version(requirement.name))


def extra_check(extra: str, members: list[Requirement]) -> Check:
    """An optional part: every package of it is there and new enough; they are not imported."""
    problems = [f"{one.name} {problem}" for one in members if (problem := found_problem(one))]
    name, gives = f"[{extra}]", GIVES.get(extra, "an optional part")
    if problems:
        fix = f"pip install 'placecell[{extra}]'"
        return Check(name, False, f"{gives}: {', '.join(problems)}", fix, required=False)
    versions = ", ".join(f"{one.name} {importlib.metadata.version(one.name)}" for one in members)
    return Check(name, True, f"{gives}: {versions}", required=False)


def found_problem(requirement: Requirement) -> str | None:
    """Why a package cannot be used, in a few words; None where it is there and new enough."""
    if importlib.util.find_spec(requirement.module) is None:
        return "not installed"
    try:
        came = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return "is on the path without its metadata"
    if requirement.least and _numbers(came) < _numbers(requirement.least):
        return f"{came} is older than {requirement.least}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    """The release of a version, ``2.6.0+cpu`` as (2, 6); what follows it is of no concern for ``>=``."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
