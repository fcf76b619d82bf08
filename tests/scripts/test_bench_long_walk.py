import argparse
import json

import numpy as np
import pytest

from placecell.scripts import bench
from placecell.scripts.bench import street_walk
from placecell.scripts.bench.long_walk import Log, rows_of

STEPS = 1000
CAP = 1_000_000


def log_of(growth=1.0, slower=1.0, over=False):
    """A walk that is full after 100 steps, of which the last tenth is as said."""
    log = Log(STEPS)
    log.nbytes[:], log.write_s[:], log.ask_s[:], log.resident[:] = CAP, 2e-3, 1e-3, 100 * CAP
    log.nbytes[500] += over
    log.write_s[-100:] *= slower
    log.resident[-5:] = int(growth * 100 * CAP)
    log.full = 100
    return log


def judged(log):
    return {row.name: row.passed for row in rows_of(log, CAP) if row.passed is not None}


def test_a_walk_under_its_cap_whose_memory_and_steps_stay_alike_passes():
    assert set(judged(log_of()).values()) == {True}
    assert len(judged(log_of())) == 5


@pytest.mark.parametrize(
    ("how", "failed"),
    [
        ({"over": True}, {"most_bytes_after_a_step"}),
        ({"growth": 1.03}, {"memory_growth"}),
        ({"slower": 1.3}, {"write_end_to_full", "write_end_to_start"}),
    ],
)
def test_what_grows_fails(how, failed):
    assert {name for name, passed in judged(log_of(**how)).items() if not passed} == failed


def test_memory_that_was_given_back_once_does_not_hide_what_grows_from_then_on():
    log = log_of()
    log.resident[:20] = 150 * CAP
    assert judged(log)["memory_growth"]
    log.resident[-5:] = 103 * CAP
    assert not judged(log)["memory_growth"]


def test_a_walk_that_never_reached_its_cap_says_so():
    log = log_of()
    log.full = None
    assert not judged(log)["cap_reached_after"]


def test_a_short_walk_by_the_command(tmp_path):
    arguments = ["--steps", "100", "--max-mib", "2", "--side", "8", "--quick"]
    assert bench.main(["long_walk", "--out", str(tmp_path), *arguments]) == 0
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert rows["most_bytes_after_a_step"]["passed"]
    assert rows["cap_reached_after"]["passed"]
    assert rows["write_end_to_full"]["target"] is None
    report = json.loads((tmp_path / "long_walk.json").read_text())
    assert len(report["hundredths"]) == 100
    assert max(part["nbytes"] for part in report["hundredths"]) <= 2 * 2**20
    assert report["dropped"]["octree"]["nbytes"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "20"], "--steps of at least 100"),
        (["--max-mib", "0.1"], "max_bytes of at least 262144"),
        (["--policy", "newest"], "a budget's policy: oldest"),
    ],
)
def test_what_cannot_be_walked_is_one_line(tmp_path, capsys, arguments, said):
    assert bench.main(["long_walk", "--out", str(tmp_path), "--quick", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_walk_goes_through_the_streets_and_shows_the_towers():
    frames = list(street_walk.walk(120, 6))
    at = np.array([frame.T_world_camera[:3, 3] for frame in frames])
    apart = np.linalg.norm(np.diff(at, axis=0), axis=1)
    np.testing.assert_allclose(apart, street_walk.BLOCK_M / street_walk.STEPS_A_BLOCK, atol=1e-6)
    assert at.min() > 0
    assert (at[:, :2] <= 6 * street_walk.BLOCK_M).all()
    on_a_street = np.abs(at[:, :2] / street_walk.BLOCK_M - np.round(at[:, :2] / street_walk.BLOCK_M)) < 1e-6
    assert on_a_street.any(1).all()
    again = list(street_walk.walk(120, 6))[-1]
    np.testing.assert_array_equal(again.depth, frames[-1].depth)
    assert not np.array_equal(list(street_walk.walk(120, 6, seed=1))[-1].depth, frames[-1].depth)


def test_depths_meet_a_tower_where_it_stands():
    frame = next(iter(street_walk.walk(1, 6)))
    points = frame.camera.backproject(frame.depth)[frame.labels > 0]
    world = points @ frame.T_world_camera[:3, :3].T + frame.T_world_camera[:3, 3]
    labels = frame.labels[frame.labels > 0]
    assert len(labels) > 50
    middles = (np.floor(world[:, :2] / street_walk.BLOCK_M) + 0.5) * street_walk.BLOCK_M
    radii = np.linalg.norm(world[:, :2] - middles, axis=1)
    for tower in np.unique(middles, axis=0):
        own = (middles == tower).all(1)
        np.testing.assert_allclose(radii[own], radii[own][0], atol=1e-3)
        assert len(np.unique(labels[own])) == 1


def test_its_options_are_shown():
    parser = argparse.ArgumentParser()
    bench.suite("long_walk").add_arguments(parser)
    assert parser.parse_args([]).policy == "oldest"
