"""How the benchmarks of numbers and bird's-eye images count."""

import argparse
import json

import numpy as np
import pytest

from placecell.errors import ConfigError
from placecell.scripts import bench
from placecell.scripts.bench import markers, memory_bev
from placecell.scripts.bench.marker_score import Score, Tally, kinds_of
from placecell.scripts.bench.marker_survey import Surfaces, survey


def test_a_tally_counts_by_kind():
    tally = Tally()
    tally.add(True, kinds_of(1.0, 0.05))
    tally.add(False, kinds_of(2.0, 0.05))
    tally.add(True, kinds_of(7.0, 1.0))
    assert tally.share() == pytest.approx(2 / 3)
    assert tally.share("hidden_0_to_0.1") == 0.5
    assert tally.share("0_to_1.5_m") == 1
    assert np.isnan(tally.share("3_to_5_m"))


def test_bands_have_their_lower_ends():
    assert kinds_of(0.0, 0.0) == ("0_to_1.5_m", "hidden_0_to_0.1")
    assert kinds_of(1.5, 0.1) == ("1.5_to_3_m", "hidden_0.1_to_0.5")
    assert kinds_of(4.9, 1.0) == ("3_to_5_m", "hidden_0.5_to_1")
    assert kinds_of(5.0, 1.0) == ()


def test_a_house_is_numbered_well():
    score = markers.measure(markers.Case("few", (64, 64), 1), 0.1)
    assert score.precision.of["all"] > 60
    assert score.precision.share() > 0.9
    assert score.recall.share() > 0.8
    assert 0.9 < score.kept.share() <= score.told.share()
    assert score.kept.of == score.told.of
    rows = {row.name: row for row in markers.rows_of("few", score)}
    assert rows["few_precision"].value == score.precision.share()
    assert rows["few_recall_3_to_5_m"].unit.startswith("of ")
    assert rows["few_number_kept_or_told"].value == score.told.share()
    assert len(rows) >= 15


def test_the_suite_runs_by_its_name(tmp_path, monkeypatch):
    few = Score()
    asked = []
    monkeypatch.setattr(
        markers, "measure", lambda case, voxel_size_m: asked.append((case, voxel_size_m)) or few
    )
    assert bench.main(["markers", "--out", str(tmp_path), "--quick", "--voxel", "0.2"]) == 0
    assert [(case.name, case.houses, voxel) for case, voxel in asked] == [
        ("128x128", 2, 0.2), ("128x128_noise_low", 2, 0.2), ("640x480", 1, 0.2),
    ]  # fmt: skip
    names = {row["name"] for row in json.loads((tmp_path / "bench.json").read_text())}
    assert {"128x128_precision", "128x128_noise_low_recall", "640x480_switches"} <= names


def test_a_suite_that_is_asked_wrongly_is_one_line(tmp_path, capsys):
    assert bench.main(["markers", "--out", str(tmp_path), "--houses", "0"]) == 2
    assert "expected houses of 1 or more, got 0; set --houses N" in capsys.readouterr().err


def test_what_something_else_hides_is_known_from_the_survey():
    views = [view for view, _ in zip(survey(0, (48, 48)), range(36))]
    surfaces = Surfaces(views)
    shares = [surfaces.hidden(view) for view in views]
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)
    assert (
        0.02
        < np.mean(
            [
                share[view.instances[view.instances > 0]].mean()
                for view, share in zip(views, shares)
                if (view.instances > 0).any()
            ]
        )
        < 0.5
    )


def test_houses_must_be_some():
    with pytest.raises(ConfigError, match="houses of 1 or more, got 0"):
        markers.run(argparse.Namespace(houses=0, voxel=0.1, quick=True))


def test_the_peer_of_the_bird_s_eye_rows_draws_the_same():
    points, colours = memory_bev.cloud(20_000)
    points[:, 0] -= 1.0
    heights, image = memory_bev.top_down(points, colours, memory_bev._BOUNDS, memory_bev._SIZE)
    expected_heights, expected = memory_bev.highest_coloured(points, colours)
    np.testing.assert_array_equal(heights, expected_heights)
    np.testing.assert_array_equal(image, expected)
