"""What every test gets: shape checks on, real data by marker, and a stranger's package to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

assert "placecell" not in sys.modules, (
    "a plugin imported placecell before the shape checks could be switched on"
)
os.environ["PLACECELL_TYPECHECK"] = "1"
# Small tensors gain nothing from several threads, which wait for each other by spinning.
for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

collect_ignore = ["toybot"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """A cache of the tests' own, for this process and those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACECELL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items):
    if os.environ.get("PLACECELL_DATA"):
        return
    skip = pytest.mark.skip(reason="PLACECELL_DATA is not set: point it at the folder with the real data")
    for item in items:
        if "real_data" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def toybot_installed(tmp_path_factory):
    """A folder into which pip has installed tests/toybot, its entry points included."""
    source = tmp_path_factory.mktemp("source") / "toybot"
    shutil.copytree(Path(__file__).parent / "toybot", source)
    target = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target, source],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


@pytest.fixture
def toybot(toybot_installed, monkeypatch):
    """The same, importable in this process."""
    monkeypatch.syspath_prepend(str(toybot_installed))
    return toybot_installed
