"""Parity with recordings of habitat-sim: the targets hold on the real one; bad recordings are told."""

import argparse
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import DataError
from placecell.scripts.bench.habitat_parity import read_golden, run

TARGETS = {
    "depth_median_error_m": ("<", 0.001),
    "depth_bad_fraction": ("<", 0.005),
    "geodesic_median_relative_error": ("<", 0.01),
    "geodesic_p95_relative_error": ("<", 0.03),
    "geodesic_unreachable": ("<", 1),
    "island_area_relative_error": ("<", 0.05),
    "sliding_final_distance_median_m": ("<", 0.25),
    "sliding_collision_agreement": (">", 0.95),
    "stopping_final_distance_median_m": ("<", 0.1),
    "stopping_collision_agreement": (">", 0.95),
}
UNJUDGED = {"geodesic_p99_relative_error"} | {
    f"{body}_free_step_{kind}_m" for body in ("sliding", "stopping") for kind in ("median", "p95")
}


@pytest.mark.real_data
def test_the_targets_hold_on_the_dungeon():
    data = Path(os.environ["PLACECELL_DATA"])
    mesh, golden = data / "meshes" / "dungeon.obj", data / "habitat_golden" / "dungeon.npz"
    rows = {row.name: row for row in run(argparse.Namespace(mesh=mesh, golden=golden, quick=True))}
    assert set(rows) == set(TARGETS) | UNJUDGED
    for name, (sign, target) in TARGETS.items():
        assert rows[name].value < target if sign == "<" else rows[name].value > target, rows[name]
        assert rows[name].target == f"{sign} {target:g}"
        assert rows[name].passed is True
    for name in UNJUDGED:
        assert rows[name].passed is None
    # The bodies step as habitat-sim's do, to a fraction of a millimetre, until something is in the way.
    for body in ("sliding", "stopping"):
        assert rows[f"{body}_free_step_p95_m"].value < 0.001
    assert rows["geodesic_p99_relative_error"].value < 0.03


META = {
    "image_height": 2, "image_width": 3, "horizontal_fov_deg": 90, "camera_height_m": 1,
    "agent_radius_m": 0.3, "agent_height_m": 1.5, "max_climb_m": 0.2, "max_slope_deg": 45,
    "navmesh_cell_size_m": 0.05, "navmesh_cell_height_m": 0.05, "forward_m": 0.25, "turn_deg": 30,
    "up_axis": "y", "simulator": "none",
}  # fmt: skip


def write(path, meta=META, without=(), **changed):
    arrays = {
        "position": np.array([[1.0, 2.0, 3.0]]), "yaw": np.zeros(1), "depth": np.ones((1, 2, 3), np.float32),
        "start": np.array([[1.0, 2.0, 3.0]]), "end": np.array([[4.0, 5.0, 6.0]]), "geodesic": np.ones(1),
        "island_area": np.array(9.0), "walk_action": np.zeros((1, 2), int),
    }  # fmt: skip
    for body in ("slide", "stop"):
        arrays |= {
            f"{body}_position": np.zeros((1, 3, 3)), f"{body}_yaw": np.zeros((1, 3)),
            f"{body}_collided": np.zeros((1, 2), bool),
        }  # fmt: skip
    arrays |= {"meta": np.array(meta if isinstance(meta, str) else json.dumps(meta)), **changed}
    np.savez(path, **{name: array for name, array in arrays.items() if name not in without})
    return path


def test_a_recording_is_turned_into_our_frame(tmp_path):
    golden = read_golden(write(tmp_path / "g.npz"))
    assert golden.arrays["position"].tolist() == [[1.0, -3.0, 2.0]]
    assert golden.arrays["end"].tolist() == [[4.0, -6.0, 5.0]]
    # Habitat's yaw 0 looks along -z, which is our north.
    assert golden.arrays["yaw"].tolist() == [math.pi / 2]
    assert golden.up_axis == "y"


def test_body_grid_and_camera_are_the_recordings_own(tmp_path):
    other = META | {"agent_radius_m": 1, "navmesh_cell_size_m": 0.1, "horizontal_fov_deg": 60, "up_axis": "z"}
    golden = read_golden(write(tmp_path / "g.npz", other))
    assert (golden.settings().radius_m, golden.settings().cell_size_m) == (1.0, 0.1)
    assert (golden.camera().width, golden.camera().height, golden.camera().hfov_deg) == (3, 2, 60.0)
    assert golden.up_axis == "z"


def refusal(path):
    with pytest.raises(DataError) as error:
        read_golden(path)
    text = str(error.value)
    assert text.startswith(f"expected a habitat-sim recording (.npz) at {path}, got ")
    assert text.endswith("; pass --golden a file of the form of habitat_golden/dungeon.npz")
    assert "\n" not in text
    return text.partition(", got ")[2].partition("; pass")[0]


def test_a_missing_recording(tmp_path):
    assert refusal(tmp_path / "nowhere.npz") == "no such file"


@pytest.mark.parametrize(
    "damage", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"no archive at all"]
)
def test_a_truncated_recording(tmp_path, damage):
    path = write(tmp_path / "g.npz")
    path.write_bytes(damage(path.read_bytes()))
    assert refusal(path).startswith("one that breaks off or is damaged (")


def test_bytes_that_changed_on_the_way(tmp_path):
    path = write(tmp_path / "g.npz", depth=np.full((1, 2, 3), 7.25, np.float32))
    path.write_bytes(path.read_bytes().replace(np.float32(7.25).tobytes(), np.float32(7.5).tobytes()))
    assert refusal(path).startswith("one that breaks off or is damaged (")


def test_a_folder_or_a_single_array_in_its_place(tmp_path):
    assert refusal(tmp_path).startswith("one that breaks off or is damaged (")
    with (tmp_path / "g.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    assert refusal(tmp_path / "g.npz") == "a single array"


def test_a_missing_array(tmp_path):
    assert refusal(write(tmp_path / "g.npz", without=("slide_yaw", "meta"))) == "one without slide_yaw, meta"


@pytest.mark.parametrize(
    ("meta", "came"),
    [({k: META[k] for k in META if k not in ("turn_deg", "up_axis")}, "a meta without turn_deg, up_axis"),
     (META | {"up_axis": "x"}, "a meta with the up axis 'x', neither y nor z"),
     (META | {"forward_m": "far"}, "a meta that is no JSON object of numbers (could not convert"),
     (META | {"forward_m": None}, "a meta that is no JSON object of numbers (float() argument"),
     ("{", "a meta that is no JSON object of numbers (Expecting property name"),
     ("3", "a meta that is no JSON object of numbers (argument of type 'int'"),
     ("[]", "a meta without image_height, ")],
)  # fmt: skip
def test_a_meta_that_does_not_say_enough(tmp_path, meta, came):
    assert refusal(write(tmp_path / "g.npz", meta)).startswith(came)
