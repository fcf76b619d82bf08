import json
import struct

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.loading import load_scene
from placecell.envs.mesh.renderer import Renderer
from placecell.envs.mesh.shading import light
from placecell.errors import SceneError

CORNERS = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]  # a unit square that faces +z of its file
QUAD = [(0, 1, 2), (0, 2, 3)]
UV = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
TEXTURE = np.zeros((4, 4, 3), np.uint8)
TEXTURE[:2, :2], TEXTURE[:2, 2:], TEXTURE[2:, :2], TEXTURE[2:, 2:] = (200, 0, 0), (0, 200, 0), (0, 0, 200), 99


def square(**looks):
    return trimesh.Trimesh(CORNERS, QUAD, process=False, **looks)


def textured(image=TEXTURE, color=(255, 255, 255, 255)):
    material = PBRMaterial(baseColorTexture=Image.fromarray(image), baseColorFactor=color)
    return square(visual=TextureVisuals(uv=UV, material=material))


def moved(x, y, z):
    return trimesh.transformations.translation_matrix((x, y, z))


def look_at_square(scene, towards=(0, 1, 0)):
    """A 4 x 4 view of the unit square of a y-up file (z-up: x-z plane) that it fills, from the front."""
    camera = Camera(width=4, height=4, hfov_deg=90.0)
    T = np.eye(4)
    T[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    T[:3, 3] = 0.5, -0.5, 0.5
    return Renderer(scene).render(camera, T).rgb.astype(float)


LIT = light(np.array([[0, -1, 0]], np.float32))[0]


def edit_glb(path, edit):
    """Rewrites the JSON header of a .glb in place."""
    content = path.read_bytes()
    size = struct.unpack("<I", content[12:16])[0]
    header = json.loads(content[20 : 20 + size])
    edit(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    rest = content[20 + size :]
    path.write_bytes(
        b"glTF" + struct.pack("<IIII", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest
    )


@pytest.fixture
def house(tmp_path):
    """Two textured squares, one with vertex colours, one plain; nested nodes; categories."""
    colored = square(vertex_colors=np.array([(0, 0, 0, 255)] + [(255, 0, 0, 255)] * 3, np.uint8))
    plain = square(visual=TextureVisuals(material=PBRMaterial(baseColorFactor=(0, 102, 204, 255))))
    scene = trimesh.Scene()
    scene.add_geometry(textured(), node_name="picture", transform=moved(0, 0, 0))
    scene.add_geometry(textured(255 - TEXTURE), node_name="second", transform=moved(5, 0, 0))
    scene.add_geometry(colored, node_name="coloured", transform=moved(0, 2, 0), parent_node_name="second")
    scene.add_geometry(plain, node_name="plain", transform=moved(0, 0, 3))
    path = tmp_path / "house.glb"
    scene.export(path)

    def name(header):
        for node in header["nodes"]:
            if node.get("name") == "second":
                node["extras"] = {"category": "sofa"}
            if node.get("name") == "plain":
                header["meshes"][node["mesh"]]["extras"] = {"category": "bed"}

    edit_glb(path, name)
    return path


def test_glb_with_materials_textures_vertex_colours_and_nested_nodes(house):
    scene = load_scene(house)
    assert len(scene.textures) == 2
    assert scene.categories == ("", "bed", "sofa")
    centres = scene.vertices[scene.faces].mean(1)
    by_place = {}
    for centre, instance, category in zip(centres, scene.instance_id, scene.category_id, strict=True):
        by_place.setdefault((int(instance), scene.categories[category]), []).append(centre.round(2).tolist())
    # The node with a category is one instance with its child; y up became z up: (x, y, z) -> (x, -z, y).
    places = {category: np.mean(points, 0).round(2).tolist() for (_, category), points in by_place.items()}
    assert places == {"": [0.5, 0, 0.5], "sofa": [5.5, 0, 1.5], "bed": [0.5, -3, 0.5]}
    assert sorted(instance for instance, _ in by_place) == [1, 2, 3]
    materials = {material.color for material in scene.materials}
    assert (0.0, 0.4, 0.8) in {tuple(round(c, 3) for c in color) for color in materials}
    assert (scene.vertex_colors == (255, 0, 0)).all(-1).sum() == 3


def test_glb_texture_shows_as_painted(tmp_path):
    path = tmp_path / "picture.glb"
    trimesh.Scene(textured(color=(255, 255, 255, 255))).export(path)
    rgb = look_at_square(load_scene(path))
    np.testing.assert_allclose(rgb[0, 0], np.array([200, 0, 0]) * LIT, atol=1)
    np.testing.assert_allclose(rgb, TEXTURE * LIT, atol=1)


def test_glb_base_colour_multiplies_the_texture(tmp_path):
    path = tmp_path / "picture.glb"
    trimesh.Scene(textured(color=(255, 51, 255, 255))).export(path)
    np.testing.assert_allclose(look_at_square(load_scene(path)), TEXTURE * (1, 0.2, 1) * LIT, atol=1)


def test_texture_transform(tmp_path):
    path = tmp_path / "picture.glb"
    trimesh.Scene(textured()).export(path)

    def shift(header):
        info = header["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        info["extensions"] = {"KHR_texture_transform": {"offset": [0.5, 0.0]}}

    edit_glb(path, shift)
    np.testing.assert_allclose(look_at_square(load_scene(path)), np.roll(TEXTURE, 2, 1) * LIT, atol=1)


def test_normalised_texture_coordinates(tmp_path):
    """The same corners as uint16 of 65535: core glTF, which trimesh hands on undivided."""
    path = tmp_path / "picture.glb"
    trimesh.Scene(textured()).export(path)
    content = path.read_bytes()
    size = struct.unpack("<I", content[12:16])[0]
    header = json.loads(content[20 : 20 + size])
    accessor = header["accessors"][header["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]]
    view = header["bufferViews"][accessor["bufferView"]]
    start = 20 + size + 8 + view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    uv = np.frombuffer(content[start : start + 32], "<f4")
    packed = np.rint(uv * 65535).astype("<u2").tobytes()
    path.write_bytes(content[:start] + packed.ljust(32, b"\0") + content[start + 32 :])

    def narrow(header):
        header["accessors"][header["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]].update(
            componentType=5123, normalized=True
        )

    edit_glb(path, narrow)
    np.testing.assert_allclose(look_at_square(load_scene(path)), TEXTURE * LIT, atol=1)


def test_gltf_with_files_beside_it_is_the_same_scene(tmp_path):
    trimesh.Scene(textured()).export(tmp_path / "a.glb")
    for name, content in trimesh.Scene(textured()).export(file_type="gltf").items():
        (tmp_path / name).write_bytes(content)
    assert load_scene(tmp_path / "a.glb").content_hash == load_scene(tmp_path / "model.gltf").content_hash


def test_rotation_scale_and_matrix_of_nodes(tmp_path):
    path = tmp_path / "a.glb"
    trimesh.Scene(square()).export(path)

    def turn(header):
        node = next(node for node in header["nodes"] if "mesh" in node)
        node.pop("matrix", None)
        half = np.sqrt(0.5)
        node.update(rotation=[0, half, 0, half], scale=[2, 1, 1], translation=[0, 0, 4])

    edit_glb(path, turn)
    corner = load_scene(path).vertices[1]  # (1, 0, 0) -> scaled (2, 0, 0) -> turned about y (0, 0, -2) -> z 2
    np.testing.assert_allclose(corner, [0, -2, 0], atol=1e-6)


OBJ = """mtllib m.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0 0 9
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl paper
f 1/1 2/2 3/3
o table_1
usemtl paper
f 1/1 3/3 4/4
o chair
usemtl red
f 1 2 5
f 2 3 5
"""


def test_obj_objects_materials_and_texture(tmp_path):
    (tmp_path / "a.obj").write_text(OBJ)
    (tmp_path / "m.mtl").write_text("newmtl paper\nmap_Kd my image.png\nnewmtl red\nKd 0.8 0 0.2\n")
    Image.fromarray(TEXTURE).save(tmp_path / "my image.png")
    scene = load_scene(tmp_path / "a.obj")
    assert scene.instance_id.tolist() == [0, 1, 2, 2]
    assert len(scene.textures) == 1
    red = scene.materials[scene.face_material[2]].color
    np.testing.assert_allclose(red, (0.8, 0, 0.2), atol=0.003)
    np.testing.assert_allclose(look_at_square(scene), TEXTURE * LIT, atol=1)


@pytest.mark.parametrize(("up", "expected"), [("auto", [0, -9, 0]), ("y", [0, -9, 0]), ("z", [0, 0, 9])])
def test_up_axis_of_obj(tmp_path, up, expected):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 0 9\nf 1 2 3\n")
    np.testing.assert_allclose(load_scene(tmp_path / "a.obj", up).vertices[2], expected)


def test_obj_whose_material_library_nobody_ships_is_grey(tmp_path, caplog):
    (tmp_path / "a.obj").write_text(OBJ)
    scene = load_scene(tmp_path / "a.obj")
    assert {material.color for material in scene.materials} == {(0.75, 0.75, 0.75)}
    assert "m.mtl, which is not there" in caplog.text


@pytest.mark.parametrize("encoding", ["binary", "ascii"])
def test_ply_with_vertex_colours_is_z_up(tmp_path, encoding):
    colors = np.array([(10, 20, 30, 255)] * 4, np.uint8)
    path = tmp_path / "a.ply"
    path.write_bytes(trimesh.exchange.ply.export_ply(square(vertex_colors=colors), encoding=encoding))
    scene = load_scene(path)
    np.testing.assert_allclose(scene.vertices, CORNERS)
    assert (scene.vertex_colors == (10, 20, 30)).all()
    assert not scene.instance_id.any()
    np.testing.assert_allclose(load_scene(path, "y").vertices[2], [1, 0, 1])


def test_ply_with_face_colours(tmp_path):
    path = tmp_path / "a.ply"
    square(face_colors=np.array([(255, 0, 0, 255), (0, 0, 255, 255)], np.uint8)).export(path)
    scene = load_scene(path)
    assert scene.vertex_colors[scene.faces[0]].tolist() == [[255, 0, 0]] * 3
    assert scene.vertex_colors[scene.faces[1]].tolist() == [[0, 0, 255]] * 3


def test_loading_twice_gives_one_hash(house):
    assert load_scene(house).content_hash == load_scene(house).content_hash


@pytest.mark.parametrize("name", ["a.fbx", "scene"])
def test_unknown_extension_lists_the_known(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SceneError, match=r"ends in one of \.glb, \.gltf, \.obj, \.ply, got .*; convert it"):
        load_scene(tmp_path / name)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(SceneError, match=r"a scene file at .*a\.glb, got no such file; check the path"):
        load_scene(tmp_path / "a.glb")
    (tmp_path / "b.glb").mkdir()
    with pytest.raises(SceneError, match="got a folder; check the path"):
        load_scene(tmp_path / "b.glb")


def test_unknown_up_axis(tmp_path):
    with pytest.raises(SceneError, match="up to be auto, y or z, got 'x'; name the file's up axis"):
        load_scene(tmp_path / "a.glb", "x")


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.9, 0.999])
def test_truncated_glb(house, kept):
    content = house.read_bytes()
    house.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SceneError, match=r"a whole glTF 2 file in .*house\.glb, got .*; copy or download"):
        load_scene(house)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("encoding", ["binary", "ascii"])
def test_truncated_ply(tmp_path, kept, encoding):
    path = tmp_path / "a.ply"
    content = trimesh.exchange.ply.export_ply(trimesh.creation.icosphere(), encoding=encoding)
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SceneError, match=r"a\.ply, got") as caught:
        load_scene(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["v 0 0 0\nv 1 0 0\nv 0 1", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1 2", ""])
def test_truncated_obj(tmp_path, text):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(SceneError, match=r"a\.obj, got"):
        load_scene(tmp_path / "a.obj")


def test_truncated_gltf(tmp_path):
    (tmp_path / "a.gltf").write_text('{"asset": {"version": "2.0"}, "meshes": [')
    with pytest.raises(
        SceneError, match=r"whole glTF 2 file in .*a\.gltf, got a JSON header that breaks off"
    ):
        load_scene(tmp_path / "a.gltf")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_vertices_that_are_no_numbers(tmp_path, value):
    ply = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    ply += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    (tmp_path / "a.ply").write_text(f"{ply}0 0 0\n1 0 {value}\n0 1 0\n3 0 1 2\n")
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nv 1 0 {value}\nv 0 1 0\nf 1 2 3\n")
    broken = square()
    broken.vertices[1, 2] = float(value)
    broken.export(tmp_path / "a.glb")
    for name in ("a.ply", "a.obj", "a.glb"):
        with pytest.raises(SceneError, match=rf"finite vertices in .*{name}, got 1 of \d with NaN"):
            load_scene(tmp_path / name)


def test_no_faces(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    trimesh.PointCloud(np.eye(3)).export(tmp_path / "a.ply")
    trimesh.Scene(trimesh.PointCloud(np.eye(3))).export(tmp_path / "a.glb")
    for name in ("a.ply", "a.obj", "a.glb"):
        with pytest.raises(SceneError, match=rf"triangles in .*{name}, got no faces"):
            load_scene(tmp_path / name)


def test_missing_textures_are_named(tmp_path):
    (tmp_path / "a.obj").write_text(OBJ)
    (tmp_path / "m.mtl").write_text("newmtl paper\nmap_Kd wall paper.png\n")
    with pytest.raises(SceneError, match=r"texture wall paper\.png of .*a\.obj, got no such file; copy it"):
        load_scene(tmp_path / "a.obj")
    for name, content in trimesh.Scene(textured()).export(file_type="gltf").items():
        (tmp_path / name).write_bytes(content)
    header = json.loads((tmp_path / "model.gltf").read_text())
    header["images"] = [{"uri": "floor%20tiles.jpg"}]
    (tmp_path / "model.gltf").write_text(json.dumps(header))
    with pytest.raises(SceneError, match=r"texture floor tiles\.jpg of .*model\.gltf, got no such file"):
        load_scene(tmp_path / "model.gltf")
    ply = "ply\nformat ascii 1.0\ncomment TextureFile gone.png\nelement vertex 0\nend_header\n"
    (tmp_path / "a.ply").write_text(ply)
    with pytest.raises(SceneError, match=r"texture gone\.png of .*a\.ply, got no such file"):
        load_scene(tmp_path / "a.ply")


def test_missing_buffer_is_named(tmp_path):
    content = trimesh.Scene(square()).export(file_type="gltf")["model.gltf"]
    (tmp_path / "model.gltf").write_bytes(content)
    with pytest.raises(SceneError, match=r"the buffer \S+\.bin beside .*, got no such file; copy it"):
        load_scene(tmp_path / "model.gltf")


def test_unused_materials_may_miss_their_texture(tmp_path):
    (tmp_path / "a.obj").write_text("mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl used\nf 1 2 3\n")
    (tmp_path / "m.mtl").write_text("newmtl used\nKd 1 0 0\nnewmtl other\nmap_Kd gone.png\n")
    assert load_scene(tmp_path / "a.obj").materials[0].color == (1.0, 0.0, 0.0)


def test_damaged_texture_is_named(tmp_path):
    (tmp_path / "a.obj").write_text(OBJ)
    (tmp_path / "m.mtl").write_text("newmtl paper\nmap_Kd p.png\n")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)).save(
        tmp_path / "p.png"
    )
    content = (tmp_path / "p.png").read_bytes()
    for damaged in (content[: len(content) // 2], b"no image"):
        (tmp_path / "p.png").write_bytes(damaged)
        with pytest.raises(SceneError, match=r"texture p\.png of .* whole PNG.*cannot be decoded") as caught:
            load_scene(tmp_path / "a.obj")
        assert " at 0x" not in str(caught.value)


@pytest.mark.parametrize("extension", ["KHR_draco_mesh_compression", "KHR_texture_basisu"])
def test_required_extensions_that_are_not_read_are_named(house, extension):
    edit_glb(house, lambda header: header.update(extensionsRequired=[extension]))
    with pytest.raises(SceneError, match=f"cannot be read, got {extension}; convert it once"):
        load_scene(house)


def test_nodes_that_contain_themselves(house):
    def loop(header):
        header["nodes"][0]["children"] = [0]
        header["scenes"][0]["nodes"] = [0]

    edit_glb(house, loop)
    with pytest.raises(SceneError, match=r"house\.glb, got"):
        load_scene(house)
