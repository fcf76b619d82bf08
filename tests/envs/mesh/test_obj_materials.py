"""Material libraries and texture names of OBJ files, in the forms that exporters write them."""

import numpy as np
import pytest
from PIL import Image

from placecell.envs.mesh.loading import load_scene

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nusemtl paper\nf 1/1 2/2 3/3\n"


def scene_of(folder, libraries, texture):
    (folder / "deep").mkdir()
    for place, grey in ((folder, 50), (folder / "deep", 200)):
        Image.fromarray(np.full((2, 2, 3), grey, np.uint8)).save(place / "my image.png")
    (folder / "a.obj").write_text(f"mtllib {libraries}\n{SQUARE}")
    (folder / "m.mtl").write_text(f"newmtl paper\n  map_Kd {texture}\n")
    return load_scene(folder / "a.obj")


@pytest.mark.parametrize(
    ("texture", "grey"),
    [
        ("my image.png", 50),
        ("-s 1 1 1 -clamp on my image.png", 50),
        ("-o 0.5 -mm 0 1 my image.png", 50),
        ("deep/my image.png", 200),
        ("-blendu off deep\\my image.png", 200),
    ],
)
def test_texture_names(tmp_path, texture, grey):
    scene = scene_of(tmp_path, "m.mtl", texture)
    assert scene.materials[scene.face_material[0]].texture == 0
    assert int(np.asarray(scene.textures[0])[0, 0, 0]) == grey


@pytest.mark.parametrize("libraries", ["nowhere.mtl m.mtl", "m.mtl nowhere.mtl", "nowhere.mtl\nmtllib m.mtl"])
def test_several_libraries(tmp_path, libraries, caplog):
    assert len(scene_of(tmp_path, libraries, "my image.png").textures) == 1
    assert "names the material library nowhere.mtl, which is not there" in caplog.text


def test_a_library_with_a_space_in_its_name(tmp_path):
    (tmp_path / "my m.mtl").write_text("newmtl paper\nmap_Kd my image.png\n")
    assert len(scene_of(tmp_path, "my m.mtl", "nothing of this one.png").textures) == 1
