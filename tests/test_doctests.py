"""Docstrings' examples, under the modules' real names: collected as files, classes would exist twice."""

import doctest
import os
from importlib import import_module
from pathlib import Path

import pytest

import placecell

PACKAGE = Path(placecell.__file__).parent
FILES = [Path(top, name) for top, _, names in os.walk(PACKAGE, followlinks=True) for name in sorted(names)]
MODULES = sorted(
    ".".join(("placecell", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in FILES
    if path.suffix == ".py"
)


def test_every_folder_is_walked():
    folders = {"agent", "conf", "envs", "memory", "scripts", "errors"}
    assert {name.split(".")[1] for name in MODULES if "." in name} >= folders


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name):
    module = import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
