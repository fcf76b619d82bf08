import argparse

import numpy as np
import pytest

from placecell.envs.mesh.builtin import builtin_scene
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.renderer import Renderer
from placecell.scripts.bench import render


@pytest.fixture(scope="module")
def scene():
    return builtin_scene()


def test_both_ways_draw_the_same_images(scene):
    """A comparison of speed is worth nothing unless the same work is done."""
    renderer, plain = Renderer(scene), render.PlainRenderer(scene)
    camera = Camera(width=96, height=64, height_m=1.25, max_depth_m=4.0)
    for pose in render.viewpoints(scene, renderer, 6):
        T = camera.T_world_camera(pose)
        ours, theirs = renderer.render(camera, T), plain.render(camera, T)
        for name in ("rgb", "depth", "instance", "category"):
            assert getattr(ours, name).shape == getattr(theirs, name).shape
        close = np.abs(ours.rgb.astype(int) - theirs.rgb).max(-1) <= 2
        assert close.mean() > 0.999
        assert (np.abs(ours.depth - theirs.depth) < 1e-3).mean() > 0.999
        assert (ours.instance == theirs.instance).mean() > 0.999
        assert (ours.category == theirs.category).mean() > 0.999
        assert (ours.depth == 0).any() or ours.depth.max() <= 4


def test_viewpoints_are_inside_and_repeat(scene):
    renderer = Renderer(scene)
    poses = render.viewpoints(scene, renderer, 7)
    assert poses == render.viewpoints(scene, renderer, 7)
    camera = Camera(width=16, height=16, height_m=1.25)
    for pose in poses:
        assert (renderer.render(camera, camera.T_world_camera(pose)).depth > 0).all()


def test_rows_name_sizes_peer_and_target(monkeypatch, tmp_path):
    monkeypatch.setattr(render, "_SIZES", ((16, 16), (32, 32)))
    monkeypatch.setattr(render, "_cores", lambda *_: [])
    file = tmp_path / "floor.obj"
    file.write_text("v -5 0 5\nv 5 0 5\nv 0 0 -5\nf 1 2 3\n")
    parser = argparse.ArgumentParser()
    render.add_arguments(parser)
    args = parser.parse_args(["--mesh", str(file)])
    args.quick = True
    first, second = render.run(args)
    assert (first.name, second.name) == ("render_16x16", "render_32x32")
    assert first.unit == "frames/s"
    assert first.peer == "embreex + NumPy"
    assert first.ratio == pytest.approx(first.value / first.peer_value)
    assert first.target is not None
    assert "1.8" in first.target
    assert first.passed == (first.ratio >= 1.8)
    assert second.target is None


def test_frames_on_one_and_two_cores(scene):
    renderer = Renderer(scene)
    rows = render._cores(renderer, render.viewpoints(scene, renderer, 2), seconds=0.05)
    assert [row.name for row in rows] == ["render_128x128_one_core", "render_128x128_two_cores"]
    assert all(row.value > 0 for row in rows)
