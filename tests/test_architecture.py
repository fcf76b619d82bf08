"""What no linter checks: shape checks are on, files stay short, tests use the package as its users do."""

import ast
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from placecell.geometry import Pinhole
from placecell.memory import Frame

ROOT = Path(__file__).parents[1]
FOLDERS = ("memory", "envs", "agent", "conf", "scripts")
SOURCES = [path for folder in (*FOLDERS, "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
SOURCES += sorted((ROOT / "src" / "placecell").glob("*.py"))


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_the_folders_are_links_to_the_ones_at_the_top():
    for folder in FOLDERS:
        link = ROOT / "src" / "placecell" / folder
        assert link.is_symlink()
        assert link.readlink() == Path("..", "..", folder)


def test_shape_checks_are_on_in_tests():
    camera = Pinhole.from_hfov(4, 3, 1.0)
    with pytest.raises(TypeCheckError, match="depth"):
        Frame(np.eye(4), camera, np.zeros((3, 4, 1), np.float32))
    with pytest.raises(TypeCheckError, match="T_world_camera"):
        Frame(np.eye(3), camera, np.zeros((3, 4), np.float32))


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_a_file_has_400_lines_at_most_and_imports_by_the_full_name(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            roots = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            roots = {(node.module or "").split(".")[0]}
        else:
            continue
        assert not roots & {*FOLDERS, "src"}, (
            f"line {node.lineno}: import placecell.{'|'.join(roots)} instead"
        )


def test_no_file_names_a_place_of_somebodys_machine():
    for path in [*SOURCES, ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]:
        text = path.read_text(encoding="utf-8")
        assert not any(
            place in text for place in ("/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/o" + "pt/")
        ), path
