"""The picture of a step: a PNG that opens, or one line that says why there is none."""

import pytest
from PIL import Image

from placecell.scripts.picture import main

QUICK = ["--episode", "0", "--step", "2", "--size", "32"]


def test_a_picture_of_the_builtin_home(tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path / "step.png")]) == 0
    with Image.open(tmp_path / "step.png") as picture:
        assert picture.height == 480
    assert "step 2 of episode 0: look at" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--out", "nowhere/step.png"], "a file that can be written: nowhere/step.png, got No such file"),
        (["--out", "step.png", "--scene", "nope.obj"], "a scene file at nope.obj, got no such file; check"),
        (
            ["--out", "step.png", "--episode", "-1"],
            "a count of 1 or more, got 0; ask for one episode or more",
        ),
    ],
)
def test_a_mistake_is_one_line(options, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*QUICK, *options]) == 2
    told = capsys.readouterr().err.strip()
    assert line in told
    assert len(told.splitlines()) == 1
