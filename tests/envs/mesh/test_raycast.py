import importlib.metadata

import numpy as np
import pytest

from placecell.envs.mesh import embree
from placecell.envs.mesh.raycast import RayCaster
from placecell.envs.mesh.scene import Part, assemble
from placecell.errors import MissingPartError


def soup(rng, count=60):
    return assemble("soup", [Part(rng.normal(size=(3 * count, 3)), np.arange(3 * count).reshape(-1, 3))])


def brute_force(scene, origins, directions):
    """Moeller and Trumbore, every ray against every triangle, in float64."""
    a, b, c = np.moveaxis(scene.vertices[scene.faces].astype(np.float64), 1, 0)
    p = np.cross(directions[:, None], (c - a)[None])
    determinant = (p * (b - a)).sum(-1)
    s = origins[:, None] - a[None]
    u = (s * p).sum(-1) / determinant
    q = np.cross(s, (b - a)[None])
    v = (q * directions[:, None]).sum(-1) / determinant
    t = (q * (c - a)).sum(-1) / determinant
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    return t.min(1), np.where(np.isfinite(t.min(1)), t.argmin(1), -1)


@pytest.mark.parametrize("count", [1, 15, 16, 17, 1000])
def test_cast_agrees_with_brute_force_from_both_sides(count):
    rng = np.random.default_rng(count)
    scene = soup(rng)
    origins, directions = rng.normal(size=(2, count, 3))
    distances, faces = RayCaster(scene).cast(origins, directions)
    expected, expected_faces = brute_force(scene, origins, directions)
    same = faces == expected_faces
    assert same.mean() > 0.995 or (count < 200 and same.all())
    np.testing.assert_allclose(distances[same], expected[same], rtol=1e-4)
    assert ((faces == -1) == np.isinf(distances)).all()
    if count == 1000:
        assert 0.1 < (faces >= 0).mean() < 0.99  # the comparison saw hits and misses


def test_cast_agrees_with_embreex():
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    rng = np.random.default_rng(5)
    scene = soup(rng)
    peer = EmbreeScene()
    TriangleMesh(peer, np.ascontiguousarray(scene.vertices[scene.faces]))
    origins, directions = rng.normal(size=(2, 5000, 3)).astype(np.float32)
    hits = peer.run(origins, directions, query="INTERSECT", output=1)
    distances, faces = RayCaster(scene).cast(origins, directions)
    assert (hits["primID"] == faces).mean() > 0.999
    hit = (faces >= 0) & (hits["primID"] == faces)
    np.testing.assert_allclose(hits["tfar"][hit], distances[hit], rtol=1e-4)


def test_distance_is_in_lengths_of_the_direction():
    floor = assemble("floor", [Part(np.array([[-9.0, -9, 0], [9, -9, 0], [0, 9, 0]]), np.array([[0, 1, 2]]))])
    down = np.array([[0.0, 0, -1], [0, 0, -2], [0, 0, 1]])
    distances, faces = RayCaster(floor).cast(np.tile([0.0, 0, 3], (3, 1)), down)
    np.testing.assert_allclose(distances, [3, 1.5, np.inf])
    assert faces.tolist() == [0, 0, -1]


def test_no_rays():
    distances, faces = RayCaster(soup(np.random.default_rng(0))).cast(np.zeros((0, 3)), np.zeros((0, 3)))
    assert distances.shape == faces.shape == (0,)


def test_scene_is_released_with_its_caster():
    caster = RayCaster(soup(np.random.default_rng(0)))
    release = caster._embree._release
    assert release.alive
    del caster
    assert not release.alive


@pytest.mark.parametrize(
    ("distribution", "came"),
    [("no-such-wheel", "got no no-such-wheel"), ("numpy", "numpy without libembree4")],
)
def test_missing_library_says_what_to_install(distribution, came):
    with pytest.raises(MissingPartError, match=f"{came}; install it with `pip install .*embreex"):
        embree.find_library(distribution)


def test_library_that_does_not_load(monkeypatch, tmp_path):
    broken = tmp_path / "libembree4.so.4"
    broken.write_bytes(b"not a library")
    monkeypatch.setattr(embree, "find_library", lambda _: broken)
    with pytest.raises(MissingPartError, match=r"libembree4\.so\.4, which does not load"):
        embree.library.__wrapped__()


def test_the_wheel_carries_the_library():
    assert embree.find_library("embreex").is_file()
    assert importlib.metadata.version("embreex") >= "4.4"
