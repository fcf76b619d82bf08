import hashlib
import io
import json
import struct

import numpy as np
import pytest
import trimesh
from built_houses import built, edited, scene_of
from PIL import Image

from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses import make_house, save_house
from placecell.envs.mesh.houses.save import glb_bytes, png_bytes
from placecell.envs.mesh.houses.sheet import lookout
from placecell.envs.mesh.loading import load_scene
from placecell.envs.mesh.renderer import Renderer
from placecell.errors import SceneError

# Of house-train-5.glb. It changes with any change to plans, furniture or rules, and must not otherwise:
# python -c "from placecell.envs.mesh.houses import *; save_house(house_named('house-train-5'), 'h.glb')"
SMALL_HOUSE_SHA256 = "b84773743c0daed5b091e101ebf21a7ce8a33fa9620c18d82f894fc653aaf6ec"
CAMERA = Camera(width=96, height=96, height_m=1.2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    house = built("train", 3)
    path = tmp_path_factory.mktemp("glb") / "deeper" / "house.glb"
    save_house(house, path)
    return house, path


def header_of(content):
    length = struct.unpack("<I", content[12:16])[0]
    return json.loads(content[20 : 20 + length])


def test_loaded_again_it_looks_the_same_from_everywhere(saved):
    house, path = saved
    ours, loaded = Renderer(scene_of(house)), Renderer(load_scene(path))
    assert ours.scene.categories == loaded.scene.categories
    for room in range(len(house.plan.rooms)):
        T = CAMERA.T_world_camera(lookout(house, room))
        a, b = ours.render(CAMERA, T), loaded.render(CAMERA, T)
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.depth, b.depth)
        np.testing.assert_array_equal(a.category, b.category)
        # Numbers are the file's own, the partition is ours: one number there for each thing here. Walls,
        # floors and ceilings, which are nobody's, are a thing each in the file.
        pairs = {*zip(a.instance.ravel().tolist(), a.category.ravel().tolist(), b.instance.ravel().tolist())}
        assert len(pairs) == len({(i, c) for i, c, _ in pairs}) == len({n for _, _, n in pairs})
        assert len(pairs) > 5


def test_the_scene_itself_comes_back(saved):
    house, path = saved
    scene, loaded = scene_of(house), load_scene(path)
    for name in ("vertices", "faces", "uv", "vertex_colors", "face_material", "category_id"):
        np.testing.assert_array_equal(getattr(scene, name), getattr(loaded, name), err_msg=name)
    assert scene.materials == loaded.materials
    assert len(scene.textures) == len(loaded.textures) > 5


def test_an_edited_house_can_be_saved(tmp_path):
    house = edited("train", 5, 1)
    save_house(house, tmp_path / "edited.glb")
    np.testing.assert_array_equal(load_scene(tmp_path / "edited.glb").vertices, scene_of(house).vertices)


def test_nodes_are_named_and_labelled(saved):
    house, path = saved
    header = header_of(path.read_bytes())
    labels = {node["name"]: node["extras"]["category"] for node in header["nodes"]}
    for piece in house.furniture:
        assert labels[f"{piece.category}_{piece.instance}"] == piece.category
    assert labels["wall_0"] == "wall"
    assert "extensionsRequired" not in header
    assert len(labels) == len(header["nodes"])


def test_another_reader_sees_the_same_triangles(saved):
    house, path = saved
    loaded = trimesh.load_scene(path)
    mesh = loaded.to_mesh()
    scene = scene_of(house)
    assert len(mesh.faces) == len(scene.faces)
    low, high = scene.bounds
    np.testing.assert_allclose(
        mesh.bounds, [[low[0], low[2], -high[1]], [high[0], high[2], -low[1]]], atol=1e-4
    )
    names = set(loaded.graph.nodes_geometry)
    piece = next(p for p in house.furniture if len(p.parts()) == 1)
    assert f"{piece.category}_{piece.instance}" in names


def test_the_same_house_gives_the_same_bytes_on_any_machine():
    content = glb_bytes(make_house("train", 5))
    assert content == glb_bytes(built("train", 5))
    assert hashlib.sha256(content).hexdigest() == SMALL_HOUSE_SHA256


def test_textures_are_stored_and_come_back():
    rng = np.random.default_rng(0)
    for height, width in ((1, 1), (64, 64), (200, 300)):  # the last needs several stored blocks
        texture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        content = png_bytes(texture)
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            np.testing.assert_array_equal(np.array(image), texture)
        assert len(content) > texture.nbytes


def test_another_ending_is_one_line(tmp_path):
    with pytest.raises(
        SceneError, match=r"^expected a house to be saved as .glb, got .*house.obj; give the file"
    ):
        save_house(built("train", 5), tmp_path / "house.obj")
