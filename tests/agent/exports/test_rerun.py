"""Rerun recordings, opened again with Rerun's own reader."""

import io
import json

import numpy as np
import pytest
import recorded_walk
from PIL import Image

from placecell.agent.exports.rerun import export
from placecell.agent.exports.walked import Walked
from placecell.agent.recording import Recording
from placecell.geometry import Pinhole
from placecell.memory import GrowingMap


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded_walk.record_walk(tmp_path_factory.mktemp("walk") / "00004-a%201", forgets_at=3)


@pytest.fixture(scope="module")
def told(folder, tmp_path_factory):
    return opened(export(folder, tmp_path_factory.mktemp("out") / "walk.rrd"))


def opened(path):
    """``{entity path: {column: {step, or None for what is static: value}}}``."""
    from rerun.chunk import RrdReader

    found = {}
    for chunk in RrdReader(path).stream().to_chunks():
        batch = chunk.to_record_batch()
        steps = [None] if chunk.is_static else batch.column("step").to_pylist()
        for name in batch.schema.names:
            if name not in ("step", "rerun.controls.RowId"):
                rows = dict(zip(steps, batch.column(name).to_pylist(), strict=True))
                found.setdefault(chunk.entity_path, {}).setdefault(name, {}).update(rows)
    return found


def latest(rows, step):
    """What a viewer shows at a step: the last row at or before it."""
    before = [at for at in rows if at <= step]
    return rows[max(before)] if before else []


def series(told, entity):
    return {step: value for step, (value,) in told[entity]["Scalars:scalars"].items()}


def test_it_holds_everything_that_was_recorded(told):
    assert {path for path in told if "/map/" not in path} == {
        "/about", "/header", "/end", "/decision", "/collided", "/goal_in_view",
        "/memory/bytes", "/memory/items",
        "/measures/success", "/measures/distance_to_goal", "/measures/odd",
        "/world", "/world/body", "/world/true_path", "/world/collisions",
        "/world/episode", "/world/episode/path", "/world/episode/goals", "/world/episode/recalled",
        "/world/episode/camera", "/world/episode/camera/rgb", "/world/episode/camera/depth",
    }  # fmt: skip


def test_the_world_is_right_handed_with_z_up_and_knows_the_names_of_categories(told):
    right, forward, up = 3, 5, 1
    assert told["/world"]["ViewCoordinates:xyz"][None] == [[right, forward, up]]
    (context,) = told["/world"]["AnnotationContext:context"][None]
    labels = {entry["class_id"]: entry["class_description"]["info"]["label"] for entry in context}
    assert labels == {1: "chair", 2: "table"}


def test_images_come_back_pixel_for_pixel(told):
    seen = recorded_walk.observations(6)
    camera = told["/world/episode/camera"]
    (lens,), (resolution,), (axes,) = (
        camera[f"Pinhole:{name}"][0] for name in ("image_from_camera", "resolution", "camera_xyz")
    )
    assert np.reshape(lens, (3, 3)).T.tolist() == [[12, 0, 12], [0, 12, 12], [0, 0, 1]]
    assert (resolution, axes) == ([24, 24], [3, 2, 5])
    rgb, depth = told["/world/episode/camera/rgb"], told["/world/episode/camera/depth"]
    assert list(rgb["EncodedImage:blob"]) == list(depth["DepthImage:buffer"]) == list(range(6))
    for step, observation in enumerate(seen):
        (png,) = rgb["EncodedImage:blob"][step]
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(bytes(png)))), observation["rgb"])
        (buffer,) = depth["DepthImage:buffer"][step]
        exact = np.frombuffer(bytes(buffer), "<f4").reshape(24, 24)
        np.testing.assert_array_equal(exact, observation["depth"])
    assert set(map(tuple, depth["DepthImage:meter"].values())) == {(1.0,)}


def test_the_camera_is_where_it_was_in_the_world(told):
    def T(entity, step):
        from scipy.spatial.transform import Rotation

        columns = told[entity]
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_quat(columns["Transform3D:quaternion"][step][0]).as_matrix()
        matrix[:3, 3] = columns["Transform3D:translation"][step][0]
        return matrix

    for step in range(6):
        T_world_camera = T("/world/episode", None) @ T("/world/episode/camera", step)
        np.testing.assert_allclose(T_world_camera[:3, 3], [2, 3 + 0.25 * step, 0.5 + 1.25], atol=1e-6)
        np.testing.assert_allclose(T_world_camera[:3, 2], [0, 1, 0], atol=1e-6)  # it looks north
    bodies = told["/world/body"]["Transform3D:translation"]
    assert {step: place for step, (place,) in bodies.items()} == {i: [2, 3 + 0.25 * i, 0.5] for i in range(7)}


def test_paths_goals_and_collisions(told):
    (path,), (true_path,) = (
        told[entity]["LineStrips3D:strips"][None] for entity in ("/world/episode/path", "/world/true_path")
    )
    assert path == [[0.25 * i, 0, 0] for i in range(6)]
    assert true_path == [[2, 3 + 0.25 * i, 0.5] for i in range(7)]
    assert told["/world/episode/goals"]["Points3D:positions"][None] == [recorded_walk.GOAL]
    assert told["/world/collisions"]["Points3D:positions"][None] == [[2, 3.75, 0.5]]


def test_what_followed_an_action_stands_at_the_next_moment(told):
    assert series(told, "/measures/distance_to_goal") == {i + 1: 10.0 - i for i in range(6)}
    assert series(told, "/measures/odd") == {2: 1.0}  # infinite at the others
    assert series(told, "/collided") == {1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: 0}
    assert list(series(told, "/goal_in_view").values()) == [0, 0, 0, 0, 0, 1]


def test_what_was_decided_stands_at_its_own_moment(told, folder):
    texts = told["/decision"]["TextLog:text"]
    assert texts[1] == ['move_forward: {"mode": "straight", "recalled": 3}']
    steps = Recording.read(folder).steps
    assert series(told, "/memory/items") == {step.index: step.memory["items"] for step in steps}


def test_recalled_items_are_points_with_scores_and_go_when_nothing_is_recalled(told, folder):
    recalled = told["/world/episode/recalled"]
    assert recalled["Points3D:positions"][0] == recalled["Scalars:scalars"][0] == []
    for step in Recording.read(folder).steps[1:]:
        expected = [item.position.astype(np.float32).tolist() for item in step.recalled]
        assert len(expected) == 3
        assert recalled["Points3D:positions"][step.index] == expected
        assert recalled["Scalars:scalars"][step.index] == [item.score for item in step.recalled]
        first = step.recalled[0]
        label = f"chair {first.score:.2f}, {first.age_steps} steps ago"
        assert recalled["Points3D:labels"][step.index][0] == label


def test_at_every_step_the_map_is_the_memorys_and_what_it_forgot_is_gone(told, folder):
    recording, whole, sizes = Recording.read(folder), GrowingMap(), []
    blocks = [columns for path, columns in told.items() if "/map/" in path]
    assert len(blocks) > 10
    for step in range(6):
        whole.apply(recording.growth(step))
        shown = [point for block in blocks for point in latest(block["Points3D:positions"], step)]
        ids = [label for block in blocks for label in latest(block["Points3D:class_ids"], step)]
        cells = np.floor(np.array(shown) / whole.cell_m).astype(int)
        assert sorted(zip(map(tuple, cells.tolist()), ids)) == sorted(
            zip(map(tuple, whole.cells.tolist()), whole.labels.tolist())
        )
        sizes.append(len(shown))
    assert sizes[3] < sizes[2]


def test_header_and_end_are_there_to_read(told, folder):
    for path, expected in (("/header", Recording.read(folder).header), ("/end", Recording.read(folder).end)):
        (text,) = told[path]["TextDocument:text"][None]
        assert json.loads(text.removeprefix("```json\n").removesuffix("\n```")) == expected


def test_a_light_recording_gives_all_but_images_and_map_and_says_so(tmp_path, folder, told):
    light = opened(export(recorded_walk.record_walk(tmp_path / "w", level="light"), tmp_path / "w.rrd"))
    images = {"/world/episode/camera/rgb", "/world/episode/camera/depth"}
    assert set(light) == {path for path in told if "/map/" not in path} - images
    (text,) = light["/about"]["TextDocument:text"][None]
    assert "no images and no map: recorded with record=light" in text
    entity = "/world/episode/camera"
    assert light[entity] == told[entity]  # of the body's pose, where no frame holds the camera's


def test_frames_of_every_other_step(tmp_path):
    told = opened(export(recorded_walk.record_walk(tmp_path / "w", every=2), tmp_path / "w.rrd"))
    assert list(told["/world/episode/camera/rgb"]["EncodedImage:blob"]) == [0, 2, 4, 5]
    assert list(told["/decision"]["TextLog:text"]) == list(range(6))
    assert "images and map of 4 of 6 steps" in told["/about"]["TextDocument:text"][None][0]


def test_an_environment_that_tells_no_poses(tmp_path):
    told = opened(export(recorded_walk.record_walk(tmp_path / "w", truth=False), tmp_path / "w.rrd"))
    absent = {"/world/body", "/world/true_path", "/world/collisions", "/world/episode/goals", "/collided"}
    assert absent.isdisjoint(told)
    assert told["/world/episode"]["Transform3D:translation"][None] == [[0, 0, 0]]
    assert "no true poses" in told["/about"]["TextDocument:text"][None][0]


def test_the_same_episode_has_the_same_identity(tmp_path, folder):
    from rerun.chunk import RrdReader

    paths = [export(folder, tmp_path / f"{name}.rrd") for name in "ab"]
    paths.append(export(recorded_walk.record_walk(tmp_path / "other", steps=2), tmp_path / "c.rrd"))
    (a,), (b,), (c,) = (RrdReader(path).recordings() for path in paths)
    assert a == b
    assert a.application_id == "placecell"
    assert a.recording_id != c.recording_id


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 9, 16, 17])
def test_no_number_of_steps_is_taken_for_something_else(tmp_path, steps):
    told = opened(export(recorded_walk.record_walk(tmp_path / "w", steps=steps), tmp_path / "w.rrd"))
    camera = told["/world/episode/camera"]["Transform3D:translation"]
    assert camera == {i: [[0.25 * i, 0, 1.25]] for i in range(steps)}
    assert list(told["/world/episode/camera/rgb"]["EncodedImage:blob"]) == list(range(steps))
    depth = told["/world/episode/camera/depth"]["DepthImage:buffer"]
    assert [len(depth[i][0]) for i in range(steps)] == [4 * 24 * 24] * steps
    assert len(told["/world/body"]["Transform3D:quaternion"]) == steps + 1
    assert series(told, "/measures/distance_to_goal") == {i + 1: 10 - i for i in range(steps)}
    if steps > 1:
        recalled = told["/world/episode/recalled"]
        assert [len(recalled["Points3D:labels"][i]) for i in range(steps)] == [0, *[3] * (steps - 1)]
        assert {len(told["/world/episode/recalled"]["Points3D:colors"][i]) for i in range(steps)} == {1}
        assert told["/world/episode/path"]["LineStrips3D:strips"][None] == [
            [[0.25 * i, 0, 0] for i in range(steps)]
        ]


def test_a_lens_is_said_again_when_it_is_another(tmp_path, monkeypatch):
    lenses = [Pinhole.from_hfov(24, 24, angle) for angle in (1.0, 1.0, 1.2, 1.0)]
    camera = Walked.camera
    monkeypatch.setattr(Walked, "camera", lambda self, step: (lenses[step], camera(self, step)[1]))
    told = opened(export(recorded_walk.record_walk(tmp_path / "w", steps=4), tmp_path / "w.rrd"))
    matrices = told["/world/episode/camera"]["Pinhole:image_from_camera"]
    assert {step: pytest.approx(lenses[step].fx, rel=1e-6) for step in (0, 2, 3)} == {
        step: matrix[0] for step, (matrix,) in matrices.items()
    }
