"""``placecell-memory diff`` and ``merge``."""

import json
import re

import numpy as np
import pytest
from tests.support.box_world import BED
from tests.support.two_sessions import FIRST, SECOND, T_FIRST_SECOND, session

from placecell.geometry import invert
from placecell.memory import Query, SpatialMemory, archive
from placecell.scripts.memory import main


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A session, another in a frame of its own, and that transform as a file."""
    folder = tmp_path_factory.mktemp("sessions")
    session(FIRST).save(folder / "a.placecell")
    session(SECOND, invert(T_FIRST_SECOND)).save(folder / "b.placecell")
    (folder / "T.json").write_text(json.dumps(T_FIRST_SECOND.tolist()))
    return folder


def run(saved, *arguments):
    return main([str(saved / a) if (saved / a).exists() else a for a in arguments])


def test_merge_by_a_file_writes_one_memory_and_says_how(saved, tmp_path, capsys):
    out = tmp_path / "c.placecell"
    code = run(saved, "merge", "a.placecell", "b.placecell", "--out", str(out), "--transform-file", "T.json")
    assert code == 0
    told = capsys.readouterr().out
    assert "transform (given)  x -3.210 m, y 4.570 m, z 0.830 m, yaw 132.35 degrees" in told
    assert "residual" in told
    assert "overlap" in told
    stored = archive.load(out)
    assert stored.provenance["merged"] == ["a.placecell", "b.placecell"]
    assert stored.provenance["transform"] == "given"
    assert len(SpatialMemory.load(out).long_term) == len(FIRST) + len(SECOND)


def test_merge_estimates_where_nothing_is_given(saved, tmp_path, capsys):
    out = tmp_path / "c.placecell"
    assert run(saved, "merge", "a.placecell", "b.placecell", "--out", str(out)) == 0
    assert "transform (estimated)" in capsys.readouterr().out
    told = archive.load(out).provenance
    np.testing.assert_allclose(told["T_a_b"], T_FIRST_SECOND, atol=0.02)
    assert told["residual_m"] < 0.03 < 0.8 < told["overlap"]
    # One bed, not two: the second's lies on the first's.
    beds = SpatialMemory.load(out).retrieve(Query(np.zeros(3), 99.0, category=BED), 9)
    assert sum(item.source == "octree" for item in beds.items) == 1


def test_what_does_not_overlap_is_one_line_and_nothing_is_written(saved, tmp_path, capsys):
    out = tmp_path / "c.placecell"
    given = "--transform=400,0,0,0"
    assert run(saved, "merge", "a.placecell", "b.placecell", "--out", str(out), given) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "expected maps that overlap" in told.err
    assert told.out == ""
    assert not out.exists()


def test_diff_as_text_and_as_json(saved, capsys):
    assert run(saved, "diff", "a.placecell", "a.placecell") == 0
    assert capsys.readouterr().out == "no difference\n"
    assert run(saved, "diff", "a.placecell", "b.placecell", "--json", "--transform-file", "T.json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["objects"] == {"came": [], "went": [], "moved": []}
    assert told["voxels"]["kept"] > 5000
    np.testing.assert_allclose(told["T_a_b"], T_FIRST_SECOND)
    assert run(saved, "diff", "a.placecell", "b.placecell", "--transform-file", "T.json") == 0
    text = capsys.readouterr().out
    assert "voxels   " in text
    assert "places   " in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--transform", "1,2,3"], "expected --transform x,y,z,yaw_deg"),
        (["--transform=1,2,3,nan"], "expected --transform x,y,z,yaw_deg"),
        (["--transform-file", "none.json"], r"a rigid 4x4 matrix as JSON in none\.json, got No such file"),
        (["--transform-file", "a.placecell"], "a rigid 4x4 matrix as JSON in .*a.placecell, got"),
        (["--estimate", "--transform=0,0,0,0"], "a transform or --estimate, got both"),
        (["--transform=0,0,0,0", "--transform-file", "T.json"], "not allowed with argument"),
    ],
)
def test_mistakes_are_one_line(saved, arguments, text, capsys):
    assert run(saved, "diff", "a.placecell", "b.placecell", *arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert re.search(text, told)


def test_a_file_that_is_no_memory_ends_with_1(saved, tmp_path, capsys):
    assert run(saved, "merge", "a.placecell", "T.json", "--out", str(tmp_path / "c")) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "c").exists()
