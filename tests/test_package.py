"""The package as others get it: sdist, wheel, installed elsewhere, used from elsewhere."""

import glob
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = [
    "placecell-bench",
    "placecell-data",
    "placecell-doctor",
    "placecell-memory",
    "placecell-replay",
    "placecell-run",
    "placecell-train",
]
LEARNED = [
    "agent/perception/segmenter.safetensors",
    "agent/policies/expectation.json",
    "agent/policies/routes/habits.json",
    "memory/reversible.safetensors",
]


def python(*arguments, cwd, **environment):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PLACECELL"))}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The sdist, and the wheel that is made from it (not from the checkout)."""
    source = tmp_path_factory.mktemp("checkout") / "placecell"
    source.mkdir()
    for name in (
        "agent",
        "conf",
        "envs",
        "memory",
        "scripts",
        "src",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    ):
        if (ROOT / name).exists():
            subprocess.run(["cp", "-a", ROOT / name, source / name], check=True)
    (source / "README.md").touch()
    out = tmp_path_factory.mktemp("dist")
    python("-m", "build", "--no-isolation", "--outdir", out, source, cwd=out)
    return out


@pytest.fixture(scope="session")
def installed(built, tmp_path_factory):
    """A folder that holds the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("elsewhere")
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--target", target]
    python("-m", "pip", "install", *options, *built.glob("*.whl"), cwd=built)
    return target


def modules_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*.py") if "__pycache__" not in p.parts}


def test_the_sdist_holds_real_files_behind_the_links(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    for name in ("memory/frame.py", "agent/loop.py", "envs/episode.py", "scripts/run.py", "conf/run.yaml"):
        assert members[f"src/placecell/{name}"].isfile()
    assert members["LICENSE"].isfile()


def test_the_wheel_holds_every_module_and_config_and_no_more(built):
    (path,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(path).namelist() if name.startswith("placecell/")}
    ground_floor = {p.name for p in (ROOT / "src" / "placecell").glob("*.py")}
    assert ground_floor >= {"__init__.py", "errors.py", "geometry.py", "arrays.py"}
    modules = {f"placecell/{name}" for name in (*ground_floor, "py.typed")}
    for folder in ("agent", "conf", "envs", "memory", "scripts"):
        modules |= {f"placecell/{folder}/{name}" for name in modules_of(ROOT / folder)}
    # glob goes through links to folders (conf/train/attention), which rglob does not
    configs = {f"placecell/{name}" for name in glob.glob("conf/**/*.yaml", root_dir=ROOT, recursive=True)}
    pages = ROOT / "agent" / "replay" / "page" / "assets"
    assets = {f"placecell/{p.relative_to(ROOT).as_posix()}" for p in pages.iterdir()}
    assert names == modules | configs | assets | {f"placecell/{name}" for name in LEARNED}


def test_the_installed_package_is_complete_and_found_from_elsewhere(installed, tmp_path):
    script = """
import importlib.metadata, importlib.resources, pkgutil, placecell
print(placecell.__file__)
for module in pkgutil.walk_packages(placecell.__path__, "placecell."):
    __import__(module.name)
print(importlib.resources.files("placecell").joinpath("py.typed").is_file())
print(sorted(e.name for e in importlib.metadata.distribution("placecell").entry_points if e.load()))
"""
    found, typed, commands = python("-c", script, cwd=tmp_path, PYTHONPATH=str(installed)).splitlines()
    assert Path(found).is_relative_to(installed)
    assert typed == "True"
    assert commands == str(COMMANDS)
    for command in COMMANDS:
        assert (installed / "bin" / command).is_file()


def test_the_installed_configs_compose(installed, toybot_installed, tmp_path):
    path = os.pathsep.join(map(str, (installed, toybot_installed)))
    arguments = ["env=corridor", "agent=walker", "task=stroll", "episodes=1", "out=here"]
    printed = python(installed / "bin" / "placecell-run", *arguments, cwd=tmp_path, PYTHONPATH=path)
    assert "1 of 1 episodes done; look into here" in printed
    sources = python(
        installed / "bin" / "placecell-run", "--info", "searchpath", cwd=tmp_path, PYTHONPATH=path
    )
    assert "pkg://placecell.conf" in sources
