"""The suite's counting; its houses are looked at when it is run."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from placecell.envs.mesh.houses import CATEGORIES
from placecell.geometry import Pose
from placecell.memory.archives.alignment import Fit
from placecell.memory.archives.difference import ObjectChange
from placecell.scripts.bench import main, session_pairs
from placecell.scripts.bench.session_pairs import Changes, Laid
from placecell.scripts.bench.sessions import rows_of, rows_of_changes

GOOD = Fit(np.eye(4), residual_m=0.02, overlap=0.4, agreement=0.95, shared_m2=10.0, touching=900)


def named(rows):
    return {row.name: row for row in rows}


@pytest.mark.parametrize("worse", [{"overlap": 0.1}, {"agreement": 0.8}, {"shared_m2": 3.0}])
def test_a_fit_is_accepted_as_a_merge_accepts_it(worse):
    assert Laid(GOOD).accepted
    assert not Laid(replace(GOOD, **worse)).accepted


def test_errors_are_those_of_accepted_pairs():
    refused = Laid(replace(GOOD, overlap=0.05), error_m=9.0, yaw_error_deg=90.0)
    rows = named(rows_of("x", [Laid(GOOD, 0.01, 0.2), Laid(GOOD, 0.03, 0.1), refused], [Laid(GOOD)]))
    assert rows["x_right_pairs_accepted"].value == pytest.approx(2 / 3)
    assert (rows["x_worst_mean_error"].value, rows["x_worst_yaw_error"].value) == (0.03, 0.2)
    assert rows["x_wrong_pairs_accepted"].passed is False


def test_an_end_of_a_change_is_found_where_its_thing_was():
    chair = CATEGORIES.index("chair")
    things = {
        1: SimpleNamespace(category="chair", low=np.zeros(3), high=np.ones(3)),
        2: SimpleNamespace(category="chair", low=np.full(3, 5.0), high=np.full(3, 6.0)),
        3: SimpleNamespace(category="bed", low=np.full(3, 9.0), high=np.full(3, 10.0)),
    }
    told = [
        ObjectChange(chair, 20, (0.5, 0.5, 1.2), None),
        ObjectChange(chair, 20, (9.5, 9.5, 9.5), None),
    ]
    counts = Changes()
    world = SimpleNamespace(things=things)
    session_pairs._count(counts, world, {1, 2, 3}, {1, 2}, told, lambda change: change.before)
    assert counts == Changes(reported=2, right=1, true=2, found=1)
    rows = named(rows_of_changes(counts))
    assert (rows["diff_precision"].value, rows["diff_recall"].value) == (0.5, 0.5)


def test_two_sessions_stand_on_two_sides():
    poses = [Pose(float(x), 0.0, 0.0, 0.0) for x in range(10)]
    left, right = (session_pairs._part(poses, across) for across in (0.0, np.pi))
    assert [pose.x for pose in left] == [0, 1, 2, 3, 4]
    assert [pose.x for pose in right] == [5, 6, 7, 8, 9]


def test_one_house_makes_no_wrong_pair(tmp_path, capsys):
    assert main(["sessions", "--houses", "1", "--out", str(tmp_path)]) == 2
    assert "expected --houses of 2 or more, got 1" in capsys.readouterr().err
